//! Gradients of a score with respect to what the classifier reads.

use crate::scorer::{Scorer, Unscoreable};
use nines_domain::snippet::SnippetText;
use nines_kernels::matrix::{Onto, Panels, View, multiply, pack_all_rows, packed_len};
use nines_text::{EncodedSnippet, SnippetTokenizer};
use rayon::prelude::*;
use std::borrow::Cow;

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

/// The word embeddings of a classifier, one row for each token of its vocabulary; or those of several, whose rows are
/// read as if they stood side by side. Nothing is copied.
#[derive(Debug, Clone)]
pub struct EmbeddingTable<'a> {
    parts: Vec<Part<'a>>,
}

/// The table of one classifier.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    /// `[vocabulary, width]`.
    values: &'a [f32],
    width: usize,
}

impl<'a> Part<'a> {
    fn row(&self, id: u32) -> Option<&'a [f32]> {
        let start = (id as usize).checked_mul(self.width)?;
        self.values.get(start..start.checked_add(self.width)?)
    }

    /// Adds to `products` `[vocabulary, count]` those of each row with each of `vectors` `[count, width]`.
    fn add_products(&self, vectors: &[f32], count: usize, products: &mut [f32]) {
        let mut packed = vec![0.0; packed_len(self.width, count)];
        pack_all_rows(View::whole(vectors, self.width), &mut packed);
        let panels = Panels::new(self.width, count, &packed);
        let rows = self.values.par_chunks(TOKENS * self.width);
        let outs = products.par_chunks_mut(TOKENS * count);
        rows.zip(outs).for_each(|(rows, out)| {
            let rows = View::whole(rows, self.width);
            multiply(rows, panels, out, count, Onto::What);
        });
    }
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
        let parts = vec![Part {
            values,
            width: hidden,
        }];
        Self { parts }
    }

    /// Lays tables side by side, one vocabulary behind all of them: a row is theirs, one behind the other.
    pub fn beside(tables: impl IntoIterator<Item = Self>) -> Self {
        let parts = tables.into_iter().flat_map(|table| table.parts).collect();
        Self { parts }
    }

    /// Returns a token's embedding, `[hidden]`; `None` for an id outside the vocabulary.
    pub fn row(&self, id: u32) -> Option<Cow<'a, [f32]>> {
        if let [part] = &self.parts[..] {
            return part.row(id).map(Cow::Borrowed);
        }
        if self.parts.is_empty() {
            return None;
        }
        let parts: Option<Vec<&[f32]>> = self.parts.iter().map(|part| part.row(id)).collect();
        Some(Cow::Owned(parts?.concat()))
    }

    /// Multiplies every embedding with each of some vectors, `[count, hidden]`: `[vocabulary, count]`.
    ///
    /// # Panics
    /// If the vectors are not whole.
    pub fn times(&self, vectors: &[f32]) -> Vec<f32> {
        let hidden = self.hidden().max(1);
        assert!(vectors.len().is_multiple_of(hidden), "whole vectors");
        let count = vectors.len() / hidden;
        let mut products = vec![0.0; self.vocabulary() * count];
        let mut first = 0;
        for part in self.parts.iter().filter(|_| count > 0) {
            let own = vectors.chunks_exact(hidden);
            let own = own.flat_map(|vector| &vector[first..first + part.width]);
            let own: Vec<f32> = own.copied().collect();
            part.add_products(&own, count, &mut products);
            first += part.width;
        }
        products
    }

    /// Returns the number of tokens.
    pub fn vocabulary(&self) -> usize {
        let parts = self.parts.iter();
        let each = parts.map(|part| part.values.len() / part.width);
        each.min().unwrap_or_default()
    }

    /// Returns the width of an embedding.
    pub fn hidden(&self) -> usize {
        self.parts.iter().map(|part| part.width).sum()
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
        for token in 0..vocabulary {
            let row = table.row(token as u32).expect("a row");
            for (index, vector) in vectors.chunks_exact(hidden).enumerate() {
                let product: f32 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                assert_eq!(products[token * count + index], product);
            }
        }
        assert!(table.times(&[]).is_empty());
    }

    #[test]
    fn tables_side_by_side_are_one() {
        let (vocabulary, widths, count) = (TOKENS + 3, [5, 2, 7], 3);
        let number = |i: usize| ((i * 37) % 11) as f32 - 5.0;
        let each = widths.map(|width| (0..vocabulary * width).map(|i| number(i + width)).collect());
        let each: [Vec<f32>; 3] = each;
        let tables = each.iter().zip(widths);
        let table = EmbeddingTable::beside(tables.map(|(t, width)| EmbeddingTable::new(t, width)));
        assert_eq!((table.vocabulary(), table.hidden()), (vocabulary, 14));
        let laid: Vec<f32> = (0..vocabulary as u32)
            .flat_map(|id| table.row(id).expect("a row").into_owned())
            .collect();
        assert_eq!(laid[14 * 9 + 5..14 * 9 + 7], each[1][18..20]);
        let vectors: Vec<f32> = (0..count * 14).map(|i| number(i + 4)).collect();
        // Small whole numbers: sums are exact in any order.
        assert_eq!(
            table.times(&vectors),
            EmbeddingTable::new(&laid, 14).times(&vectors)
        );
        assert_eq!(table.row(vocabulary as u32), None);
    }
}
