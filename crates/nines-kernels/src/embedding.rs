//! Sums of embeddings, normalised, and their gradients.

use crate::attention::{fill_mask, room};
use crate::layer::NormWeights;
use crate::norm::{add, scale_by, standardise, standardise_backward, stretch};
use crate::rng::Dropout;
use rayon::prelude::*;

/// Tokens that one task handles.
const TASK: usize = 64;

/// Three tables, flat, and each token's entry in each.
#[derive(Debug, Clone, Copy)]
pub struct Entries<'a> {
    /// `[entries, hidden]` each.
    pub tables: [&'a [f32]; 3],
    /// `[tokens]` each.
    pub indices: [&'a [u32]; 3],
}

/// Sums, normalises and drops: `out` is `[tokens, hidden]`. `saved` gets the normalised rows
/// before their stretch, and what they were multiplied by.
pub fn forward(
    entries: &Entries<'_>,
    norm: NormWeights<'_>,
    epsilon: f32,
    dropout: Option<Dropout>,
    out: &mut [f32],
    saved: Option<(&mut [f32], &mut [f32])>,
) {
    let hidden = norm.gamma.len();
    let one = |token: usize, out: &mut [f32], standard: &mut [f32], mask: &mut Vec<f32>| {
        standard.fill(0.0);
        for (table, indices) in entries.tables.iter().zip(entries.indices) {
            let at = indices[token] as usize * hidden;
            add(standard, &table[at..at + hidden]);
        }
        let scale = standardise(standard, epsilon);
        stretch(standard, norm.gamma, norm.beta, out);
        if let Some(dropout) = dropout {
            let mask = room(mask, hidden);
            fill_mask(dropout, token as u32, mask);
            scale_by(out, mask);
        }
        scale
    };
    let tasks = out.par_chunks_mut(TASK * hidden).enumerate();
    match saved {
        None => tasks.for_each(|(task, out)| {
            let (mut standard, mut mask) = (vec![0.0; hidden], Vec::new());
            for (row, out) in out.chunks_exact_mut(hidden).enumerate() {
                one(task * TASK + row, out, &mut standard, &mut mask);
            }
        }),
        Some((standard, scales)) => tasks
            .zip(standard.par_chunks_mut(TASK * hidden))
            .zip(scales.par_chunks_mut(TASK))
            .for_each(|(((task, out), standard), scales)| {
                let mut mask = Vec::new();
                let rows = out
                    .chunks_exact_mut(hidden)
                    .zip(standard.chunks_exact_mut(hidden));
                for (row, ((out, standard), scale)) in rows.zip(scales).enumerate() {
                    *scale = one(task * TASK + row, out, standard, &mut mask);
                }
            }),
    }
}

/// Takes `gradient` `[tokens, hidden]` back through dropout and normalisation, in place; returns
/// the gradients of gamma and beta.
pub fn backward(
    gamma: &[f32],
    standard: &[f32],
    scales: &[f32],
    dropout: Option<Dropout>,
    gradient: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let hidden = gamma.len();
    let zeros = || (vec![0.0; hidden], vec![0.0; hidden]);
    let shares: Vec<_> = gradient
        .par_chunks_mut(TASK * hidden)
        .zip(standard.par_chunks(TASK * hidden))
        .zip(scales.par_chunks(TASK))
        .enumerate()
        .map(|(task, ((gradient, standard), scales))| {
            let (mut share, mut mask) = (zeros(), Vec::new());
            let rows = gradient
                .chunks_exact_mut(hidden)
                .zip(standard.chunks_exact(hidden));
            for (row, ((gradient, standard), &scale)) in rows.zip(scales).enumerate() {
                if let Some(dropout) = dropout {
                    let mask = room(&mut mask, hidden);
                    fill_mask(dropout, (task * TASK + row) as u32, mask);
                    scale_by(gradient, mask);
                }
                standardise_backward(gradient, standard, scale, gamma, &mut share.0, &mut share.1);
            }
            share
        })
        .collect();
    let mut sums = zeros();
    for share in &shares {
        add(&mut sums.0, &share.0);
        add(&mut sums.1, &share.1);
    }
    sums
}

/// Adds each token's gradient to its entry of a table with `len` numbers, in the tokens' order.
pub fn scatter(indices: &[u32], gradient: &[f32], hidden: usize, len: usize) -> Vec<f32> {
    let mut sums = vec![0.0; len];
    for (&index, row) in indices.iter().zip(gradient.chunks_exact(hidden)) {
        let at = index as usize * hidden;
        add(&mut sums[at..at + hidden], row);
    }
    sums
}
