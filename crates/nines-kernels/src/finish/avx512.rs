//! The same on AVX-512 with its bf16 conversions, sixteen numbers at a time.

use super::rows_of;
use crate::gelu::{ABOVE, BELOW, EDGE};
use crate::lanes::VectorLevel;
use crate::product::{BLOCK, Block};
use half::bf16;
use std::arch::x86_64::{
    __m256bh, __m256i, __m512, __mmask16, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF,
    _mm256_mask_storeu_epi16, _mm512_add_ps, _mm512_cvtneps_pbh, _mm512_div_ps, _mm512_fmadd_ps,
    _mm512_fnmadd_ps, _mm512_mask_max_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_maskz_mov_ps, _mm512_maskz_sub_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_rcp14_ps, _mm512_reduce_add_ps, _mm512_reduce_max_ps, _mm512_reduce_ps,
    _mm512_scalef_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_sub_ps,
};

/// Numbers in a register.
const LANES: usize = 16;

/// Says whether this CPU has what the functions here need.
#[inline]
pub fn is_available() -> bool {
    VectorLevel::detect() == VectorLevel::Avx512 && is_x86_feature_detected!("avx512bf16")
}

/// The lanes of the next numbers, when `left` are left.
#[inline(always)]
fn lanes(left: usize) -> __mmask16 {
    match left {
        LANES.. => !0,
        _ => (1 << left) - 1,
    }
}

/// Reads lanes; the others are zeros.
///
/// # Safety
/// The lanes' numbers must exist.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn load(from: *const f32, lanes: __mmask16) -> __m512 {
    // SAFETY: promised by the caller; masked lanes are not read.
    unsafe { _mm512_maskz_loadu_ps(lanes, from) }
}

/// Writes lanes, rounded to the nearest bf16, ties to even.
///
/// # Safety
/// There must be room for the lanes' numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn store_rounded(to: *mut bf16, lanes: __mmask16, numbers: __m512) {
    let rounded = _mm512_cvtneps_pbh(numbers);
    // SAFETY: both are 256 plain bits.
    let rounded = unsafe { std::mem::transmute::<__m256bh, __m256i>(rounded) };
    // SAFETY: promised by the caller; masked lanes are not written.
    unsafe { _mm256_mask_storeu_epi16(to.cast(), lanes, rounded) };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn polynomial(coefficients: [f32; 6], t: __m512) -> __m512 {
    let [lower @ .., highest] = coefficients;
    lower
        .into_iter()
        .rev()
        .fold(_mm512_set1_ps(highest), |sum, c| {
            _mm512_fmadd_ps(sum, t, _mm512_set1_ps(c))
        })
}

/// Coefficients in t as those in t / 2, times `factor`.
const fn halved(mut coefficients: [f32; 6], mut factor: f32) -> [f32; 6] {
    let mut k = 0;
    while k < coefficients.len() {
        coefficients[k] *= factor;
        factor *= 0.5;
        k += 1;
    }
    coefficients
}

/// x Φ(x), to within 1e-6 up to |x| = 6 and to a ten-millionth of x beyond; see [`crate::gelu`].
///
/// Where it `DIVIDES`, every maker's CPUs agree to the last bit. Else it starts from an approximate
/// reciprocal, which is faster, but which makers compute in their own ways.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn gelu<const DIVIDES: bool>(x: __m512) -> __m512 {
    // erf(x / √2) / 2 = x above(x²) / below(x²)
    const HALF_ABOVE: [f32; 6] = halved(ABOVE, 0.5 * std::f32::consts::FRAC_1_SQRT_2);
    const HALF_BELOW: [f32; 6] = halved(BELOW, 1.0);
    let edge = EDGE * std::f32::consts::SQRT_2;
    // What is not a number is the second operand's business: it stays.
    let clamped = _mm512_max_ps(
        _mm512_set1_ps(-edge),
        _mm512_min_ps(_mm512_set1_ps(edge), x),
    );
    let t = _mm512_mul_ps(clamped, clamped);
    let below = polynomial(HALF_BELOW, t);
    let above = _mm512_mul_ps(clamped, polynomial(HALF_ABOVE, t));
    let half_erf = if DIVIDES {
        _mm512_div_ps(above, below)
    } else {
        // One step of Newton's method brings 14 bits of the reciprocal to 27.
        let guess = _mm512_rcp14_ps(below);
        let error = _mm512_fnmadd_ps(below, guess, _mm512_set1_ps(2.0));
        _mm512_mul_ps(above, _mm512_mul_ps(guess, error))
    };
    _mm512_fmadd_ps(x, half_erf, _mm512_mul_ps(x, _mm512_set1_ps(0.5)))
}

