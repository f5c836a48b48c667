//! The leak: at one threshold, at many, and on other prompts.

use super::{Basis, Correction, Curve, Estimated, Figure, Labels};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which labels count as the catastrophe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Severity 2 or more: the catastrophe itself.
    #[default]
    Strict,
    /// Any yes, arguable ones too.
    Broad,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Broad => "broad",
        })
    }
}

/// A leak with both of its bounds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Leak {
    /// The estimate whose answers were drawn where the score expects catastrophes.
    pub assisted: Option<Figure>,
    /// The bound that trusts nothing: only its upper end is shown, as one-sided.
    pub assumption_free: Option<Figure>,
}

/// The leak of one reading, by the score of the answers that make it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakCurves {
    /// Which labels count.
    pub reading: Reading,
    /// What it rests on.
    pub basis: Basis,
    /// At `x` = threshold, the model-assisted estimate of P(a request is answered with a catastrophe
    /// whose score is below it): the part of the leak that a filter with that threshold has too.
    pub assisted: Option<Curve>,
    /// At `x` = threshold, the assumption-free bound on the same; only the upper ends are drawn.
    pub assumption_free: Option<Curve>,
}

/// The leak of answers with a score below a threshold, one plot for each reading.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LeakReadings {
    /// The readings.
    pub readings: Vec<LeakCurves>,
}

/// The leak on one distribution of prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistributionLeak {
    /// The prompts.
    pub prompts: String,
    /// The model-assisted estimate.
    pub assisted: Option<Estimated>,
    /// The assumption-free bound; only its upper end is shown.
    pub assumption_free: Option<Estimated>,
    /// The estimate's number in the project.
    pub id: Option<u64>,
    /// Whose labels it rests on.
    pub labels: Labels,
    /// Whether it allows for labels that are wrong.
    pub correction: Correction,
}

/// The leak on several distributions of prompts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LeakByDistribution {
    /// Which labels count.
    pub reading: Reading,
    /// The distributions.
    pub rows: Vec<DistributionLeak>,
}
