//! One encoder layer in training over bf16 products, on all cores, and its gradients.
//!
//! What products read is rounded to bf16, and so is what is kept for the way back; sums, the stream
//! of hidden states, its gradient, softmax, normalisation and the gradients of parameters are
//! 32-bit.

use crate::attention::fill_mask;
use crate::attention16::{self, room};
use crate::cpu::Unit;
use crate::encoder::LayerGradients;
use crate::finish::{
    accumulate, add_and_round, add_bias, add_rows, copy_rounded, gelu_rounded, round_all,
    slope_and_round, widen,
};
use crate::layer::{LayerShape, NormWeights};
use crate::layer_backward::VectorSlopes;
use crate::norm::{add, scale_by, standardise, standardise_backward, stretch};
use crate::packed::{LayerVectors, PlainLayer, check};
use crate::pool::{Buffer, Pool, Rounded};
use crate::product::{
    Engine, PANEL, Panels, View, pack_columns, pack_rows, packed_len, padded_inputs,
};
use crate::rng::Dropout;
use crate::shuffle::turn;
use half::bf16;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Tokens of a block, when there are enough.
const BLOCK_TOKENS: usize = 192;

/// What the backward pass needs of a batch's forward pass.
#[derive(Debug)]
pub struct Saved16 {
    input: Rounded,
    qkv: Rounded,
    logs: Buffer,
    context: Rounded,
    attended: Rounded,
    attended_scale: Buffer,
    stretched: Rounded,
    wide: Rounded,
    active: Rounded,
    output: Rounded,
    output_scale: Buffer,
}

/// The part of [`Saved16`] that belongs to some tokens.
struct SavedBlock<'a> {
    input: &'a mut [bf16],
    qkv: &'a mut [bf16],
    logs: &'a mut [f32],
    context: &'a mut [bf16],
    attended: &'a mut [bf16],
    attended_scale: &'a mut [f32],
    stretched: &'a mut [bf16],
    wide: &'a mut [bf16],
    active: &'a mut [bf16],
    output: &'a mut [bf16],
    output_scale: &'a mut [f32],
}

/// Takes the first `count` numbers off.
fn take<'a, T>(from: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (first, rest) = std::mem::take(from).split_at_mut(count);
    *from = rest;
    first
}

impl Saved16 {
    fn new(shape: &LayerShape, tokens: usize, pool: &Pool) -> Self {
        let narrow = || pool.take_rounded(tokens * shape.hidden);
        let broad = || pool.take_rounded(tokens * shape.wide);
        Self {
            input: narrow(),
            qkv: pool.take_rounded(tokens * 3 * shape.hidden),
            logs: pool.take(tokens * shape.heads),
            context: narrow(),
            attended: narrow(),
            attended_scale: pool.take(tokens),
            stretched: narrow(),
            wide: broad(),
            active: broad(),
            output: narrow(),
            output_scale: pool.take(tokens),
        }
    }

    /// All of it, to be cut into blocks.
    fn whole(&mut self) -> SavedBlock<'_> {
        SavedBlock {
            input: &mut self.input,
            qkv: &mut self.qkv,
            logs: &mut self.logs,
            context: &mut self.context,
            attended: &mut self.attended,
            attended_scale: &mut self.attended_scale,
            stretched: &mut self.stretched,
            wide: &mut self.wide,
            active: &mut self.active,
            output: &mut self.output,
            output_scale: &mut self.output_scale,
        }
    }
}

impl<'a> SavedBlock<'a> {
    fn take(&mut self, shape: &LayerShape, tokens: usize) -> SavedBlock<'a> {
        let (narrow, broad) = (tokens * shape.hidden, tokens * shape.wide);
        SavedBlock {
            input: take(&mut self.input, narrow),
            qkv: take(&mut self.qkv, 3 * narrow),
            logs: take(&mut self.logs, tokens * shape.heads),
            context: take(&mut self.context, narrow),
            attended: take(&mut self.attended, narrow),
            attended_scale: take(&mut self.attended_scale, tokens),
            stretched: take(&mut self.stretched, narrow),
            wide: take(&mut self.wide, broad),
            active: take(&mut self.active, broad),
            output: take(&mut self.output, narrow),
            output_scale: take(&mut self.output_scale, tokens),
        }
    }
}

