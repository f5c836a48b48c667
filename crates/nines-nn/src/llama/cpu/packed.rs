//! Weight matrices laid out for multiplication, still quantised where they were.
//!
//! Sixteen output rows make a panel, and a panel's numbers lie together for each input column, so
//! that one vector holds one column of a panel. Quantised panels are turned into f32 just before
//! use, in a core's own cache: a step then reads a tenth of what f32 weights would need from
//! memory. The numbers are those of [`crate::gguf::dequantize`], to the last bit.

use super::super::weights::StoredMatrix;
use crate::gguf::{TensorKind, q4_k_scales, q6_k_number, read_half};

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
    /// bf16[inputs][16].
    Bf16(Vec<[u16; PANEL]>),
    /// Blocks of 32 inputs.
    Nibbles(Vec<NibbleBlock>),
    /// Blocks of 16 inputs.
    Bytes(Vec<ByteBlock>),
}

/// 32 inputs of 16 rows: number * scale + minimum.
#[derive(Debug, Clone)]
pub(super) struct NibbleBlock {
    pub(super) scale: [f32; PANEL],
    pub(super) minimum: [f32; PANEL],
    /// Input j in the low half, input j + 16 in the high half.
    pub(super) numbers: [[u8; PANEL]; 16],
}

/// 16 inputs of 16 rows: number * scale.
#[derive(Debug, Clone)]
pub(super) struct ByteBlock {
    pub(super) scale: [f32; PANEL],
    pub(super) numbers: [[i8; PANEL]; 16],
}

impl PackedMatrix {
    /// Packs matrices that have the same number of columns, one below the other.
    pub(super) fn stack(matrices: &[StoredMatrix<'_>]) -> Self {
        let inputs = matrices[0].columns;
        let rows: Vec<(&StoredMatrix<'_>, usize)> = matrices
            .iter()
            .flat_map(|matrix| (0..matrix.rows).map(move |row| (matrix, row)))
            .collect();
        let panels = rows
            .chunks(PANEL)
            .map(|rows| pack_panel(rows, inputs))
            .collect();
        Self { inputs, panels }
    }

    /// Returns how many outputs a row of results has, padding included.
    pub(super) fn padded_outputs(&self) -> usize {
        self.panels.len() * PANEL
    }
}

fn pack_panel(rows: &[(&StoredMatrix<'_>, usize)], inputs: usize) -> Panel {
    let kind = rows[0].0.kind;
    let whole = rows.len() == PANEL && rows.iter().all(|(matrix, _)| matrix.kind == kind);
    let bytes = |lane: usize| rows[lane].0.row_bytes(rows[lane].1);
    match kind {
        TensorKind::Q4_0 | TensorKind::Q4_1 | TensorKind::Q4K if whole => {
            Panel::Nibbles(pack_nibbles(kind, inputs, bytes))
        }
        TensorKind::Q8_0 | TensorKind::Q6K if whole => {
            Panel::Bytes(pack_bytes(kind, inputs, bytes))
        }
        TensorKind::Bf16 if whole => {
            let mut panel = vec![[0; PANEL]; inputs];
            for lane in 0..PANEL {
                for (column, pair) in panel.iter_mut().zip(bytes(lane).chunks_exact(2)) {
                    column[lane] = u16::from_le_bytes([pair[0], pair[1]]);
                }
            }
            Panel::Bf16(panel)
        }
        _ => {
            let mut panel = vec![0.0; inputs * PANEL];
            let mut numbers = vec![0.0; inputs];
            for (lane, (matrix, row)) in rows.iter().enumerate() {
                matrix.row_into(*row, &mut numbers);
                for (column, &number) in panel.chunks_exact_mut(PANEL).zip(&numbers) {
                    column[lane] = number;
                }
            }
            Panel::F32(panel)
        }
    }
}

fn pack_nibbles<'a>(
    kind: TensorKind,
    inputs: usize,
    bytes: impl Fn(usize) -> &'a [u8],
) -> Vec<NibbleBlock> {
    let empty = NibbleBlock {
        scale: [0.0; PANEL],
        minimum: [0.0; PANEL],
        numbers: [[0; PANEL]; 16],
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
            (block.scale[lane], block.minimum[lane]) = (scale, minimum);
            for (j, column) in block.numbers.iter_mut().enumerate() {
                column[lane] = match kind {
                    TensorKind::Q4_0 => row[index * 18 + 2 + j],
                    TensorKind::Q4_1 => row[index * 20 + 4 + j],
                    _ => {
                        // Two neighbouring sub-blocks share 32 bytes: low halves, high halves.
                        let at = index / 8 * 144 + 16 + index % 8 / 2 * 32 + j;
                        let (a, b) = (row[at], row[at + 16]);
                        if index % 2 == 0 {
                            (a & 15) | (b << 4)
                        } else {
                            (a >> 4) | (b & 0xf0)
                        }
                    }
                };
            }
        }
    }
    blocks
}

fn pack_bytes<'a>(
    kind: TensorKind,
    inputs: usize,
    bytes: impl Fn(usize) -> &'a [u8],
) -> Vec<ByteBlock> {
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
                block.scale[lane] = read_half(stored);
                for (j, column) in block.numbers.iter_mut().enumerate() {
                    column[lane] = stored[2 + index % 2 * 16 + j].cast_signed();
                }
            } else {
                let stored = &row[index / 16 * 210..];
                block.scale[lane] =
                    read_half(&stored[208..]) * f32::from(stored[192 + index % 16].cast_signed());
                for (j, column) in block.numbers.iter_mut().enumerate() {
                    column[lane] = q6_k_number(stored, index % 16 * 16 + j);
                }
            }
        }
    }
    blocks
}
