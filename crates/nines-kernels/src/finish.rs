//! What becomes of a product's sums: bias, activation, rounding, normalisation.

#[cfg(target_arch = "x86_64")]
pub mod avx512;
mod plain;

use crate::cpu::Unit;
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

/// The largest number; what is not a number is skipped.
#[inline(always)]
fn largest(blocks: &[[f32; LANES]], rest: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    for block in blocks {
        for (most, &score) in most.iter_mut().zip(block) {
            *most = if score > *most { score } else { *most };
        }
    }
    let all = most.into_iter().chain(rest.iter().copied());
    all.fold(f32::NEG_INFINITY, f32::max)
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

pub(crate) use rows_of;

/// Calls the function of the name that belongs to the unit: that of AVX-512, without which there is
/// no other unit, or the plain one.
macro_rules! fastest {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),* $(,)?)) => {
        $(#[$doc])*
        pub fn $name(unit: Unit, $($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            if unit != Unit::Portable && avx512::is_available() {
                // SAFETY: the CPU has it.
                return unsafe { avx512::$name($($arg),*) };
            }
            plain::$name($($arg),*);
        }
    };
}

fastest! {
    /// Writes sums + bias, rounded. `bias` is that of all columns.
    add_and_round(block: Block<'_>, bias: &[f32], out: &mut [bf16], stride: usize)
}

/// Writes the GELU of sums + bias, rounded.
pub fn gelu_and_round(unit: Unit, block: Block<'_>, bias: &[f32], out: &mut [bf16], stride: usize) {
    #[cfg(target_arch = "x86_64")]
    if unit != Unit::Portable && avx512::is_available() {
        // SAFETY: the CPU has it.
        return unsafe {
            match unit {
                // One maker's CPUs have tiles.
                Unit::Amx => avx512::gelu_and_round::<false>(block, bias, out, stride),
                _ => avx512::gelu_and_round::<true>(block, bias, out, stride),
            }
        };
    }
    plain::gelu_and_round(block, bias, out, stride);
}

fastest! {
    /// Writes residual + (sums + bias).
    add_residual(
        block: Block<'_>,
        bias: &[f32],
        residual: &[f32],
        out: &mut [f32],
        stride: usize,
    )
}

fastest! {
    /// Writes sums times each row's factor, rounded.
    scale_and_round(block: Block<'_>, factors: &[f32], out: &mut [bf16], stride: usize)
}

fastest! {
    /// Turns the first `count` scores of each row of `width` into weights, e to the (score - largest)
    /// * scale, rounded; the others become zeros. `factors` get one over the sum of each row. Rows
    /// are whole vectors, and there are as many as factors.
    weights(
        scores: &[f32],
        width: usize,
        count: usize,
        scale: f32,
        out: &mut [bf16],
        factors: &mut [f32],
    )
}

fastest! {
    /// Normalises each row to mean 0 and variance 1, stretches it by gamma and beta in place, and
    /// writes it rounded too.
    normalise(
        rows: &mut [f32],
        gamma: &[f32],
        beta: &[f32],
        epsilon: f32,
        rounded: &mut [bf16],
    )
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
        let largest = largest(scores.as_chunks().0, &[]);
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

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn vectors_agree_with_plain_code_on_any_width() {
        use crate::rng::normal;
        if !avx512::is_available() {
            return;
        }
        let near = |a: &[bf16], b: &[bf16]| {
            for (a, b) in a.iter().zip(b) {
                let (a, b) = (a.to_f32(), b.to_f32());
                assert!((a - b).abs() <= 0.01 * b.abs() + 1e-6, "{a} {b}");
            }
        };
        for (rows, columns) in [(32, 32), (1, 1), (7, 17), (16, 16), (31, 31)] {
            let stride = columns + 40;
            let mut sums = [0.0; BLOCK * BLOCK];
            sums.copy_from_slice(&normal(1, 0, 3.0, BLOCK * BLOCK));
            sums[0] = 40.0;
            let bias = normal(2, 0, 1.0, 64);
            let block = Block {
                row: 2,
                rows,
                column: 5,
                columns,
                sums: &sums,
            };
            let len = (rows + 2) * stride;
            let rounded = |run: &dyn Fn(&mut [bf16])| {
                let mut out = vec![bf16::ONE; len];
                run(&mut out);
                out
            };
            // SAFETY: the CPU has it.
            near(
                &rounded(&|out| unsafe { avx512::add_and_round(block, &bias, out, stride) }),
                &rounded(&|out| plain::add_and_round(block, &bias, out, stride)),
            );
            // SAFETY: the CPU has it, here and below.
            near(
                &rounded(&|out| unsafe {
                    avx512::gelu_and_round::<false>(block, &bias, out, stride);
                }),
                &rounded(&|out| plain::gelu_and_round(block, &bias, out, stride)),
            );
            near(
                &rounded(&|out| unsafe {
                    avx512::gelu_and_round::<true>(block, &bias, out, stride);
                }),
                &rounded(&|out| plain::gelu_and_round(block, &bias, out, stride)),
            );
            let factors = normal(8, 0, 1.0, rows + 2);
            // SAFETY: the CPU has it.
            near(
                &rounded(&|out| unsafe { avx512::scale_and_round(block, &factors, out, stride) }),
                &rounded(&|out| plain::scale_and_round(block, &factors, out, stride)),
            );
            let residual = normal(3, 0, 1.0, len);
            let (mut a, mut b) = (vec![0.5; len], vec![0.5; len]);
            // SAFETY: the CPU has it.
            unsafe { avx512::add_residual(block, &bias, &residual, &mut a, stride) };
            plain::add_residual(block, &bias, &residual, &mut b, stride);
            assert_eq!(a, b);
        }
        for (rows, width, count) in [(32, 96, 90), (3, 32, 1), (5, 64, 64), (1, 32, 17)] {
            let mut scores = normal(4, 0, 20.0, rows * width);
            scores[0] = -900.0;
            type Weigh<'a> = &'a dyn Fn(&[f32], &mut [bf16], &mut [f32]);
            let run = |run: Weigh<'_>| {
                let (mut out, mut factors) = (vec![bf16::NAN; rows * width], vec![0.0; rows]);
                run(&scores, &mut out, &mut factors);
                (out, factors)
            };
            // SAFETY: the CPU has it.
            let (a, a_factors) =
                run(&|s, out, f| unsafe { avx512::weights(s, width, count, 0.2, out, f) });
            let (b, b_factors) = run(&|s, out, f| plain::weights(s, width, count, 0.2, out, f));
            near(&a, &b);
            for (a, b) in a_factors.iter().zip(b_factors) {
                assert!((a / b - 1.0).abs() < 1e-5, "{a} {b}");
            }
            for (a, row) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
                assert!(
                    a[count..]
                        .iter()
                        .chain(&row[count..])
                        .all(|&x| x == bf16::ZERO)
                );
            }
        }
        for width in [1, 16, 30, 384] {
            let (gamma, beta) = (normal(5, 0, 1.0, width), normal(6, 0, 1.0, width));
            let (mut a, mut b) = (normal(7, 0, 2.0, 3 * width), normal(7, 0, 2.0, 3 * width));
            let (mut ra, mut rb) = (vec![bf16::ZERO; 3 * width], vec![bf16::ZERO; 3 * width]);
            // SAFETY: the CPU has it.
            unsafe { avx512::normalise(&mut a, &gamma, &beta, 1e-5, &mut ra) };
            plain::normalise(&mut b, &gamma, &beta, 1e-5, &mut rb);
            near(&ra, &rb);
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let mut sums = [1.0; BLOCK * BLOCK];
        sums[3] = f32::NAN;
        let block = Block {
            row: 0,
            rows: 1,
            column: 0,
            columns: 16,
            sums: &sums,
        };
        let (bias, mut out) = ([0.0; 16], [bf16::ZERO; 16]);
        for unit in [Unit::Portable, Unit::Avx512, Unit::Amx] {
            for run in [add_and_round, gelu_and_round] {
                run(unit, block, &bias, &mut out, 16);
                assert!(out[3].is_nan() && !out[2].is_nan());
            }
        }
        let mut factors = [0.0; 2];
        let mut weighed = [bf16::ZERO; 64];
        weights(
            Unit::Amx,
            &sums[..64],
            32,
            20,
            1.0,
            &mut weighed,
            &mut factors,
        );
        assert!(
            factors[0].is_nan() && factors[1] == 1.0 / 20.0,
            "{factors:?}"
        );
    }
}
