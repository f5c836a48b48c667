//! A number with everything that a reader needs to trust or distrust it.

use super::Estimated;
pub use nines_domain::label::LabelMix as Labels;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a number allows for labels that are wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// It rests on no labels.
    NotNeeded,
    /// Labels are taken at their word.
    #[default]
    Uncorrected,
    /// Corrected, in this way.
    Corrected(String),
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => f.write_str("rests on no labels"),
            Self::Uncorrected => f.write_str("not corrected for label error"),
            Self::Corrected(how) => write!(f, "corrected for label error: {how}"),
        }
    }
}

/// What a number speaks of, and whose word it takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Basis {
    /// The distribution of prompts that it speaks of.
    pub prompts: String,
    /// Whose labels it rests on.
    pub labels: Labels,
    /// Whether it allows for labels that are wrong.
    pub correction: Correction,
}

/// An estimate with what it rests on and what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The number.
    pub estimate: Estimated,
    /// The estimate's number in the project, shown as `#12`.
    pub id: Option<u64>,
    /// What it rests on.
    pub basis: Basis,
    /// What it means, in one sentence.
    pub meaning: String,
}
