//! Failure modes that nobody has found yet: modes as species, finds as individuals.
//!
//! The *modes* must be fixed before counting (clusters frozen); report how the numbers change with
//! the clustering. Attackers who copy each other find the same modes, and then every estimate here
//! is too low. When the filter changes, the counts start again.

mod capture_recapture;
#[cfg(test)]
mod tests;

pub use capture_recapture::{CaptureRecapture, capture_recapture, capture_recapture_exact};

use crate::error::{StatsError, above_zero, alpha_of};
use crate::estimate::IntervalEstimate;
use crate::gamma::poisson_mean_ends;
use crate::normal;

/// How many failure modes were found once, twice, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeFrequencies {
    /// At index i, how many modes were found i + 1 times.
    frequencies: Vec<u64>,
    modes: u64,
    finds: u64,
}

impl ModeFrequencies {
    /// Counts frequencies from how often each mode was found; modes never found (0) are left out.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without any find, [`StatsError::ItemOutOfRange`] for a mode with more
    /// than 10⁷ finds.
    ///
    /// # Example
    /// ```
    /// use nines_stats::species::ModeFrequencies;
    /// let found = ModeFrequencies::from_counts(&[3, 1, 1, 0])?;
    /// assert_eq!((found.modes(), found.finds(), found.found_times(1)), (3, 5, 2));
    /// assert!(ModeFrequencies::from_counts(&[0, 0]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn from_counts(counts: &[u64]) -> Result<Self, StatsError> {
        let mut frequencies = Vec::new();
        for (index, &count) in counts.iter().enumerate() {
            if count > 10_000_000 {
                return Err(StatsError::ItemOutOfRange {
                    what: "finds of a failure mode",
                    index,
                    value: count as f64,
                    allowed: "at most 10000000",
                });
            }
            if let Some(last) = (count as usize).checked_sub(1) {
                if frequencies.len() <= last {
                    frequencies.resize(last + 1, 0);
                }
                frequencies[last] += 1;
            }
        }
        Self::from_frequencies(&frequencies)
    }

    /// Takes frequencies: how many modes were found once, twice, and so on.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without any find, [`StatsError::OutOfRange`] for more than 10¹⁰ finds.
    ///
    /// # Example
    /// ```
    /// use nines_stats::species::ModeFrequencies;
    /// let found = ModeFrequencies::from_frequencies(&[2, 0, 1])?;
    /// assert_eq!(found, ModeFrequencies::from_counts(&[1, 3, 1])?);
    /// assert!(ModeFrequencies::from_frequencies(&[]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn from_frequencies(frequencies: &[u64]) -> Result<Self, StatsError> {
        let (mut modes, mut finds) = (0.0, 0.0);
        for (index, &f) in frequencies.iter().enumerate() {
            modes += f as f64;
            finds += (index as f64 + 1.0) * f as f64;
        }
        if finds == 0.0 {
            return Err(StatsError::Empty {
                what: "finds of failure modes",
            });
        }
        if finds > 1e10 {
            return Err(StatsError::OutOfRange {
                what: "the number of finds",
                value: finds,
                allowed: "at most 1e10",
            });
        }
        let used = frequencies
            .iter()
            .rposition(|&f| f > 0)
            .map_or(0, |i| i + 1);
        Ok(Self {
            frequencies: frequencies[..used].to_vec(),
            modes: modes as u64,
            finds: finds as u64,
        })
    }

    /// Returns how many different modes were found.
    pub fn modes(&self) -> u64 {
        self.modes
    }

    /// Returns how many finds there are.
    pub fn finds(&self) -> u64 {
        self.finds
    }

    /// Returns how many modes were found exactly `times` times, which must be at least 1; 0 for 0,
    /// because nobody knows.
    pub fn found_times(&self, times: usize) -> u64 {
        times
            .checked_sub(1)
            .and_then(|index| self.frequencies.get(index))
            .copied()
            .unwrap_or(0)
    }

    fn once_and_twice(&self) -> (f64, f64) {
        (self.found_times(1) as f64, self.found_times(2) as f64)
    }
}

/// Returns the probability that the next find is of a mode not found yet, with an interval; `n`
/// counts the finds.
///
/// Assumes that finds are independent draws from one distribution over modes. Approximate, and says
/// so; [`unseen_mass_bound`] is not.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::species::{ModeFrequencies, unseen_mass};
/// let found = ModeFrequencies::from_frequencies(&[12, 5, 4, 3, 2, 1, 1, 1, 1])?;
/// let mass = unseen_mass(&found, 0.95)?;
/// assert!((mass.value.unwrap() - 0.1395348837).abs() < 1e-10);
/// assert!(unseen_mass(&found, 1.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Good, "The population frequencies of species" (1953): f₁/n; Esty, "A normal limit law for a
/// nonparametric estimator of the coverage of a random sample" (1983), for the interval, joined
/// with the Poisson interval of f₁ so that it is not certain when no mode was found once.
pub fn unseen_mass(
    found: &ModeFrequencies,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let tail = alpha_of(confidence)? / 2.0;
    let n = found.finds as f64;
    let (once, twice) = found.once_and_twice();
    let value = once / n;
    let half = -normal::quantile(tail)? * (once * (1.0 - value) + 2.0 * twice).sqrt() / n;
    let (fewest, most) = poisson_mean_ends(once, tail)?;
    Ok(IntervalEstimate {
        value: Some(value),
        lower: (value - half).min(fewest / n).max(0.0),
        upper: (value + half).max(most / n).min(1.0),
        confidence,
        method: "Good-Turing, Esty's normal and Poisson limits (approximate; 0.91 of 0.95 when nearly all are found, else 0.94 to 0.95)".to_owned(),
        n: found.finds,
    })
}

