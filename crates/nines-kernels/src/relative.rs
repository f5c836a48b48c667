//! What attention adds to its scores by how far a key is from its query: one number for each bucket
//! of distances and each head, as in T5 and MPNet.
//!
//! # Reference
//! Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text transformer"
//! (JMLR 2020), section 2.1: buckets that grow with the logarithm of the distance.

use crate::norm::add;
use std::sync::Arc;

/// Buckets of distances: half of them for keys behind the query, half for keys before it.
pub const BUCKETS: usize = 32;
/// Distances from here on share the last bucket of their side.
const FARTHEST: usize = 128;

/// Returns the bucket of a key that stands `offset` tokens behind its query: one for each of the nearest
/// distances, then two for each doubling.
pub fn bucket(offset: isize) -> usize {
    const SIDE: usize = BUCKETS / 2;
    const EXACT: usize = SIDE / 2;
    let first = if offset > 0 { SIDE } else { 0 };
    let distance = offset.unsigned_abs().min(FARTHEST);
    if distance < EXACT {
        return first + distance;
    }
    // 2 log2(distance / EXACT), rounded down, without the rounding of logarithms.
    let grown = (distance * distance / (EXACT * EXACT)).ilog2() as usize;
    first + EXACT + grown.min(SIDE - EXACT - 1)
}

/// A table of biases, spread over all distances.
///
/// Clones share the numbers.
#[derive(Debug, Clone)]
pub struct RelativeBias {
    /// `[heads, 2 reach - 1]`: of each offset of a key from its query, the farthest before it first.
    /// Divided by what scores are multiplied by, so that they can be added before that.
    values: Arc<[f32]>,
    heads: usize,
    reach: usize,
    /// What the table was multiplied by.
    factor: f32,
}

impl RelativeBias {
    /// Spreads a `table` `[BUCKETS, heads]` for rows of at most `reach` tokens and heads of `head_size`.
    ///
    /// # Panics
    /// If the table does not have its buckets.
    pub fn new(table: &[f32], heads: usize, head_size: usize, reach: usize) -> Self {
        assert_eq!(table.len(), BUCKETS * heads, "numbers of a table");
        let factor = (head_size as f32).sqrt();
        let reach = reach.max(1);
        let span = 2 * reach - 1;
        let buckets: Vec<usize> = offsets(reach).map(bucket).collect();
        let values = (0..heads * span)
            .map(|at| table[buckets[at % span] * heads + at / span] * factor)
            .collect();
        Self {
            values,
            heads,
            reach,
            factor,
        }
    }

    /// Returns the number of attention heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    fn span(&self) -> usize {
        2 * self.reach - 1
    }

    /// Where the numbers of one query are: those of the keys of its row, in their order.
    fn place(&self, head: usize, query: usize, tokens: usize) -> std::ops::Range<usize> {
        let first = head * self.span() + self.reach - 1 - query;
        first..first + tokens
    }

    /// Adds the bias of one query in a row to its scores, one for each token of the row.
    pub(crate) fn add_to(&self, scores: &mut [f32], head: usize, query: usize) {
        add(scores, &self.values[self.place(head, query, scores.len())]);
    }

    /// Makes room for gradients: zeros.
    pub(crate) fn zeros(&self) -> Vec<f32> {
        vec![0.0; self.values.len()]
    }

    /// Adds the gradients of one query's scores to those of all distances.
    pub(crate) fn collect(&self, slopes: &[f32], head: usize, query: usize, sums: &mut [f32]) {
        add(&mut sums[self.place(head, query, slopes.len())], slopes);
    }

    /// Computes the gradient of the table from that of all distances.
    pub(crate) fn gradient(&self, sums: &[f32]) -> Vec<f32> {
        let mut table = vec![0.0; BUCKETS * self.heads];
        for (head, sums) in sums.chunks_exact(self.span()).enumerate() {
            for (offset, sum) in offsets(self.reach).zip(sums) {
                table[bucket(offset) * self.heads + head] += sum * self.factor;
            }
        }
        table
    }
}

/// The offsets of keys from queries in rows of at most `reach` tokens.
fn offsets(reach: usize) -> impl Iterator<Item = isize> {
    let most = reach as isize - 1;
    -most..=most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_exact_when_near_and_shared_when_far() {
        let behind: Vec<usize> = (0..=8).map(|distance| bucket(-distance)).collect();
        assert_eq!(behind, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let before: Vec<usize> = (1..=8).map(bucket).collect();
        assert_eq!(before, [17, 18, 19, 20, 21, 22, 23, 24]);
        assert_eq!([bucket(-127), bucket(-128), bucket(-5000)], [15; 3]);
        assert_eq!([bucket(128), bucket(5000)], [31; 2]);
        let all: Vec<usize> = (0..600).map(|distance| bucket(-distance)).collect();
        assert!(all.is_sorted());
    }

    #[test]
    fn a_gradient_is_the_sum_over_a_buckets_distances() {
        let table: Vec<f32> = (0..2 * BUCKETS).map(|i| i as f32).collect();
        let bias = RelativeBias::new(&table, 2, 4, 200);
        let mut scores = vec![0.0; 150];
        bias.add_to(&mut scores, 1, 20);
        for (key, &score) in scores.iter().enumerate() {
            let expected = table[bucket(key as isize - 20) * 2 + 1] * 2.0;
            assert_eq!(score, expected);
        }
        let mut sums = bias.zeros();
        bias.collect(&[1.0; 150], 1, 20, &mut sums);
        let gradient = bias.gradient(&sums);
        for bucket_ in 0..BUCKETS {
            let count = (0..150).filter(|key| bucket(key - 20) == bucket_).count();
            assert_eq!(gradient[bucket_ * 2..][..2], [0.0, 2.0 * count as f32]);
        }
    }
}
