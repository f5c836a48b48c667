//! The product's estimate, in a JSON that may hold an unbounded interval.

use super::real;
use nines_domain::estimate::Estimate;
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// An [`Estimate`] whose JSON survives numbers that are not finite: an infinite end is `"inf"` or
/// `"-inf"`, and what is not a number is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Estimated(pub Estimate);

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default, with = "real::optional")]
    value: Option<f64>,
    #[serde(with = "real")]
    lower: f64,
    #[serde(with = "real")]
    upper: f64,
    #[serde(with = "real")]
    confidence: f64,
    method: String,
    n: u64,
}

impl From<Estimate> for Estimated {
    fn from(estimate: Estimate) -> Self {
        Self(estimate)
    }
}

impl Deref for Estimated {
    type Target = Estimate;

    fn deref(&self) -> &Estimate {
        &self.0
    }
}

impl From<Wire> for Estimated {
    fn from(wire: Wire) -> Self {
        Self(Estimate {
            value: wire.value,
            lower: wire.lower,
            upper: wire.upper,
            confidence: wire.confidence,
            method: wire.method,
            n: wire.n,
        })
    }
}

impl From<Estimated> for Wire {
    fn from(Estimated(estimate): Estimated) -> Self {
        Self {
            value: estimate.value,
            lower: estimate.lower,
            upper: estimate.upper,
            confidence: estimate.confidence,
            method: estimate.method,
            n: estimate.n,
        }
    }
}
