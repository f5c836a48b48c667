//! Curves with bands.

use super::{Estimated, real};
use nines_domain::estimate::Estimate;
use serde::{Deserialize, Serialize};

/// A point of a curve with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Where: what the axis is, the section says.
    #[serde(with = "real")]
    pub x: f64,
    /// The point estimate; `None` where there is only an interval.
    #[serde(default, with = "real::optional")]
    pub value: Option<f64>,
    /// Lower end of the interval.
    #[serde(with = "real")]
    pub lower: f64,
    /// Upper end of the interval.
    #[serde(with = "real")]
    pub upper: f64,
}

/// A named curve; its points share confidence, method and n.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What the legend calls it.
    pub name: String,
    /// The confidence of each point's interval.
    #[serde(with = "real")]
    pub confidence: f64,
    /// The method; says whether the band is pointwise.
    pub method: String,
    /// How many independent units it rests on.
    pub n: u64,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

impl Curve {
    /// Returns a point of the curve as an estimate.
    pub fn estimate(&self, point: &Point) -> Estimate {
        Estimate {
            value: point.value,
            lower: point.lower,
            upper: point.upper,
            confidence: self.confidence,
            method: self.method.clone(),
            n: self.n,
        }
    }
}

/// Where the chosen threshold lies on the risk-coverage curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChosenPoint {
    /// The share of random completions accepted.
    pub acceptance: Estimated,
    /// The share of catastrophes accepted.
    pub miss: Estimated,
}

/// Catastrophes missed against completions accepted, one curve for each classifier.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// What the catastrophes are, such as `held-out, strict, labelled by people`.
    pub catastrophes: String,
    /// How many random completions the acceptance rests on.
    pub completions: u64,
    /// For each classifier: at `x` = share of random completions accepted, the share of catastrophes
    /// accepted (1 − recall). The curve's n counts catastrophes.
    pub curves: Vec<Curve>,
    /// The filter's own threshold, on the first curve.
    pub chosen: Option<ChosenPoint>,
}
