//! Quantised panels to f32, a vector at a time.

use super::packed::{ByteBlock, NibbleBlock, PANEL, Panel};
use half::f16;
use nines_kernels::lanes::{VectorLevel, vectorised};
use std::ops::Range;

type Column = [f32; PANEL];

/// What blocks keep their scales in.
pub(super) trait Scale: Copy {
    /// Returns it in 32 bits.
    fn wide(self) -> f32;

    /// Loads sixteen.
    ///
    /// # Safety
    /// The CPU must have AVX-512 F.
    #[cfg(target_arch = "x86_64")]
    unsafe fn load(scales: &[Self; PANEL]) -> std::arch::x86_64::__m512;
}

impl Scale for f32 {
    fn wide(self) -> f32 {
        self
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(scales: &[Self; PANEL]) -> std::arch::x86_64::__m512 {
        // SAFETY: sixteen of four bytes.
        unsafe { std::arch::x86_64::_mm512_loadu_ps(scales.as_ptr()) }
    }
}

impl Scale for f16 {
    fn wide(self) -> f32 {
        self.to_f32()
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(scales: &[Self; PANEL]) -> std::arch::x86_64::__m512 {
        use std::arch::x86_64::{_mm256_loadu_si256, _mm512_cvtph_ps};
        // SAFETY: sixteen of two bytes.
        _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(scales.as_ptr().cast()) })
    }
}

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
        Panel::Nibbles(blocks) => nibbles(&blocks[inputs.start / 32..inputs.end / 32], columns),
        Panel::WideNibbles(blocks) => nibbles(&blocks[inputs.start / 32..inputs.end / 32], columns),
        Panel::Bytes(blocks) => bytes(&blocks[inputs.start / 16..inputs.end / 16], columns),
        Panel::WideBytes(blocks) => bytes(&blocks[inputs.start / 16..inputs.end / 16], columns),
    }
}

// A 4-bit number times a half-precision scale is exact in f32, so fusing the product with the sum
// below gives the same bits as ggml's two steps.

fn nibbles<S: Scale>(blocks: &[NibbleBlock<S>], columns: &mut [Column]) {
    let (columns, _) = columns.as_chunks_mut::<32>();
    #[cfg(target_arch = "x86_64")]
    if VectorLevel::detect() == VectorLevel::Avx512 {
        // SAFETY: the level says that the CPU has these instructions.
        return unsafe { nibbles_avx512(blocks, columns) };
    }
    for (block, out) in blocks.iter().zip(columns) {
        let (scale, minimum) = (block.scale.map(S::wide), block.minimum.map(S::wide));
        nibble_block(&block.words, &scale, &minimum, out);
    }
}

vectorised! {
    fn nibble_block(words: &[[u32; PANEL]; 4], scale: &Column, minimum: &Column, out: &mut [Column; 32]) {
        for (words, out) in words.iter().zip(out.as_chunks_mut::<8>().0) {
            for (i, out) in out.iter_mut().enumerate() {
                for lane in 0..PANEL {
                    let number = (words[lane] >> (4 * i) & 15).cast_signed() as f32;
                    out[lane] = number.mul_add(scale[lane], minimum[lane]);
                }
            }
        }
    }
}

fn bytes<S: Scale>(blocks: &[ByteBlock<S>], columns: &mut [Column]) {
    let (columns, _) = columns.as_chunks_mut::<16>();
    #[cfg(target_arch = "x86_64")]
    if VectorLevel::detect() == VectorLevel::Avx512 {
        // SAFETY: the level says that the CPU has these instructions.
        return unsafe { bytes_avx512(blocks, columns) };
    }
    for (block, out) in blocks.iter().zip(columns) {
        byte_block(&block.numbers, &block.scale.map(S::wide), out);
    }
}

vectorised! {
    fn byte_block(numbers: &[[i8; PANEL]; 16], scale: &Column, out: &mut [Column; 16]) {
        for (numbers, out) in numbers.iter().zip(out) {
            for lane in 0..PANEL {
                out[lane] = f32::from(numbers[lane]) * scale[lane];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn nibbles_avx512<S: Scale>(blocks: &[NibbleBlock<S>], columns: &mut [[Column; 32]]) {
    use std::arch::x86_64::{
        _mm_cvtsi32_si128, _mm512_and_epi32, _mm512_cvtepi32_ps, _mm512_fmadd_ps,
        _mm512_loadu_si512, _mm512_set1_epi32, _mm512_srl_epi32, _mm512_storeu_ps,
    };
    let mask = _mm512_set1_epi32(15);
    for (block, out) in blocks.iter().zip(columns) {
        // SAFETY: every load and store is of one array of sixteen.
        unsafe {
            let (scale, minimum) = (S::load(&block.scale), S::load(&block.minimum));
            for (words, out) in block.words.iter().zip(out.as_chunks_mut::<8>().0) {
                let words = _mm512_loadu_si512(words.as_ptr().cast());
                for (i, out) in out.iter_mut().enumerate() {
                    let shifted = _mm512_srl_epi32(words, _mm_cvtsi32_si128(4 * i as i32));
                    let number = _mm512_cvtepi32_ps(_mm512_and_epi32(shifted, mask));
                    let number = _mm512_fmadd_ps(number, scale, minimum);
                    _mm512_storeu_ps(out.as_mut_ptr(), number);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn bytes_avx512<S: Scale>(blocks: &[ByteBlock<S>], columns: &mut [[Column; 16]]) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_mul_ps, _mm512_storeu_ps,
    };
    for (block, out) in blocks.iter().zip(columns) {
        // SAFETY: every load and store is of one array of sixteen.
        unsafe {
            let scale = S::load(&block.scale);
            for (out, numbers) in out.iter_mut().zip(&block.numbers) {
                let wide = _mm512_cvtepi8_epi32(_mm_loadu_si128(numbers.as_ptr().cast()));
                let numbers = _mm512_cvtepi32_ps(wide);
                _mm512_storeu_ps(out.as_mut_ptr(), _mm512_mul_ps(numbers, scale));
            }
        }
    }
}