/// 2 to the power of each number, to within 2e-7 of it; what is too small becomes 0.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn exp2(x: __m512) -> __m512 {
    const DOWN: i32 = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
    let fraction = _mm512_reduce_ps::<DOWN>(x);
    // Fitted to 2 to the x on 0..1 by weighted least squares, 1 at 0.
    let power = polynomial(
        [
            1.0,
            0.693_151_3,
            0.240_164_44,
            0.055_799_91,
            0.009_017_029,
            0.001_867_130_9,
        ],
        fraction,
    );
    _mm512_scalef_ps(power, x)
}

/// Gives each register of a block's sums, with its bias, row by row.
macro_rules! each_register {
    ($block:ident, $bias:ident, $out:ident, $stride:ident, |$sum:ident, $to:ident, $lanes:ident| $body:block) => {
        assert!(
            $bias.len() >= $block.column + $block.columns,
            "a bias for each column"
        );
        assert!($block.columns <= BLOCK && $block.rows <= BLOCK, "a block");
        let first = $block.row * $stride + $block.column;
        if $block.rows > 0 {
            let end = first + ($block.rows - 1) * $stride + $block.columns;
            assert!(end <= $out.len(), "room for the results");
        }
        for at in (0..$block.columns).step_by(LANES) {
            let $lanes = lanes($block.columns - at);
            // SAFETY: the bias has these columns.
            let bias = unsafe { load($bias.as_ptr().add($block.column + at), $lanes) };
            for row in 0..$block.rows {
                // SAFETY: a block has BLOCK numbers in each row, and the room was checked.
                unsafe {
                    let sums = load($block.sums.as_ptr().add(row * BLOCK + at), $lanes);
                    let $sum = _mm512_add_ps(sums, bias);
                    let $to = $out.as_mut_ptr().add(first + row * $stride + at);
                    $body
                }
            }
        }
    };
}

/// See [`super::add_and_round`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub unsafe fn add_and_round(block: Block<'_>, bias: &[f32], out: &mut [bf16], stride: usize) {
    each_register!(block, bias, out, stride, |sum, to, lanes| {
        store_rounded(to, lanes, sum);
    });
}

/// See [`super::gelu_and_round`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub unsafe fn gelu_and_round<const DIVIDES: bool>(
    block: Block<'_>,
    bias: &[f32],
    out: &mut [bf16],
    stride: usize,
) {
    each_register!(block, bias, out, stride, |sum, to, lanes| {
        store_rounded(to, lanes, gelu::<DIVIDES>(sum));
    });
}

/// See [`super::add_residual`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub unsafe fn add_residual(
    block: Block<'_>,
    bias: &[f32],
    residual: &[f32],
    out: &mut [f32],
    stride: usize,
) {
    assert_eq!(residual.len(), out.len(), "a residual for each result");
    each_register!(block, bias, out, stride, |sum, to, lanes| {
        let at = to.offset_from_unsigned(out.as_ptr());
        let residual = load(residual.as_ptr().add(at), lanes);
        _mm512_mask_storeu_ps(to, lanes, _mm512_add_ps(residual, sum));
    });
}

/// See [`super::scale_and_round`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub unsafe fn scale_and_round(block: Block<'_>, factors: &[f32], out: &mut [bf16], stride: usize) {
    let factors = &factors[block.row..][..block.rows];
    rows_of!(block, out, stride, |sums, row, to| {
        let factor = _mm512_set1_ps(factors[row]);
        for (sums, to) in sums.chunks(LANES).zip(to.chunks_mut(LANES)) {
            let lanes = lanes(sums.len());
            // SAFETY: both have so many numbers.
            unsafe {
                let scaled = _mm512_mul_ps(load(sums.as_ptr(), lanes), factor);
                store_rounded(to.as_mut_ptr(), lanes, scaled);
            }
        }
    });
}