/// Returns the one-sided interval [0, upper] of the probability that the next find is of a mode not
/// found yet, without any approximation; `n` counts the finds.
///
/// Assumes independent draws, and nothing else. It says nothing (the upper end is 1) or next to
/// nothing below a few thousand finds.
///
/// # Errors
/// As [`unseen_mass`].
///
/// # Example
/// ```
/// use nines_stats::species::{ModeFrequencies, unseen_mass_bound};
/// let few = ModeFrequencies::from_counts(&[20, 20])?;
/// assert_eq!(unseen_mass_bound(&few, 0.95)?.upper, 1.0);
/// let many = ModeFrequencies::from_counts(&[50_000, 50_000])?;
/// assert!(unseen_mass_bound(&many, 0.95)?.upper < 0.03);
/// assert!(unseen_mass_bound(&many, 0.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// McAllester & Schapire, "On the convergence rate of Good-Turing estimators" (2000):
/// f₁/n + (2√2 + √3)·√(ln(3/δ)/n).
pub fn unseen_mass_bound(
    found: &ModeFrequencies,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let delta = alpha_of(confidence)?;
    let n = found.finds as f64;
    let value = found.found_times(1) as f64 / n;
    let slack = (2.0 * 2f64.sqrt() + 3f64.sqrt()) * ((3.0 / delta).ln() / n).sqrt();
    Ok(IntervalEstimate {
        value: Some(value),
        lower: 0.0,
        upper: (value + slack).min(1.0),
        confidence,
        method: "Good-Turing, McAllester-Schapire (one-sided upper, any distribution)".to_owned(),
        n: found.finds,
    })
}

/// Returns the share of the next finds that will be of known modes, as Chao and Jost refine one
/// minus Good and Turing's f₁/n. An estimate without its interval: [`unseen_mass`] has one for the
/// rest of it.
///
/// Assumes independent draws.
///
/// # Example
/// ```
/// use nines_stats::species::{ModeFrequencies, coverage};
/// let found = ModeFrequencies::from_frequencies(&[12, 5, 4, 3, 2, 1, 1, 1, 1])?;
/// assert!((coverage(&found) - 0.8618198238).abs() < 1e-10);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Chao & Jost, "Coverage-based rarefaction and extrapolation" (2012), eq. 4a; without modes found
/// twice, (f₁ − 1)/2 takes the place of f₁/(2f₂).
pub fn coverage(found: &ModeFrequencies) -> f64 {
    let n = found.finds as f64;
    let (once, twice) = found.once_and_twice();
    if once == 0.0 {
        return 1.0;
    }
    let rest = if twice > 0.0 {
        (n - 1.0) * once / ((n - 1.0) * once + 2.0 * twice)
    } else {
        (n - 1.0) * (once - 1.0) / ((n - 1.0) * (once - 1.0) + 2.0)
    };
    1.0 - once / n * rest
}

/// Which form of Chao's estimator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chao1 {
    /// f₁²/(2f₂); the bias-corrected form takes its place when no mode was found twice.
    Classic,
    /// f₁(f₁−1)/(2(f₂+1)).
    BiasCorrected,
}

/// A number of modes with its variance.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeNumber {
    /// How many modes there are at least, found or not, with its interval; `n` counts the finds.
    pub estimate: IntervalEstimate,
    /// The variance of the estimate.
    pub variance: f64,
}

