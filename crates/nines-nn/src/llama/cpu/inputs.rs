//! Rows on their way into a product, in the precision that the model multiplies in.

use super::packed::{PANEL, PackedMatrix};
use super::product::{self, PackedRows};
use super::product16::{self, RoundedRows};
use crate::precision::Precision;
use nines_kernels::Unit;
use nines_kernels::lanes::{exp, vectorised};
use rayon::prelude::*;

/// Input rows, and memory for what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    exact: PackedRows,
    products: Vec<f32>,
    rounded: RoundedRows,
    gated: RoundedRows,
}

impl Inputs {
    /// Takes rows: `write` is called with each row's index and a buffer for its numbers.
    pub(super) fn take(
        &mut self,
        precision: Precision,
        rows: usize,
        inputs: usize,
        write: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        match precision {
            Precision::Float32 => self.exact.pack(rows, inputs, write),
            Precision::Bf16(_) => self.rounded.pack(rows, inputs, 8, write),
        }
    }

    /// The same for rows that are much work each: every row may go to a thread of its own.
    pub(super) fn take_each(
        &mut self,
        precision: Precision,
        rows: usize,
        inputs: usize,
        write: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        if precision != Precision::Float32 {
            return self.rounded.pack(rows, inputs, 1, write);
        }
        self.products.resize(rows * inputs, 0.0);
        self.products
            .par_chunks_mut(inputs)
            .enumerate()
            .for_each(|(row, out)| write(row, out));
        let products = &self.products;
        self.exact.pack(rows, inputs, |row, out| {
            out.copy_from_slice(&products[row * inputs..(row + 1) * inputs]);
        });
    }

    /// Writes the rows' products with a matrix, f32[rows, padded outputs].
    pub(super) fn write(&self, precision: Precision, matrix: &PackedMatrix, out: &mut [f32]) {
        match precision {
            Precision::Float32 => product::multiply(&self.exact, matrix, out, false),
            Precision::Bf16(unit) => product16::multiply(unit, &self.rounded, matrix, out, false),
        }
    }

    /// Adds the rows' products with a matrix to what is there, f32[rows, padded outputs].
    pub(super) fn add(&self, precision: Precision, matrix: &PackedMatrix, out: &mut [f32]) {
        match precision {
            Precision::Float32 => product::multiply(&self.exact, matrix, out, true),
            Precision::Bf16(unit) => product16::multiply(unit, &self.rounded, matrix, out, true),
        }
    }

    /// Puts silu(gate) * up in the rows' place, `width` numbers each. The matrix has a panel of
    /// gates and a panel of what they let through in turn.
    pub(super) fn gate(&mut self, precision: Precision, matrix: &PackedMatrix, width: usize) {
        match precision {
            Precision::Float32 => self.gate_exact(matrix, width),
            Precision::Bf16(unit) => self.gate_rounded(unit, matrix, width),
        }
    }

    fn gate_exact(&mut self, matrix: &PackedMatrix, width: usize) {
        let (rows, stride) = (self.exact.rows(), matrix.padded_outputs());
        self.products.resize(rows * stride, 0.0);
        product::multiply(&self.exact, matrix, &mut self.products, false);
        let products = &self.products;
        self.exact.pack(rows, width, |row, out| {
            let row = &products[row * stride..(row + 1) * stride];
            for (pair, out) in row.chunks_exact(2 * PANEL).zip(out.chunks_mut(PANEL)) {
                let (gates, ups) = pair.split_at(PANEL);
                gate(gates, ups, out);
            }
        });
    }

    fn gate_rounded(&mut self, unit: Unit, matrix: &PackedMatrix, width: usize) {
        product16::gate(unit, &self.rounded, matrix, width, &mut self.gated);
        std::mem::swap(&mut self.rounded, &mut self.gated);
    }
}

vectorised! {
    /// Writes silu(gate) * up.
    pub(super) fn gate(gates: &[f32], ups: &[f32], out: &mut [f32]) {
        for ((out, &gate), &up) in out.iter_mut().zip(gates).zip(ups) {
            *out = gate / (1.0 + exp(-gate)) * up;
        }
    }
}
