//! Self-attention within one row of tokens, head by head, and its gradients.
//!
//! Queries, keys and values of a token lie side by side: `[tokens, 3 hidden]`.

use crate::lanes::{LANES, exponentials, fold, largest, vectorised};
use crate::matrix::{
    Onto, Panels, View, multiply, multiply_transposed, pack_all_columns, pack_all_rows, packed_len,
};
use crate::norm::scale_by;
use crate::relative::RelativeBias;
use crate::rng::Dropout;

/// Query tokens handled together: their scores stay in the second cache.
const STRIP: usize = 64;

/// What attention needs to know beside its numbers.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Attention heads.
    pub heads: usize,
    /// Width of a head.
    pub head_size: usize,
    /// Index in the batch of the row's first token; keys the dropout.
    pub first_token: usize,
    /// Dropout on the attention weights.
    pub dropout: Option<Dropout>,
    /// Added to scores by distance.
    pub relative: Option<&'a RelativeBias>,
}

impl Shape<'_> {
    fn hidden(&self) -> usize {
        self.heads * self.head_size
    }

    fn scale(&self) -> f32 {
        (self.head_size as f32).sqrt().recip()
    }
}

/// Room for intermediate numbers, kept from call to call.
#[derive(Debug, Default)]
pub struct Room {
    keys: Vec<f32>,
    values: Vec<f32>,
    weights: Vec<f32>,
    slopes: Vec<f32>,
    mask: Vec<f32>,
    columns: Vec<f32>,
    packed: Vec<f32>,
    parts: Vec<f32>,
}

/// Makes room for `count` numbers, whatever they are.
pub fn room<T: Copy + Default>(buffer: &mut Vec<T>, count: usize) -> &mut [T] {
    if buffer.len() < count {
        buffer.resize(count, T::default());
    }
    &mut buffer[..count]
}

/// The part of `[tokens, 3 hidden]` that is one head's queries, keys or values.
fn part<'a>(qkv: View<'a>, shape: &Shape<'_>, which: usize, head: usize) -> View<'a> {
    qkv.columns(
        which * shape.hidden() + head * shape.head_size,
        shape.head_size,
    )
}

/// Computes one row's attention: `qkv` `[tokens, 3 hidden]` to `out` `[tokens, hidden]`.
///
/// If `logs` is given, `[tokens, heads]`, it gets what the backward pass needs: the logarithm of
/// the sum that each token's weights were divided by.
pub fn forward(
    qkv: View<'_>,
    shape: &Shape<'_>,
    room_: &mut Room,
    out: &mut [f32],
    mut logs: Option<&mut [f32]>,
) {
    let (tokens, size, hidden) = (qkv.rows, shape.head_size, shape.hidden());
    let Room {
        keys,
        values,
        weights,
        mask,
        ..
    } = room_;
    let (keys, values) = (
        room(keys, packed_len(size, tokens)),
        room(values, packed_len(tokens, size)),
    );
    for head in 0..shape.heads {
        pack_all_rows(part(qkv, shape, 1, head), keys);
        pack_all_columns(part(qkv, shape, 2, head), values);
        for first in (0..tokens).step_by(STRIP) {
            let rows = (tokens - first).min(STRIP);
            let weights = room(weights, rows * tokens);
            let queries = part(qkv, shape, 0, head).rows(first, rows);
            multiply(
                queries,
                Panels::new(size, tokens, keys),
                weights,
                tokens,
                Onto::Nothing,
            );
            for (row, weights) in weights.chunks_exact_mut(tokens).enumerate() {
                let token = first + row;
                if let Some(relative) = shape.relative {
                    relative.add_to(weights, head, token);
                }
                let most = largest(weights);
                let sum = exponentials(weights, most, shape.scale());
                if let Some(logs) = &mut logs {
                    logs[token * shape.heads + head] = most.mul_add(shape.scale(), sum.ln());
                }
                divide(weights, sum);
                if let Some(dropout) = shape.dropout {
                    let mask = room(mask, tokens);
                    fill_mask(dropout, mask_row(shape, token, head), mask);
                    scale_by(weights, mask);
                }
            }
            let out = &mut out[first * hidden + head * size..];
            let panels = Panels::new(tokens, size, values);
            multiply(
                View::whole(weights, tokens),
                panels,
                out,
                hidden,
                Onto::Nothing,
            );
        }
    }
}