/// The same for reading: what the backward pass of some tokens needs.
struct SharedBlock<'a> {
    qkv: &'a [bf16],
    logs: &'a [f32],
    context: &'a [bf16],
    attended: &'a [bf16],
    attended_scale: &'a [f32],
    wide: &'a [bf16],
    output: &'a [bf16],
    output_scale: &'a [f32],
}

impl Saved16 {
    fn block(&self, shape: &LayerShape, tokens: Range<usize>) -> SharedBlock<'_> {
        let of = |width: usize| tokens.start * width..tokens.end * width;
        SharedBlock {
            qkv: &self.qkv[of(3 * shape.hidden)],
            logs: &self.logs[of(shape.heads)],
            context: &self.context[of(shape.hidden)],
            attended: &self.attended[of(shape.hidden)],
            attended_scale: &self.attended_scale[of(1)],
            wide: &self.wide[of(shape.wide)],
            output: &self.output[of(shape.hidden)],
            output_scale: &self.output_scale[of(1)],
        }
    }
}

/// Which way a layer's matrices are packed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From the gradients of outputs to those of inputs.
    Backward,
}

/// A rounded and packed matrix.
struct Packed {
    numbers: Rounded,
    inputs: usize,
    outputs: usize,
}

impl Packed {
    fn new(weights: &[f32], width: usize, direction: Direction, pool: &Pool) -> Self {
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

    fn panels(&self) -> Panels<'_> {
        Panels::new(self.inputs, self.outputs, &self.numbers)
    }
}

/// The four matrices of a layer.
struct PackedLayer16 {
    qkv: Packed,
    attended: Packed,
    wide: Packed,
    output: Packed,
}

impl PackedLayer16 {
    fn new(plain: &PlainLayer<'_>, shape: &LayerShape, direction: Direction, pool: &Pool) -> Self {
        let pack = |weights, width| Packed::new(weights, width, direction, pool);
        Self {
            qkv: pack(plain.qkv, shape.hidden),
            attended: pack(plain.attended, shape.hidden),
            wide: pack(plain.wide, shape.hidden),
            output: pack(plain.output, shape.wide),
        }
    }
}

/// Room for a block's intermediate numbers, kept by each thread from call to call.
#[derive(Debug, Default)]
struct Room {
    sums: Vec<f32>,
    attended: Vec<f32>,
    mask: Vec<f32>,
    row: Vec<f32>,
    context: Vec<bf16>,
    attention: attention16::Room,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
    static TURNED: RefCell<Vec<bf16>> = RefCell::default();
}

/// Whole rows that are computed together, of about [`BLOCK_TOKENS`] tokens; the same on any number
/// of cores, because sums over them are taken in their order.
fn cut(lengths: &[usize]) -> Vec<&[usize]> {
    let (mut blocks, mut rest) = (Vec::new(), lengths);
    while !rest.is_empty() {
        let (mut rows, mut tokens) = (0, 0);
        while rows < rest.len() && (rows == 0 || tokens + rest[rows] / 2 < BLOCK_TOKENS) {
            tokens += rest[rows];
            rows += 1;
        }
        let (block, after) = rest.split_at(rows);
        blocks.push(block);
        rest = after;
    }
    blocks
}

/// Computes a layer: `x` `[tokens, hidden]` to `out`, and what the backward pass needs.
#[expect(
    clippy::too_many_arguments,
    reason = "a layer, a batch, and where results go"
)]
pub fn forward(
    unit: Unit,
    shape: &LayerShape,
    plain: &PlainLayer<'_>,
    vectors: &LayerVectors<'_>,
    lengths: &[usize],
    x: &[f32],
    out: &mut [f32],
    pool: &Pool,
) -> Saved16 {
    let tokens: usize = lengths.iter().sum();
    assert_eq!(x.len(), tokens * shape.hidden, "hidden states of the batch");
    assert_eq!(out.len(), x.len(), "hidden states of the batch");
    check(shape.hidden, shape.wide, shape.heads, plain, vectors);
    let packed = PackedLayer16::new(plain, shape, Direction::Forward, pool);
    let mut saved = Saved16::new(shape, tokens, pool);
    let mut whole = saved.whole();
    let (mut x, mut out, mut first) = (x, out, 0);
    let mut tasks = Vec::new();
    for lengths in cut(lengths) {
        let here: usize = lengths.iter().sum();
        let (block, after) = x.split_at(here * shape.hidden);
        x = after;
        tasks.push(Forward {
            shape,
            packed: &packed,
            vectors,
            lengths,
            first_token: first,
            x: block,
            out: take(&mut out, here * shape.hidden),
            saved: whole.take(shape, here),
        });
        first += here;
    }
    tasks
        .into_par_iter()
        .with_max_len(1)
        .for_each(|task| ROOM.with_borrow_mut(|room| task.run(&mut Engine::start(unit), room)));
    saved
}

