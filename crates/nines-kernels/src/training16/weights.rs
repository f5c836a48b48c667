//! The gradient of a weight matrix: a sum over all tokens of the batch.

use crate::aligned::Aligned;
use crate::cpu::Unit;
use crate::finish::accumulate;
use crate::pool::Pool;
use crate::product::{Engine, PANEL, Panels, View, pack_columns, packed_len, padded_inputs};
use crate::shuffle::turn;
use half::bf16;
use rayon::prelude::*;
use std::cell::RefCell;

thread_local! {
    static TURNED: RefCell<Aligned<bf16>> = RefCell::default();
}

/// Tokens that are added at a time.
const CHUNK: usize = 512;
/// Rows of the gradient that are computed together.
const ROWS: usize = 128;

/// Computes slopesᵀ x, `[outputs, inputs]`: the gradient of weights that took `x` `[tokens,
/// inputs]` to what has the gradient `slopes` `[tokens, outputs]`.
///
/// Each number is a sum over the tokens in an order that does not depend on the number of cores.
pub fn weight_gradient(
    unit: Unit,
    slopes: &[bf16],
    outputs: usize,
    x: &[bf16],
    inputs: usize,
    pool: &Pool,
) -> Vec<f32> {
    let tokens = slopes.len() / outputs;
    let mut gradient = vec![0.0; outputs * inputs];
    let mut packed = pool.take_rounded(packed_len(CHUNK.min(tokens), inputs));
    for first in (0..tokens).step_by(CHUNK) {
        let here = (tokens - first).min(CHUNK);
        let padded = padded_inputs(here);
        let packed = &mut packed[..packed_len(here, inputs)];
        let chunk = &x[first * inputs..];
        packed
            .par_chunks_exact_mut(PANEL * padded)
            .enumerate()
            .for_each(|(panel, out)| pack_columns(chunk, inputs, here, inputs, panel, out));
        let right = Panels::new(padded, inputs, packed);
        gradient
            .par_chunks_mut(ROWS * inputs)
            .enumerate()
            .for_each(|(part, out)| {
                TURNED.with_borrow_mut(|turned| {
                    let rows = out.len() / inputs;
                    let turned = turned.room(ROWS * padded);
                    let from = &slopes[first * outputs + part * ROWS..];
                    turn(from, outputs, here, rows, turned, padded);
                    let left = View::new(turned, padded, rows, padded);
                    Engine::start(unit).multiply(left, right, |block| {
                        accumulate(block, out, inputs);
                    });
                });
            });
    }
    gradient
}
