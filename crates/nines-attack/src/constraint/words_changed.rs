//! How many words may differ from the start.

use super::{Constraint, ConstraintError};
use crate::edit::{Draft, word_count};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use serde::{Deserialize, Serialize};

/// Settings: a share, a count, or both.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The share of the words of the shorter text that may differ, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How many words may differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
}

impl BuildConstraint for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        if self.share.is_none() && self.count.is_none() {
            return Err(RecipeError::field(
                "",
                "(words-changed) needs share or count",
            ));
        }
        if self
            .share
            .is_some_and(|share| !(0.0..=1.0).contains(&share))
        {
            return Err(RecipeError::field("share", "takes a number from 0 to 1"));
        }
        Ok(Box::new(WordsChanged(self.clone())))
    }
}

/// Limits the words that differ from the start, counted as few as possible.
pub struct WordsChanged(pub Settings);

impl Constraint for WordsChanged {
    fn name(&self) -> &'static str {
        "words-changed"
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        let within = |draft: &Draft| {
            let differ = draft.words_changed();
            let shorter = word_count(draft.start()).min(word_count(draft.text()));
            let allowed = |share: f64| (shorter as f64 * share).ceil();
            self.0.count.is_none_or(|count| differ <= count)
                && self
                    .0
                    .share
                    .is_none_or(|share| differ as f64 <= allowed(share))
        };
        Ok(changed.iter().map(within).collect())
    }
}