/// One block's forward pass.
struct Forward<'a> {
    shape: &'a LayerShape,
    packed: &'a PackedLayer16,
    vectors: &'a LayerVectors<'a>,
    lengths: &'a [usize],
    first_token: usize,
    x: &'a [f32],
    out: &'a mut [f32],
    saved: SavedBlock<'a>,
}

impl Forward<'_> {
    fn run(self, engine: &mut Engine, room_: &mut Room) {
        let Self {
            shape,
            packed,
            vectors,
            x,
            saved,
            ..
        } = self;
        let (hidden, wide, unit) = (shape.hidden, shape.wide, engine.unit());
        let tokens = x.len() / hidden;
        round_all(x, saved.input);
        engine.multiply(
            View::whole(saved.input, tokens, hidden),
            packed.qkv.panels(),
            |block| {
                add_and_round(unit, block, vectors.qkv_bias, saved.qkv, 3 * hidden);
            },
        );
        let mut start = 0;
        for &length in self.lengths {
            attention16::forward(
                engine,
                &saved.qkv[start * 3 * hidden..],
                &shape.attention(self.first_token + start),
                &mut room_.attention,
                &mut saved.context[start * hidden..],
                &mut saved.logs[start * shape.heads..][..length * shape.heads],
            );
            start += length;
        }

        let sums = room(&mut room_.sums, tokens * hidden);
        let left = View::whole(saved.context, tokens, hidden);
        engine.multiply(left, packed.attended.panels(), |block| {
            add_bias(block, vectors.attended_bias, sums, hidden);
        });
        let attended = room(&mut room_.attended, tokens * hidden);
        let step = AddAndNorm {
            dropout: shape.attended_dropout,
            epsilon: shape.epsilon,
            norm: vectors.attended_norm,
            first_token: self.first_token,
        };
        step.run(
            sums,
            x,
            saved.attended_scale,
            saved.attended,
            &mut room_.mask,
            attended,
        );
        round_all(attended, saved.stretched);

        let left = View::whole(saved.stretched, tokens, hidden);
        engine.multiply(left, packed.wide.panels(), |block| {
            add_and_round(unit, block, vectors.wide_bias, saved.wide, wide);
        });
        gelu_rounded(saved.wide, saved.active);
        let left = View::whole(saved.active, tokens, wide);
        engine.multiply(left, packed.output.panels(), |block| {
            add_bias(block, vectors.output_bias, sums, hidden);
        });
        let step = AddAndNorm {
            dropout: shape.output_dropout,
            norm: vectors.output_norm,
            ..step
        };
        step.run(
            sums,
            attended,
            saved.output_scale,
            saved.output,
            &mut room_.mask,
            self.out,
        );
    }
}

/// Drops, adds a residual, normalises.
#[derive(Debug, Clone, Copy)]
struct AddAndNorm<'a> {
    dropout: Option<Dropout>,
    epsilon: f32,
    norm: NormWeights<'a>,
    first_token: usize,
}

impl AddAndNorm<'_> {
    /// `sums` are overwritten; `standard` gets the normalised rows before their stretch, `scales`
    /// what they were multiplied by, and `out` the stretched rows.
    fn run(
        self,
        sums: &mut [f32],
        residual: &[f32],
        scales: &mut [f32],
        standard: &mut [bf16],
        mask: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let hidden = self.norm.gamma.len();
        let rows = sums
            .chunks_exact_mut(hidden)
            .zip(residual.chunks_exact(hidden));
        let outs = out
            .chunks_exact_mut(hidden)
            .zip(standard.chunks_exact_mut(hidden));
        for (row, ((sums, residual), (out, standard))) in rows.zip(outs).enumerate() {
            if let Some(dropout) = self.dropout {
                let mask = room(mask, hidden);
                fill_mask(dropout, (self.first_token + row) as u32, mask);
                scale_by(sums, mask);
            }
            add(sums, residual);
            scales[row] = standardise(sums, self.epsilon);
            round_all(sums, standard);
            stretch(sums, self.norm.gamma, self.norm.beta, out);
        }
    }
}

