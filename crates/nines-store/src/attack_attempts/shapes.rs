//! Attempts and finds as they are given and read.

use crate::error::StoreError;
use crate::snippets::NewSnippet;
use crate::values::refuse_nul;
use jiff::Timestamp;
use nines_domain::label::{Label, LabellerKind};
use nines_domain::snippet::{ModelId, RunId, SnippetId, SnippetText};
use nines_domain::verification::{Claim, Verification};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttackOutcome {
    /// The goal was met; whether the catastrophe survived, a label says.
    Reached,
    /// The search came to its end without it.
    Failed,
    /// The budget was used up without it.
    Spent,
    /// The start was none: it passes already, or cannot be scored.
    Skipped,
    /// A model or a judge failed.
    Broken,
}

impl AttackOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Reached,
        Self::Failed,
        Self::Spent,
        Self::Skipped,
        Self::Broken,
    ];

    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Failed => "failed",
            Self::Spent => "spent",
            Self::Skipped => "skipped",
            Self::Broken => "broken",
        }
    }
}

/// What an attempt began with.
#[derive(Debug, Clone, PartialEq)]
pub enum AttackStart {
    /// A stored snippet.
    Stored(SnippetId),
    /// A snippet that is stored with the attempt where it is new.
    New(NewSnippet),
    /// A prompt alone; what is found belongs to its family.
    Prompt(String),
}

/// A find to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAttackFind {
    /// The text.
    pub text: SnippetText,
    /// The score of the classifier that was attacked, as log odds.
    pub score: f64,
    /// Its weight as a sample, natural logarithm, where the search draws weighted ones.
    pub log_weight: Option<f64>,
    /// Whether people are asked to verify it.
    pub queued: bool,
}

/// An attempt to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAttackAttempt {
    /// Which start of its run it is, from 0.
    pub position: u64,
    /// The recipe's name.
    pub recipe: String,
    /// The classifier that was attacked; the first, where two were.
    pub model: ModelId,
    /// What it began with.
    pub start: AttackStart,
    /// How it ended.
    pub outcome: AttackOutcome,
    /// Why it was skipped, or what failed.
    pub why: Option<String>,
    /// The judge that the attack was steered by: its labels never verify a find.
    pub judge: Option<String>,
    /// The start's score.
    pub start_score: Option<f64>,
    /// The score nearest to the goal that was seen.
    pub score: Option<f64>,
    /// The threshold, as log odds.
    pub threshold: f64,
    /// Snippets asked for, repeated ones included.
    pub queries: u64,
    /// Snippets that a model had to score.
    pub scored: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// Words of the start.
    pub words: u64,
    /// Words that the find, or the nearest text, has changed.
    pub words_changed: Option<u64>,
    /// The seed of this attempt.
    pub seed: u64,
    /// Everything else: scores of all classifiers, the steps, notes.
    pub detail: Value,
    /// What was found, the best first.
    pub finds: Vec<NewAttackFind>,
}

/// A stored find.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackFind {
    /// The snippet.
    pub snippet: SnippetId,
    /// The score of the classifier that was attacked, as log odds.
    pub score: f64,
    /// Its weight as a sample, natural logarithm.
    pub log_weight: Option<f64>,
    /// Its labels that stand now, oldest first.
    pub labels: Vec<Label>,
    /// Who confirms nothing: the judge that the attack was steered by, and people who submitted this very
    /// text as a find of their own.
    pub authors: Vec<String>,
}

impl AttackFind {
    /// Says whether one kind of labeller confirms it.
    pub fn verification(&self, by: LabellerKind, claim: Claim) -> Verification {
        let authors: Vec<&str> = self.authors.iter().map(String::as_str).collect();
        Verification::by(by, claim, &self.labels, &authors)
    }
}

/// A stored attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackAttempt {
    /// Its key.
    pub id: i64,
    /// Its run.
    pub run: RunId,
    /// Which start of its run it is, from 0.
    pub position: u64,
    /// The recipe's name.
    pub recipe: String,
    /// The classifier that was attacked.
    pub model: ModelId,
    /// The snippet it began with; none where that was a prompt alone.
    pub start: Option<SnippetId>,
    /// How it ended.
    pub outcome: AttackOutcome,
    /// Why it was skipped, or what failed.
    pub why: Option<String>,
    /// The judge that the attack was steered by.
    pub judge: Option<String>,
    /// The start's score.
    pub start_score: Option<f64>,
    /// The score nearest to the goal that was seen.
    pub score: Option<f64>,
    /// The threshold, as log odds.
    pub threshold: f64,
    /// Snippets asked for, repeated ones included.
    pub queries: u64,
    /// Snippets that a model had to score.
    pub scored: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// Words of the start.
    pub words: u64,
    /// Words that the find, or the nearest text, has changed.
    pub words_changed: Option<u64>,
    /// The seed of this attempt.
    pub seed: u64,
    /// Everything else.
    pub detail: Value,
    /// When it was stored.
    pub created: Timestamp,
    /// What was found, the best first, with the labels as they are now.
    pub finds: Vec<AttackFind>,
}

impl NewAttackAttempt {
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let wrong = |field, why: &str| StoreError::BadValue {
            row: 0,
            field,
            why: why.to_owned(),
        };
        for (field, text) in [
            ("recipe", Some(&self.recipe)),
            ("why", self.why.as_ref()),
            ("judge", self.judge.as_ref()),
        ] {
            refuse_nul(0, field, text.map_or("", String::as_str))?;
        }
        if self.recipe.is_empty() {
            return Err(wrong("recipe", "is empty; every attempt has a recipe"));
        }
        if !(self.seconds.is_finite() && self.seconds >= 0.0) {
            return Err(wrong("seconds", "is not a finite number from 0"));
        }
        if (self.outcome == AttackOutcome::Reached) == self.finds.is_empty() {
            let why =
                "do not fit the outcome: an attempt that reached its goal has finds, and no other";
            return Err(wrong("finds", why));
        }
        let scores = [Some(self.threshold), self.start_score, self.score];
        let of_finds = self
            .finds
            .iter()
            .flat_map(|f| [Some(f.score), f.log_weight]);
        if !scores
            .into_iter()
            .chain(of_finds)
            .flatten()
            .all(f64::is_finite)
        {
            let why = "is not a finite number; what cannot be scored is no success";
            return Err(wrong("score", why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_everywhere() {
        for outcome in AttackOutcome::ALL {
            let word = serde_json::to_value(outcome).expect("a word");
            assert_eq!(word, outcome.as_str());
        }
    }
}
