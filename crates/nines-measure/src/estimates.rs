//! From the numbers' own type to the product's.

use nines_domain::estimate::Estimate;
use nines_stats::IntervalEstimate;

/// Turns an interval of `nines-stats` into the product's estimate.
pub fn estimate(interval: IntervalEstimate) -> Estimate {
    Estimate {
        value: interval.value,
        lower: interval.lower,
        upper: interval.upper,
        confidence: interval.confidence,
        method: interval.method,
        n: interval.n,
    }
}

/// Formats a share as a percentage with its interval.
pub(crate) fn percent(estimate: &Estimate) -> String {
    let [value, lower, upper] = estimate.decimal(100.0, 1);
    format!(
        "{value} % (between {lower} and {upper} % with {} % confidence)",
        chosen_percent(estimate.confidence)
    )
}

/// Writes a share that somebody chose, such as 0.95, as a percentage without the digits that binary
/// fractions leave behind.
pub(crate) fn chosen_percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}
