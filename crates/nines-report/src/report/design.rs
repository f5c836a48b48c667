//! The strata that the leak was labelled in.

use super::{Estimated, real};
use serde::{Deserialize, Serialize};

/// Answers with scores in one range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// Its lower end as a logit.
    #[serde(with = "real")]
    pub lower: f64,
    /// Its upper end as a logit.
    #[serde(with = "real")]
    pub upper: f64,
    /// The share of the frame that lies in it.
    #[serde(with = "real")]
    pub share: f64,
    /// How many were drawn.
    pub drawn: u64,
    /// How many of those are labelled.
    pub labelled: u64,
    /// How many of those are catastrophes.
    pub catastrophes: u64,
    /// The share of catastrophes in it.
    pub rate: Option<Estimated>,
}

/// What labelling some more is expected to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextLabels {
    /// The stratum, counted from 1; `None` for all of them, in proportion to their shares.
    #[serde(default)]
    pub stratum: Option<usize>,
    /// How many more labels.
    pub labels: u64,
    /// Which bound it narrows, such as `assumption-free upper bound (strict)`.
    pub bound: String,
    /// The bound now.
    #[serde(with = "real")]
    pub now: f64,
    /// The bound expected then.
    #[serde(with = "real")]
    pub then: f64,
}

/// A stratified design and how far it has been labelled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Design {
    /// The design's number in the project.
    pub id: Option<u64>,
    /// What was sampled from, such as `answers of the filter to 10,000 requests`.
    pub frame: String,
    /// How many items the frame has.
    pub frame_size: u64,
    /// The strata, by rising score.
    pub strata: Vec<Stratum>,
    /// What to label next, the best first.
    pub next: Vec<NextLabels>,
}
