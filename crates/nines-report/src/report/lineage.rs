//! Where the numbers come from.

use super::Estimated;
use nines_domain::score::Threshold;
use serde::{Deserialize, Serialize};

/// A classifier version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassifierVersion {
    /// Its name.
    pub name: String,
    /// The versions or base models that it was trained from.
    pub parents: Vec<String>,
    /// How many labelled snippets it was trained on.
    pub trained_on: u64,
    /// How many of them are catastrophes.
    pub catastrophes: u64,
    /// How many of them come from attacks.
    pub from_attacks: u64,
    /// The seed.
    pub seed: Option<u64>,
    /// When, as RFC 3339.
    pub created: String,
}

/// How much there is of one kind of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataCount {
    /// What.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// A calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Its number in the project.
    pub id: u64,
    /// The classifier.
    pub classifier: String,
    /// The rule that chose the threshold.
    pub rule: String,
    /// The threshold.
    pub threshold: Threshold,
    /// When, as RFC 3339.
    pub created: String,
}

/// A sampling design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplingDesign {
    /// Its number in the project.
    pub id: u64,
    /// What was sampled, and how.
    pub what: String,
    /// How many items were drawn.
    pub drawn: u64,
    /// The seed.
    pub seed: Option<u64>,
    /// When, as RFC 3339.
    pub created: String,
}

/// An estimate that the project keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EstimateRow {
    /// Its number in the project.
    pub id: u64,
    /// What it is an estimate of.
    pub what: String,
    /// The number.
    pub estimate: Estimated,
    /// The seed, where chance plays a part.
    pub seed: Option<u64>,
    /// When, as RFC 3339.
    pub created: String,
}

/// Where the numbers come from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Lineage {
    /// Classifier versions, the oldest first.
    pub classifiers: Vec<ClassifierVersion>,
    /// What data there is.
    pub data: Vec<DataCount>,
    /// Calibrations.
    pub calibrations: Vec<Calibration>,
    /// Sampling designs.
    pub designs: Vec<SamplingDesign>,
    /// Estimates.
    pub estimates: Vec<EstimateRow>,
}
