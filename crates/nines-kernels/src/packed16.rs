//! Weights rounded to bf16 and packed for products.

use crate::finish::round_all;
use crate::packed::Direction;
use crate::pool::{Pool, Rounded};
use crate::product::{PANEL, Panels, pack_columns, pack_rows, packed_len, padded_inputs};
use rayon::prelude::*;

/// A rounded and packed matrix.
#[derive(Debug)]
pub struct Packed {
    numbers: Rounded,
    inputs: usize,
    outputs: usize,
}

impl Packed {
    /// Rounds and packs `weights` `[rows, width]`.
    pub fn new(weights: &[f32], width: usize, direction: Direction, pool: &Pool) -> Self {
        let rows = weights.len() / width;
        let mut rounded = pool.take_rounded(weights.len());
        rounded
            .par_chunks_mut(1 << 14)
            .zip(weights.par_chunks(1 << 14))
            .for_each(|(out, weights)| round_all(weights, out));
        let (inputs, outputs) = match direction {
            Direction::Forward => (width, rows),
            Direction::Backward => (rows, width),
        };
        let mut numbers = pool.take_rounded(packed_len(inputs, outputs));
        numbers
            .par_chunks_exact_mut(PANEL * padded_inputs(inputs))
            .enumerate()
            .for_each(|(panel, out)| match direction {
                Direction::Forward => pack_rows(&rounded, width, rows, width, panel, out),
                Direction::Backward => pack_columns(&rounded, width, rows, width, panel, out),
            });
        Self {
            numbers,
            inputs,
            outputs,
        }
    }

    /// Returns it as a right-hand side.
    pub fn panels(&self) -> Panels<'_> {
        Panels::new(self.inputs, self.outputs, &self.numbers)
    }
}
