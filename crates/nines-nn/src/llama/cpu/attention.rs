//! Attention of one position over the pages of its sequence.

use super::sequence::{PAGE, Page, PageLayout};
use nines_kernels::lanes::{LANES, exponentials, largest, vectorised};
use std::sync::Arc;

/// Attends from one position of one layer: queries f32[heads, head_dim] (scaled already) to the
/// first `len` positions; writes f32[heads, head_dim]. `scores` is scratch.
pub(super) fn attend(
    layout: PageLayout,
    layer: usize,
    queries: &[f32],
    pages: &[Arc<Page>],
    len: usize,
    out: &mut [f32],
    scores: &mut Vec<f32>,
) {
    let head_dim = layout.head_dim;
    let group = queries.len() / head_dim / layout.kv_heads;
    let pages = &pages[..len.div_ceil(PAGE)];
    scores.resize(pages.len() * PAGE, 0.0);
    let heads = queries
        .chunks_exact(head_dim)
        .zip(out.chunks_exact_mut(head_dim));
    for (head, (query, out)) in heads.enumerate() {
        let place = Place {
            layout,
            layer,
            head: head / group,
        };
        score(place, query, pages, scores);
        let scores = &mut scores[..len];
        let most = largest(scores);
        let sum = exponentials(scores, most, 1.0);
        weigh(place, scores, pages, out);
        let norm = 1.0 / sum;
        out.iter_mut().for_each(|number| *number *= norm);
    }
}

#[derive(Clone, Copy)]
struct Place {
    layout: PageLayout,
    layer: usize,
    head: usize,
}

vectorised! {
    /// Writes the query's product with every key, padding included.
    fn score(place: Place, query: &[f32], pages: &[Arc<Page>], scores: &mut [f32]) {
        for (page, scores) in pages.iter().zip(scores.chunks_exact_mut(PAGE)) {
            let (keys, _) = page.head(place.layout, place.layer, place.head);
            let mut even = [0.0f32; PAGE];
            let mut odd = [0.0f32; PAGE];
            for (keys, query) in keys.chunks_exact(2 * PAGE).zip(query.chunks_exact(2)) {
                for lane in 0..PAGE {
                    even[lane] = query[0].mul_add(keys[lane], even[lane]);
                    odd[lane] = query[1].mul_add(keys[PAGE + lane], odd[lane]);
                }
            }
            for lane in 0..PAGE {
                scores[lane] = even[lane] + odd[lane];
            }
        }
    }
}

vectorised! {
    /// Writes the sum of the values, weighted.
    fn weigh(place: Place, weights: &[f32], pages: &[Arc<Page>], out: &mut [f32]) {
        const WIDE: usize = 4 * LANES;
        let head_dim = place.layout.head_dim;
        let mut at = 0;
        while at + WIDE <= head_dim {
            let mut sums = [0.0f32; WIDE];
            for (weights, page) in weights.chunks(PAGE).zip(pages) {
                let (_, values) = page.head(place.layout, place.layer, place.head);
                for (weight, values) in weights.iter().zip(values.chunks_exact(head_dim)) {
                    for (sum, &value) in sums.iter_mut().zip(&values[at..at + WIDE]) {
                        *sum = weight.mul_add(value, *sum);
                    }
                }
            }
            out[at..at + WIDE].copy_from_slice(&sums);
            at += WIDE;
        }
        out[at..].fill(0.0);
        if at < head_dim {
            for (weights, page) in weights.chunks(PAGE).zip(pages) {
                let (_, values) = page.head(place.layout, place.layer, place.head);
                for (weight, values) in weights.iter().zip(values.chunks_exact(head_dim)) {
                    for (sum, &value) in out[at..].iter_mut().zip(&values[at..]) {
                        *sum = weight.mul_add(value, *sum);
                    }
                }
            }
        }
    }
}
