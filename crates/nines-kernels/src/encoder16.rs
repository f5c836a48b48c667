//! Encoder layers over bf16 products, for scoring: a block of rows goes through all layers while
//! its numbers stay in a core's own cache.
//!
//! Weights and what products read are bf16; sums, hidden states, softmax and normalisation are
//! 32-bit.

use crate::aligned::Aligned;
use crate::cpu::Unit;
use crate::encoder::{Block, blocks, spread, take};
use crate::finish::{
    add_and_round, add_residual, gelu_and_round, normalise, round_all, scale_and_round, weights,
};
use crate::layer::LayerShape;
use crate::packed::{Direction, LayerVectors, PlainLayer, check};
use crate::packed16::Packed;
use crate::pool::Pool;
use crate::product::{
    BLOCK, Engine, Panels, View, pack_columns, pack_rows, packed_len, padded_inputs,
};
use crate::relative::RelativeBias;
use half::bf16;
use rayon::prelude::*;
use std::cell::RefCell;

/// Counts what changed scores in this arithmetic. Raise it with any change that moves a bit of a
/// score: thresholds and stored scores belong to the revision that they were made with.
pub const REVISION: u32 = 2;

#[derive(Debug)]
struct Linear {
    weight: Packed,
    bias: Vec<f32>,
}

impl Linear {
    fn panels(&self) -> Panels<'_> {
        self.weight.panels()
    }
}

#[derive(Debug)]
struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

/// One layer's weights, rounded and packed.
#[derive(Debug)]
pub struct Layer16 {
    shape: LayerShape,
    qkv: Linear,
    attended: Linear,
    attended_norm: Norm,
    wide: Linear,
    output: Linear,
    output_norm: Norm,
    relative: Option<RelativeBias>,
}

impl Layer16 {
    /// Rounds and packs a layer. Its shape's dropouts are for training: here nothing is dropped.
    ///
    /// # Panics
    /// If the parts do not have the shape.
    pub fn new(
        shape: LayerShape,
        plain: &PlainLayer<'_>,
        vectors: &LayerVectors<'_>,
        pool: &Pool,
    ) -> Self {
        check(shape.hidden, shape.wide, shape.heads, plain, vectors);
        let linear = |weight: &[f32], bias: &[f32], width| Linear {
            weight: Packed::new(weight, width, Direction::Forward, pool),
            bias: bias.to_vec(),
        };
        let norm = |norm: crate::layer::NormWeights<'_>| Norm {
            gamma: norm.gamma.to_vec(),
            beta: norm.beta.to_vec(),
        };
        Self {
            qkv: linear(plain.qkv, vectors.qkv_bias, shape.hidden),
            attended: linear(plain.attended, vectors.attended_bias, shape.hidden),
            attended_norm: norm(vectors.attended_norm),
            wide: linear(plain.wide, vectors.wide_bias, shape.hidden),
            output: linear(plain.output, vectors.output_bias, shape.wide),
            output_norm: norm(vectors.output_norm),
            relative: vectors.relative.cloned(),
            shape,
        }
    }
}

/// Tokens that go through the layers together, when there are enough.
const BLOCK_TOKENS: usize = 256;

/// Takes the hidden states of a batch, `[tokens, hidden]`, through all layers in place. `lengths`
/// are the tokens of its rows. What a row gets depends on that row alone.
pub fn forward(unit: Unit, layers: &[Layer16], lengths: &[usize], states: &mut [f32]) {
    let Some(shape) = layers.first().map(|layer| layer.shape) else {
        return;
    };
    let tokens: usize = lengths.iter().sum();
    assert_eq!(
        states.len(),
        tokens * shape.hidden,
        "hidden states of the batch"
    );
    let target = spread(tokens, 32, BLOCK_TOKENS);
    let mut left = states;
    let mut tasks = Vec::new();
    for Block { rows, tokens } in blocks(lengths, target) {
        let states = take(&mut left, tokens.len() * shape.hidden);
        tasks.push((&lengths[rows], states));
    }
    tasks
        .into_par_iter()
        .with_max_len(1)
        .for_each(|(lengths, states)| block(unit, layers, lengths, states));
}

/// Room for a block's intermediate numbers, kept by each thread from call to call.
#[derive(Debug, Default)]
struct Room {
    states: Aligned<bf16>,
    qkv: Aligned<bf16>,
    context: Aligned<bf16>,
    attended: Aligned<f32>,
    rounded: Aligned<bf16>,
    wide: Aligned<bf16>,
    attention: AttentionRoom,
}

