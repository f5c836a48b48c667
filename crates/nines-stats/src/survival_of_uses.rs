//! What clean trials promise for the next uses: predictions under a prior, and bounds without one.
//!
//! A prediction averages over failure rates by a prior, and is as good as the prior: with as many
//! uses to come as trials were clean it says 71 % under Jeffreys' prior and 50 % under Laplace's. A
//! bound assumes nothing about the rate and says much less: [`survival_at_least`].

use crate::beta::ln_gamma_half_step;
use crate::error::{StatsError, alpha_of, part_of};
use crate::estimate::IntervalEstimate;
use crate::interval;
use crate::reliability::rate_for_survival;

/// Which failure rates are thought likely before any trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prior {
    /// Beta(½, ½).
    Jeffreys,
    /// Uniform, Beta(1, 1): the rule of succession.
    Laplace,
}

/// Returns the predictive probability that the next `uses` all go well after `failures` in `trials`
/// independent trials, under a prior.
///
/// Assumes that the uses are like the trials: the same distribution of prompts, nobody attacking. It is
/// a prediction, not a guarantee; with few failures it depends on the prior, so show both. Takes time in
/// proportion to the failures.
///
/// # Errors
/// [`StatsError::OutOfRange`] when there are more failures than trials, or more than 10⁸.
///
/// # Example
/// ```
/// use nines_stats::survival_of_uses::{Prior, predicted_survival};
/// let jeffreys = predicted_survival(0, 30_000, 1_000_000, Prior::Jeffreys)?;
/// assert!((jeffreys - 0.17066473).abs() < 1e-8);
/// let laplace = predicted_survival(0, 30_000, 1_000_000, Prior::Laplace)?;
/// assert!((laplace - 30_001.0 / 1_030_001.0).abs() < 1e-15);
/// assert!(predicted_survival(2, 1, 10, Prior::Laplace).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// B(a+k, b+n−k+M)/B(a+k, b+n−k) for the prior Beta(a, b): beta-binomial (Gelman et al., *Bayesian
/// Data Analysis*, section 2.4).
pub fn predicted_survival(
    failures: u64,
    trials: u64,
    uses: u64,
    prior: Prior,
) -> Result<f64, StatsError> {
    part_of(
        "the number of failures",
        failures,
        trials,
        "at most the number of trials",
    )?;
    // One step for each: more would take minutes.
    part_of(
        "the number of failures",
        failures,
        100_000_000,
        "at most 10^8",
    )?;
    let (clean, uses) = ((trials - failures) as f64, uses as f64);
    // A ratio of gamma functions, k + ½ or k + 1 steps apart, is half a step times whole steps.
    let (start, steps, half_step) = match prior {
        Prior::Jeffreys => (
            clean + 1.0,
            failures,
            ln_gamma_half_step(clean + uses) - ln_gamma_half_step(clean),
        ),
        Prior::Laplace => (clean + 1.0, failures + 1, 0.0),
    };
    let whole_steps: f64 = (0..steps)
        .map(|j| (uses / (start + j as f64)).ln_1p())
        .sum();
    Ok((half_step - whole_steps).exp())
}

/// Returns the one-sided bound of the probability that the next `uses` all go well: with the given
/// confidence it is at least `lower`.
///
/// Its value is what the failure rate seen would give, which without failures is 1 and means little.
///
/// # Errors
/// [`StatsError::OutOfRange`] when there are more failures than trials or the confidence is not in
/// (0, 1).
///
/// # Example
/// ```
/// use nines_stats::survival_of_uses::survival_at_least;
/// let e = survival_at_least(0, 30_000, 10_000, 0.95)?;
/// assert!((e.lower - 0.05f64.powf(1.0 / 3.0)).abs() < 1e-12);
/// assert!(survival_at_least(3, 2, 10, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// (1 − p)^M at the Clopper-Pearson upper bound of p.
pub fn survival_at_least(
    failures: u64,
    trials: u64,
    uses: u64,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let rate = interval::upper_bound(failures, trials, confidence)?;
    let all_well = |p: f64| {
        if uses == 0 {
            1.0
        } else {
            (uses as f64 * (-p).ln_1p()).exp()
        }
    };
    Ok(IntervalEstimate {
        value: rate.value.map(all_well),
        lower: all_well(rate.upper),
        upper: 1.0,
        confidence,
        method: format!("survival of {uses} uses from Clopper-Pearson (exact, one-sided lower)"),
        n: trials,
    })
}

