//! Two filters under attack: the ratio of their rates of finds, and how much attack shows it.

use super::Exposure;
use crate::beta::upper_quantile_logit;
use crate::binomial;
use crate::bisection::first_count;
use crate::error::{StatsError, alpha_of, countable, open_unit};
use crate::estimate::IntervalEstimate;
use crate::gamma::ln_front;
use crate::normal;

/// The ratio of two rates of finds, with a test of whether they are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct RateRatio {
    /// The first rate over the second, with its interval; `n` counts the finds of both.
    pub ratio: IntervalEstimate,
    /// The two-sided p-value of equal rates: twice the smaller exact tail, at most 1. It is below
    /// 1 − confidence exactly when the interval leaves out 1.
    pub p_value: f64,
}

/// Twice the smaller tail of `finds` among `n` when each is the first's with probability `share`.
fn two_sided(finds: u64, n: u64, share: f64) -> Result<f64, StatsError> {
    let least = binomial::cdf(finds, n, share)?.min(binomial::at_least(finds, n, share)?);
    Ok((2.0 * least).min(1.0))
}

/// Returns the first filter's rate of finds over the second's with its exact interval, and the
/// p-value of equal rates.
///
/// Assumes that finds come independently at one constant rate for each filter; attackers that
/// differ, or that attack both filters, need [`super::clustered_rate_ratio`]. Without finds of the
/// second the ratio has no value and its upper end is infinite; without any finds the interval is
/// [0, ∞).
///
/// # Errors
/// [`StatsError::OutOfRange`] unless both times are positive and finite and the confidence lies in
/// (0, 1), or for more than 2⁵³ finds.
///
/// # Example
/// ```
/// use nines_stats::attack_time::{Exposure, rate_ratio};
/// let old = Exposure { finds: 60, time: 780.0 };
/// let new = Exposure { finds: 30, time: 780.0 };
/// let compared = rate_ratio(old, new, 0.95)?;
/// assert_eq!(compared.ratio.value, Some(2.0));
/// assert!((compared.ratio.lower - 1.26989).abs() < 1e-5);
/// assert!((compared.p_value - 0.0020603).abs() < 1e-7);
/// assert!(rate_ratio(old, Exposure { finds: 0, time: -1.0 }, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Przyborowski & Wilenski, "Homogeneity of results in testing samples from Poisson series" (1940):
/// given d₁ + d₂, d₁ is binomial with odds ratio·T₁/T₂; its Clopper-Pearson ends.
pub fn rate_ratio(
    first: Exposure,
    second: Exposure,
    confidence: f64,
) -> Result<RateRatio, StatsError> {
    let (first, second) = (first.checked()?, second.checked()?);
    let tail = alpha_of(confidence)? / 2.0;
    let (d1, d2) = (first.finds as f64, second.finds as f64);
    let odds_to_ratio = second.time / first.time;
    let lower = if first.finds == 0 {
        0.0
    } else {
        // The logit that keeps its digits at either end: lower ends are upper ends of the other.
        (-upper_quantile_logit(tail, d2 + 1.0, d1)).exp() * odds_to_ratio
    };
    let upper = if second.finds == 0 {
        f64::INFINITY
    } else {
        upper_quantile_logit(tail, d1 + 1.0, d2).exp() * odds_to_ratio
    };
    let n = countable(
        "the finds of both filters",
        first.finds.saturating_add(second.finds),
    )?;
    Ok(RateRatio {
        ratio: IntervalEstimate {
            value: (second.finds > 0).then(|| d1 / d2 * odds_to_ratio),
            lower,
            upper,
            confidence,
            method: "ratio of constant rates, conditional binomial (exact, two-sided)".to_owned(),
            n,
        },
        p_value: two_sided(first.finds, n, first.time / (first.time + second.time))?,
    })
}