#[derive(Debug, Default)]
struct AttentionRoom {
    keys: Aligned<bf16>,
    values: Aligned<bf16>,
    scores: Aligned<f32>,
    weights: Aligned<bf16>,
    factors: Aligned<f32>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

fn block(unit: Unit, layers: &[Layer16], lengths: &[usize], states: &mut [f32]) {
    ROOM.with_borrow_mut(|room_| {
        let engine = &mut Engine::start(unit);
        let hidden = layers[0].shape.hidden;
        // Whole tiles of rows, so that products need no copies.
        let padded = (states.len() / hidden).next_multiple_of(BLOCK) * hidden;
        let rounded = room_.states.room(padded);
        round_all(states, rounded);
        for layer in layers {
            layer.run(engine, lengths, states, room_);
        }
    });
}

impl Layer16 {
    fn run(&self, engine: &mut Engine, lengths: &[usize], states: &mut [f32], room_: &mut Room) {
        let LayerShape {
            hidden,
            wide,
            epsilon,
            ..
        } = self.shape;
        let unit = engine.unit();
        let tokens = states.len() / hidden;
        let padded = tokens.next_multiple_of(BLOCK);
        let Room {
            states: rounded_states,
            qkv,
            context,
            attended,
            rounded,
            wide: wide_room,
            attention,
        } = room_;
        let rounded_states = &mut rounded_states[..padded * hidden];
        let qkv = qkv.room(padded * 3 * hidden);
        let left = View::new(rounded_states, hidden, tokens, hidden);
        engine.multiply(left, self.qkv.panels(), |block| {
            add_and_round(unit, block, &self.qkv.bias, qkv, 3 * hidden);
        });

        let context = context.room(padded * hidden);
        let mut start = 0;
        for &length in lengths {
            let out = &mut context[start * hidden..];
            self.attend(engine, &qkv[start * 3 * hidden..], length, out, attention);
            start += length;
        }

        let attended = attended.room(tokens * hidden);
        let left = View::new(context, hidden, tokens, hidden);
        engine.multiply(left, self.attended.panels(), |block| {
            add_residual(unit, block, &self.attended.bias, states, attended, hidden);
        });
        let rounded = rounded.room(padded * hidden);
        let norm = &self.attended_norm;
        normalise(unit, attended, &norm.gamma, &norm.beta, epsilon, rounded);

        let wide_room = wide_room.room(padded * wide);
        let left = View::new(rounded, hidden, tokens, hidden);
        engine.multiply(left, self.wide.panels(), |block| {
            gelu_and_round(unit, block, &self.wide.bias, wide_room, wide);
        });
        let left = View::new(wide_room, wide, tokens, wide);
        engine.multiply(left, self.output.panels(), |block| {
            add_residual(unit, block, &self.output.bias, attended, states, hidden);
        });
        let norm = &self.output_norm;
        normalise(
            unit,
            states,
            &norm.gamma,
            &norm.beta,
            epsilon,
            rounded_states,
        );
    }

    /// One row's attention: `qkv` `[tokens, 3 hidden]` (and what follows) to `out` `[tokens, hidden]`.
    fn attend(
        &self,
        engine: &mut Engine,
        qkv: &[bf16],
        tokens: usize,
        out: &mut [bf16],
        room_: &mut AttentionRoom,
    ) {
        let (hidden, size) = (self.shape.hidden, self.shape.head_size());
        let stride = 3 * hidden;
        let scale = (size as f32).sqrt().recip();
        let padded = padded_inputs(tokens);
        let AttentionRoom {
            keys,
            values,
            scores,
            weights: weights_room,
            factors,
        } = room_;
        let unit = engine.unit();
        let keys = keys.room(packed_len(size, tokens));
        let values = values.room(packed_len(tokens, size));
        let scores = scores.room(BLOCK * padded);
        let weights_room = weights_room.room(BLOCK * padded);
        let factors = factors.room(BLOCK);
        for head in 0..self.shape.heads {
            let at = head * size;
            pack_rows(&qkv[hidden + at..], stride, tokens, size, 0, keys);
            pack_columns(&qkv[2 * hidden + at..], stride, tokens, size, 0, values);
            for first in (0..tokens).step_by(BLOCK) {
                let rows = (tokens - first).min(BLOCK);
                let queries = View::new(&qkv[first * stride + at..], stride, rows, size);
                engine.multiply_to(queries, Panels::new(size, tokens, keys), scores, padded);
                if let Some(relative) = &self.relative {
                    let rows = scores.chunks_exact_mut(padded).take(rows).enumerate();
                    for (row, scores) in rows {
                        relative.add_to(&mut scores[..tokens], head, first + row);
                    }
                }
                let factors = &mut factors[..rows];
                weights(unit, scores, padded, tokens, scale, weights_room, factors);
                let left = View::new(weights_room, padded, rows, padded);
                let out = &mut out[first * hidden + at..];
                engine.multiply(left, Panels::new(padded, size, values), |block| {
                    scale_and_round(unit, block, factors, out, hidden);
                });
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