/// Returns a lower bound, in expectation, on how many modes there are, found or not, with a
/// log-normal interval.
///
/// Assumes independent draws. The interval is approximate and is one for that lower bound: many
/// modes that are all rare stay unnoticed, so no number here says that all modes are known. In
/// simulations of 50 modes the interval at 0.95 held their number in 0.92 of experiments (classic; 0.935
/// bias-corrected) when about 40 were found, but in 0.56 (0.85) when nearly all were, and in 0.40 (0.16)
/// when many modes are very rare.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::species::{Chao1, ModeFrequencies, mode_number};
/// let found = ModeFrequencies::from_frequencies(&[12, 5, 4, 3, 2, 1, 1, 1, 1])?;
/// let modes = mode_number(&found, Chao1::Classic, 0.95)?;
/// assert!((modes.estimate.value.unwrap() - 44.2325581).abs() < 1e-7);
/// assert!(mode_number(&found, Chao1::Classic, 0.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Chao, "Nonparametric estimation of the number of classes in a population" (1984); the interval:
/// Chao 1987; the variances: Colwell, "EstimateS" (2013), appendix B.
pub fn mode_number(
    found: &ModeFrequencies,
    form: Chao1,
    confidence: f64,
) -> Result<ModeNumber, StatsError> {
    let tail = alpha_of(confidence)? / 2.0;
    let z = -normal::quantile(tail)?;
    let (n, modes) = (found.finds as f64, found.modes as f64);
    let (once, twice) = found.once_and_twice();
    let a = (n - 1.0) / n;
    let classic = form == Chao1::Classic && twice > 0.0;
    let (unseen, mut variance) = if classic {
        let r = once / twice;
        let terms = 0.5 * a * r.powi(2) + a * a * r.powi(3) + 0.25 * a * a * r.powi(4);
        (a * once * r / 2.0, twice * terms)
    } else {
        let unseen = a * once * (once - 1.0) / (2.0 * (twice + 1.0));
        let square = (a / (2.0 * (twice + 1.0))).powi(2);
        let mut variance = unseen + square * once * (2.0 * once - 1.0).powi(2);
        if twice > 0.0 {
            variance += square * (once * (once - 1.0) / (twice + 1.0)).powi(2) * twice;
        } else {
            variance -= a * a * once.powi(4) / (4.0 * (modes + unseen));
        }
        (unseen, variance)
    };
    let (lower, upper) = if unseen > 0.0 && variance > 0.0 {
        let factor = (z * (variance / unseen.powi(2)).ln_1p().sqrt()).exp();
        (modes + unseen / factor, modes + unseen * factor)
    } else {
        // Nothing unseen is inferred: how many modes as common as those found would be missed.
        let missed = (-n / modes).exp();
        variance = modes * missed * (1.0 - missed);
        let upper = (modes + z * variance.sqrt()) / (1.0 - missed);
        // However often each was found, one more that is rare is never ruled out.
        (modes, upper.max(modes + 1.0))
    };
    let (name, covered) = if classic {
        (
            "Chao1",
            "0.92 with a fifth unseen, 0.56 when nearly all are found, 0.4 when many are very rare",
        )
    } else {
        (
            "bias-corrected Chao1",
            "0.93 with a fifth unseen, 0.85 when nearly all are found, 0.16 when many are very rare",
        )
    };
    Ok(ModeNumber {
        estimate: IntervalEstimate {
            value: Some(modes + unseen),
            lower,
            upper,
            confidence,
            method: format!(
                "{name}, a lower bound on the modes, log-normal (approximate; of 0.95: {covered})"
            ),
            n: found.finds,
        },
        variance,
    })
}

/// Returns how many new modes `more` times as many finds again would show, with an interval; `n`
/// counts the finds.
///
/// Assumes independent draws as before. The interval is one for the number that will be found, not
/// for its mean; approximate, and says so. Beyond as many finds again (`more` > 1) the series is
/// useless, and an error.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `more` lies in (0, 1] and the confidence in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::species::{ModeFrequencies, new_modes};
/// let found = ModeFrequencies::from_frequencies(&[12, 5, 4, 3, 2, 1, 1, 1, 1])?;
/// assert!((new_modes(&found, 1.0, 0.95)?.value.unwrap() - 10.0).abs() < 1e-12);
/// assert!(new_modes(&found, 2.0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Good & Toulmin 1956: −Σ(−t)ⁱfᵢ; Efron & Thisted, "Estimating the number of unseen species: how
/// many words did Shakespeare know?" (1976), for its variance Σt²ⁱfᵢ.
pub fn new_modes(
    found: &ModeFrequencies,
    more: f64,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    above_zero("the finds to come as a multiple of those made", more)?;
    let tail = alpha_of(confidence)? / 2.0;
    let (mut power, mut value, mut variance) = (-1.0, 0.0, 0.0);
    for &f in &found.frequencies {
        power *= -more;
        value += power * f as f64;
        variance += power * power * f as f64;
    }
    let value = value.max(0.0);
    // Of each mode exactly one of "found i times" and "new" can be true, so that the variance of the
    // difference is the sum of squares: the estimate's, and the number of new modes itself.
    let half = -normal::quantile(tail)? * (variance + value).sqrt();
    // Where nothing was found once: as many as the unseen mass may then be, in as many finds.
    let unseen = more * poisson_mean_ends(0.0, tail)?.1;
    Ok(IntervalEstimate {
        value: Some(value),
        lower: (value - half).max(0.0),
        upper: (value + half).max(unseen),
        confidence,
        method: "Good-Toulmin, normal limits (approximate; 0.95 to 0.99 of 0.95 in simulations)"
            .to_owned(),
        n: found.finds,
    })
}
