//! Self-attention in training over bf16 products, head by head, and its gradients.
//!
//! Queries, keys and values of a token lie side by side: `[tokens, 3 hidden]`.

use crate::aligned::Aligned;
use crate::attention::{Shape, fill_mask};
use crate::finish::{ScoreRow, copy_rounded, dot, round_all, score_slopes, softmax, widen};
use crate::norm::scale_by;
use crate::product::{
    BLOCK, Engine, Panels, View, pack_columns, pack_rows, packed_len, padded_inputs,
};
use crate::shuffle::turn;
use half::bf16;

/// Room for intermediate numbers, kept from call to call.
#[derive(Debug, Default)]
pub struct Room {
    keys: Aligned<bf16>,
    values: Aligned<bf16>,
    key_columns: Aligned<bf16>,
    columns: Aligned<bf16>,
    scores: Aligned<f32>,
    gradients: Aligned<f32>,
    weights: Aligned<bf16>,
    slopes: Aligned<bf16>,
    turned: Aligned<bf16>,
    mask: Aligned<f32>,
    parts: Aligned<f32>,
    wide_slopes: Aligned<f32>,
}

/// Queries, keys or values of one head.
struct Part<'a> {
    numbers: &'a [bf16],
    stride: usize,
    tokens: usize,
    size: usize,
}

impl<'a> Part<'a> {
    fn rows(&self, first: usize, rows: usize) -> View<'a> {
        View::new(
            &self.numbers[first * self.stride..],
            self.stride,
            rows,
            self.size,
        )
    }

    fn pack_rows<'b>(&self, out: &'b mut Aligned<bf16>) -> Panels<'b> {
        let out = out.room(packed_len(self.size, self.tokens));
        pack_rows(self.numbers, self.stride, self.tokens, self.size, 0, out);
        Panels::new(self.size, self.tokens, out)
    }

    /// Inputs are filled up with zeros.
    fn pack_columns<'b>(&self, out: &'b mut Aligned<bf16>) -> Panels<'b> {
        let out = out.room(packed_len(self.tokens, self.size));
        pack_columns(self.numbers, self.stride, self.tokens, self.size, 0, out);
        Panels::new(padded_inputs(self.tokens), self.size, out)
    }
}

fn part<'a>(
    qkv: &'a [bf16],
    shape: &Shape<'_>,
    tokens: usize,
    which: usize,
    head: usize,
) -> Part<'a> {
    let hidden = shape.heads * shape.head_size;
    Part {
        numbers: &qkv[which * hidden + head * shape.head_size..],
        stride: 3 * hidden,
        tokens,
        size: shape.head_size,
    }
}

/// The dropout factors of one token's weights in one head; ones where nothing is dropped.
fn mask_of(shape: &Shape<'_>, token: usize, head: usize, mask: &mut [f32]) {
    if let Some(dropout) = shape.dropout {
        let row = (shape.first_token + token) * shape.heads + head;
        fill_mask(dropout, row as u32, mask);
    }
}

/// Computes one row's attention: `qkv` `[tokens, 3 hidden]` to `out` `[tokens, hidden]`. `logs`
/// `[tokens, heads]` gets the logarithms of what each token's weights were divided by.
pub fn forward(
    engine: &mut Engine,
    qkv: &[bf16],
    shape: &Shape<'_>,
    room_: &mut Room,
    out: &mut [bf16],
    logs: &mut [f32],
) {
    let (heads, size) = (shape.heads, shape.head_size);
    let hidden = heads * size;
    let tokens = logs.len() / heads;
    let padded = padded_inputs(tokens);
    let scale = (size as f32).sqrt().recip();
    let scores = room_.scores.room(BLOCK * padded);
    let weights = room_.weights.room(BLOCK * padded);
    let mask = room_.mask.room(tokens);
    for head in 0..heads {
        let keys = part(qkv, shape, tokens, 1, head).pack_rows(&mut room_.keys);
        let values = part(qkv, shape, tokens, 2, head).pack_columns(&mut room_.values);
        let queries = part(qkv, shape, tokens, 0, head);
        for first in (0..tokens).step_by(BLOCK) {
            let rows = (tokens - first).min(BLOCK);
            engine.multiply_to(queries.rows(first, rows), keys, scores, padded);
            let both = scores
                .chunks_exact_mut(padded)
                .zip(weights.chunks_exact_mut(padded));
            for (row, (scores, weights)) in both.take(rows).enumerate() {
                let token = first + row;
                if let Some(relative) = shape.relative {
                    relative.add_to(&mut scores[..tokens], head, token);
                }
                logs[token * heads + head] = softmax(scores, tokens, scale);
                if shape.dropout.is_some() {
                    mask_of(shape, token, head, mask);
                    scale_by(&mut scores[..tokens], mask);
                }
                round_all(scores, weights);
            }
            let left = View::new(weights, padded, rows, padded);
            let out = &mut out[first * hidden + head * size..];
            engine.multiply(left, values, |block| copy_rounded(block, out, hidden));
        }
    }
}

