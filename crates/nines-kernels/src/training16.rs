//! One encoder layer in training over bf16 products, on all cores, and its gradients.
//!
//! What products read is rounded to bf16, and so is what is kept for the way back; sums, the stream
//! of hidden states, its gradient, softmax, normalisation and the gradients of parameters are
//! 32-bit.

use crate::aligned::Aligned;
use crate::attention::{fill_mask, room};
use crate::attention16;
use crate::cpu::Unit;
use crate::encoder::{Block, LayerGradients, blocks, relative_gradient, take};
use crate::finish::{
    accumulate, add_and_round, add_bias, add_rows, copy_rounded, gelu_rounded, round_all,
    slope_and_round, widen,
};
use crate::layer::{AddAndNorm, LayerShape};
use crate::layer_backward::VectorSlopes;
use crate::norm::{scale_by, standardise_backward};
use crate::packed::{Direction, LayerVectors, PlainLayer, check};
use crate::packed16::Packed;
use crate::pool::Pool;
use crate::product::{Engine, View};
use crate::rng::Dropout;
use half::bf16;
use rayon::prelude::*;
use std::cell::RefCell;

mod saved;
#[cfg(test)]
mod tests;
mod weights;

pub use saved::Saved16;
use saved::{SavedBlock, SharedBlock};
use weights::weight_gradient;

/// Tokens of a block, when there are enough.
const BLOCK_TOKENS: usize = 192;

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
    context: Aligned<bf16>,
    attention: attention16::Room,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
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
    let mut out = out;
    let mut tasks = Vec::new();
    for Block { rows, tokens } in blocks(lengths, BLOCK_TOKENS) {
        let here = tokens.len();
        tasks.push(Forward {
            shape,
            packed: &packed,
            vectors,
            lengths: &lengths[rows],
            first_token: tokens.start,
            x: &x[tokens.start * shape.hidden..tokens.end * shape.hidden],
            out: take(&mut out, here * shape.hidden),
            saved: whole.take(shape, here),
        });
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
                &shape.attention(self.first_token + start, vectors.relative),
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
        let (scales, mask) = (Some(saved.attended_scale), &mut room_.mask);
        step.run(sums, x, scales, mask, attended);
        round_all(sums, saved.attended);
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
        let (scales, mask) = (Some(saved.output_scale), &mut room_.mask);
        step.run(sums, attended, scales, mask, self.out);
        round_all(sums, saved.output);
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
        let mut gradient = gradient;
        let mut tasks = Vec::new();
        // The same blocks on any number of cores: sums over them are taken in their order.
        for Block { rows, tokens } in blocks(lengths, BLOCK_TOKENS) {
            let here = tokens.len();
            tasks.push(Backward {
                shape,
                packed: &packed,
                vectors,
                lengths: &lengths[rows],
                first_token: tokens.start,
                saved: saved.block(shape, tokens),
                gradient: take(&mut gradient, here * hidden),
                slopes: Slopes {
                    qkv: take(&mut all.qkv, here * 3 * hidden),
                    attended: take(&mut all.attended, here * hidden),
                    wide: take(&mut all.wide, here * wide),
                    output: take(&mut all.output, here * hidden),
                },
            });
        }
        let run = |task: Backward<'_>| {
            ROOM.with_borrow_mut(|room| task.run(&mut Engine::start(unit), room))
        };
        tasks.into_par_iter().with_max_len(1).map(run).collect()
    };
    if !learns {
        return None;
    }
    let mut sums = VectorSlopes::zeros(shape, vectors.relative);
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
        relative: relative_gradient(vectors.relative, &sums),
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
        let mut sums = VectorSlopes::zeros(shape, vectors.relative);
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
        let context = context.room(tokens * hidden);
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
                &shape.attention(self.first_token + start, vectors.relative),
                &saved.logs[of(shape.heads)],
                &saved.context[of(hidden)],
                &context[start * hidden..],
                attention,
                &mut slopes.qkv[of(3 * hidden)],
                &mut sums.relative,
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
