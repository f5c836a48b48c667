//! One try from one start: what is asked for, and what came of it.

use crate::edit::Site;
use crate::victim::holes;
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an attempt begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The snippet.
    pub text: SnippetText,
    /// Places of it that may not be changed.
    #[serde(default)]
    pub protected: Vec<Site>,
}

impl Start {
    /// Begins with a snippet all of which may be changed.
    pub fn new(text: SnippetText) -> Self {
        Self {
            text,
            protected: Vec::new(),
        }
    }
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The goal is met. It is no success before a label says so.
    Reached,
    /// The search came to its end without meeting the goal.
    Failed,
    /// The queries or the seconds were spent first.
    Spent,
    /// Nothing was tried: the start meets the goal already, or has no score.
    Skipped {
        /// Which of the two.
        why: String,
    },
    /// A model or a judge failed.
    Broken {
        /// Which, why, and what to do.
        why: String,
    },
    /// Somebody asked to stop.
    Cancelled,
}

impl Outcome {
    /// Returns the word used in files and in the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Failed => "failed",
            Self::Spent => "spent",
            Self::Skipped { .. } => "skipped",
            Self::Broken { .. } => "broken",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the reason, where there is one.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Skipped { why } | Self::Broken { why } => Some(why),
            _ => None,
        }
    }
}

/// A text that an attempt came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Find {
    /// The text.
    pub text: SnippetText,
    /// Log odds, one for each scorer; NaN (`null` in JSON) where one that the goal does not look at has none.
    #[serde(deserialize_with = "holes::read")]
    pub scores: Vec<f64>,
    /// What was done last.
    pub kind: String,
    /// The logarithm of the weight that a sampler gives it; `None` for what was searched for.
    pub log_weight: Option<f64>,
}

/// A point on the way: when, what, and what it scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Queries asked by then.
    pub queries: u64,
    /// Log odds, one for each scorer; NaN (`null` in JSON) where one that the goal does not look at has none.
    #[serde(deserialize_with = "holes::read")]
    pub scores: Vec<f64>,
    /// What was done.
    pub kind: String,
    /// The text.
    pub text: SnippetText,
}

/// What was proposed in an attempt, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Places asked about.
    pub sites: u64,
    /// Edits proposed.
    pub proposed: u64,
    /// Proposals that change nothing, touch what is protected or empty the completion.
    pub unfit: u64,
    /// Candidates that a constraint did not let pass, by its name.
    pub refused: BTreeMap<String, u64>,
    /// Candidates that have no score; they are never finds.
    pub unscoreable: u64,
    /// Texts that a judge was asked about, repeated ones too. They are no queries: those go to the classifier
    /// under attack.
    #[serde(default)]
    pub judged: u64,
    /// Different texts among them: what an endpoint is asked where nothing is remembered from earlier
    /// attempts.
    #[serde(default)]
    pub judged_different: u64,
}

/// What one try from one start came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Log odds of the start, as those of finds; `None` where it has none, or nothing was asked.
    #[serde(default, deserialize_with = "holes::read_option")]
    pub start_scores: Option<Vec<f64>>,
    /// The texts that meet the goal, those that were asked for first in front.
    pub finds: Vec<Find>,
    /// The text nearest to the goal, the start included.
    pub best: Option<Find>,
    /// Where the search stood at its end: not always at the best.
    pub end: Option<Find>,
    /// Queries, as the literature counts them.
    pub queries: u64,
    /// The query that met the goal first: the smallest budget with which this attempt reaches it.
    pub reached_at: Option<u64>,
    /// Different snippets scored.
    pub scored: u64,
    /// Seconds from beginning to end.
    pub seconds: f64,
    /// Words of the start.
    pub words: usize,
    /// Words that the first find (without one, the best text) changes.
    pub words_changed: usize,
    /// The way to the best text.
    pub trace: Vec<Step>,
    /// What was proposed and refused.
    pub tally: Tally,
    /// What the reader of the log should know.
    pub notes: Vec<String>,
    /// The seed.
    pub seed: u64,
}