/// Returns the probability that [`rate_ratio`]'s test calls two rates different at `confidence`,
/// when so many finds are expected of each filter in times of the given ratio (the first's over the
/// second's).
///
/// Exact for independent finds at constant rates; attackers that differ in skill lower it.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless both expectations are positive and at most 50,000, the ratio of
/// times is positive and finite, and the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::attack_time::rate_ratio_power;
/// let power = rate_ratio_power(49.0, 24.5, 1.0, 0.95)?;
/// assert!(power > 0.75 && power < 0.8);
/// assert!(rate_ratio_power(0.0, 24.5, 1.0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// The sum over the Poisson number of finds and their binomial division; Gu, Ng, Tang & Schucany,
/// "Testing the ratio of two Poisson rates" (2008), for its use.
pub fn rate_ratio_power(
    expected_first: f64,
    expected_second: f64,
    time_ratio: f64,
    confidence: f64,
) -> Result<f64, StatsError> {
    let alpha = alpha_of(confidence)?;
    for (what, value) in [
        ("the finds expected of the first filter", expected_first),
        ("the finds expected of the second filter", expected_second),
    ] {
        if !(value > 0.0 && value <= 5e4) {
            return Err(StatsError::OutOfRange {
                what,
                value,
                allowed: "positive and at most 50000",
            });
        }
    }
    let equal = share_of_first(time_ratio)?;
    let mean = expected_first + expected_second;
    let share = expected_first / mean;
    // Beyond ten deviations lies less than 1e-16 of the Poisson distribution.
    let spread = 10.0 * mean.sqrt() + 20.0;
    let (from, to) = ((mean - spread).max(1.0) as u64, (mean + spread) as u64);
    let mut power = 0.0;
    for n in from..=to {
        // All n or none at all are the ends of what can be found.
        let above = first_count(0, n + 1, |k| {
            Ok::<bool, StatsError>(2.0 * binomial::at_least(k, n, equal)? <= alpha)
        })?;
        let none_rejects = 2.0 * binomial::cdf(0, n, equal)? <= alpha;
        let not_below = if none_rejects {
            first_count(0, n, |k| {
                Ok::<bool, StatsError>(2.0 * binomial::cdf(k, n, equal)? > alpha)
            })?
        } else {
            0
        };
        let mut rejects = binomial::at_least(above, n, share)?;
        if not_below > 0 {
            rejects += binomial::cdf(not_below - 1, n, share)?;
        }
        power += ln_front(n as f64, mean, mean.ln()).exp() * rejects;
    }
    Ok(power.min(1.0))
}

/// The first's share of finds at equal rates.
fn share_of_first(time_ratio: f64) -> Result<f64, StatsError> {
    if time_ratio > 0.0 && time_ratio.is_finite() {
        Ok(time_ratio / (1.0 + time_ratio))
    } else {
        Err(StatsError::OutOfRange {
            what: "the ratio of the times of attack",
            value: time_ratio,
            allowed: "positive and finite",
        })
    }
}

/// How many finds of each filter must be expected for a comparison; divide them by the rates for
/// the times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FindsNeeded {
    /// Of the first filter.
    pub first: f64,
    /// Of the second filter.
    pub second: f64,
}

/// Returns how many finds of each filter must be expected so that a ratio of rates is told from 1
/// with the given power, when the first is attacked `time_ratio` times as long as the second.
///
/// Approximate (normal logarithm of the ratio): the exact test's power, [`rate_ratio_power`], is a
/// little lower, and attackers that differ in skill need more.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the ratio of rates is positive, finite and not 1, the ratio of
/// times positive and finite, the confidence in (0, 1) and the power in (0, 1) and above
/// (1 − confidence)/2.
///
/// # Example
/// ```
/// use nines_stats::attack_time::finds_needed;
/// let needed = finds_needed(2.0, 1.0, 0.95, 0.8)?;
/// assert!((needed.first - 49.0).abs() < 0.05 && (needed.second - 24.5).abs() < 0.05);
/// assert!(finds_needed(1.0, 1.0, 0.95, 0.8).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// 1/d₁ + 1/d₂ = (ln ratio / (z_{1−α/2} + z_power))², the variance of a log ratio of Poisson counts.
pub fn finds_needed(
    ratio: f64,
    time_ratio: f64,
    confidence: f64,
    power: f64,
) -> Result<FindsNeeded, StatsError> {
    if !(ratio > 0.0 && ratio.is_finite() && ratio != 1.0) {
        return Err(StatsError::OutOfRange {
            what: "the ratio of rates to detect",
            value: ratio,
            allowed: "positive, finite and not 1",
        });
    }
    share_of_first(time_ratio)?;
    let tail = alpha_of(confidence)? / 2.0;
    let z = normal::quantile(open_unit("the power", power)?)? - normal::quantile(tail)?;
    if z <= 0.0 {
        return Err(StatsError::OutOfRange {
            what: "the power",
            value: power,
            allowed: "above (1 - confidence)/2",
        });
    }
    let finds_ratio = ratio * time_ratio;
    let second = (z / ratio.ln()).powi(2) * (1.0 + 1.0 / finds_ratio);
    Ok(FindsNeeded {
        first: second * finds_ratio,
        second,
    })
}
