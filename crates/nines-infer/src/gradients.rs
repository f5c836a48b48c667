//! Gradients of a score with respect to what the classifier reads.

use crate::scorer::{Scorer, Unscoreable};
use nines_domain::snippet::SnippetText;
use nines_kernels::matrix::{Onto, Panels, View, multiply, pack_all_rows, packed_len};
use nines_text::{EncodedSnippet, SnippetTokenizer};
use rayon::prelude::*;

/// Tokens whose embeddings one core multiplies at a time.
const TOKENS: usize = 256;

/// How a snippet's logit changes with the word embedding of each of its tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct SnippetGradient {
    /// The tokens, special ones included, and where in the snippet they stand.
    pub encoded: EncodedSnippet,
    /// The logit that the gradient is of, computed in 32 bits. A scorer that multiplies in another
    /// precision gives a slightly different score, and its score is the one that counts.
    pub logit: f64,
    /// d logit / d word embedding, `[tokens, hidden]`.
    pub gradient: Vec<f32>,
    /// Width of an embedding.
    pub hidden: usize,
}

impl SnippetGradient {
    /// Returns the gradient at one token, `[hidden]`.
    ///
    /// # Panics
    /// If there is no such token.
    pub fn token(&self, index: usize) -> &[f32] {
        &self.gradient[index * self.hidden..(index + 1) * self.hidden]
    }
}

/// The word embeddings of a classifier: one row for each token of its vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingTable<'a> {
    values: &'a [f32],
    hidden: usize,
}

impl<'a> EmbeddingTable<'a> {
    /// Takes a table, `[vocabulary, hidden]`.
    ///
    /// # Panics
    /// If the rows are not whole.
    pub fn new(values: &'a [f32], hidden: usize) -> Self {
        assert!(
            hidden > 0 && values.len().is_multiple_of(hidden),
            "whole rows"
        );
        Self { values, hidden }
    }

    /// Returns a token's embedding, `[hidden]`; `None` for an id outside the vocabulary.
    pub fn row(&self, id: u32) -> Option<&'a [f32]> {
        let start = (id as usize).checked_mul(self.hidden)?;
        self.values.get(start..start.checked_add(self.hidden)?)
    }

    /// Goes through the embeddings in the order of the ids.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + use<'a> {
        self.values.chunks_exact(self.hidden)
    }

    /// Returns the whole table, `[vocabulary, hidden]`.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// Multiplies every embedding with each of some vectors, `[count, hidden]`: `[vocabulary, count]`.
    ///
    /// # Panics
    /// If the vectors are not whole.
    pub fn times(&self, vectors: &[f32]) -> Vec<f32> {
        let right = View::whole(vectors, self.hidden);
        assert_eq!(right.rows * self.hidden, vectors.len(), "whole vectors");
        let count = right.rows;
        let mut packed = vec![0.0; packed_len(self.hidden, count)];
        pack_all_rows(right, &mut packed);
        let panels = Panels::new(self.hidden, count, &packed);
        let mut products = vec![0.0; self.vocabulary() * count];
        if count > 0 {
            let rows = self.values.par_chunks(TOKENS * self.hidden);
            let outs = products.par_chunks_mut(TOKENS * count);
            rows.zip(outs).for_each(|(rows, out)| {
                let rows = View::whole(rows, self.hidden);
                multiply(rows, panels, out, count, Onto::Nothing);
            });
        }
        products
    }

    /// Returns the number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.values.len() / self.hidden
    }

    /// Returns the width of an embedding.
    pub fn hidden(&self) -> usize {
        self.hidden
    }
}

/// A scorer whose logit has gradients. The model is in evaluation mode: nothing is dropped, and equal
/// snippets have equal gradients whatever stands beside them.
pub trait Differentiable: Scorer {
    /// Computes the gradient of each snippet's logit, in their order. A snippet that does not fit one
    /// window is refused whatever the scorer's policy: the highest of several windows has no one gradient.
    fn gradients(&self, snippets: &[SnippetText]) -> Vec<Result<SnippetGradient, Unscoreable>>;

    /// Returns the word embeddings.
    fn embeddings(&self) -> EmbeddingTable<'_>;

    /// Returns the tokenizer that cuts snippets into the classifier's tokens.
    fn tokenizer(&self) -> &SnippetTokenizer;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedding_is_multiplied_with_every_vector() {
        let (vocabulary, hidden, count) = (2 * TOKENS + 3, 5, 19);
        let number = |i: usize| ((i * 37) % 11) as f32 - 5.0;
        let table: Vec<f32> = (0..vocabulary * hidden).map(number).collect();
        let vectors: Vec<f32> = (0..count * hidden).map(|i| number(i + 4)).collect();
        let table = EmbeddingTable::new(&table, hidden);
        let products = table.times(&vectors);
        assert_eq!(products.len(), vocabulary * count);
        for (token, row) in table.rows().enumerate() {
            for (index, vector) in vectors.chunks_exact(hidden).enumerate() {
                let product: f32 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                assert_eq!(products[token * count + index], product);
            }
        }
        assert!(table.times(&[]).is_empty());
    }
}
