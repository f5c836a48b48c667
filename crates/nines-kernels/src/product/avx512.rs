//! Blocks on AVX-512's bf16 dot products.

use super::{PANEL, STEP, Work};
use half::bf16;
use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Rows whose sums are in registers at once; with two panels, 16 of 32 registers. Where fewer than five
/// are left, half of them: then what limits is how soon one sum can follow another.
const ROWS: usize = 8;

/// Computes one block.
///
/// # Safety
/// As [`Work::run`]; the CPU must have AVX-512 F and BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn block(work: &Work<'_>) {
    for row in (0..work.rows).step_by(ROWS) {
        // SAFETY: promised by the caller, for whole tiles of rows.
        unsafe {
            let left = work.strip.start.add(row * work.strip.stride);
            let out = work.sums.add(row * work.stride);
            match (work.rows - row > ROWS / 2, work.wide) {
                (true, 2) => rows::<ROWS, 2>(work, left, out),
                (true, _) => rows::<ROWS, 1>(work, left, out),
                (false, 2) => rows::<{ ROWS / 2 }, 2>(work, left, out),
                (false, _) => rows::<{ ROWS / 2 }, 1>(work, left, out),
            }
        }
    }
}

/// # Safety
/// As [`block`]; `left` must have R rows, and `out` room for them (with sums, if it adds).
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn rows<const R: usize, const P: usize>(work: &Work<'_>, left: *const bf16, out: *mut f32) {
    let pairs = work.steps * STEP / 2;
    let mut sums = [[_mm512_setzero_ps(); P]; R];
    if work.adds {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (p, sum) in sums.iter_mut().enumerate() {
                // SAFETY: promised by the caller.
                *sum = unsafe { _mm512_loadu_ps(out.add(r * work.stride + p * PANEL)) };
            }
        }
    }
    for k in 0..pairs {
        // SAFETY: k is within the inputs that the caller promised.
        unsafe {
            let mut w = [_mm512_set1_epi32(0); P];
            for (p, w) in w.iter_mut().enumerate() {
                let at = work.panels.as_ptr().add((p * pairs + k) * 2 * PANEL);
                *w = _mm512_loadu_si512(at.cast());
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let pair = left.add(r * work.strip.stride + 2 * k).cast::<i32>();
                let x = _mm512_set1_epi32(pair.read_unaligned());
                for (sum, &w) in sums.iter_mut().zip(&w) {
                    *sum = _mm512_dpbf16_ps(*sum, numbers(x), numbers(w));
                }
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (p, sum) in sums.into_iter().enumerate() {
            // SAFETY: promised by the caller.
            unsafe { _mm512_storeu_ps(out.add(r * work.stride + p * PANEL), sum) };
        }
    }
}

/// Reads a register as 32 bf16 numbers.
#[inline(always)]
fn numbers(register: __m512i) -> __m512bh {
    // SAFETY: both are 512 plain bits.
    unsafe { std::mem::transmute(register) }
}
