//! Weight matrices laid out for multiplication, still quantised where they were.
//!
//! Sixteen output rows make a panel, and a panel's numbers lie together for each input column, so
//! that one vector holds one column of a panel. Quantised panels are turned into f32 or bf16 just
//! before use, in a core's own cache: a step then reads a tenth of what f32 weights would need from
//! memory. The numbers are those of [`crate::gguf::dequantize`], to the last bit (rounded, for bf16).

use super::super::weights::StoredMatrix;
use crate::gguf::{TensorKind, q4_k_scales, q6_k_number, read_half};
use crate::precision::Precision;
use half::{bf16, f16};

/// Output rows in a panel.
pub(super) const PANEL: usize = 16;

/// One or more matrices with the same inputs, stacked: f32[outputs, inputs] in panels.
#[derive(Debug)]
pub(super) struct PackedMatrix {
    pub(super) inputs: usize,
    pub(super) panels: Vec<Panel>,
}

/// Sixteen output rows.
#[derive(Debug)]
pub(super) enum Panel {
    /// f32[inputs][16].
    F32(Vec<f32>),
    /// bf16[inputs / 2][16][2], an odd last input beside zeros.
    Bf16(Vec<[[bf16; 2]; PANEL]>),
    /// 4 bits, where half precision holds scales and minima exactly.
    Nibbles(Vec<NibbleBlock<f16>>),
    /// 4 bits, where it does not.
    WideNibbles(Vec<NibbleBlock<f32>>),
    /// 8 bits, where half precision holds the scales exactly.
    Bytes(Vec<ByteBlock<f16>>),
    /// 8 bits, where it does not.
    WideBytes(Vec<ByteBlock<f32>>),
}

/// 32 inputs of 16 rows: number * scale + minimum.
#[derive(Debug, Clone)]
pub(super) struct NibbleBlock<S> {
    pub(super) scale: [S; PANEL],
    pub(super) minimum: [S; PANEL],
    /// For each row 8 inputs in a word, the first one lowest.
    pub(super) words: [[u32; PANEL]; 4],
}

/// 16 inputs of 16 rows: number * scale.
#[derive(Debug, Clone)]
pub(super) struct ByteBlock<S> {
    pub(super) scale: [S; PANEL],
    pub(super) numbers: [[i8; PANEL]; 16],
}

