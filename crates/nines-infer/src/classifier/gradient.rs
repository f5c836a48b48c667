//! A classifier's gradients.

use super::ClassifierScorer;
use crate::gradients::{Differentiable, EmbeddingTable, SnippetGradient};
use crate::scorer::Unscoreable;
use nines_domain::snippet::SnippetText;
use nines_text::SnippetTokenizer;

impl Differentiable for ClassifierScorer {
    fn gradients(&self, snippets: &[SnippetText]) -> Vec<Result<SnippetGradient, Unscoreable>> {
        snippets
            .iter()
            .map(|_| Err(Unscoreable::Model("not yet".to_owned())))
            .collect()
    }

    fn embeddings(&self) -> EmbeddingTable<'_> {
        EmbeddingTable::new(&[], 1)
    }

    fn tokenizer(&self) -> &SnippetTokenizer {
        &self.tokenizer
    }
}