/// Computes the gradients of one row's `qkv` from that of its attention's output.
///
/// `gradient` and `context` are `[tokens, hidden]` (the output as it was computed), `out` is
/// `[tokens, 3 hidden]`. `relative` are the sums of the gradients of biases by distance, which grow.
#[expect(
    clippy::too_many_arguments,
    reason = "one for each thing that the forward pass had"
)]
pub fn backward(
    qkv: View<'_>,
    shape: &Shape<'_>,
    logs: &[f32],
    context: &[f32],
    gradient: &[f32],
    room_: &mut Room,
    out: &mut [f32],
    relative: &mut [f32],
) {
    let (tokens, size, hidden) = (qkv.rows, shape.head_size, shape.hidden());
    let Room {
        keys,
        values,
        weights,
        slopes,
        mask,
        columns,
        packed,
        parts,
    } = room_;
    let (keys, values) = (
        room(keys, packed_len(size, tokens)),
        room(values, packed_len(size, tokens)),
    );
    let (parts, columns) = (room(parts, tokens), room(columns, packed_len(tokens, size)));
    for head in 0..shape.heads {
        let at = head * size;
        let gradients = View::whole(gradient, hidden).columns(at, size);
        for (token, part) in parts.iter_mut().enumerate() {
            let of = token * hidden + at..token * hidden + at + size;
            *part = dot(&gradient[of.clone()], &context[of]);
        }
        // From queries to scores, and from the output's gradient to that of the weights.
        pack_all_rows(part(qkv, shape, 1, head), keys);
        pack_all_rows(part(qkv, shape, 2, head), values);
        pack_all_columns(part(qkv, shape, 1, head), columns);
        for first in (0..tokens).step_by(STRIP) {
            let rows = (tokens - first).min(STRIP);
            let weights = room(weights, rows * tokens);
            let slopes = room(slopes, rows * tokens);
            let queries = part(qkv, shape, 0, head).rows(first, rows);
            let gradients = gradients.rows(first, rows);
            multiply(
                queries,
                Panels::new(size, tokens, keys),
                weights,
                tokens,
                Onto::Nothing,
            );
            multiply(
                gradients,
                Panels::new(size, tokens, values),
                slopes,
                tokens,
                Onto::Nothing,
            );
            let both = weights
                .chunks_exact_mut(tokens)
                .zip(slopes.chunks_exact_mut(tokens));
            for (row, (weights, slopes)) in both.enumerate() {
                let token = first + row;
                let log = logs[token * shape.heads + head];
                if let Some(bias) = shape.relative {
                    bias.add_to(weights, head, token);
                }
                exponentials(weights, log / shape.scale(), shape.scale());
                if let Some(dropout) = shape.dropout {
                    let mask = room(mask, tokens);
                    fill_mask(dropout, mask_row(shape, token, head), mask);
                    scale_by(slopes, mask);
                    score_slopes(weights, slopes, parts[token], shape.scale());
                    scale_by(weights, mask);
                } else {
                    score_slopes(weights, slopes, parts[token], shape.scale());
                }
                if let Some(bias) = shape.relative {
                    bias.collect(slopes, head, token, relative);
                }
            }
            let onto = if first == 0 {
                Onto::Nothing
            } else {
                Onto::What
            };
            let (weights, slopes) = (View::whole(weights, tokens), View::whole(slopes, tokens));
            let stride = 3 * hidden;
            // Queries: slopes × keys.
            let to = &mut out[first * stride + at..];
            multiply(
                slopes,
                Panels::new(tokens, size, columns),
                to,
                stride,
                Onto::Nothing,
            );
            // Keys: slopes transposed × queries.
            let some = room(packed, packed_len(rows, size));
            pack_all_columns(queries, some);
            let to = &mut out[hidden + at..];
            multiply_transposed(slopes, Panels::new(rows, size, some), to, stride, onto);
            // Values: weights transposed × the output's gradient.
            pack_all_columns(gradients, some);
            let to = &mut out[2 * hidden + at..];
            multiply_transposed(weights, Panels::new(rows, size, some), to, stride, onto);
        }
    }
}

/// The row of dropout factors of one token's weights in one head.
fn mask_row(shape: &Shape<'_>, token: usize, head: usize) -> u32 {
    ((shape.first_token + token) * shape.heads + head) as u32
}

vectorised! {
    /// Fills a row of dropout factors.
    pub fn fill_mask(dropout: Dropout, row: u32, mask: &mut [f32]) {
        dropout.fill_row(row, mask);
    }
}

vectorised! {
    fn divide(values: &mut [f32], by: f32) {
        let factor = 1.0 / by;
        for value in values {
            *value *= factor;
        }
    }
}

vectorised! {
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut lanes = [0f32; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
                *lane = a.mul_add(b, *lane);
            }
        }
        a_rest.iter().zip(b_rest).fold(fold(lanes), |sum, (&a, &b)| a.mul_add(b, sum))
    }
}

vectorised! {
    /// From the gradient of the weights to that of the scores, in place.
    fn score_slopes(weights: &[f32], slopes: &mut [f32], part: f32, scale: f32) {
        for (slope, &weight) in slopes.iter_mut().zip(weights) {
            *slope = weight * (*slope - part) * scale;
        }
    }
}
