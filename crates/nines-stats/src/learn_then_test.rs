//! Thresholds whose risk, or whose risk and quality, keep a limit with a stated confidence, chosen
//! among many on the same calibration data.
//!
//! Each threshold has a hypothesis that it breaks the limit, and a p-value of it. Testing the
//! thresholds in an order fixed beforehand and stopping at the first that cannot be shown to keep the
//! limit needs no correction for their number: the first false one of the order must be passed by
//! mistake for anything to go wrong.
//!
//! The thresholds, their order and the limits must be fixed before the calibration data are seen, and
//! these must not have been used for training or early stopping. Items must be independent and
//! distributed as those that the filter will meet: the guarantee is void under attack.

mod interval;
mod p_value;
#[cfg(test)]
mod tests;

pub use interval::{ThresholdInterval, thresholds_by_pair, thresholds_by_splitting};
pub use p_value::{binomial_p_value, hoeffding_bentkus_p_value};

use crate::error::{StatsError, alpha_of, finite, open_unit};

/// Checks p-values: at least one, all in [0, 1].
fn check_p_values(what: &'static str, p_values: &[f64]) -> Result<(), StatsError> {
    finite(what, p_values)?;
    match p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(index) => Err(StatsError::ItemOutOfRange {
            what,
            index,
            value: p_values[index],
            allowed: "between 0 and 1",
        }),
    }
}

/// Checks thresholds: at least one, rising.
fn check_rising(thresholds: &[f64]) -> Result<(), StatsError> {
    finite("thresholds", thresholds)?;
    match thresholds.windows(2).position(|w| w[0] >= w[1]) {
        None => Ok(()),
        Some(index) => Err(StatsError::ItemOutOfRange {
            what: "thresholds",
            index: index + 1,
            value: thresholds[index + 1],
            allowed: "above the one before: the most conservative comes first",
        }),
    }
}

/// Returns how many hypotheses, from the first on, are rejected before the first that is not.
///
/// With the given confidence none of them is true, whatever the number of hypotheses and however
/// their p-values depend on each other, if the order was fixed beforehand.
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`] or [`StatsError::ItemOutOfRange`] unless there is
/// at least one p-value and all lie in [0, 1], [`StatsError::OutOfRange`] unless the confidence lies in
/// (0, 1).
///
/// # Example
/// ```
/// use nines_stats::learn_then_test::fixed_sequence;
/// assert_eq!(fixed_sequence(&[0.01, 0.04, 0.06, 0.001], 0.95)?, 2);
/// assert!(fixed_sequence(&[0.01, f64::NAN], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Angelopoulos, Bates, Candès, Jordan & Lei, "Learn then test" (2021), arXiv:2110.01052, section
/// on fixed-sequence testing; Bauer (1991).
pub fn fixed_sequence(p_values: &[f64], confidence: f64) -> Result<usize, StatsError> {
    check_p_values("p-values", p_values)?;
    let delta = alpha_of(confidence)?;
    Ok(p_values.iter().take_while(|&&p| p <= delta).count())
}

/// What calibration items show at a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationCount {
    /// Completions are accepted below this score.
    pub threshold: f64,
    /// How many items fail at it.
    pub failures: u64,
}

/// Which thresholds of a sequence keep a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct CertifiedThresholds {
    /// The most permissive threshold certified; `None` when not even the first is.
    pub threshold: Option<f64>,
    /// How many thresholds, from the most conservative on, are certified.
    pub passed: usize,
    /// The p-value of each threshold tested, up to the one that stopped the sequence.
    pub p_values: Vec<f64>,
}

/// Returns the most permissive threshold whose failure probability is at most `max_risk` with the
/// given confidence: exact binomial tests from the most conservative threshold on, up to the first
/// that does not pass.
///
/// All thresholds share the same `n` independent items. A failure of an item is whatever the limit is
/// about, such as a catastrophe accepted. For the leak of the filtered system, whose items weigh
/// differently, take the loss A·Y·min(K, N)/N with K draws until acceptance and the cap N, a limit that
/// is divided by N as well, and [`hoeffding_bentkus_p_value`] with [`fixed_sequence`].
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`] or [`StatsError::ItemOutOfRange`] unless there are
/// thresholds, finite and rising, with at most n failures; [`StatsError::TooFew`] when n is too small
/// for any threshold to pass, even without a failure; [`StatsError::OutOfRange`] unless the limit and
/// the confidence lie in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::learn_then_test::{CalibrationCount, certify};
/// let counts: Vec<CalibrationCount> = [(-2.0, 1), (-1.0, 3), (0.0, 4), (1.0, 5), (2.0, 5)]
///     .map(|(threshold, failures)| CalibrationCount { threshold, failures })
///     .to_vec();
/// let certified = certify(&counts, 2000, 0.005, 0.95)?;
/// assert_eq!((certified.threshold, certified.passed), (Some(0.0), 3));
/// let error = certify(&counts, 500, 0.005, 0.95).unwrap_err();
/// assert!(error.to_string().contains("at least 598"), "{error}");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Angelopoulos et al. (2021), with the exact binomial p-value for losses of 0 or 1.
pub fn certify(
    counts: &[CalibrationCount],
    n: u64,
    max_risk: f64,
    confidence: f64,
) -> Result<CertifiedThresholds, StatsError> {
    let thresholds: Vec<f64> = counts.iter().map(|c| c.threshold).collect();
    check_rising(&thresholds)?;
    open_unit("the risk allowed", max_risk)?;
    let delta = alpha_of(confidence)?;
    if let Some(index) = counts.iter().position(|c| c.failures > n) {
        return Err(StatsError::ItemOutOfRange {
            what: "failures at a threshold",
            index,
            value: counts[index].failures as f64,
            allowed: "at most the number of calibration items",
        });
    }
    let needed = crate::interval::trials_needed(max_risk, 0, confidence)?;
    if n < needed {
        return Err(StatsError::TooFew {
            what: "calibration items that could certify this risk",
            have: n,
            needed,
        });
    }
    let mut p_values = Vec::new();
    for count in counts {
        let p = binomial_p_value(count.failures, n, max_risk)?;
        p_values.push(p);
        if p > delta {
            break;
        }
    }
    let passed = p_values.iter().filter(|&&p| p <= delta).count();
    Ok(CertifiedThresholds {
        threshold: passed.checked_sub(1).map(|last| thresholds[last]),
        passed,
        p_values,
    })
}
