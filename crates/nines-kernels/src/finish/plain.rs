//! The same in plain code, for CPUs without AVX-512's bf16 conversions and as the others' yardstick.

use super::{largest, round, rows_of};
use crate::gelu::gelu;
use crate::lanes::{LANES, exp, fold, vectorised};
use crate::product::{BLOCK, Block};
use half::bf16;

vectorised! {
    /// See [`super::add_and_round`].
    pub fn add_and_round(block: Block<'_>, bias: &[f32], out: &mut [bf16], stride: usize) {
        let bias = &bias[block.column..][..block.columns];
        rows_of!(block, out, stride, |sums, row, to| {
            for ((to, &sum), &bias) in to.iter_mut().zip(sums).zip(bias) {
                *to = round(sum + bias);
            }
        });
    }
}

vectorised! {
    /// See [`super::gelu_and_round`].
    pub fn gelu_and_round(block: Block<'_>, bias: &[f32], out: &mut [bf16], stride: usize) {
        let bias = &bias[block.column..][..block.columns];
        rows_of!(block, out, stride, |sums, row, to| {
            for ((to, &sum), &bias) in to.iter_mut().zip(sums).zip(bias) {
                *to = round(gelu(sum + bias));
            }
        });
    }
}

vectorised! {
    /// See [`super::add_residual`].
    pub fn add_residual(
        block: Block<'_>,
        bias: &[f32],
        residual: &[f32],
        out: &mut [f32],
        stride: usize,
    ) {
        let bias = &bias[block.column..][..block.columns];
        let first = block.row * stride + block.column;
        rows_of!(block, out, stride, |sums, row, to| {
            let residual = &residual[first + row * stride..][..block.columns];
            for (((to, &sum), &bias), &residual) in to.iter_mut().zip(sums).zip(bias).zip(residual) {
                *to = residual + (sum + bias);
            }
        });
    }
}

vectorised! {
    /// See [`super::scale_and_round`].
    pub fn scale_and_round(block: Block<'_>, factors: &[f32], out: &mut [bf16], stride: usize) {
        let factors = &factors[block.row..];
        rows_of!(block, out, stride, |sums, row, to| {
            for (to, &sum) in to.iter_mut().zip(sums) {
                *to = round(sum * factors[row]);
            }
        });
    }
}

vectorised! {
    /// See [`super::weights`].
    pub fn weights(
        scores: &[f32],
        width: usize,
        count: usize,
        scale: f32,
        out: &mut [bf16],
        factors: &mut [f32],
    ) {
        let rows = scores.chunks_exact(width).zip(out.chunks_exact_mut(width));
        for ((scores, out), factor) in rows.zip(factors) {
            let (blocks, rest) = scores[..count].as_chunks::<LANES>();
            let largest = largest(blocks, rest);
            let mut sums = [0.0; LANES];
            for (out, block) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(blocks) {
                for ((out, &score), sum) in out.iter_mut().zip(block).zip(&mut sums) {
                    let weight = exp((score - largest) * scale);
                    *sum += weight;
                    *out = round(weight);
                }
            }
            let mut sum = fold(sums);
            let (last, behind) = out[count - rest.len()..].split_at_mut(rest.len());
            for (out, &score) in last.iter_mut().zip(rest) {
                let weight = exp((score - largest) * scale);
                sum += weight;
                *out = round(weight);
            }
            behind.fill(bf16::ZERO);
            *factor = 1.0 / sum;
        }
    }
}

vectorised! {
    /// See [`super::normalise`].
    pub fn normalise(
        rows: &mut [f32],
        gamma: &[f32],
        beta: &[f32],
        epsilon: f32,
        rounded: &mut [bf16],
    ) {
        let width = gamma.len();
        for (row, rounded) in rows.chunks_exact_mut(width).zip(rounded.chunks_exact_mut(width)) {
            let mean = sum(row, |x| x) / width as f32;
            let variance = sum(row, |x| (x - mean) * (x - mean)) / width as f32;
            let scale = 1.0 / (variance + epsilon).sqrt();
            let stretch = gamma.iter().zip(beta);
            for ((x, out), (&gamma, &beta)) in row.iter_mut().zip(rounded).zip(stretch) {
                *x = ((*x - mean) * scale).mul_add(gamma, beta);
                *out = round(*x);
            }
        }
    }
}

/// Sums a row's values in a fixed order.
#[inline(always)]
fn sum(row: &[f32], value: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane += value(x);
        }
    }
    rest.iter().fold(fold(lanes), |sum, &x| sum + value(x))
}
