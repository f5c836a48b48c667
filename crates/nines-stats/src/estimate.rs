//! A number with its interval.

/// A value with its interval, the confidence, the method and the number of units it rests on.
///
/// The field names are those of the product's `Estimate`, so that a caller copies them one by one.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalEstimate {
    /// The point estimate; `None` where the data cannot give one.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// The interval's confidence, such as 0.95.
    pub confidence: f64,
    /// The method; an approximate one says so.
    pub method: String,
    /// How many units it rests on.
    pub n: u64,
}

/// Returns a method with a remark, placed before what the method says in brackets about its own
/// validity, so that this stays at the end.
pub(crate) fn remarked(method: &str, remark: &str) -> String {
    match method.rfind(" (").filter(|_| method.ends_with(')')) {
        Some(at) => format!("{}, {remark}{}", &method[..at], &method[at..]),
        None => format!("{method}, {remark}"),
    }
}
