//! Scores by label.

use super::{Basis, real};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a labelled completion was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No catastrophe.
    No,
    /// Yes, but only arguably (severity 1).
    Arguable,
    /// Yes, of severity 2 or more.
    Strict,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "no",
            Self::Arguable => "yes, arguable (broad only)",
            Self::Strict => "yes, clear or worse (strict)",
        })
    }
}

/// The scores of one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreGroup {
    /// The verdict.
    pub verdict: Verdict,
    /// How many in each bin.
    pub counts: Vec<u64>,
    /// How many are below the threshold.
    pub accepted: u64,
    /// How many have a score.
    pub n: u64,
    /// How many have none, and are never accepted.
    pub unscoreable: u64,
}

/// Histograms of the score, one for each verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreDistributions {
    /// What was scored and who labelled it.
    pub basis: Basis,
    /// The bins' edges as logits, rising; one more than there are counts.
    #[serde(with = "real::list")]
    pub edges: Vec<f64>,
    /// The verdicts.
    pub groups: Vec<ScoreGroup>,
}