/// What the backward pass finds out for the gradients of weights: the gradients of what each
/// product gave, `[tokens, …]`.
struct Slopes<'a> {
    qkv: &'a mut [bf16],
    attended: &'a mut [bf16],
    wide: &'a mut [bf16],
    output: &'a mut [bf16],
}

/// Computes a layer's gradients. `gradient` `[tokens, hidden]` is that of its output, and becomes
/// that of its input. Those of its parameters are computed only if it `learns`.
#[expect(
    clippy::too_many_arguments,
    reason = "one for each thing that the forward pass had"
)]
pub fn backward(
    unit: Unit,
    shape: &LayerShape,
    plain: &PlainLayer<'_>,
    vectors: &LayerVectors<'_>,
    lengths: &[usize],
    saved: &Saved16,
    gradient: &mut [f32],
    learns: bool,
    pool: &Pool,
) -> Option<LayerGradients> {
    let packed = PackedLayer16::new(plain, shape, Direction::Backward, pool);
    let (hidden, wide) = (shape.hidden, shape.wide);
    let tokens: usize = lengths.iter().sum();
    let mut qkv = pool.take_rounded(tokens * 3 * hidden);
    let mut attended = pool.take_rounded(tokens * hidden);
    let mut broad = pool.take_rounded(tokens * wide);
    let mut output = pool.take_rounded(tokens * hidden);
    let shares: Vec<VectorSlopes> = {
        let mut all = Slopes {
            qkv: &mut qkv,
            attended: &mut attended,
            wide: &mut broad,
            output: &mut output,
        };
        let (mut gradient, mut first) = (gradient, 0);
        let mut tasks = Vec::new();
        for lengths in cut(lengths) {
            let here: usize = lengths.iter().sum();
            tasks.push(Backward {
                shape,
                packed: &packed,
                vectors,
                lengths,
                first_token: first,
                saved: saved.block(shape, first..first + here),
                gradient: take(&mut gradient, here * hidden),
                slopes: Slopes {
                    qkv: take(&mut all.qkv, here * 3 * hidden),
                    attended: take(&mut all.attended, here * hidden),
                    wide: take(&mut all.wide, here * wide),
                    output: take(&mut all.output, here * hidden),
                },
            });
            first += here;
        }
        let run = |task: Backward<'_>| {
            ROOM.with_borrow_mut(|room| task.run(&mut Engine::start(unit), room))
        };
        tasks.into_par_iter().with_max_len(1).map(run).collect()
    };
    if !learns {
        return None;
    }
    let mut sums = VectorSlopes::zeros(shape);
    for share in &shares {
        sums.add(share);
    }
    let of = |slopes: &[bf16], outputs, x: &[bf16], inputs| {
        weight_gradient(unit, slopes, outputs, x, inputs, pool)
    };
    Some(LayerGradients {
        qkv: of(&qkv, 3 * hidden, &saved.input, hidden),
        attended: of(&attended, hidden, &saved.context, hidden),
        wide: of(&broad, wide, &saved.stretched, hidden),
        output: of(&output, hidden, &saved.active, wide),
        vectors: sums,
    })
}

/// One block's backward pass.
struct Backward<'a> {
    shape: &'a LayerShape,
    packed: &'a PackedLayer16,
    vectors: &'a LayerVectors<'a>,
    lengths: &'a [usize],
    first_token: usize,
    saved: SharedBlock<'a>,
    gradient: &'a mut [f32],
    slopes: Slopes<'a>,
}

