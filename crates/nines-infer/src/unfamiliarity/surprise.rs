//! A language model's surprise as unfamiliarity.

use super::{Unfamiliarity, finite};
use crate::language_model::{Continuation, LanguageModel};
use crate::scorer::Unscoreable;
use nines_domain::snippet::SnippetText;
use std::sync::Arc;

/// Snippets whose texts are asked for at once, so that memory does not grow with the question.
const STRETCH: usize = 256;

/// The mean negative log-likelihood of a token of the completion behind its prompt, in nats.
///
/// Tokens that no model gives a chance drive it up, such as misspellings and words of another language; so do
/// facts that the prompt does not lead to. It is long in no completion: it is a mean.
pub struct Surprise {
    model: Arc<dyn LanguageModel>,
    version: String,
}

impl Surprise {
    /// Takes the language model that is surprised.
    pub fn new(model: Arc<dyn LanguageModel>) -> Self {
        Self {
            version: format!("surprise of {}", model.id()),
            model,
        }
    }
}

/// The completion as it stands behind its prompt: with a space between them, unless one brings it.
fn behind(snippet: &SnippetText) -> String {
    let is_apart = snippet.prompt.is_empty()
        || snippet.prompt.ends_with(char::is_whitespace)
        || snippet.completion.starts_with(char::is_whitespace);
    let between = if is_apart { "" } else { " " };
    format!("{between}{}", snippet.completion)
}

impl Unfamiliarity for Surprise {
    fn version(&self) -> &str {
        &self.version
    }

    fn of(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<f64, Unscoreable>> {
        let mut found = Vec::with_capacity(snippets.len());
        for stretch in snippets.chunks(STRETCH) {
            let texts: Vec<String> = stretch.iter().map(behind).collect();
            let asked: Vec<Continuation<'_>> = stretch
                .iter()
                .zip(&texts)
                .map(|(snippet, text)| Continuation {
                    context: &snippet.prompt,
                    text,
                })
                .collect();
            let mut answers = self.model.log_probabilities(&asked).into_iter();
            for snippet in stretch {
                let answer = answers.next();
                found.push(match answer {
                    _ if snippet.completion.trim().is_empty() => Err(Unscoreable::EmptyCompletion),
                    None => Err(Unscoreable::Model(
                        "the language model gave no answer".to_owned(),
                    )),
                    Some(Err(error)) => Err(Unscoreable::Model(error.to_string())),
                    Some(Ok(told)) if told.tokens == 0 => Err(Unscoreable::EmptyCompletion),
                    Some(Ok(told)) => finite(-told.log_probability / told.tokens as f64),
                });
            }
            progress(found.len());
        }
        found
    }
}