/// See [`super::weights`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub unsafe fn weights(
    scores: &[f32],
    width: usize,
    count: usize,
    scale: f32,
    out: &mut [bf16],
    factors: &mut [f32],
) {
    assert!(
        count <= width && width.is_multiple_of(LANES),
        "whole registers"
    );
    let rows = factors.len();
    assert!(
        rows * width <= scores.len() && rows * width <= out.len(),
        "rows"
    );
    let scale = _mm512_set1_ps(scale * std::f32::consts::LOG2_E);
    let (whole, tail) = (count / LANES * LANES, lanes(count % LANES));
    for (row, factor) in factors.iter_mut().enumerate() {
        // SAFETY: the rows were checked, and `count` is at most their width; a mask without lanes
        // reads and writes nothing.
        unsafe {
            let from = scores.as_ptr().add(row * width);
            let to = out.as_mut_ptr().add(row * width);
            let rest = load(from.add(whole), tail);
            let lowest = _mm512_set1_ps(f32::NEG_INFINITY);
            // What is not a number is the first operand's business: it is skipped.
            let mut most = _mm512_mask_max_ps(lowest, tail, rest, lowest);
            for at in (0..whole).step_by(LANES) {
                most = _mm512_max_ps(load(from.add(at), !0), most);
            }
            let largest = _mm512_set1_ps(_mm512_reduce_max_ps(most));
            let weight = |score| exp2(_mm512_mul_ps(_mm512_sub_ps(score, largest), scale));
            let mut sum = _mm512_setzero_ps();
            for at in (0..whole).step_by(LANES) {
                let weight = weight(load(from.add(at), !0));
                sum = _mm512_add_ps(sum, weight);
                store_rounded(to.add(at), !0, weight);
            }
            if whole < width {
                let weight = _mm512_maskz_mov_ps(tail, weight(rest));
                sum = _mm512_add_ps(sum, weight);
                store_rounded(to.add(whole), !0, weight);
                for at in (whole + LANES..width).step_by(LANES) {
                    store_rounded(to.add(at), !0, _mm512_setzero_ps());
                }
            }
            *factor = 1.0 / _mm512_reduce_add_ps(sum);
        }
    }
}

/// See [`super::normalise`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub unsafe fn normalise(
    rows: &mut [f32],
    gamma: &[f32],
    beta: &[f32],
    epsilon: f32,
    rounded: &mut [bf16],
) {
    let width = gamma.len();
    assert!(
        beta.len() == width && rounded.len() >= rows.len(),
        "rows of one width"
    );
    for (row, rounded) in rows
        .chunks_exact_mut(width)
        .zip(rounded.chunks_exact_mut(width))
    {
        // SAFETY: all rows have `width` numbers.
        unsafe {
            let x = row.as_mut_ptr();
            let mut sum = _mm512_setzero_ps();
            for at in (0..width).step_by(LANES) {
                sum = _mm512_add_ps(sum, load(x.add(at), lanes(width - at)));
            }
            let mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / width as f32);
            let mut squares = _mm512_setzero_ps();
            for at in (0..width).step_by(LANES) {
                let mask = lanes(width - at);
                let away = _mm512_maskz_sub_ps(mask, load(x.add(at), mask), mean);
                squares = _mm512_fmadd_ps(away, away, squares);
            }
            let variance = _mm512_reduce_add_ps(squares) / width as f32;
            let scale = _mm512_set1_ps(1.0 / (variance + epsilon).sqrt());
            for at in (0..width).step_by(LANES) {
                let mask = lanes(width - at);
                let standard = _mm512_mul_ps(_mm512_sub_ps(load(x.add(at), mask), mean), scale);
                let (gamma, beta) = (
                    load(gamma.as_ptr().add(at), mask),
                    load(beta.as_ptr().add(at), mask),
                );
                let y = _mm512_fmadd_ps(standard, gamma, beta);
                _mm512_mask_storeu_ps(x.add(at), mask, y);
                store_rounded(rounded.as_mut_ptr().add(at), mask, y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    fn all(x: f32) -> ([f64; 2], f64) {
        let of = |y: __m512| f64::from(_mm512_reduce_max_ps(y));
        let x = _mm512_set1_ps(x);
        ([of(gelu::<false>(x)), of(gelu::<true>(x))], of(exp2(x)))
    }

    #[test]
    fn functions_are_as_near_as_they_say() {
        if !is_available() {
            return;
        }
        for step in -4_000..=4_000 {
            let x = step as f32 / 100.0;
            // SAFETY: the CPU has it.
            let (gelus, power) = unsafe { all(x) };
            let plain = f64::from(crate::gelu::gelu(x));
            let within = 1e-6_f64.max(2e-7 * f64::from(x).abs());
            for gelu in gelus {
                assert!(
                    (gelu - plain).abs() <= within,
                    "GELU of {x}: {gelu} {plain}"
                );
            }
            let exact = f64::from(x).exp2();
            assert!(
                (power / exact - 1.0).abs() < 2e-7,
                "2 to the {x}: {power} {exact}"
            );
        }
        // SAFETY: the CPU has it.
        let (nothing, (gelus, power)) = unsafe { (all(f32::NEG_INFINITY).1, all(f32::NAN)) };
        assert!(nothing == 0.0 && power.is_nan() && gelus.iter().all(|x| x.is_nan()));
    }
}
