//! Attention of one position over the pages of its sequence.

use super::sequence::{PAGE, Page, PageLayout};
use nines_kernels::lanes::{LANES, VectorLevel, exponentials, largest, vectorised};
use std::cell::RefCell;
use std::sync::Arc;

/// Attends from one position of one layer: queries f32[heads, head_dim] (scaled already) to the
/// first `len` positions; writes f32[heads, head_dim].
///
/// Heads that share keys and values read them together; each head's sums are the same alone.
pub(super) fn attend(
    layout: PageLayout,
    layer: usize,
    queries: &[f32],
    pages: &[Arc<Page>],
    len: usize,
    out: &mut [f32],
) {
    let shared = queries.len() / layout.kv_heads;
    let heads = queries
        .chunks_exact(shared)
        .zip(out.chunks_exact_mut(shared));
    for (head, (queries, out)) in heads.enumerate() {
        let place = Place {
            layout,
            layer,
            head,
            len,
        };
        let pages = &pages[..len.div_ceil(PAGE)];
        let mut at = 0;
        while at < shared {
            let (heads, attend): (usize, AttendTogether) = match (shared - at) / layout.head_dim {
                1 => (1, attend_together::<1>),
                2 => (2, attend_together::<2>),
                4 => (4, attend_together::<4>),
                _ => (3, attend_together::<3>),
            };
            let part = at..at + heads * layout.head_dim;
            attend(place, &queries[part.clone()], pages, &mut out[part.clone()]);
            at = part.end;
        }
    }
}

type AttendTogether = fn(Place, &[f32], &[Arc<Page>], &mut [f32]);

thread_local! {
    static SCORES: RefCell<Vec<f32>> = RefCell::default();
}

#[derive(Clone, Copy)]
struct Place {
    layout: PageLayout,
    layer: usize,
    head: usize,
    len: usize,
}

/// Attends with the queries of some heads that share keys and values.
fn attend_together<const HEADS: usize>(
    place: Place,
    queries: &[f32],
    pages: &[Arc<Page>],
    out: &mut [f32],
) {
    let (width, head_dim) = (pages.len() * PAGE, place.layout.head_dim);
    SCORES.with_borrow_mut(|scores| {
        scores.resize(HEADS * width, 0.0);
        score::<HEADS>(place, queries, pages, scores);
        let mut sums = [0.0; HEADS];
        for (scores, sum) in scores.chunks_exact_mut(width).zip(&mut sums) {
            let scores = &mut scores[..place.len];
            let most = largest(scores);
            *sum = exponentials(scores, most, 1.0);
        }
        weigh::<HEADS>(place, scores, pages, out);
        for (out, sum) in out.chunks_exact_mut(head_dim).zip(sums) {
            let norm = 1.0 / sum;
            out.iter_mut().for_each(|number| *number *= norm);
        }
    });
}

/// Writes each query's product with every key, padding included.
fn score<const HEADS: usize>(
    place: Place,
    queries: &[f32],
    pages: &[Arc<Page>],
    scores: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    if VectorLevel::detect() == VectorLevel::Avx512 {
        // SAFETY: the level says that the CPU has AVX-512.
        return unsafe { avx512::score::<HEADS>(place, queries, pages, scores) };
    }
    let width = pages.len() * PAGE;
    let queries = queries.chunks_exact(place.layout.head_dim);
    for (query, scores) in queries.zip(scores.chunks_exact_mut(width)) {
        score_one(place, query, pages, scores);
    }
}

/// Writes the sums of the values, weighted.
fn weigh<const HEADS: usize>(place: Place, weights: &[f32], pages: &[Arc<Page>], out: &mut [f32]) {
    let head_dim = place.layout.head_dim;
    #[cfg(target_arch = "x86_64")]
    if VectorLevel::detect() == VectorLevel::Avx512 && head_dim.is_multiple_of(LANES) {
        // SAFETY: the level says that the CPU has AVX-512.
        return unsafe { avx512::weigh::<HEADS>(place, weights, pages, out) };
    }
    let width = pages.len() * PAGE;
    let weights = weights.chunks_exact(width);
    for (weights, out) in weights.zip(out.chunks_exact_mut(head_dim)) {
        weigh_one(place, &weights[..place.len], pages, out);
    }
}