/// Returns how many trials, with at most `failures` failures, show with the given confidence that
/// `uses` uses all go well with probability at least `chance`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless chance and confidence lie in (0, 1) and there is at least one
/// use, or when more than 2⁵³ trials would be needed.
///
/// # Example
/// ```
/// use nines_stats::survival_of_uses::trials_for_survival;
/// // About 58 clean trials for each use, whatever their number.
/// assert_eq!(trials_for_survival(0.95, 1, 0, 0.95)?, 59);
/// assert_eq!(trials_for_survival(0.95, 1000, 0, 0.95)?, 58_404);
/// assert!(trials_for_survival(0.95, 0, 0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Trials that show p ≤ 1 − chance^{1/M}.
pub fn trials_for_survival(
    chance: f64,
    uses: u64,
    failures: u64,
    confidence: f64,
) -> Result<u64, StatsError> {
    alpha_of(confidence)?;
    let rate = rate_for_survival(chance, uses as f64)?;
    interval::trials_needed(rate, failures, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reliability::{clean_again, nines};

    #[test]
    fn predictions_match_the_published_numbers() {
        let near = |got: f64, want: f64, tolerance: f64| {
            assert!((got - want).abs() <= tolerance, "{got}, not {want}");
        };
        let of = |uses, prior| predicted_survival(0, 30_000, uses, prior).unwrap();
        near(of(30_000, Prior::Jeffreys), 0.70710825, 5e-9);
        near(of(1_000_000, Prior::Jeffreys), 0.17066473, 5e-9);
        near(of(30_000, Prior::Laplace), 0.5, 5e-5);
        near(of(1_000_000, Prior::Laplace), 0.0291, 5e-5);
        near(rate_for_survival(0.95, 1e6).unwrap(), 5.1293e-8, 5e-13);
        for (k, n, lower) in [
            (0, 30_000, 4.0006),
            (3, 100_000, 4.1105),
            (2, 100_000, 4.2010),
        ] {
            near(nines(k, n, 0.95).unwrap().lower, lower, 5e-5);
        }
        for (k, point) in [(3, 4.5229), (2, 4.6990)] {
            near(nines(k, 100_000, 0.95).unwrap().point.unwrap(), point, 5e-5);
        }
    }

    #[test]
    fn without_failures_jeffreys_is_clean_again() {
        for (n, uses) in [(0, 1), (5, 7), (30_000, 1_000_000)] {
            let predicted = predicted_survival(0, n, uses, Prior::Jeffreys).unwrap();
            assert_eq!(predicted, clean_again(n, uses));
        }
    }

    #[test]
    fn predictions_come_true_as_often_as_the_prior_says() {
        // With a uniform prior every number of failures among n is as likely, and m further uses survive
        // with probability 1/(m + 1).
        for (n, uses) in [(1, 1), (12, 5), (200, 1000)] {
            let mean = (0..=n)
                .map(|k| predicted_survival(k, n, uses, Prior::Laplace).unwrap())
                .sum::<f64>()
                / (n + 1) as f64;
            let expected = 1.0 / (uses + 1) as f64;
            assert!((mean / expected - 1.0).abs() < 1e-12, "{n} {uses}: {mean}");
        }
    }

    #[test]
    fn predictions_chain() {
        // Surviving two uses is surviving one, then one more after n + 1 trials.
        for prior in [Prior::Jeffreys, Prior::Laplace] {
            for (k, n) in [(0, 4), (2, 9), (9, 9), (40, 1000)] {
                let both = predicted_survival(k, n, 2, prior).unwrap();
                let first = predicted_survival(k, n, 1, prior).unwrap();
                let second = predicted_survival(k, n + 1, 1, prior).unwrap();
                assert!((both - first * second).abs() < 1e-14);
                let (a, b) = match prior {
                    Prior::Jeffreys => (0.5, 0.5),
                    Prior::Laplace => (1.0, 1.0),
                };
                let want = (b + (n - k) as f64) / (a + b + n as f64);
                assert!((first - want).abs() < 1e-14, "{prior:?} {k}/{n}: {first}");
            }
            assert_eq!(predicted_survival(3, 10, 0, prior).unwrap(), 1.0);
        }
    }

    #[test]
    fn bounds_and_plans_agree() {
        for (uses, failures) in [(1, 0), (1000, 0), (1000, 3)] {
            let n = trials_for_survival(0.9, uses, failures, 0.95).unwrap();
            let at = |n| survival_at_least(failures, n, uses, 0.95).unwrap().lower;
            assert!(at(n) >= 0.9 - 1e-12 && at(n - 1) < 0.9);
        }
        let nothing = survival_at_least(0, 0, 5, 0.95).unwrap();
        assert_eq!((nothing.value, nothing.lower), (None, 0.0));
        assert_eq!(survival_at_least(0, 0, 0, 0.95).unwrap().lower, 1.0);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(predicted_survival(2, 1, 1, Prior::Jeffreys).is_err());
        assert!(survival_at_least(0, 10, 1, 1.0).is_err());
        assert!(trials_for_survival(1.0, 10, 0, 0.95).is_err());
        assert!(trials_for_survival(0.9, 10, 0, f64::NAN).is_err());
    }
}
