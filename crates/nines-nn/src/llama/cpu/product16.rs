//! Products of bf16 rows with packed weights, on the units of [`nines_kernels::product`].
//!
//! Two panels at a time are turned into bf16 in a core's own cache, and all rows are multiplied with
//! them there. A row's results depend on that row and the weights alone: a unit adds up a row's
//! products in one order, whatever the other rows are.

use super::columns::Columns;
use super::inputs::gate as silu_times;
use super::packed::{PANEL, PackedMatrix};
use super::unpack16::unpack16;
use half::bf16;
use nines_kernels::aligned::Aligned;
use nines_kernels::product::{BLOCK, Block, Engine, View, padded_inputs};
use nines_kernels::{Unit, round_all};
use rayon::prelude::*;

/// Rows of a tile; so many are read at once.
const TILE: usize = 16;

/// Input rows in bf16, each filled up with zeros to whole steps of a tile.
#[derive(Debug, Default)]
pub(super) struct RoundedRows {
    rows: usize,
    inputs: usize,
    numbers: Aligned<bf16>,
}

impl RoundedRows {
    /// Makes room for rows; what they hold is left over from before.
    fn shape(&mut self, rows: usize, inputs: usize) {
        let padded = padded_inputs(inputs);
        self.numbers.room(rows.next_multiple_of(TILE) * padded);
        if padded != inputs {
            self.numbers.fill(bf16::ZERO);
        }
        (self.rows, self.inputs) = (rows, inputs);
    }

    fn stride(&self) -> usize {
        padded_inputs(self.inputs)
    }

    /// Rounds rows: `write` is called with each row's index and a buffer for its numbers, and at
    /// least `grain` rows go to one thread.
    pub(super) fn pack(
        &mut self,
        rows: usize,
        inputs: usize,
        grain: usize,
        write: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        self.shape(rows, inputs);
        let stride = self.stride();
        self.numbers
            .par_chunks_mut(stride)
            .take(rows)
            .with_min_len(grain)
            .enumerate()
            .for_each_init(
                || vec![0.0; inputs],
                |buffer, (row, out)| {
                    write(row, buffer);
                    round_all(buffer, &mut out[..inputs]);
                },
            );
    }

    fn view(&self) -> View<'_> {
        let stride = self.stride();
        View::new(&self.numbers, stride, self.rows, stride)
    }
}

/// Multiplies rows with a packed matrix into `out`, f32[rows, padded outputs]; `add` adds to what is
/// there.
pub(super) fn multiply(
    unit: Unit,
    rows: &RoundedRows,
    matrix: &PackedMatrix,
    out: &mut [f32],
    add: bool,
) {
    let out = Columns::new(out, matrix.padded_outputs());
    for_each_block(unit, rows, matrix, |block| {
        for (row, sums) in rows_of(&block) {
            // SAFETY: blocks are disjoint.
            let out = unsafe { out.part(row, block.column, sums.len()) };
            if add {
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out += sum;
                }
            } else {
                out.copy_from_slice(sums);
            }
        }
    });
}

/// Writes silu(gate) * up, rounded, as `width` numbers a row; the matrix has a panel of gates and a
/// panel of what they let through in turn.
pub(super) fn gate(
    unit: Unit,
    rows: &RoundedRows,
    matrix: &PackedMatrix,
    width: usize,
    out: &mut RoundedRows,
) {
    out.shape(rows.rows, width);
    let stride = out.stride();
    let out = Columns::new(&mut out.numbers, stride);
    for_each_block(unit, rows, matrix, |block| {
        let column = block.column / 2;
        let columns = width.saturating_sub(column).min(PANEL);
        for (row, sums) in rows_of(&block) {
            // SAFETY: blocks are disjoint, and each has half as many columns of its own here.
            let out = unsafe { out.part(row, column, columns) };
            let (gates, ups) = sums.split_at(PANEL);
            let mut gated = [0.0; PANEL];
            silu_times(gates, ups, &mut gated);
            round_all(&gated[..columns], out);
        }
    });
}

fn rows_of<'a>(block: &Block<'a>) -> impl Iterator<Item = (usize, &'a [f32])> {
    let (first, columns) = (block.row, block.columns);
    let rows = block.sums.chunks_exact(BLOCK).take(block.rows);
    rows.enumerate()
        .map(move |(row, sums)| (first + row, &sums[..columns]))
}

/// Multiplies, and gives each block of results to `finish`, from several threads.
fn for_each_block(
    unit: Unit,
    rows: &RoundedRows,
    matrix: &PackedMatrix,
    finish: impl Fn(Block<'_>) + Sync,
) {
    assert_eq!(rows.inputs, matrix.inputs, "inputs of a product");
    matrix.panels.par_chunks(2).enumerate().for_each_init(
        || Engine::start(unit),
        |engine, (pair, panels)| {
            engine.multiply_made(
                rows.view(),
                panels.len() * PANEL,
                |inputs, out| {
                    let (pairs, _) = out.as_chunks_mut::<2>();
                    let (pairs, _) = pairs.as_chunks_mut::<PANEL>();
                    let parts = pairs.chunks_exact_mut(inputs.len() / 2);
                    for (panel, out) in panels.iter().zip(parts) {
                        unpack16(unit, panel, inputs.clone(), out);
                    }
                },
                |block| {
                    finish(Block {
                        column: pair * BLOCK + block.column,
                        ..block
                    });
                },
            );
        },
    );
}
