//! Estimates as the API writes them.

use serde::Serialize;
use utoipa::ToSchema;

/// A number with its interval, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// The point estimate; null where the data cannot give one.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval; null where none is claimed.
    pub upper: Option<f64>,
    /// The interval's confidence, such as 0.95.
    pub confidence: f64,
    /// The method, with its version; approximate methods say so.
    pub method: String,
    /// How many independent units (prompts, answers, labels) it rests on.
    pub n: u64,
}

impl From<nines_domain::estimate::Estimate> for Estimate {
    fn from(estimate: nines_domain::estimate::Estimate) -> Self {
        Self {
            value: estimate.value.filter(|value| value.is_finite()),
            lower: estimate.lower,
            upper: Some(estimate.upper).filter(|upper| upper.is_finite()),
            confidence: estimate.confidence,
            method: estimate.method,
            n: estimate.n,
        }
    }
}
