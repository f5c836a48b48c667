//! The normal interval: a value plus and minus some standard errors.

use crate::error::{StatsError, alpha_of};
use crate::estimate::IntervalEstimate;
use crate::normal;

/// How many effective failures a normal interval needs before it is worth trusting.
pub(crate) const FAILURES_FOR_NORMAL: f64 = 10.0;

/// Returns the standard error of a variance; `None` where it is no more than the rounding of a value
/// of that scale, so that nothing was spread.
pub(crate) fn standard_error(variance: f64, scale: f64) -> Option<f64> {
    let error = variance.sqrt();
    (error > 1e-13 * scale.abs()).then_some(error)
}

/// Returns value ± z·standard error, cut to `range`; `None` where all of it lies outside the range.
/// `method` must say that it is approximate.
pub(crate) fn interval(
    value: f64,
    standard_error: f64,
    range: (f64, f64),
    confidence: f64,
    method: String,
    n: u64,
) -> Result<Option<IntervalEstimate>, StatsError> {
    let half = -normal::quantile(alpha_of(confidence)? / 2.0)? * standard_error;
    let lower = (value - half).max(range.0);
    let upper = (value + half).min(range.1);
    Ok((lower < upper).then_some(IntervalEstimate {
        value: Some(value),
        lower,
        upper,
        confidence,
        method,
        n,
    }))
}

/// Returns a method's name with the warning that it deserves and how often it covered in simulations.
pub(crate) fn method(name: &str, effective_failures: f64, covered: &str) -> String {
    if effective_failures < FAILURES_FOR_NORMAL {
        format!(
            "{name} (approximate, not to be trusted: {effective_failures:.1} effective failures, {FAILURES_FOR_NORMAL} are needed; {covered})"
        )
    } else {
        format!("{name} (approximate; {covered})")
    }
}

/// Returns (Σx)²/Σx²: how many equal numbers are worth as much; 0 when all are 0.
///
/// Numbers are first divided by the largest, so that their squares neither overflow nor vanish.
pub(crate) fn effective_count(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(0.0, f64::max);
    if largest <= 0.0 {
        return 0.0;
    }
    let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), v| {
        let scaled = v / largest;
        (sum + scaled, squares + scaled * scaled)
    });
    sum * sum / squares
}
