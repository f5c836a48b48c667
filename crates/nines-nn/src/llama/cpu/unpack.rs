//! Quantised panels to f32, a vector at a time.

use super::packed::{ByteBlock, NibbleBlock, PANEL, Panel};
use nines_kernels::lanes::VectorLevel;
use std::ops::Range;

type Column = [f32; PANEL];

/// Writes the numbers of some inputs of a quantised panel as f32[inputs][16]; the range starts at
/// a block's first input. Nothing is written for a panel that is not quantised.
pub(super) fn unpack(panel: &Panel, inputs: Range<usize>, out: &mut [f32]) {
    let (columns, _) = out.as_chunks_mut::<PANEL>();
    match panel {
        Panel::F32(_) => {}
        Panel::Bf16(stored) => {
            for (out, input) in columns.iter_mut().zip(inputs) {
                for (out, pair) in out.iter_mut().zip(&stored[input / 2]) {
                    *out = pair[input % 2].to_f32();
                }
            }
        }
        Panel::Nibbles(blocks) => {
            let (columns, _) = columns.as_chunks_mut::<32>();
            let blocks = &blocks[inputs.start / 32..inputs.end / 32];
            match VectorLevel::detect() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the level says that the CPU has these instructions.
                VectorLevel::Avx512 => unsafe { nibbles_avx512(blocks, columns) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                VectorLevel::Avx2 => unsafe { nibbles_avx2(blocks, columns) },
                _ => nibbles(blocks, columns),
            }
        }
        Panel::Bytes(blocks) => {
            let (columns, _) = columns.as_chunks_mut::<16>();
            let blocks = &blocks[inputs.start / 16..inputs.end / 16];
            match VectorLevel::detect() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                VectorLevel::Avx512 => unsafe { bytes_avx512(blocks, columns) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                VectorLevel::Avx2 => unsafe { bytes_avx2(blocks, columns) },
                _ => bytes(blocks, columns),
            }
        }
    }
}

// A 4-bit number times a half-precision scale is exact in f32, so fusing the product with the sum
// below gives the same bits as ggml's two steps.

fn nibbles(blocks: &[NibbleBlock], columns: &mut [[Column; 32]]) {
    for (block, out) in blocks.iter().zip(columns) {
        for (j, numbers) in block.numbers.iter().enumerate() {
            for lane in 0..PANEL {
                let (scale, minimum) = (block.scale[lane], block.minimum[lane]);
                out[2 * j][lane] = f32::from(numbers[lane] & 15) * scale + minimum;
                out[2 * j + 1][lane] = f32::from(numbers[lane] >> 4) * scale + minimum;
            }
        }
    }
}

fn bytes(blocks: &[ByteBlock], columns: &mut [[Column; 16]]) {
    for (block, out) in blocks.iter().zip(columns) {
        for (out, numbers) in out.iter_mut().zip(&block.numbers) {
            for lane in 0..PANEL {
                out[lane] = f32::from(numbers[lane]) * block.scale[lane];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn nibbles_avx512(blocks: &[NibbleBlock], columns: &mut [[Column; 32]]) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm512_and_epi32, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_epi32, _mm512_srli_epi32, _mm512_storeu_ps,
    };
    let mask = _mm512_set1_epi32(15);
    for (block, out) in blocks.iter().zip(columns) {
        // SAFETY: every load and store is of one array of sixteen.
        unsafe {
            let scale = _mm512_loadu_ps(block.scale.as_ptr());
            let minimum = _mm512_loadu_ps(block.minimum.as_ptr());
            for (j, numbers) in block.numbers.iter().enumerate() {
                let both = _mm512_cvtepu8_epi32(_mm_loadu_si128(numbers.as_ptr().cast()));
                let low = _mm512_cvtepi32_ps(_mm512_and_epi32(both, mask));
                let high = _mm512_cvtepi32_ps(_mm512_srli_epi32::<4>(both));
                _mm512_storeu_ps(
                    out[2 * j].as_mut_ptr(),
                    _mm512_fmadd_ps(low, scale, minimum),
                );
                _mm512_storeu_ps(
                    out[2 * j + 1].as_mut_ptr(),
                    _mm512_fmadd_ps(high, scale, minimum),
                );
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn bytes_avx512(blocks: &[ByteBlock], columns: &mut [[Column; 16]]) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_loadu_ps, _mm512_mul_ps,
        _mm512_storeu_ps,
    };
    for (block, out) in blocks.iter().zip(columns) {
        // SAFETY: every load and store is of one array of sixteen.
        unsafe {
            let scale = _mm512_loadu_ps(block.scale.as_ptr());
            for (out, numbers) in out.iter_mut().zip(&block.numbers) {
                let wide = _mm512_cvtepi8_epi32(_mm_loadu_si128(numbers.as_ptr().cast()));
                let numbers = _mm512_cvtepi32_ps(wide);
                _mm512_storeu_ps(out.as_mut_ptr(), _mm512_mul_ps(numbers, scale));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn nibbles_avx2(blocks: &[NibbleBlock], columns: &mut [[Column; 32]]) {
    use std::arch::x86_64::{
        _mm_loadl_epi64, _mm256_and_si256, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32,
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_epi32, _mm256_srli_epi32, _mm256_storeu_ps,
    };
    let mask = _mm256_set1_epi32(15);
    for (block, out) in blocks.iter().zip(columns) {
        for half in [0, 8] {
            // SAFETY: every load and store is of one half of an array of sixteen.
            unsafe {
                let scale = _mm256_loadu_ps(block.scale.as_ptr().add(half));
                let minimum = _mm256_loadu_ps(block.minimum.as_ptr().add(half));
                for (j, numbers) in block.numbers.iter().enumerate() {
                    let stored = _mm_loadl_epi64(numbers.as_ptr().add(half).cast());
                    let both = _mm256_cvtepu8_epi32(stored);
                    let low = _mm256_cvtepi32_ps(_mm256_and_si256(both, mask));
                    let high = _mm256_cvtepi32_ps(_mm256_srli_epi32::<4>(both));
                    let low = _mm256_fmadd_ps(low, scale, minimum);
                    let high = _mm256_fmadd_ps(high, scale, minimum);
                    _mm256_storeu_ps(out[2 * j].as_mut_ptr().add(half), low);
                    _mm256_storeu_ps(out[2 * j + 1].as_mut_ptr().add(half), high);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn bytes_avx2(blocks: &[ByteBlock], columns: &mut [[Column; 16]]) {
    use std::arch::x86_64::{
        _mm_loadl_epi64, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_loadu_ps, _mm256_mul_ps,
        _mm256_storeu_ps,
    };
    for (block, out) in blocks.iter().zip(columns) {
        for half in [0, 8] {
            // SAFETY: every load and store is of one half of an array of sixteen.
            unsafe {
                let scale = _mm256_loadu_ps(block.scale.as_ptr().add(half));
                for (out, numbers) in out.iter_mut().zip(&block.numbers) {
                    let stored = _mm_loadl_epi64(numbers.as_ptr().add(half).cast());
                    let numbers = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(stored));
                    _mm256_storeu_ps(out.as_mut_ptr().add(half), _mm256_mul_ps(numbers, scale));
                }
            }
        }
    }
}
