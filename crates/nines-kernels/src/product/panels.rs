//! The right-hand side of a product, laid out as tiles want it.

use super::STEP;
use crate::lanes::vectorised;
use crate::shuffle::{Square, interleave, pairs_of, transpose, write_pairs};
use half::bf16;

/// Columns in a panel.
pub const PANEL: usize = 16;

/// A packed right-hand side, `[inputs, outputs]`: panels of sixteen outputs, each
/// `[inputs / 2][16][2]`, so that a register holds two inputs of each output side by side. Inputs
/// are filled up with zeros to whole steps of 32, outputs to whole panels.
#[derive(Debug, Clone, Copy)]
pub struct Panels<'a> {
    inputs: usize,
    outputs: usize,
    numbers: &'a [bf16],
}

/// Returns the inputs that a panel has room for.
pub fn padded_inputs(inputs: usize) -> usize {
    inputs.next_multiple_of(STEP)
}

/// Returns how many numbers a packed right-hand side has.
///
/// # Panics
/// If there are more than memory can hold.
pub fn packed_len(inputs: usize, outputs: usize) -> usize {
    let padded = inputs.checked_next_multiple_of(STEP);
    let outputs = outputs.checked_next_multiple_of(PANEL);
    padded
        .zip(outputs)
        .and_then(|(inputs, outputs)| inputs.checked_mul(outputs))
        .unwrap_or_else(|| panic!("a matrix that no memory holds"))
}

impl<'a> Panels<'a> {
    /// Takes numbers packed by [`pack_rows`] or [`pack_columns`].
    ///
    /// # Panics
    /// If their number is another.
    pub fn new(inputs: usize, outputs: usize, numbers: &'a [bf16]) -> Self {
        assert_eq!(numbers.len(), packed_len(inputs, outputs), "packed numbers");
        Self {
            inputs,
            outputs,
            numbers,
        }
    }

    /// Returns the number of inputs.
    pub fn inputs(self) -> usize {
        self.inputs
    }

    /// Returns the number of outputs.
    pub fn outputs(self) -> usize {
        self.outputs
    }

    /// Returns the numbers of a panel and of all that follow.
    pub(super) fn panel(self, index: usize) -> &'a [bf16] {
        &self.numbers[index * PANEL * padded_inputs(self.inputs)..]
    }
}

vectorised! {
    /// Packs some panels, from `first_panel` on, of the right-hand side that is `weights` transposed:
    /// `[outputs, inputs]`, rows `stride` apart, as linear layers keep them.
    ///
    /// # Panics
    /// If `out` is not whole panels or `weights` are too few.
    pub fn pack_rows(
        weights: &[bf16],
        stride: usize,
        outputs: usize,
        inputs: usize,
        first_panel: usize,
        out: &mut [bf16],
    ) {
        let panel_len = PANEL * padded_inputs(inputs);
        if panel_len == 0 {
            return;
        }
        assert_eq!(out.len() % panel_len, 0, "whole panels");
        for (panel, out) in out.chunks_exact_mut(panel_len).enumerate() {
            let first = (first_panel + panel) * PANEL;
            let lanes = outputs.saturating_sub(first).min(PANEL);
            let (squares, _) = out.as_chunks_mut::<{ STEP * PANEL }>();
            for (step, out) in squares.iter_mut().enumerate() {
                let k = step * STEP;
                let there = (inputs - k).min(STEP);
                let square: Square = std::array::from_fn(|lane| {
                    let at = (first + lane) * stride + k;
                    if lane >= lanes {
                        return [0; PANEL];
                    }
                    if there == STEP
                        && let Some(row) = weights[at..].first_chunk()
                    {
                        return pairs_of(row);
                    }
                    let mut row = [bf16::ZERO; STEP];
                    row[..there].copy_from_slice(&weights[at..at + there]);
                    pairs_of(&row)
                });
                let (rows, _) = out.as_chunks_mut::<{ 2 * PANEL }>();
                for (pairs, out) in transpose(&square).iter().zip(rows) {
                    write_pairs(pairs, out);
                }
            }
        }
    }
}

vectorised! {
    /// Packs some panels, from `first_panel` on, of a right-hand side `[inputs, outputs]`, rows
    /// `stride` apart.
    ///
    /// # Panics
    /// If `out` is not whole panels or `right` has too few numbers.
    pub fn pack_columns(
        right: &[bf16],
        stride: usize,
        inputs: usize,
        outputs: usize,
        first_panel: usize,
        out: &mut [bf16],
    ) {
        let panel_len = PANEL * padded_inputs(inputs);
        if panel_len == 0 {
            return;
        }
        assert_eq!(out.len() % panel_len, 0, "whole panels");
        for (panel, out) in out.chunks_exact_mut(panel_len).enumerate() {
            let first = (first_panel + panel) * PANEL;
            let lanes = outputs.saturating_sub(first).min(PANEL);
            let row = |input: usize| -> [bf16; PANEL] {
                let mut row = [bf16::ZERO; PANEL];
                if input < inputs {
                    let at = input * stride + first;
                    match right[at..].first_chunk() {
                        Some(whole) if lanes == PANEL => row = *whole,
                        _ => row[..lanes].copy_from_slice(&right[at..at + lanes]),
                    }
                }
                row
            };
            let (pairs, _) = out.as_chunks_mut::<{ 2 * PANEL }>();
            for (k, out) in pairs.iter_mut().enumerate() {
                write_pairs(&interleave(&row(2 * k), &row(2 * k + 1)), out);
            }
        }
    }
}
