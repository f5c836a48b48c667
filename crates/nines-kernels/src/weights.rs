//! The gradient of a weight matrix: a sum over all tokens of the batch.

use crate::matrix::{Onto, Panels, Strips, View, multiply_strips, pack_columns, packed_len};
use crate::pool::Pool;
use crate::tile::PANEL;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Tokens that are added at a time.
const CHUNK: usize = 256;
/// Rows of the gradient that are computed together.
const ROWS: usize = 64;

thread_local! {
    static STRIPS: RefCell<Vec<f32>> = RefCell::default();
}

/// Computes slopesᵀ inputs, `[outputs, inputs]`: the gradient of weights that took `inputs` to
/// what has the gradient `slopes` `[tokens, outputs]`. `fill` writes the inputs of some tokens.
///
/// Each number is one sum over the tokens, in their order, on any number of cores.
pub fn weight_gradient(
    slopes: &[f32],
    outputs: usize,
    inputs: usize,
    pool: &Pool,
    fill: impl Fn(Range<usize>, &mut [f32]) + Sync,
) -> Vec<f32> {
    let mut gradient = vec![0.0; outputs * inputs];
    let slopes = View::whole(slopes, outputs);
    let mut plain = pool.take(CHUNK * inputs);
    let mut packed = pool.take(packed_len(CHUNK, inputs));
    for first in (0..slopes.rows).step_by(CHUNK) {
        let tokens = (slopes.rows - first).min(CHUNK);
        let plain = &mut plain[..tokens * inputs];
        plain
            .par_chunks_mut(32 * inputs)
            .enumerate()
            .for_each(|(part, out)| {
                let start = first + part * 32;
                fill(start..start + out.len() / inputs, out);
            });
        let view = View::whole(plain, inputs);
        let packed = &mut packed[..packed_len(tokens, inputs)];
        packed
            .par_chunks_exact_mut(tokens * PANEL)
            .enumerate()
            .for_each(|(panel, out)| pack_columns(view, panel, out));
        let right = Panels::new(tokens, inputs, packed);
        let onto = if first == 0 {
            Onto::Nothing
        } else {
            Onto::What
        };
        gradient
            .par_chunks_mut(ROWS * inputs)
            .enumerate()
            .for_each(|(part, out)| {
                STRIPS.with_borrow_mut(|room| {
                    let columns = out.len() / inputs;
                    let left = slopes.rows(first, tokens).columns(part * ROWS, columns);
                    multiply_strips(Strips::pack(left, room), right, out, inputs, onto);
                });
            });
    }
    gradient
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_all_tokens() {
        let (tokens, outputs, inputs) = (600, 70, 37);
        let slopes: Vec<f32> = (0..tokens * outputs)
            .map(|i| (i * 31 % 101) as f32 / 50.0 - 1.0)
            .collect();
        let x: Vec<f32> = (0..tokens * inputs)
            .map(|i| (i * 17 % 103) as f32 / 51.0 - 1.0)
            .collect();
        let found = weight_gradient(&slopes, outputs, inputs, &Pool::default(), |at, out| {
            out.copy_from_slice(&x[at.start * inputs..at.end * inputs]);
        });
        for o in 0..outputs {
            for i in 0..inputs {
                let exact: f64 = (0..tokens)
                    .map(|t| f64::from(slopes[t * outputs + o]) * f64::from(x[t * inputs + i]))
                    .sum();
                assert!((f64::from(found[o * inputs + i]) - exact).abs() < 1e-3);
            }
        }
    }
}
