//! A changed text must read about as well as the start.

use super::{Constraint, ConstraintError};
use crate::edit::Draft;
use crate::recipe::{BuildConstraint, Models, RecipeError};
use nines_domain::snippet::SnippetText;
use nines_infer::language_model::{Continuation, LanguageModel};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings: how much worse it may read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Perplexity of the changed text over that of the start, at most.
    pub ratio: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ratio: 2.0 }
    }
}

impl BuildConstraint for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        if !(self.ratio.is_finite() && self.ratio > 0.0) {
            return Err(RecipeError::field("ratio", "takes a number above 0"));
        }
        let model = models.language_model.clone().ok_or_else(|| {
            RecipeError::missing(
                "a language model",
                "name one with --lm, or take the constraint perplexity out of the recipe",
            )
        })?;
        Ok(Box::new(Perplexity {
            model,
            ratio: self.ratio,
        }))
    }
}

/// Limits how much less probable a text is than the start, a token, by a language model: prompt and
/// completion as one text.
pub struct Perplexity {
    model: Arc<dyn LanguageModel>,
    ratio: f64,
}

impl Constraint for Perplexity {
    fn name(&self) -> &'static str {
        "perplexity"
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        let Some(first) = changed.first() else {
            return Ok(Vec::new());
        };
        let whole = |text: &SnippetText| format!("{}{}", text.prompt, text.completion);
        let mut texts = vec![whole(first.start())];
        texts.extend(changed.iter().map(|draft| whole(draft.text())));
        let asked: Vec<Continuation<'_>> = texts
            .iter()
            .map(|text| Continuation { context: "", text })
            .collect();
        let mut perplexities = self.model.log_probabilities(&asked).into_iter();
        let unchecked = |reason: String| ConstraintError::Unchecked {
            constraint: "perplexity",
            reason,
        };
        let limit = match perplexities.next() {
            Some(Ok(start)) => start.perplexity() * self.ratio,
            Some(Err(error)) => return Err(unchecked(format!("the start: {error}"))),
            None => return Err(unchecked("the language model gave no answer".to_owned())),
        };
        // A text that the model cannot read does not pass.
        Ok(perplexities
            .map(|one| one.is_ok_and(|one| one.perplexity() <= limit))
            .collect())
    }

    fn models(&self) -> Vec<String> {
        vec![self.model.id()]
    }
}
