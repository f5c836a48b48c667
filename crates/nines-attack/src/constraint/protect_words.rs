//! Words that must stay: those that say what happened.

use super::{Constraint, ConstraintError};
use crate::edit::{Draft, PARTS, Site, half_of};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use crate::words::words;
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Settings: the words, in whatever case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Words that may not be changed or taken out where they stand.
    pub words: Vec<String>,
}

impl BuildConstraint for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        if self.words.is_empty() {
            return Err(RecipeError::field(
                "words",
                "is empty; name at least one word",
            ));
        }
        if self.words.len() > 1_000 {
            return Err(RecipeError::field("words", "takes at most 1000 words"));
        }
        let lower = self.words.iter().map(|word| word.to_lowercase());
        Ok(Box::new(ProtectWords(lower.collect())))
    }
}

/// Keeps certain words, as often as the start has them. They are in small letters.
pub struct ProtectWords(pub BTreeSet<String>);

impl ProtectWords {
    /// Lists the words of a text that are to stay, in their order.
    fn kept(&self, text: &SnippetText) -> Vec<String> {
        let of = |part| {
            let text = half_of(text, part);
            words(text)
                .into_iter()
                .map(move |word| text[word].to_lowercase())
        };
        let all = PARTS.into_iter().flat_map(of);
        all.filter(|word| self.0.contains(word)).collect()
    }
}

impl Constraint for ProtectWords {
    fn name(&self) -> &'static str {
        "protect-words"
    }

    fn allows(&self, draft: &Draft, site: &Site) -> bool {
        let text = draft.at(site).unwrap_or_default().to_lowercase();
        !self.0.contains(text.trim())
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        // More of them may come in; none of the start's may go.
        let survives = |draft: &Draft| {
            let mut now = self.kept(draft.text()).into_iter();
            let before = self.kept(draft.start());
            before.iter().all(|word| now.any(|found| found == *word))
        };
        Ok(changed.iter().map(survives).collect())
    }
}
