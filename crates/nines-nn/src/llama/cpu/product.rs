//! Products of packed inputs with packed weights.
//!
//! Every result is one chain of fused multiply-adds over the inputs, in their order, whatever
//! the batch, the tile or the vector width: a row's results never depend on its neighbours.

use super::columns::Columns;
use super::packed::{PANEL, PackedMatrix, Panel};
use super::tile::{Sums, Tile};
use super::unpack::unpack;
use rayon::prelude::*;
use std::cell::RefCell;

/// Rows in a full block of packed inputs.
const BLOCK: usize = 8;
/// Panels multiplied together: eight rows by three vectors fill 24 of AVX-512's 32 registers.
pub(super) const GROUP: usize = 3;
/// Inputs that are unpacked at a time, so that a group's weights stay in the first-level cache
/// while all rows are multiplied with them. A multiple of every quantised block's length.
const SLICE: usize = 128;

/// Input rows, packed: blocks of 8 rows, then of 4, 2 and 1, each f32[inputs][rows].
#[derive(Debug, Default)]
pub(super) struct PackedRows {
    rows: usize,
    inputs: usize,
    numbers: Vec<f32>,
}

impl PackedRows {
    /// Returns how many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Packs rows: `write` is called with each row's index and a buffer for its numbers.
    pub(super) fn pack(
        &mut self,
        rows: usize,
        inputs: usize,
        write: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        self.rows = rows;
        self.inputs = inputs;
        self.numbers.resize(rows * inputs, 0.0);
        let mut parts = Vec::new();
        let mut left = self.numbers.as_mut_slice();
        for (first, count) in blocks(rows) {
            let (part, rest) = left.split_at_mut(count * inputs);
            parts.push((first, count, part));
            left = rest;
        }
        parts
            .into_par_iter()
            .for_each_init(Vec::new, |buffer, (first, count, part)| {
                buffer.resize(count * inputs, 0.0);
                for (r, row) in buffer.chunks_exact_mut(inputs).enumerate() {
                    write(first + r, row);
                }
                for (input, column) in part.chunks_exact_mut(count).enumerate() {
                    for (r, number) in column.iter_mut().enumerate() {
                        *number = buffer[r * inputs + input];
                    }
                }
            });
    }
}

/// Splits rows into blocks of 8, 4, 2 and 1: (first row, rows).
fn blocks(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let size = [BLOCK, 4, 2, 1]
            .into_iter()
            .find(|size| first + size <= rows)?;
        first += size;
        Some((first - size, size))
    })
}

/// Multiplies packed rows with a packed matrix into `out`, f32[rows, padded outputs]; `add` adds
/// to what is there.
pub(super) fn multiply(rows: &PackedRows, matrix: &PackedMatrix, out: &mut [f32], add: bool) {
    assert_eq!(rows.inputs, matrix.inputs, "inputs of a product");
    assert_eq!(
        out.len(),
        rows.rows * matrix.padded_outputs(),
        "results of a product"
    );
    let results = Columns::new(out, matrix.padded_outputs());
    if rows.rows == 0 {
        return;
    }
    matrix
        .panels
        .par_chunks(GROUP)
        .enumerate()
        .for_each(|(group, panels)| group_product(rows, panels, group * GROUP, &results, add));
}

/// Memory of one thread.
#[derive(Default)]
struct Scratch {
    unpacked: Vec<f32>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn group_product(
    rows: &PackedRows,
    panels: &[Panel],
    first: usize,
    results: &Columns<'_, f32>,
    add: bool,
) {
    SCRATCH.with_borrow_mut(|Scratch { unpacked, sums }| {
        unpacked.resize(GROUP * SLICE * PANEL, 0.0);
        sums.resize(rows.rows * GROUP * PANEL, 0.0);
        for start in (0..rows.inputs).step_by(SLICE) {
            let end = (start + SLICE).min(rows.inputs);
            let size = (end - start) * PANEL;
            for (panel, out) in panels.iter().zip(unpacked.chunks_exact_mut(size)) {
                unpack(panel, start..end, out);
            }
            let mut weights: [&[f32]; GROUP] = [&[]; GROUP];
            let slices = panels.iter().zip(unpacked.chunks_exact(size));
            for (weights, (panel, unpacked)) in weights.iter_mut().zip(slices) {
                *weights = match panel {
                    Panel::F32(numbers) => &numbers[start * PANEL..end * PANEL],
                    _ => unpacked,
                };
            }
            let is_last = end == rows.inputs;
            for (row, count) in blocks(rows.rows) {
                let block = &rows.numbers[row * rows.inputs..(row + count) * rows.inputs];
                let tile = Tile {
                    x: &block[start * count..end * count],
                    rows: count,
                    sums: &mut sums[row * GROUP * PANEL..(row + count) * GROUP * PANEL],
                    is_first: start == 0,
                    results: is_last.then(|| Sums {
                        at: results.place(row, count, first * PANEL, panels.len() * PANEL),
                        stride: results.stride(),
                        add,
                    }),
                };
                // SAFETY: the results are inside `out`, and no other thread has these columns.
                unsafe { tile.run(&weights[..panels.len()]) };
            }
        }
    });
}

#[cfg(test)]
mod tests;