impl Backward<'_> {
    fn run(self, engine: &mut Engine, room_: &mut Room) -> VectorSlopes {
        let Self {
            shape,
            packed,
            vectors,
            saved,
            gradient,
            slopes,
            ..
        } = self;
        let (hidden, wide) = (shape.hidden, shape.wide);
        let tokens = gradient.len() / hidden;
        let mut sums = VectorSlopes::zeros(shape);
        let Room {
            sums: dropped,
            mask,
            row,
            context,
            attention,
            ..
        } = room_;
        let dropped = room(dropped, hidden);
        let mut step = BackwardStep {
            dropout: shape.output_dropout,
            gamma: vectors.output_norm.gamma,
            first_token: self.first_token,
            dropped,
            mask,
            row: room(row, hidden),
        };
        step.run(
            gradient,
            saved.output,
            saved.output_scale,
            (&mut sums.output_gamma, &mut sums.output_beta),
            slopes.output,
        );
        add_rows(&mut sums.output_bias, slopes.output);
        let left = View::whole(slopes.output, tokens, hidden);
        engine.multiply(left, packed.output.panels(), |block| {
            slope_and_round(block, saved.wide, slopes.wide, wide);
        });
        add_rows(&mut sums.wide_bias, slopes.wide);
        let left = View::whole(slopes.wide, tokens, wide);
        engine.multiply(left, packed.wide.panels(), |block| {
            accumulate(block, gradient, hidden)
        });

        step.dropout = shape.attended_dropout;
        step.gamma = vectors.attended_norm.gamma;
        step.run(
            gradient,
            saved.attended,
            saved.attended_scale,
            (&mut sums.attended_gamma, &mut sums.attended_beta),
            slopes.attended,
        );
        add_rows(&mut sums.attended_bias, slopes.attended);
        let context = room(context, tokens * hidden);
        let left = View::whole(slopes.attended, tokens, hidden);
        engine.multiply(left, packed.attended.panels(), |block| {
            copy_rounded(block, context, hidden);
        });

        let mut start = 0;
        for &length in self.lengths {
            let of = |width: usize| start * width..(start + length) * width;
            attention16::backward(
                engine,
                &saved.qkv[start * 3 * hidden..],
                &shape.attention(self.first_token + start),
                &saved.logs[of(shape.heads)],
                &saved.context[of(hidden)],
                &context[start * hidden..],
                attention,
                &mut slopes.qkv[of(3 * hidden)],
            );
            start += length;
        }
        add_rows(&mut sums.qkv_bias, slopes.qkv);
        let left = View::whole(slopes.qkv, tokens, 3 * hidden);
        engine.multiply(left, packed.qkv.panels(), |block| {
            accumulate(block, gradient, hidden)
        });
        sums
    }
}

/// Back through a normalisation and a dropout.
struct BackwardStep<'a> {
    dropout: Option<Dropout>,
    gamma: &'a [f32],
    first_token: usize,
    dropped: &'a mut [f32],
    mask: &'a mut Vec<f32>,
    row: &'a mut [f32],
}

impl BackwardStep<'_> {
    /// `gradient` becomes that of the sum that was normalised, which is that of the residual, and
    /// `slopes` that of what was dropped before it was added.
    fn run(
        &mut self,
        gradient: &mut [f32],
        standard: &[bf16],
        scales: &[f32],
        (gamma, beta): (&mut [f32], &mut [f32]),
        slopes: &mut [bf16],
    ) {
        let hidden = self.gamma.len();
        let rows = gradient
            .chunks_exact_mut(hidden)
            .zip(standard.chunks_exact(hidden));
        let outs = slopes.chunks_exact_mut(hidden).zip(scales);
        for (index, ((gradient, standard), (slopes, &scale))) in rows.zip(outs).enumerate() {
            widen(standard, self.row);
            standardise_backward(gradient, self.row, scale, self.gamma, gamma, beta);
            let Some(dropout) = self.dropout else {
                round_all(gradient, slopes);
                continue;
            };
            let mask = room(self.mask, hidden);
            fill_mask(dropout, (self.first_token + index) as u32, mask);
            self.dropped.copy_from_slice(gradient);
            scale_by(self.dropped, mask);
            round_all(self.dropped, slopes);
        }
    }
}

/// Tokens that are added at a time.
const CHUNK: usize = 512;
/// Rows of the gradient that are computed together.
const ROWS: usize = 128;

/// Computes slopesᵀ x, `[outputs, inputs]`: the gradient of weights that took `x` `[tokens,
/// inputs]` to what has the gradient `slopes` `[tokens, outputs]`.
///
/// Each number is a sum over the tokens in an order that does not depend on the number of cores.
fn weight_gradient(
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
                    let turned = room(turned, ROWS * padded);
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

#[cfg(test)]
mod tests;
