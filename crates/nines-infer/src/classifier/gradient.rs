//! A classifier's gradients.

use super::{BATCH_TOKENS, ClassifierScorer};
use crate::gradients::{Differentiable, EmbeddingTable, SnippetGradient};
use crate::scorer::Unscoreable;
use nines_domain::snippet::SnippetText;
use nines_nn::batch::TokenBatch;
use nines_text::{EncodedSnippet, SnippetTokenizer};
use rayon::prelude::*;

impl Differentiable for ClassifierScorer {
    fn gradients(&self, snippets: &[SnippetText]) -> Vec<Result<SnippetGradient, Unscoreable>> {
        let cut: Vec<_> = snippets.par_iter().map(|text| self.whole(text)).collect();
        let mut found = Vec::with_capacity(snippets.len());
        let mut batch: Vec<EncodedSnippet> = Vec::new();
        let mut reasons: Vec<Option<Unscoreable>> = Vec::new();
        let mut tokens = 0;
        for cut in cut {
            let length = cut.as_ref().map_or(0, EncodedSnippet::len);
            if tokens + length > BATCH_TOKENS {
                self.differentiate(&mut batch, &mut reasons, &mut found);
                tokens = 0;
            }
            tokens += length;
            match cut {
                Ok(encoded) => {
                    batch.push(encoded);
                    reasons.push(None);
                }
                Err(reason) => reasons.push(Some(reason)),
            }
        }
        self.differentiate(&mut batch, &mut reasons, &mut found);
        found
    }

    fn embeddings(&self) -> EmbeddingTable<'_> {
        let hidden = self.model.config().hidden_size;
        EmbeddingTable::new(self.model.word_embeddings(), hidden)
    }

    fn tokenizer(&self) -> &SnippetTokenizer {
        &self.tokenizer
    }
}

impl ClassifierScorer {
    /// Cuts a snippet into the tokens of one window.
    pub(super) fn whole(&self, snippet: &SnippetText) -> Result<EncodedSnippet, Unscoreable> {
        let encoded = self.encode(snippet)?;
        let (tokens, window) = (encoded.len(), self.window());
        if tokens > window {
            return Err(Unscoreable::TooLong { tokens, window });
        }
        Ok(encoded)
    }

    /// Answers for the snippets so far, in their order: by the reason where there is one, else by the
    /// next of the batch.
    fn differentiate(
        &self,
        batch: &mut Vec<EncodedSnippet>,
        reasons: &mut Vec<Option<Unscoreable>>,
        found: &mut Vec<Result<SnippetGradient, Unscoreable>>,
    ) {
        let mut gradients = self.gradients_of(std::mem::take(batch)).into_iter();
        for reason in reasons.drain(..) {
            found.push(match reason {
                Some(reason) => Err(reason),
                None => gradients
                    .next()
                    .unwrap_or_else(|| Err(Unscoreable::Model("a gradient is missing".to_owned()))),
            });
        }
    }

    fn gradients_of(
        &self,
        batch: Vec<EncodedSnippet>,
    ) -> Vec<Result<SnippetGradient, Unscoreable>> {
        if batch.is_empty() {
            return Vec::new();
        }
        let rows: Vec<(&[u32], &[u8])> = batch
            .iter()
            .map(|encoded| (encoded.ids.as_slice(), encoded.type_ids.as_slice()))
            .collect();
        let all = match self.model.input_gradients(&TokenBatch::from_rows(&rows)) {
            Ok(all) => all,
            Err(error) if batch.len() == 1 => {
                return vec![Err(Unscoreable::Model(error.to_string()))];
            }
            // One that cannot be read takes no gradient from the others.
            Err(_) => {
                let alone = batch.into_iter();
                return alone.flat_map(|one| self.gradients_of(vec![one])).collect();
            }
        };
        let hidden = self.model.config().hidden_size;
        let mut rest = all.gradients.as_slice();
        let mut found = Vec::with_capacity(batch.len());
        for (encoded, logit) in batch.into_iter().zip(all.logits) {
            let (gradient, later) = rest.split_at(encoded.len() * hidden);
            rest = later;
            let is_finite = logit.is_finite() && gradient.iter().all(|slope| slope.is_finite());
            found.push(if is_finite {
                Ok(SnippetGradient {
                    encoded,
                    logit: f64::from(logit),
                    gradient: gradient.to_vec(),
                    hidden,
                })
            } else {
                Err(Unscoreable::Model(
                    "its gradient is not a finite number".to_owned(),
                ))
            });
        }
        found
    }
}
