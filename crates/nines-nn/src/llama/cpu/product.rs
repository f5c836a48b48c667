//! Products of packed inputs with packed weights.
//!
//! Every result is one chain of fused multiply-adds over the inputs, in their order, whatever
//! the batch, the tile or the vector width: a row's results never depend on its neighbours.

use super::packed::{PANEL, PackedMatrix, Panel};
use super::unpack::unpack;
use crate::lanes::VectorLevel;
use rayon::prelude::*;
use std::cell::RefCell;

/// Rows in a full block of packed inputs.
const BLOCK: usize = 8;
/// Panels multiplied together: eight rows by three vectors fill 24 of AVX-512's 32 registers.
const GROUP: usize = 3;

/// Input rows, packed: blocks of 8 rows, then of 4, 2 and 1, each f32[inputs][rows].
#[derive(Debug, Default)]
pub(super) struct PackedRows {
    rows: usize,
    inputs: usize,
    numbers: Vec<f32>,
}

impl PackedRows {
    /// Packs rows: `write` is called with each row's index and a buffer for its numbers.
    pub(super) fn pack(
        &mut self,
        rows: usize,
        inputs: usize,
        write: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        self.rows = rows;
        self.inputs = inputs;
        self.numbers.clear();
        self.numbers.resize(rows * inputs, 0.0);
        let mut parts = Vec::new();
        let mut left = self.numbers.as_mut_slice();
        for (first, count) in blocks(rows) {
            let (part, rest) = left.split_at_mut(count * inputs);
            parts.push((first, count, part));
            left = rest;
        }
        parts.into_par_iter().for_each(|(first, count, part)| {
            let mut row = vec![0.0; inputs];
            for r in 0..count {
                write(first + r, &mut row);
                for (column, &number) in part.chunks_exact_mut(count).zip(&row) {
                    column[r] = number;
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

/// Where results go: f32[rows, stride], written by several threads in disjoint columns.
#[derive(Clone, Copy)]
struct Results {
    start: *mut f32,
    stride: usize,
}

// SAFETY: threads write disjoint columns only; `multiply` hands each panel to one thread.
unsafe impl Send for Results {}
// SAFETY: as above.
unsafe impl Sync for Results {}

/// Multiplies packed rows with a packed matrix into `out`, f32[rows, padded outputs]; `add` adds
/// to what is there.
pub(super) fn multiply(rows: &PackedRows, matrix: &PackedMatrix, out: &mut [f32], add: bool) {
    assert_eq!(rows.inputs, matrix.inputs, "inputs of a product");
    assert_eq!(
        out.len(),
        rows.rows * matrix.padded_outputs(),
        "results of a product"
    );
    let results = Results {
        start: out.as_mut_ptr(),
        stride: matrix.padded_outputs(),
    };
    matrix
        .panels
        .par_chunks(GROUP)
        .enumerate()
        .for_each(|(group, panels)| group_product(rows, panels, group * GROUP, results, add));
}

thread_local! {
    static UNPACKED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

fn group_product(rows: &PackedRows, panels: &[Panel], first: usize, results: Results, add: bool) {
    let size = rows.inputs * PANEL;
    UNPACKED.with_borrow_mut(|unpacked| {
        if unpacked.len() < size * GROUP {
            unpacked.resize(size * GROUP, 0.0);
        }
        for (panel, out) in panels.iter().zip(unpacked.chunks_exact_mut(size)) {
            if !matches!(panel, Panel::F32(_)) {
                unpack(panel, out);
            }
        }
        let weights: Vec<&[f32]> = panels
            .iter()
            .zip(unpacked.chunks_exact(size))
            .map(|(panel, unpacked)| match panel {
                Panel::F32(numbers) => numbers.as_slice(),
                _ => unpacked,
            })
            .collect();
        for (row, count) in blocks(rows.rows) {
            let x = &rows.numbers[row * rows.inputs..(row + count) * rows.inputs];
            // SAFETY: these rows and columns lie inside `out`, whose size `multiply` checked, and
            // no other thread has these columns.
            let at = unsafe { results.start.add(row * results.stride + first * PANEL) };
            let tile = Tile {
                inputs: rows.inputs,
                x,
                out: at,
                stride: results.stride,
                add,
            };
            tile.run(count, &weights);
        }
    });
}

/// One block of rows by one group of panels.
#[derive(Clone, Copy)]
struct Tile<'a> {
    inputs: usize,
    /// f32[inputs][rows].
    x: &'a [f32],
    out: *mut f32,
    stride: usize,
    add: bool,
}

impl Tile<'_> {
    fn run(&self, rows: usize, weights: &[&[f32]]) {
        match *weights {
            [a, b, c] => self.with_panels(rows, [a, b, c]),
            [a, b] => self.with_panels(rows, [a, b]),
            [a] => self.with_panels(rows, [a]),
            _ => {}
        }
    }

    fn with_panels<const P: usize>(&self, rows: usize, weights: [&[f32]; P]) {
        match rows {
            8 => self.with_rows::<8, P>(weights),
            4 => self.with_rows::<4, P>(weights),
            2 => self.with_rows::<2, P>(weights),
            _ => self.with_rows::<1, P>(weights),
        }
    }

    fn with_rows<const R: usize, const P: usize>(&self, weights: [&[f32]; P]) {
        assert_eq!(self.x.len(), self.inputs * R, "packed inputs");
        for panel in weights {
            assert_eq!(panel.len(), self.inputs * PANEL, "packed weights");
        }
        match VectorLevel::detect() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level says that the CPU has AVX-512; lengths are checked above and
            // results by the caller.
            VectorLevel::Avx512 => unsafe { self.avx512::<R, P>(weights) },
            #[cfg(target_arch = "x86_64")]
            VectorLevel::Avx2 => {
                for (p, panel) in weights.into_iter().enumerate() {
                    for first in (0..R).step_by(4) {
                        // SAFETY: as above, with AVX2 and FMA.
                        unsafe {
                            match R {
                                8 | 4 => self.avx2::<4>(panel, p, first, R),
                                2 => self.avx2::<2>(panel, p, first, R),
                                _ => self.avx2::<1>(panel, p, first, R),
                            }
                        }
                    }
                }
            }
            _ => {
                for (p, panel) in weights.into_iter().enumerate() {
                    for row in 0..R {
                        self.portable::<R>(panel, p, row);
                    }
                }
            }
        }
    }

    /// # Safety
    /// The CPU must have AVX-512 F; `x` and `weights` must be as long as `inputs` asks, and `out`
    /// must have R rows of P panels.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const R: usize, const P: usize>(&self, weights: [&[f32]; P]) {
        use std::arch::x86_64::{
            _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
            _mm512_storeu_ps,
        };
        let mut sums = [[_mm512_setzero_ps(); P]; R];
        let panels = weights.map(<[f32]>::as_ptr);
        let x = self.x.as_ptr();
        for k in 0..self.inputs {
            // SAFETY: k < inputs, and the lengths are as promised.
            unsafe {
                let w = panels.map(|panel| _mm512_loadu_ps(panel.add(k * PANEL)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = _mm512_set1_ps(*x.add(k * R + r));
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = _mm512_fmadd_ps(x, w, *sum);
                    }
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (p, sum) in sums.into_iter().enumerate() {
                // SAFETY: `out` has R rows of P panels.
                unsafe {
                    let out = self.out.add(r * self.stride + p * PANEL);
                    let sum = if self.add {
                        _mm512_add_ps(_mm512_loadu_ps(out), sum)
                    } else {
                        sum
                    };
                    _mm512_storeu_ps(out, sum);
                }
            }
        }
    }

    /// # Safety
    /// As [`Tile::avx512`], with AVX2 and FMA, for rows `first..first + R` of `rows` and panel `p`.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<const R: usize>(&self, weights: &[f32], p: usize, first: usize, rows: usize) {
        use std::arch::x86_64::{
            _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
            _mm256_storeu_ps,
        };
        let mut sums = [[_mm256_setzero_ps(); 2]; R];
        let (panel, x) = (weights.as_ptr(), self.x.as_ptr());
        for k in 0..self.inputs {
            // SAFETY: k < inputs, and the lengths are as promised.
            unsafe {
                let w = [
                    _mm256_loadu_ps(panel.add(k * PANEL)),
                    _mm256_loadu_ps(panel.add(k * PANEL + 8)),
                ];
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*x.add(k * rows + first + r));
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = _mm256_fmadd_ps(x, w, *sum);
                    }
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (half, sum) in sums.into_iter().enumerate() {
                // SAFETY: `out` has these rows and this panel.
                unsafe {
                    let at = (first + r) * self.stride + p * PANEL + half * 8;
                    let out = self.out.add(at);
                    let sum = if self.add {
                        _mm256_add_ps(_mm256_loadu_ps(out), sum)
                    } else {
                        sum
                    };
                    _mm256_storeu_ps(out, sum);
                }
            }
        }
    }

    fn portable<const R: usize>(&self, weights: &[f32], p: usize, row: usize) {
        let mut sums = [0.0f32; PANEL];
        for (x, w) in self.x.chunks_exact(R).zip(weights.chunks_exact(PANEL)) {
            for (sum, &w) in sums.iter_mut().zip(w) {
                *sum = x[row].mul_add(w, *sum);
            }
        }
        for (lane, sum) in sums.into_iter().enumerate() {
            // SAFETY: `out` has these rows and this panel, and no other thread has its columns.
            unsafe {
                let out = self.out.add(row * self.stride + p * PANEL + lane);
                *out = if self.add { *out + sum } else { sum };
            }
        }
    }
}
