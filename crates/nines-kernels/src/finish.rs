//! What becomes of a product's sums: bias, activation, rounding, normalisation.

use crate::gelu::{gelu, slope};
use crate::lanes::{LANES, exp, fold, vectorised};
use crate::product::{BLOCK, Block};
use half::bf16;

/// Rounds to the nearest bf16, ties to even; what is not a number stays so.
#[inline(always)]
pub fn round(x: f32) -> bf16 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7FFF + (bits >> 16 & 1))) >> 16;
    let quiet = bits >> 16 | 0x40;
    bf16::from_bits(if x.is_nan() { quiet } else { rounded } as u16)
}

/// Widens to 32 bits.
#[inline(always)]
fn widened(x: bf16) -> f32 {
    f32::from_bits(u32::from(x.to_bits()) << 16)
}

/// The largest of a row of whole vectors; what is not a number is skipped.
#[inline(always)]
fn largest(scores: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    for block in scores.as_chunks::<LANES>().0 {
        for (most, &score) in most.iter_mut().zip(block) {
            *most = if score > *most { score } else { *most };
        }
    }
    most.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// A place for a block's results within a matrix.
macro_rules! rows_of {
    ($block:ident, $out:ident, $stride:ident, |$sums:ident, $row:ident, $to:ident| $body:block) => {
        let (columns, first) = ($block.columns, $block.row * $stride + $block.column);
        for $row in 0..$block.rows {
            let $sums = &$block.sums[$row * BLOCK..][..columns];
            let $to = &mut $out[first + $row * $stride..][..columns];
            $body
        }
    };
}

vectorised! {
    /// Writes sums + bias, rounded. `bias` is that of all columns.
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
    /// Writes the GELU of sums + bias, rounded.
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
    /// Adds sums + bias to what is there.
    pub fn add_to(block: Block<'_>, bias: &[f32], out: &mut [f32], stride: usize) {
        let bias = &bias[block.column..][..block.columns];
        rows_of!(block, out, stride, |sums, row, to| {
            for ((to, &sum), &bias) in to.iter_mut().zip(sums).zip(bias) {
                *to += sum + bias;
            }
        });
    }
}

vectorised! {
    /// Writes sums times each row's factor, rounded.
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
    /// Copies sums.
    pub fn copy(block: Block<'_>, out: &mut [f32], stride: usize) {
        rows_of!(block, out, stride, |sums, row, to| {
            to.copy_from_slice(sums);
        });
    }
}

vectorised! {
    /// Writes sums, rounded.
    pub fn copy_rounded(block: Block<'_>, out: &mut [bf16], stride: usize) {
        rows_of!(block, out, stride, |sums, row, to| {
            for (to, &sum) in to.iter_mut().zip(sums) {
                *to = round(sum);
            }
        });
    }
}

vectorised! {
    /// Writes sums + bias.
    pub fn add_bias(block: Block<'_>, bias: &[f32], out: &mut [f32], stride: usize) {
        let bias = &bias[block.column..][..block.columns];
        rows_of!(block, out, stride, |sums, row, to| {
            for ((to, &sum), &bias) in to.iter_mut().zip(sums).zip(bias) {
                *to = sum + bias;
            }
        });
    }
}

vectorised! {
    /// Adds sums to what is there.
    pub fn accumulate(block: Block<'_>, out: &mut [f32], stride: usize) {
        rows_of!(block, out, stride, |sums, row, to| {
            for (to, &sum) in to.iter_mut().zip(sums) {
                *to += sum;
            }
        });
    }
}

vectorised! {
    /// Writes sums times the GELU's derivative at `before`, rounded.
    pub fn slope_and_round(block: Block<'_>, before: &[bf16], out: &mut [bf16], stride: usize) {
        let first = block.row * stride + block.column;
        rows_of!(block, out, stride, |sums, row, to| {
            let before = &before[first + row * stride..][..block.columns];
            for ((to, &sum), &before) in to.iter_mut().zip(sums).zip(before) {
                *to = round(sum * slope(widened(before)));
            }
        });
    }
}

vectorised! {
    /// Writes the GELU of each number.
    pub fn gelu_rounded(before: &[bf16], out: &mut [bf16]) {
        for (out, &before) in out.iter_mut().zip(before) {
            *out = round(gelu(widened(before)));
        }
    }
}

vectorised! {
    /// Rounds a slice.
    pub fn round_all(numbers: &[f32], out: &mut [bf16]) {
        for (out, &x) in out.iter_mut().zip(numbers) {
            *out = round(x);
        }
    }
}

vectorised! {
    /// Widens a slice.
    pub fn widen(numbers: &[bf16], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(numbers) {
            *out = widened(x);
        }
    }
}

vectorised! {
    /// Adds rounded rows to a row.
    pub fn add_rows(to: &mut [f32], rows: &[bf16]) {
        for row in rows.chunks_exact(to.len()) {
            for (to, &x) in to.iter_mut().zip(row) {
                *to += widened(x);
            }
        }
    }
}

vectorised! {
    /// Turns the first `count` scores of a row into weights that sum to 1, the others into zeros, in
    /// place; returns the logarithm of what they were divided by. Rows are whole vectors.
    pub fn softmax(scores: &mut [f32], count: usize, scale: f32) -> f32 {
        scores[count..].fill(f32::NEG_INFINITY);
        let largest = largest(scores);
        let mut sums = [0.0; LANES];
        for block in scores.as_chunks_mut::<LANES>().0 {
            for (score, sum) in block.iter_mut().zip(&mut sums) {
                *score = exp((*score - largest) * scale);
                *sum += *score;
            }
        }
        let sum = fold(sums);
        let factor = 1.0 / sum;
        for score in scores {
            *score *= factor;
        }
        largest.mul_add(scale, sum.ln())
    }
}

/// What the way back knows of a row of attention scores.
#[derive(Debug, Clone, Copy)]
pub struct ScoreRow {
    /// What [`softmax`] returned.
    pub log: f32,
    /// The product of the output with its gradient.
    pub part: f32,
    /// What scores are multiplied by.
    pub scale: f32,
}

vectorised! {
    /// One row of attention on the way back: from scores and the gradients of weights, to the
    /// gradients of scores and to the weights as they were used, rounded. `mask` is the dropout's.
    pub fn score_slopes(
        scores: &[f32],
        gradients: &[f32],
        mask: &[f32],
        row: ScoreRow,
        slopes: &mut [bf16],
        weights: &mut [bf16],
    ) {
        let ScoreRow { log, part, scale } = row;
        let inputs = scores.iter().zip(gradients).zip(mask);
        for (((&score, &gradient), &mask), (slope, used)) in
            inputs.zip(slopes.iter_mut().zip(weights.iter_mut()))
        {
            let weight = exp(score.mul_add(scale, -log));
            *slope = round(weight * gradient.mul_add(mask, -part) * scale);
            *used = round(weight * mask);
        }
        let count = mask.len();
        slopes[count..].fill(bf16::ZERO);
        weights[count..].fill(bf16::ZERO);
    }
}

vectorised! {
    /// The product of two rows.
    pub fn dot(a: &[bf16], b: &[bf16]) -> f32 {
        let mut lanes = [0f32; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
                *lane = widened(a).mul_add(widened(b), *lane);
            }
        }
        let rest = a_rest.iter().zip(b_rest);
        rest.fold(fold(lanes), |sum, (&a, &b)| widened(a).mul_add(widened(b), sum))
    }
}

