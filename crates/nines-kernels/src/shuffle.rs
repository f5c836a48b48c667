//! Moving bf16 numbers about: pairs side by side, and matrices turned over.

use crate::lanes::vectorised;
use half::bf16;

/// Two bf16 numbers as they lie in memory: the first in the lower half.
pub type Pair = u32;
/// A square of pairs: what a tile register holds.
pub type Square = [[Pair; 16]; 16];

/// Lays two rows side by side: pair i holds number i of each.
#[inline(always)]
pub fn interleave(first: &[bf16; 16], second: &[bf16; 16]) -> [Pair; 16] {
    std::array::from_fn(|i| Pair::from(first[i].to_bits()) | Pair::from(second[i].to_bits()) << 16)
}

/// Turns a square over.
pub fn transpose(square: &Square) -> Square {
    #[cfg(target_arch = "x86_64")]
    if crate::lanes::VectorLevel::detect() == crate::lanes::VectorLevel::Avx512 {
        // SAFETY: the level says that the CPU has AVX-512 F.
        return unsafe { transpose_avx512(square) };
    }
    std::array::from_fn(|row| std::array::from_fn(|column| square[column][row]))
}

/// In four steps, each of which brings together what lies twice as far apart.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn transpose_avx512(square: &Square) -> Square {
    use std::arch::x86_64::{
        _mm512_loadu_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512, _mm512_unpackhi_epi32,
        _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    };
    // SAFETY: rows are 64 bytes each.
    let rows: [_; 16] =
        std::array::from_fn(|i| unsafe { _mm512_loadu_si512(square[i].as_ptr().cast()) });
    let mut pairs = rows;
    for i in (0..16).step_by(2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    let mut fours = pairs;
    for i in (0..16).step_by(4) {
        fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    // Now fours[4 a + b] holds, in each quarter q, column 4 q + b of rows 4 a .. 4 a + 4.
    let mut out = [[0; 16]; 16];
    for b in 0..4 {
        let low = _mm512_shuffle_i32x4::<0b10_00_10_00>(fours[b], fours[4 + b]);
        let high = _mm512_shuffle_i32x4::<0b10_00_10_00>(fours[8 + b], fours[12 + b]);
        let low_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(fours[b], fours[4 + b]);
        let high_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(fours[8 + b], fours[12 + b]);
        let columns = [
            (b, _mm512_shuffle_i32x4::<0b10_00_10_00>(low, high)),
            (8 + b, _mm512_shuffle_i32x4::<0b11_01_11_01>(low, high)),
            (
                4 + b,
                _mm512_shuffle_i32x4::<0b10_00_10_00>(low_odd, high_odd),
            ),
            (
                12 + b,
                _mm512_shuffle_i32x4::<0b11_01_11_01>(low_odd, high_odd),
            ),
        ];
        for (column, values) in columns {
            // SAFETY: rows are 64 bytes each.
            unsafe { _mm512_storeu_si512(out[column].as_mut_ptr().cast(), values) };
        }
    }
    out
}

/// Reads the numbers of a row as pairs.
#[inline(always)]
pub fn pairs_of(row: &[bf16; 32]) -> [Pair; 16] {
    std::array::from_fn(|i| {
        Pair::from(row[2 * i].to_bits()) | Pair::from(row[2 * i + 1].to_bits()) << 16
    })
}

/// Writes pairs as numbers.
#[inline(always)]
pub fn write_pairs(pairs: &[Pair; 16], out: &mut [bf16; 32]) {
    for (pair, out) in pairs.iter().zip(out.as_chunks_mut::<2>().0) {
        *out = [*pair as u16, (*pair >> 16) as u16].map(bf16::from_bits);
    }
}

vectorised! {
    /// Turns a matrix over: `rows` rows of `columns` numbers, `stride` apart, become `columns` rows
    /// of `rows` numbers, `out_stride` apart, filled up with zeros to whole steps of 32.
    ///
    /// # Panics
    /// If there are too few numbers or too little room.
    pub fn turn(
        numbers: &[bf16],
        stride: usize,
        rows: usize,
        columns: usize,
        out: &mut [bf16],
        out_stride: usize,
    ) {
        let wide = rows.next_multiple_of(32);
        assert!(out_stride >= wide, "room in a row");
        if rows > 0 && columns > 0 {
            assert!((rows - 1) * stride + columns <= numbers.len(), "numbers of a matrix");
            assert!((columns - 1) * out_stride + wide <= out.len(), "room for a matrix");
        }
        for first in (0..rows).step_by(32) {
            let there = (rows - first).min(32);
            for column in (0..columns).step_by(16) {
                let lanes = (columns - column).min(16);
                let row = |i: usize| -> [bf16; 16] {
                    let mut row = [bf16::ZERO; 16];
                    if i < there {
                        let at = (first + i) * stride + column;
                        row[..lanes].copy_from_slice(&numbers[at..at + lanes]);
                    }
                    row
                };
                let square: Square = if there == 32 && lanes == 16 {
                    std::array::from_fn(|i| {
                        let at = (first + 2 * i) * stride + column;
                        let whole = |at: usize| numbers[at..].first_chunk().unwrap_or(&[bf16::ZERO; 16]);
                        interleave(whole(at), whole(at + stride))
                    })
                } else {
                    std::array::from_fn(|i| interleave(&row(2 * i), &row(2 * i + 1)))
                };
                let turned = transpose(&square);
                for (lane, pairs) in turned.iter().enumerate().take(lanes) {
                    let at = (column + lane) * out_stride + first;
                    if let Some(out) = out[at..].first_chunk_mut() {
                        write_pairs(pairs, out);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_turned_over() {
        let square: Square =
            std::array::from_fn(|row| std::array::from_fn(|column| (row * 100 + column) as u32));
        let turned = transpose(&square);
        for (row, numbers) in turned.iter().enumerate() {
            for (column, &number) in numbers.iter().enumerate() {
                assert_eq!(number as usize, column * 100 + row);
            }
        }
    }

    #[test]
    fn any_matrix_is_turned_over() {
        for (rows, columns) in [
            (1usize, 1usize),
            (32, 16),
            (33, 17),
            (64, 5),
            (7, 40),
            (95, 31),
        ] {
            let stride = columns + 3;
            let numbers: Vec<bf16> = (0..rows * stride)
                .map(|i| bf16::from_f32((i % 251) as f32))
                .collect();
            let out_stride = rows.next_multiple_of(32);
            let mut out = vec![bf16::NAN; columns * out_stride];
            turn(&numbers, stride, rows, columns, &mut out, out_stride);
            for column in 0..columns {
                for row in 0..out_stride {
                    let expected = match row < rows {
                        true => numbers[row * stride + column],
                        false => bf16::ZERO,
                    };
                    assert_eq!(out[column * out_stride + row], expected, "{rows} {columns}");
                }
            }
        }
    }
}