impl PackedMatrix {
    /// Packs matrices that have the same number of columns, one below the other.
    pub(super) fn stack(matrices: &[StoredMatrix<'_>], precision: Precision) -> Self {
        let inputs = matrices[0].columns;
        let rows: Vec<StoredRow<'_>> = matrices.iter().flat_map(rows_of).collect();
        Self {
            inputs,
            panels: pack_panels(&rows, inputs, precision),
        }
    }

    /// Packs two matrices of one shape, a panel of the one and a panel of the other in turn.
    pub(super) fn alternate(
        first: &StoredMatrix<'_>,
        second: &StoredMatrix<'_>,
        precision: Precision,
    ) -> Self {
        let inputs = first.columns;
        let [first, second] = [first, second].map(|matrix| {
            let rows: Vec<StoredRow<'_>> = rows_of(matrix).collect();
            pack_panels(&rows, inputs, precision)
        });
        let panels = first.into_iter().zip(second).flat_map(<[Panel; 2]>::from);
        Self {
            inputs,
            panels: panels.collect(),
        }
    }

    /// Returns how many outputs a row of results has, padding included.
    pub(super) fn padded_outputs(&self) -> usize {
        self.panels.len() * PANEL
    }
}

/// A row of a matrix.
type StoredRow<'a> = (&'a StoredMatrix<'a>, usize);

fn rows_of<'a>(matrix: &'a StoredMatrix<'a>) -> impl Iterator<Item = StoredRow<'a>> {
    (0..matrix.rows).map(move |row| (matrix, row))
}

fn pack_panels(rows: &[StoredRow<'_>], inputs: usize, precision: Precision) -> Vec<Panel> {
    rows.chunks(PANEL)
        .map(|rows| pack_panel(rows, inputs, precision))
        .collect()
}

fn pack_panel(rows: &[StoredRow<'_>], inputs: usize, precision: Precision) -> Panel {
    let kind = rows[0].0.kind;
    let whole = rows.len() == PANEL && rows.iter().all(|(matrix, _)| matrix.kind == kind);
    let bytes = |lane: usize| rows[lane].0.row_bytes(rows[lane].1);
    match kind {
        TensorKind::Q4_0 | TensorKind::Q4_1 | TensorKind::Q4K if whole => {
            let blocks = pack_nibbles(kind, inputs, bytes);
            let halves = blocks.iter().map(|block| {
                Some(NibbleBlock {
                    scale: halves(&block.scale)?,
                    minimum: halves(&block.minimum)?,
                    words: block.words,
                })
            });
            match halves.collect() {
                Some(blocks) => Panel::Nibbles(blocks),
                None => Panel::WideNibbles(blocks),
            }
        }
        TensorKind::Q8_0 | TensorKind::Q6K if whole => {
            let blocks = pack_bytes(kind, inputs, bytes);
            let halves = blocks.iter().map(|block| {
                Some(ByteBlock {
                    scale: halves(&block.scale)?,
                    numbers: block.numbers,
                })
            });
            match halves.collect() {
                Some(blocks) => Panel::Bytes(blocks),
                None => Panel::WideBytes(blocks),
            }
        }
        _ if precision != Precision::Float32 || kind == TensorKind::Bf16 && whole => {
            let mut panel = vec![[[bf16::ZERO; 2]; PANEL]; inputs.div_ceil(2)];
            for_each_number(rows, inputs, |lane, input, number| {
                panel[input / 2][lane][input % 2] = nearest(number);
            });
            Panel::Bf16(panel)
        }
        _ => {
            let mut panel = vec![0.0; inputs * PANEL];
            for_each_number(rows, inputs, |lane, input, number| {
                panel[input * PANEL + lane] = number;
            });
            Panel::F32(panel)
        }
    }
}

fn for_each_number(rows: &[StoredRow<'_>], inputs: usize, mut put: impl FnMut(usize, usize, f32)) {
    let mut numbers = vec![0.0; inputs];
    for (lane, (matrix, row)) in rows.iter().enumerate() {
        matrix.row_into(*row, &mut numbers);
        for (input, &number) in numbers.iter().enumerate() {
            put(lane, input, number);
        }
    }
}

/// Rounds a weight to the nearest bf16 number; what lies just between two goes away from zero, which
/// vectors do in one addition.
pub(super) fn nearest(weight: f32) -> bf16 {
    if weight.is_nan() {
        return bf16::NAN;
    }
    bf16::from_bits((weight.to_bits().wrapping_add(0x8000) >> 16) as u16)
}

/// Returns the numbers in half precision where that loses nothing.
fn halves(numbers: &[f32; PANEL]) -> Option<[f16; PANEL]> {
    let halves = numbers.map(f16::from_f32);
    let is_exact = halves
        .iter()
        .zip(numbers)
        .all(|(half, x)| half.to_f32() == *x);
    is_exact.then_some(halves)
}

/// What is not a number, in the form that rounding leaves alone.
fn plain(scale: f32) -> f32 {
    if scale.is_nan() { f32::NAN } else { scale }
}

fn pack_nibbles<'a>(
    kind: TensorKind,
    inputs: usize,
    bytes: impl Fn(usize) -> &'a [u8],
) -> Vec<NibbleBlock<f32>> {
    let empty = NibbleBlock {
        scale: [0.0; PANEL],
        minimum: [0.0; PANEL],
        words: [[0; PANEL]; 4],
    };
    let mut blocks = vec![empty; inputs / 32];
    for lane in 0..PANEL {
        let row = bytes(lane);
        for (index, block) in blocks.iter_mut().enumerate() {
            let (scale, minimum) = match kind {
                TensorKind::Q4_0 => {
                    let scale = read_half(&row[index * 18..]);
                    (scale, -8.0 * scale)
                }
                TensorKind::Q4_1 => (
                    read_half(&row[index * 20..]),
                    read_half(&row[index * 20 + 2..]),
                ),
                _ => {
                    let (scale, minimum) = q4_k_scales(&row[index / 8 * 144..])[index % 8];
                    (scale, -minimum)
                }
            };
            (block.scale[lane], block.minimum[lane]) = (plain(scale), plain(minimum));
            // Where input i of these 32 lies: ggml's small blocks keep i and i + 16 in one byte, its
            // large ones input i of two neighbouring blocks of 32.
            let nibble = |i: usize| match kind {
                TensorKind::Q4_0 => row[index * 18 + 2 + i % 16] >> (i / 16 * 4) & 15,
                TensorKind::Q4_1 => row[index * 20 + 4 + i % 16] >> (i / 16 * 4) & 15,
                _ => row[index / 8 * 144 + 16 + index % 8 / 2 * 32 + i] >> (index % 2 * 4) & 15,
            };
            for (w, word) in block.words.iter_mut().enumerate() {
                let nibbles = (0..8).map(|i| u32::from(nibble(8 * w + i)) << (4 * i));
                word[lane] = nibbles.fold(0, |word, nibble| word | nibble);
            }
        }
    }
    blocks
}

fn pack_bytes<'a>(
    kind: TensorKind,
    inputs: usize,
    bytes: impl Fn(usize) -> &'a [u8],
) -> Vec<ByteBlock<f32>> {
    let empty = ByteBlock {
        scale: [0.0; PANEL],
        numbers: [[0; PANEL]; 16],
    };
    let mut blocks = vec![empty; inputs / 16];
    for lane in 0..PANEL {
        let row = bytes(lane);
        for (index, block) in blocks.iter_mut().enumerate() {
            if kind == TensorKind::Q8_0 {
                let stored = &row[index / 2 * 34..];
                block.scale[lane] = plain(read_half(stored));
                for (j, column) in block.numbers.iter_mut().enumerate() {
                    column[lane] = stored[2 + index % 2 * 16 + j].cast_signed();
                }
            } else {
                let stored = &row[index / 16 * 210..];
                let scale = read_half(&stored[208..]);
                block.scale[lane] =
                    plain(scale * f32::from(stored[192 + index % 16].cast_signed()));
                for (j, column) in block.numbers.iter_mut().enumerate() {
                    column[lane] = q6_k_number(stored, index % 16 * 16 + j);
                }
            }
        }
    }
    blocks
}