vectorised! {
    /// Turns the first `count` scores of a row into weights, e to the (score - largest) * scale,
    /// rounded; the others become zeros. Returns one over the sum. Rows are whole vectors.
    pub fn weights(scores: &mut [f32], count: usize, scale: f32, out: &mut [bf16]) -> f32 {
        scores[count..].fill(f32::NEG_INFINITY);
        let (blocks, _) = scores.as_chunks::<LANES>();
        let largest = largest(scores);
        let mut sums = [0.0; LANES];
        let (out, _) = out.as_chunks_mut::<LANES>();
        for (out, block) in out.iter_mut().zip(blocks) {
            for ((out, &score), sum) in out.iter_mut().zip(block).zip(&mut sums) {
                let weight = exp((score - largest) * scale);
                *sum += weight;
                *out = round(weight);
            }
        }
        1.0 / fold(sums)
    }
}

vectorised! {
    /// Normalises each row to mean 0 and variance 1, stretches it by gamma and beta in place, and
    /// writes it rounded too.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_the_format_says() {
        let values = (0..=u32::MAX).step_by(9973).map(f32::from_bits);
        for x in values.chain([
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            0.0,
            -0.0,
        ]) {
            let (found, expected) = (round(x), bf16::from_f32(x));
            assert!(
                found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                "{x}: {found} {expected}"
            );
        }
    }
}