vectorised! {
    /// Writes one query's product with every key.
    fn score_one(place: Place, query: &[f32], pages: &[Arc<Page>], scores: &mut [f32]) {
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
    /// Writes one head's sum of the values, weighted.
    fn weigh_one(place: Place, weights: &[f32], pages: &[Arc<Page>], out: &mut [f32]) {
        out.fill(0.0);
        for (weights, page) in weights.chunks(PAGE).zip(pages) {
            let (_, values) = page.head(place.layout, place.layer, place.head);
            for (weight, values) in weights.iter().zip(values.chunks_exact(out.len())) {
                for (sum, &value) in out.iter_mut().zip(values) {
                    *sum = weight.mul_add(value, *sum);
                }
            }
        }
    }
}

/// The same sums in registers, for heads together.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{LANES, PAGE, Page, Place};
    use std::arch::x86_64::{
        __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };
    use std::sync::Arc;

    #[target_feature(enable = "avx512f")]
    pub fn score<const HEADS: usize>(
        place: Place,
        queries: &[f32],
        pages: &[Arc<Page>],
        scores: &mut [f32],
    ) {
        let (width, head_dim) = (pages.len() * PAGE, place.layout.head_dim);
        assert!(queries.len() == HEADS * head_dim && scores.len() == HEADS * width);
        for (index, page) in pages.iter().enumerate() {
            let (keys, _) = page.head(place.layout, place.layer, place.head);
            assert_eq!(keys.len(), head_dim * PAGE, "keys of a page");
            let mut even = [_mm512_setzero_ps(); HEADS];
            let mut odd = [_mm512_setzero_ps(); HEADS];
            for dim in (0..head_dim - 1).step_by(2) {
                // SAFETY: lengths are checked above.
                unsafe {
                    let first = _mm512_loadu_ps(keys.as_ptr().add(dim * PAGE));
                    let second = _mm512_loadu_ps(keys.as_ptr().add((dim + 1) * PAGE));
                    for head in 0..HEADS {
                        let query = queries.as_ptr().add(head * head_dim + dim);
                        even[head] = _mm512_fmadd_ps(_mm512_set1_ps(*query), first, even[head]);
                        let next = _mm512_set1_ps(*query.add(1));
                        odd[head] = _mm512_fmadd_ps(next, second, odd[head]);
                    }
                }
            }
            for head in 0..HEADS {
                let sum = _mm512_add_ps(even[head], odd[head]);
                // SAFETY: as above.
                unsafe {
                    _mm512_storeu_ps(scores.as_mut_ptr().add(head * width + index * PAGE), sum)
                };
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    pub fn weigh<const HEADS: usize>(
        place: Place,
        weights: &[f32],
        pages: &[Arc<Page>],
        out: &mut [f32],
    ) {
        let (width, head_dim) = (pages.len() * PAGE, place.layout.head_dim);
        assert!(weights.len() == HEADS * width && out.len() == HEADS * head_dim);
        assert!(place.len <= width);
        let mut at = 0;
        while at + 4 * LANES <= head_dim {
            columns::<HEADS, 4>(place, weights, pages, at, out);
            at += 4 * LANES;
        }
        while at < head_dim {
            columns::<HEADS, 1>(place, weights, pages, at, out);
            at += LANES;
        }
    }

    /// Sums some vectors of columns, from column `at` on.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn columns<const HEADS: usize, const VECTORS: usize>(
        place: Place,
        weights: &[f32],
        pages: &[Arc<Page>],
        at: usize,
        out: &mut [f32],
    ) {
        let (width, head_dim) = (pages.len() * PAGE, place.layout.head_dim);
        assert!(at + VECTORS * LANES <= head_dim);
        let mut sums = [[_mm512_setzero_ps(); VECTORS]; HEADS];
        for (index, page) in pages.iter().enumerate() {
            let (_, values) = page.head(place.layout, place.layer, place.head);
            assert_eq!(values.len(), head_dim * PAGE, "values of a page");
            let first = index * PAGE;
            for lane in 0..(place.len - first).min(PAGE) {
                // SAFETY: lengths are checked here and in `weigh`.
                unsafe {
                    let values = values.as_ptr().add(lane * head_dim + at);
                    let mut row: [__m512; VECTORS] = [_mm512_setzero_ps(); VECTORS];
                    for (vector, row) in row.iter_mut().enumerate() {
                        *row = _mm512_loadu_ps(values.add(vector * LANES));
                    }
                    for (head, sums) in sums.iter_mut().enumerate() {
                        let weight = *weights.as_ptr().add(head * width + first + lane);
                        let weight = _mm512_set1_ps(weight);
                        for (sum, value) in sums.iter_mut().zip(row) {
                            *sum = _mm512_fmadd_ps(weight, value, *sum);
                        }
                    }
                }
            }
        }
        for (head, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                let to = head * head_dim + at + vector * LANES;
                // SAFETY: as above.
                unsafe { _mm512_storeu_ps(out.as_mut_ptr().add(to), sum) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sequence::CpuSequence;
    use super::*;
    use nines_kernels::rng::normal;

    #[test]
    fn heads_together_get_what_each_gets_alone() {
        for (head_dim, group) in [2, 16, 48, 64, 80]
            .into_iter()
            .flat_map(|d| (1..=8).map(move |g| (d, g)))
        {
            let layout = PageLayout {
                layers: 2,
                kv_heads: 2,
                head_dim,
            };
            for len in [1, 16, 17, 40] {
                let width = layout.kv_heads * head_dim;
                let numbers = normal(7, 0, 1.0, (2 * len + group) * width);
                let mut sequence = CpuSequence::default();
                sequence.reserve(len, layout);
                for (position, both) in numbers.chunks_exact(2 * width).take(len).enumerate() {
                    let (keys, values) = both.split_at(width);
                    sequence.write(layout, 1, position, keys, values);
                }
                let queries = &numbers[2 * len * width..];
                let mut together = vec![f32::NAN; queries.len()];
                attend(layout, 1, queries, &sequence.pages, len, &mut together);
                let heads = queries
                    .chunks_exact(head_dim)
                    .zip(together.chunks_exact(head_dim));
                for (index, (query, together)) in heads.enumerate() {
                    let place = Place {
                        layout,
                        layer: 1,
                        head: index / group,
                        len,
                    };
                    let mut scores = vec![0.0; sequence.pages.len() * PAGE];
                    score_one(place, query, &sequence.pages, &mut scores);
                    let scores = &mut scores[..len];
                    let sum = exponentials(scores, largest(scores), 1.0);
                    let mut alone = vec![f32::NAN; head_dim];
                    weigh_one(place, scores, &sequence.pages, &mut alone);
                    let norm = 1.0 / sum;
                    alone.iter_mut().for_each(|number| *number *= norm);
                    assert_eq!(together, alone, "{head_dim} x {group}, {len} positions");
                }
            }
        }
    }
}
