//! The local generator as a language model.

use super::LocalGenerator;
use crate::generator::{GenerateError, Generator};
use crate::language_model::{Continuation, LanguageModel, NextWord, TextProbability};

impl LanguageModel for LocalGenerator {
    fn id(&self) -> String {
        Generator::id(self)
    }

    fn log_probabilities(
        &self,
        texts: &[Continuation<'_>],
    ) -> Vec<Result<TextProbability, GenerateError>> {
        texts
            .iter()
            .map(|_| Err(GenerateError::Model("not yet".to_owned())))
            .collect()
    }

    fn next_words(&self, _left: &str, _k: usize) -> Result<Vec<NextWord>, GenerateError> {
        Err(GenerateError::Model("not yet".to_owned()))
    }
}
