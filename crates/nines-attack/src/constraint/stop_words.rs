//! Words that carry no meaning of their own stay as they are.

use super::{Constraint, ConstraintError};
use crate::edit::{Draft, Site};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// English function words, one list a line of the file.
const ENGLISH: &str = include_str!("stop_words.txt");

/// Settings: which words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The words, in small letters; none for the English list.
    pub words: Vec<String>,
    /// Whether a word with a capital letter is compared as it stands, as TextAttack does: `The` then is
    /// no stop word.
    pub exact_case: bool,
}

impl BuildConstraint for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        if self.words.len() > 5_000 {
            return Err(RecipeError::field("words", "takes at most 5000 words"));
        }
        let words = if self.words.is_empty() {
            ENGLISH.split_whitespace().map(str::to_owned).collect()
        } else {
            self.words.iter().cloned().collect()
        };
        Ok(Box::new(StopWords {
            words,
            exact_case: self.exact_case,
        }))
    }
}

/// Leaves function words alone. A gap is no word, and something may come in there.
pub struct StopWords {
    words: BTreeSet<String>,
    exact_case: bool,
}

impl Constraint for StopWords {
    fn name(&self) -> &'static str {
        "stop-words"
    }

    fn allows(&self, draft: &Draft, site: &Site) -> bool {
        let text = draft.at(site).unwrap_or_default().trim();
        if self.exact_case {
            !self.words.contains(text)
        } else {
            let plain = text.to_lowercase().replace('\u{2019}', "'");
            !self.words.contains(&plain)
        }
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        Ok(vec![true; changed.len()])
    }
}
