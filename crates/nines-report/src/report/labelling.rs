//! How good the labels are and what they cost.

use super::{Estimated, real};
use nines_domain::label::LabellerKind;
use serde::{Deserialize, Serialize};

/// How far labellers agree on some items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Which items, such as `all` or `near the threshold`.
    pub items: String,
    /// What agreement is about, such as `strict or not`.
    pub about: String,
    /// Krippendorff's alpha; its n counts items with two labels or more.
    pub alpha: Estimated,
}

/// Counts of one verdict against another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// What the rows are, such as `first label`.
    pub rows: String,
    /// What the columns are, such as `second label`.
    pub columns: String,
    /// The verdicts, for rows and columns alike.
    pub verdicts: Vec<String>,
    /// The counts, row by row.
    pub counts: Vec<Vec<u64>>,
}

/// What a group of labellers did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabellingEffort {
    /// The group.
    pub who: String,
    /// People or judges.
    pub kind: LabellerKind,
    /// How many of them.
    pub labellers: u64,
    /// How many labels they gave.
    pub labels: u64,
    /// The hours that it took, pauses left out; `None` where nobody kept time.
    #[serde(default, with = "real::optional")]
    pub hours: Option<f64>,
    /// What it cost; `None` where nobody knows.
    #[serde(default, with = "real::optional")]
    pub cost: Option<f64>,
}

/// How good the labels are and what they cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Labelling {
    /// Agreement, for one set of items after the other.
    pub agreements: Vec<Agreement>,
    /// One verdict against another.
    pub confusion: Option<Confusion>,
    /// Who labelled how much.
    pub effort: Vec<LabellingEffort>,
    /// The currency of the costs, such as `USD`.
    pub currency: String,
}
