//! Quantised panels to bf16, in the order that [`nines_kernels::product`] reads.

use super::packed::{ByteBlock, NibbleBlock, PANEL, Panel};
use half::bf16;
use nines_kernels::Unit;
use nines_kernels::finish::round;

/// Two inputs of sixteen outputs.
type Pairs = [[bf16; 2]; PANEL];

/// Writes a panel's numbers, rounded, as bf16[inputs / 2][16][2]; what `out` has behind them becomes
/// zeros.
pub(super) fn unpack16(unit: Unit, panel: &Panel, out: &mut [Pairs]) {
    let there = match panel {
        Panel::F32(numbers) => {
            let columns = numbers.as_chunks::<PANEL>().0;
            for (out, columns) in out.iter_mut().zip(columns.chunks(2)) {
                let odd = columns.get(1).unwrap_or(&[0.0; PANEL]);
                for lane in 0..PANEL {
                    out[lane] = [round(columns[0][lane]), round(odd[lane])];
                }
            }
            columns.len().div_ceil(2)
        }
        Panel::Bf16(pairs) => {
            out[..pairs.len()].copy_from_slice(pairs);
            pairs.len()
        }
        Panel::Nibbles(blocks) => {
            let (squares, _) = out.as_chunks_mut::<16>();
            match unit {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: these units need AVX-512 F, BW and BF16, and `Engine` checks the unit.
                Unit::Amx | Unit::Avx512Bf16 if unit.is_available() => unsafe {
                    nibbles_avx512(blocks, squares);
                },
                _ => nibbles(blocks, squares),
            }
            blocks.len() * 16
        }
        Panel::Bytes(blocks) => {
            let (squares, _) = out.as_chunks_mut::<8>();
            match unit {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Unit::Amx | Unit::Avx512Bf16 if unit.is_available() => unsafe {
                    bytes_avx512(blocks, squares);
                },
                _ => bytes(blocks, squares),
            }
            blocks.len() * 8
        }
    };
    out[there..].fill([[bf16::ZERO; 2]; PANEL]);
}

fn nibbles(blocks: &[NibbleBlock], squares: &mut [[Pairs; 16]]) {
    for (block, out) in blocks.iter().zip(squares) {
        for (out, numbers) in out.iter_mut().zip(&block.numbers) {
            for lane in 0..PANEL {
                let (scale, minimum) = (block.scale[lane], block.minimum[lane]);
                let number = |bits: u8| round(f32::from(bits).mul_add(scale, minimum));
                out[lane] = [number(numbers[lane] & 15), number(numbers[lane] >> 4)];
            }
        }
    }
}

fn bytes(blocks: &[ByteBlock], squares: &mut [[Pairs; 8]]) {
    for (block, out) in blocks.iter().zip(squares) {
        for (out, numbers) in out.iter_mut().zip(block.numbers.as_chunks::<2>().0) {
            for lane in 0..PANEL {
                out[lane] = numbers.map(|of| round(f32::from(of[lane]) * block.scale[lane]));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::Pairs;
    use std::arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_cvtne2ps_pbh, _mm512_permutexvar_epi16, _mm512_set_epi16,
        _mm512_storeu_si512,
    };

    /// Rounds two inputs of sixteen outputs and writes them side by side.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub fn write(even: __m512, odd: __m512, out: &mut Pairs) {
        let order = _mm512_set_epi16(
            31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20,
            4, 19, 3, 18, 2, 17, 1, 16, 0,
        );
        let rounded = _mm512_cvtne2ps_pbh(odd, even);
        // SAFETY: both are 512 plain bits.
        let rounded = unsafe { std::mem::transmute::<__m512bh, __m512i>(rounded) };
        // SAFETY: 32 numbers of two bytes are 64.
        unsafe {
            let paired = _mm512_permutexvar_epi16(order, rounded);
            _mm512_storeu_si512(out.as_mut_ptr().cast(), paired);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn nibbles_avx512(blocks: &[NibbleBlock], squares: &mut [[Pairs; 16]]) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm512_and_epi32, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_epi32, _mm512_srli_epi32,
    };
    let mask = _mm512_set1_epi32(15);
    for (block, out) in blocks.iter().zip(squares) {
        // SAFETY: every load is of one array of sixteen.
        let (scale, minimum) = unsafe {
            (
                _mm512_loadu_ps(block.scale.as_ptr()),
                _mm512_loadu_ps(block.minimum.as_ptr()),
            )
        };
        for (numbers, out) in block.numbers.iter().zip(out) {
            // SAFETY: as above.
            let both = unsafe { _mm_loadu_si128(numbers.as_ptr().cast()) };
            let both = _mm512_cvtepu8_epi32(both);
            let low = _mm512_cvtepi32_ps(_mm512_and_epi32(both, mask));
            let high = _mm512_cvtepi32_ps(_mm512_srli_epi32::<4>(both));
            avx512::write(
                _mm512_fmadd_ps(low, scale, minimum),
                _mm512_fmadd_ps(high, scale, minimum),
                out,
            );
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn bytes_avx512(blocks: &[ByteBlock], squares: &mut [[Pairs; 8]]) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_loadu_ps, _mm512_mul_ps,
    };
    for (block, out) in blocks.iter().zip(squares) {
        // SAFETY: sixteen scales.
        let scale = unsafe { _mm512_loadu_ps(block.scale.as_ptr()) };
        for (numbers, out) in block.numbers.as_chunks::<2>().0.iter().zip(out) {
            let [even, odd] = numbers.each_ref().map(|numbers| {
                // SAFETY: sixteen bytes.
                let bytes = unsafe { _mm_loadu_si128(numbers.as_ptr().cast()) };
                _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)), scale)
            });
            avx512::write(even, odd, out);
        }
    }
}
