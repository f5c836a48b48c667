//! Quantised panels to bf16, in the order that [`nines_kernels::product`] reads.

use super::packed::{ByteBlock, NibbleBlock, PANEL, Panel, nearest};
use super::unpack::Scale;
use half::bf16;
use nines_kernels::Unit;
use std::ops::Range;

/// Two inputs of sixteen outputs.
pub(super) type Pairs = [[bf16; 2]; PANEL];

/// Writes some inputs of a panel that was packed for bf16, as bf16[inputs / 2][16][2], from a whole
/// step of 32 inputs on; what lies behind the panel's inputs becomes zeros.
pub(super) fn unpack16(unit: Unit, panel: &Panel, inputs: Range<usize>, out: &mut [Pairs]) {
    let (start, end) = (inputs.start, inputs.end);
    match panel {
        Panel::F32(_) => unreachable!("packed for products in bf16, it would be bf16"),
        Panel::Bf16(pairs) => {
            let pairs = &pairs[start / 2..(end / 2).min(pairs.len())];
            out[..pairs.len()].copy_from_slice(pairs);
            out[pairs.len()..].fill([[bf16::ZERO; 2]; PANEL]);
        }
        Panel::Nibbles(blocks) => nibbles(unit, &blocks[start / 32..end / 32], out),
        Panel::WideNibbles(blocks) => nibbles(unit, &blocks[start / 32..end / 32], out),
        Panel::Bytes(blocks) => bytes(unit, &blocks[start / 16..end / 16], out),
        Panel::WideBytes(blocks) => bytes(unit, &blocks[start / 16..end / 16], out),
    }
}

fn nibbles<S: Scale>(unit: Unit, blocks: &[NibbleBlock<S>], out: &mut [Pairs]) {
    let (out, _) = out.as_chunks_mut::<16>();
    #[cfg(target_arch = "x86_64")]
    if unit != Unit::Portable && unit.is_available() {
        // SAFETY: the other units have AVX-512 F.
        return unsafe { avx512::nibbles(blocks, out) };
    }
    for (block, out) in blocks.iter().zip(out) {
        let (scale, minimum) = (block.scale.map(S::wide), block.minimum.map(S::wide));
        for (words, out) in block.words.iter().zip(out.as_chunks_mut::<4>().0) {
            for (i, out) in out.iter_mut().enumerate() {
                for lane in 0..PANEL {
                    let number = |shift: usize| {
                        let number = (words[lane] >> shift & 15).cast_signed() as f32;
                        nearest(number.mul_add(scale[lane], minimum[lane]))
                    };
                    out[lane] = [number(8 * i), number(8 * i + 4)];
                }
            }
        }
    }
}

fn bytes<S: Scale>(unit: Unit, blocks: &[ByteBlock<S>], out: &mut [Pairs]) {
    let (out, _) = out.as_chunks_mut::<8>();
    #[cfg(target_arch = "x86_64")]
    if unit != Unit::Portable && unit.is_available() {
        // SAFETY: the other units have AVX-512 F.
        return unsafe { avx512::bytes(blocks, out) };
    }
    for (block, out) in blocks.iter().zip(out) {
        let scale = block.scale.map(S::wide);
        for (numbers, out) in block.numbers.as_chunks::<2>().0.iter().zip(out) {
            for lane in 0..PANEL {
                out[lane] = numbers.map(|of| nearest(f32::from(of[lane]) * scale[lane]));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{ByteBlock, NibbleBlock, Pairs, Scale};
    use std::arch::x86_64::{
        __m512, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_prefetch, _mm512_add_epi32,
        _mm512_and_epi32, _mm512_castps_si512, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps,
        _mm512_fmadd_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_srl_epi32,
        _mm512_srli_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
    };

    /// Bytes of weights that are asked for ahead of their use: a core that waits for memory reads a
    /// third less without.
    const AHEAD: usize = 8 << 10;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn prefetch<T>(block: &T) {
        let start = std::ptr::from_ref(block).cast::<i8>();
        for line in (0..size_of::<T>()).step_by(64) {
            _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(AHEAD + line));
        }
    }

    /// Rounds two inputs of sixteen outputs and writes them side by side.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn write(even: __m512, odd: __m512, out: &mut Pairs) {
        /// Where the second operand has ones the third, else the first.
        const CHOOSE: i32 = 0b1011_1000;
        let half = _mm512_set1_epi32(0x8000);
        let upper = _mm512_set1_epi32(0xFFFF_0000_u32.cast_signed());
        let even = _mm512_add_epi32(_mm512_castps_si512(even), half);
        let odd = _mm512_add_epi32(_mm512_castps_si512(odd), half);
        let even = _mm512_srli_epi32::<16>(even);
        let both = _mm512_ternarylogic_epi32::<CHOOSE>(even, upper, odd);
        // SAFETY: 32 numbers of two bytes are 64.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), both) };
    }

    #[target_feature(enable = "avx512f")]
    pub fn nibbles<S: Scale>(blocks: &[NibbleBlock<S>], out: &mut [[Pairs; 16]]) {
        let mask = _mm512_set1_epi32(15);
        for (block, out) in blocks.iter().zip(out) {
            prefetch(block);
            // SAFETY: the CPU has AVX-512.
            let (scale, minimum) = unsafe { (S::load(&block.scale), S::load(&block.minimum)) };
            for (words, out) in block.words.iter().zip(out.as_chunks_mut::<4>().0) {
                // SAFETY: sixteen words.
                let words = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
                for (i, out) in out.iter_mut().enumerate() {
                    let [even, odd] = [8 * i as i32, 8 * i as i32 + 4].map(|shift| {
                        let shifted = _mm512_srl_epi32(words, _mm_cvtsi32_si128(shift));
                        let number = _mm512_cvtepi32_ps(_mm512_and_epi32(shifted, mask));
                        _mm512_fmadd_ps(number, scale, minimum)
                    });
                    write(even, odd, out);
                }
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    pub fn bytes<S: Scale>(blocks: &[ByteBlock<S>], out: &mut [[Pairs; 8]]) {
        for (block, out) in blocks.iter().zip(out) {
            prefetch(block);
            // SAFETY: the CPU has AVX-512.
            let scale = unsafe { S::load(&block.scale) };
            for (numbers, out) in block.numbers.as_chunks::<2>().0.iter().zip(out) {
                let [even, odd] = numbers.each_ref().map(|numbers| {
                    // SAFETY: sixteen bytes.
                    let bytes = unsafe { _mm_loadu_si128(numbers.as_ptr().cast()) };
                    _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)), scale)
                });
                write(even, odd, out);
            }
        }
    }
}
