//! A changed text must lie near the start, as an encoder of sentences sees it.

use super::{Constraint, ConstraintError};
use crate::edit::{Draft, PARTS, half_of};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use crate::words::words;
use nines_domain::snippet::SnippetText;
use nines_infer::sentence_encoder::SentenceEncoder;
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings: how near, and how much of the text is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The cosine of both vectors, at least.
    pub cosine: f64,
    /// Words on either side of the change that are looked at; 0 for the whole text.
    pub window: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cosine: 0.8,
            window: 0,
        }
    }
}

impl BuildConstraint for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        if !(-1.0..=1.0).contains(&self.cosine) {
            return Err(RecipeError::field("cosine", "takes a number from -1 to 1"));
        }
        let encoder = models.encoder.clone().ok_or_else(|| {
            RecipeError::missing(
                "a sentence encoder",
                "pull the default models (nines models pull), or take the constraint similarity out of the recipe",
            )
        })?;
        Ok(Box::new(Similarity {
            encoder,
            settings: self.clone(),
        }))
    }
}

/// Limits how far the meaning may move, by the cosine of two embeddings. A model's opinion: a text may lie
/// near and say something else.
pub struct Similarity {
    encoder: Arc<SentenceEncoder>,
    settings: Settings,
}

impl Constraint for Similarity {
    fn name(&self) -> &'static str {
        "similarity"
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        let pairs: Vec<(String, String)> = changed
            .iter()
            .map(|draft| windows(draft.start(), draft.text(), self.settings.window))
            .collect();
        // The start's window is often the same for many candidates.
        let mut texts: Vec<&str> = pairs
            .iter()
            .flat_map(|(old, new)| [old.as_str(), new.as_str()])
            .collect();
        texts.sort_unstable();
        texts.dedup();
        let vectors = self.encoder.embed(&texts);
        let vector = |text: &str| {
            let index = texts.binary_search(&text).ok()?;
            vectors.get(index)?.as_ref().ok()
        };
        if !vectors.is_empty() && vectors.iter().all(Result::is_err) {
            let reason = vectors.iter().find_map(|v| v.as_ref().err());
            return Err(ConstraintError::Unchecked {
                constraint: "similarity",
                reason: reason.map(ToString::to_string).unwrap_or_default(),
            });
        }
        let near = |(old, new): &(String, String)| match (vector(old), vector(new)) {
            (Some(old), Some(new)) => {
                let dot = old
                    .iter()
                    .zip(new)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b));
                dot.sum::<f64>() >= self.settings.cosine
            }
            // What cannot be embedded does not pass.
            _ => false,
        };
        Ok(pairs.iter().map(near).collect())
    }

    fn is_fallible(&self) -> bool {
        true
    }

    fn models(&self) -> Vec<String> {
        vec![self.encoder.id().to_owned()]
    }
}

/// Returns what of both texts is compared: all of them, or some words around what differs.
fn windows(old: &SnippetText, new: &SnippetText, window: usize) -> (String, String) {
    let whole = |text: &SnippetText| format!("{}{}", text.prompt, text.completion);
    let (old_text, new_text) = (whole(old), whole(new));
    let same = PARTS
        .into_iter()
        .all(|part: SnippetPart| half_of(old, part) == half_of(new, part));
    if window == 0 || same {
        return (old_text, new_text);
    }
    let changes = crate::diff::changes(&old_text, &new_text);
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
        return (old_text, new_text);
    };
    let cut = |text: &str, from: usize, to: usize| {
        let all = words(text);
        let before = all
            .iter()
            .filter(|word| word.end <= from)
            .rev()
            .take(window);
        let after = all.iter().filter(|word| word.start >= to).take(window);
        let start = before.map(|word| word.start).min().unwrap_or(from);
        let end = after.map(|word| word.end).max().unwrap_or(to);
        text[start..end].to_owned()
    };
    (
        cut(&old_text, first.old.start, last.old.end),
        cut(&new_text, first.new.start, last.new.end),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_the_change_and_the_words_beside_it() {
        let old = SnippetText::new("One two three.", " Four five six seven.");
        let new = SnippetText::new("One two three.", " Four FIVE six seven.");
        assert_eq!(
            windows(&old, &new, 1),
            ("Four five six".to_owned(), "Four FIVE six".to_owned())
        );
        assert_eq!(
            windows(&old, &new, 0).0,
            "One two three. Four five six seven."
        );
    }
}
