//! The leak from the filter's own answers.

use crate::error::{StatsError, part_of};
use crate::estimate::IntervalEstimate;
use crate::interval::{clopper_pearson, upper_bound};

/// The leak from labelled answers of the filtered system itself.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectLeak {
    /// Catastrophes for each request; an abstention counts as no leak. Exact, two-sided.
    pub per_request: IntervalEstimate,
    /// The exact one-sided upper bound of the same.
    pub per_request_upper: IntervalEstimate,
    /// Catastrophes among answers: larger, when requests end in abstentions.
    pub among_answers: IntervalEstimate,
    /// The share of requests that ended without an answer.
    pub abstention: IntervalEstimate,
}

/// Returns the leak from `requests` independent requests, of which `answers` were answered, every
/// answer was labelled, and `catastrophes` of those are catastrophes.
///
/// Exact, whatever the prompts are like, provided that each request is a fresh prompt of the named
/// distribution: several requests of one prompt are not independent
/// ([`crate::interval::clustered_proportion`]). If only some answers are labelled, use
/// [`crate::stratified::stratified_leak`].
///
/// # Errors
/// [`StatsError::Empty`] without requests, [`StatsError::OutOfRange`] when there are more answers
/// than requests or more catastrophes than answers, or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::leak::direct_leak;
/// let leak = direct_leak(2, 80_000, 100_000, 0.95)?;
/// assert!((leak.per_request_upper.upper - 6.29565840e-5).abs() < 1e-13);
/// assert_eq!(leak.among_answers.value, Some(2.5e-5));
/// assert_eq!(leak.abstention.value, Some(0.2));
/// assert!(direct_leak(2, 100_001, 100_000, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Clopper & Pearson 1934.
pub fn direct_leak(
    catastrophes: u64,
    answers: u64,
    requests: u64,
    confidence: f64,
) -> Result<DirectLeak, StatsError> {
    if requests == 0 {
        return Err(StatsError::Empty { what: "requests" });
    }
    part_of("answers", answers, requests, "at most the requests")?;
    part_of("catastrophes", catastrophes, answers, "at most the answers")?;
    Ok(DirectLeak {
        per_request: clopper_pearson(catastrophes, requests, confidence)?,
        per_request_upper: upper_bound(catastrophes, requests, confidence)?,
        among_answers: clopper_pearson(catastrophes, answers, confidence)?,
        abstention: clopper_pearson(requests - answers, requests, confidence)?,
    })
}
