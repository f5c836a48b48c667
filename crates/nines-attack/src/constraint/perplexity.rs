//! A changed text must read about as well as the start.

use super::{Constraint, ConstraintError};
use crate::edit::Draft;
use crate::recipe::{BuildConstraint, Models, RecipeError};
use crate::wording::behind_prompt;
use nines_domain::snippet::SnippetText;
use nines_infer::language_model::{Continuation, LanguageModel};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings: how much worse it may read, and which part of it is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Perplexity of the changed text over that of the start, at most.
    pub ratio: f64,
    /// `snippet`, or `completion` behind its prompt: a long prompt hides what a short completion has become.
    pub of: Of,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Prompt and completion as one text.
    Snippet,
    /// The completion behind its prompt.
    Completion,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ratio: 2.0,
            of: Of::Snippet,
        }
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
            of: self.of,
        }))
    }
}

/// Limits how much less probable a text is than the start, a token, by a language model.
pub struct Perplexity {
    model: Arc<dyn LanguageModel>,
    ratio: f64,
    of: Of,
}

impl Perplexity {
    /// What the model reads before, and what it says the probability of.
    fn parts(&self, text: &SnippetText) -> (String, String) {
        let completion = behind_prompt(text);
        match self.of {
            Of::Snippet => (String::new(), format!("{}{completion}", text.prompt)),
            Of::Completion => (text.prompt.clone(), completion),
        }
    }
}

impl Constraint for Perplexity {
    fn name(&self) -> &'static str {
        "perplexity"
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        let Some(first) = changed.first() else {
            return Ok(Vec::new());
        };
        let mut texts = vec![self.parts(first.start())];
        texts.extend(changed.iter().map(|draft| self.parts(draft.text())));
        let asked: Vec<Continuation<'_>> = texts
            .iter()
            .map(|(context, text)| Continuation { context, text })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bigrams;

    fn model() -> Arc<dyn LanguageModel> {
        let next: [&[f64]; 4] = [
            &[1.0, 8.0, 1.0],
            &[8.0, 1.0, 1.0],
            &[1.0, 1.0, 1.0],
            &[1.0, 1.0, 1.0],
        ];
        Arc::new(Bigrams::new(&["ant", "bee", "cat"], &next))
    }

    fn check(of: Of, ratio: f64, prompt: &str, changed: &[&str]) -> Vec<bool> {
        let start = SnippetText::new(prompt, "ant bee ant bee");
        let draft = Draft::new(start.clone(), Vec::new());
        let to = |completion: &&str| {
            draft
                .rewritten(&SnippetText::new(prompt, *completion))
                .expect("fits")
        };
        let changed: Vec<Draft> = changed.iter().map(to).collect();
        let constraint = Perplexity {
            model: model(),
            ratio,
            of,
        };
        constraint.check(&draft, &changed).expect("checked")
    }

    #[test]
    fn what_reads_much_worse_than_the_start_does_not_pass() {
        // Each step has 8 of 10 in the start; "ant cat" has 1 of 10, "cat bee" 1 of 3.
        let changed = ["ant bee ant bee", "ant cat ant bee", "cat cat cat cat"];
        assert_eq!(
            check(Of::Completion, 1.5, "bee ", &changed),
            [true, false, false]
        );
        assert_eq!(
            check(Of::Completion, 4.0, "bee ", &changed),
            [true, true, true]
        );
        // Behind a long prompt the whole snippet hides it.
        let long = "ant bee ".repeat(20);
        assert_eq!(check(Of::Snippet, 1.5, &long, &changed), [true, true, true]);
        assert_eq!(
            check(Of::Completion, 1.5, &long, &changed),
            [true, false, false]
        );
    }
}
