//! Comparisons of two completions of one prompt, shown side by side.

use crate::label::LabellerKind;
use serde::{Deserialize, Serialize};

/// What somebody said of two completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The left one is better.
    Left,
    /// The right one is better.
    Right,
    /// Neither is better.
    Same,
    /// Neither can be judged.
    Unusable,
}

impl Choice {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Same => "same",
            Self::Unusable => "unusable",
        }
    }
}

/// One rater's choice between two completions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Who compared.
    pub labeller: String,
    /// A person or a judge.
    pub kind: LabellerKind,
    /// The choice.
    pub choice: Choice,
    /// Seconds it took, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}