/// Computes the gradients of one row's `qkv`, `out` `[tokens, 3 hidden]`, from that of its
/// attention's output. `gradient` and `context` (the output as it was) are `[tokens, hidden]`.
/// `relative` are the sums of the gradients of biases by distance, which grow.
#[expect(
    clippy::too_many_arguments,
    reason = "one for each thing that the forward pass had"
)]
pub fn backward(
    engine: &mut Engine,
    qkv: &[bf16],
    shape: &Shape<'_>,
    logs: &[f32],
    context: &[bf16],
    gradient: &[bf16],
    room_: &mut Room,
    out: &mut [bf16],
    relative: &mut [f32],
) {
    let (heads, size) = (shape.heads, shape.head_size);
    let hidden = heads * size;
    let tokens = logs.len() / heads;
    let padded = padded_inputs(tokens);
    let scale = (size as f32).sqrt().recip();
    let scores = room_.scores.room(BLOCK * padded);
    let gradients = room_.gradients.room(BLOCK * padded);
    let slopes = room_.slopes.room(tokens * padded);
    let weights = room_.weights.room(tokens * padded);
    let turned = room_.turned.room(tokens * padded);
    let parts = room_.parts.room(tokens);
    let mask = room_.mask.room(tokens);
    mask.fill(1.0);
    let wide_slopes = room_.wide_slopes.room(padded);
    for head in 0..heads {
        let at = head * size;
        for (token, part) in parts.iter_mut().enumerate() {
            let of = token * hidden + at..token * hidden + at + size;
            *part = dot(&gradient[of.clone()], &context[of]);
        }
        let output = Part {
            numbers: &gradient[at..],
            stride: hidden,
            tokens,
            size,
        };
        let [queries, key, value] = [0, 1, 2].map(|which| part(qkv, shape, tokens, which, head));
        let keys = key.pack_rows(&mut room_.keys);
        let values = value.pack_rows(&mut room_.values);
        let key_columns = key.pack_columns(&mut room_.key_columns);
        for first in (0..tokens).step_by(BLOCK) {
            let rows = (tokens - first).min(BLOCK);
            engine.multiply_to(queries.rows(first, rows), keys, scores, padded);
            engine.multiply_to(output.rows(first, rows), values, gradients, padded);
            for row in 0..rows {
                let token = first + row;
                mask_of(shape, token, head, mask);
                let of = token * padded..(token + 1) * padded;
                let scores = &mut scores[row * padded..][..tokens];
                if let Some(bias) = shape.relative {
                    bias.add_to(scores, head, token);
                }
                score_slopes(
                    scores,
                    &gradients[row * padded..][..tokens],
                    mask,
                    ScoreRow {
                        log: logs[token * heads + head],
                        part: parts[token],
                        scale,
                    },
                    &mut slopes[of.clone()],
                    &mut weights[of.clone()],
                );
                if let Some(bias) = shape.relative {
                    widen(&slopes[of], wide_slopes);
                    bias.collect(&wide_slopes[..tokens], head, token, relative);
                }
            }
            let left = View::new(&slopes[first * padded..], padded, rows, padded);
            let to = &mut out[first * 3 * hidden + at..];
            engine.multiply(left, key_columns, |block| {
                copy_rounded(block, to, 3 * hidden)
            });
        }
        // Keys: slopes turned × queries. Values: weights turned × the output's gradient.
        for (which, from, right) in [(1, &*slopes, &queries), (2, &*weights, &output)] {
            turn(from, padded, tokens, tokens, turned, padded);
            let right = right.pack_columns(&mut room_.columns);
            let left = View::new(turned, padded, tokens, padded);
            let to = &mut out[which * hidden + at..];
            engine.multiply(left, right, |block| copy_rounded(block, to, 3 * hidden));
        }
    }
}
