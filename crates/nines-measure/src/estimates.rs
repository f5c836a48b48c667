//! From the numbers' own type to the product's.

use nines_domain::estimate::Estimate;
use nines_stats::IntervalEstimate;

/// Turns an interval of `nines-stats` into the product's estimate.
pub(crate) fn estimate(interval: IntervalEstimate) -> Estimate {
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
    let number = |x: f64| format!("{:.1}", 100.0 * x);
    let value = estimate.value.map_or_else(|| "?".to_owned(), number);
    format!(
        "{value} % (between {} and {} % with {} % confidence)",
        number(estimate.lower),
        number(estimate.upper),
        chosen_percent(estimate.confidence)
    )
}

/// Writes a share that somebody chose, such as 0.95, as a percentage without the digits that binary
/// fractions leave behind.
pub(crate) fn chosen_percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}
