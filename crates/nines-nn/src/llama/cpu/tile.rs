//! One block of rows by one group of panels, in registers.

use super::packed::PANEL;
use super::product::GROUP;
use nines_kernels::lanes::VectorLevel;

/// Floats of a row of intermediate sums.
const ROW: usize = GROUP * PANEL;

/// A slice of inputs of one block of rows.
pub(super) struct Tile<'a> {
    /// f32[inputs][rows].
    pub(super) x: &'a [f32],
    /// 8, 4, 2 or 1.
    pub(super) rows: usize,
    /// Sums so far, f32[rows][48]; they are carried on to the bit.
    pub(super) sums: &'a mut [f32],
    /// Whether the sums start here, at zero.
    pub(super) is_first: bool,
    /// Where the sums go when they are whole.
    pub(super) results: Option<Sums>,
}

/// Where whole sums go: f32[rows, stride].
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub(super) at: *mut f32,
    pub(super) stride: usize,
    /// Adds to what is there.
    pub(super) add: bool,
}

impl Tile<'_> {
    /// Multiplies with one to three panels' weights, f32[inputs][16] each.
    ///
    /// # Safety
    /// The results must have room for the block's rows and the panels' columns, and nothing else
    /// may read or write them meanwhile.
    pub(super) unsafe fn run(self, weights: &[&[f32]]) {
        // SAFETY: as the caller promises.
        unsafe {
            match *weights {
                [a, b, c] => self.with_panels([a, b, c]),
                [a, b] => self.with_panels([a, b]),
                [a] => self.with_panels([a]),
                _ => {}
            }
        }
    }

    unsafe fn with_panels<const P: usize>(self, weights: [&[f32]; P]) {
        // SAFETY: as the caller promises.
        unsafe {
            match self.rows {
                8 => self.with_rows::<8, P>(weights),
                4 => self.with_rows::<4, P>(weights),
                2 => self.with_rows::<2, P>(weights),
                _ => self.with_rows::<1, P>(weights),
            }
        }
    }

    unsafe fn with_rows<const R: usize, const P: usize>(mut self, weights: [&[f32]; P]) {
        let inputs = self.x.len() / R;
        assert!(self.sums.len() == R * ROW && self.x.len() == inputs * R);
        assert!(weights.iter().all(|panel| panel.len() == inputs * PANEL));
        match VectorLevel::detect() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level says that the CPU has AVX-512; lengths are checked above, and
            // results are as the caller promises.
            VectorLevel::Avx512 => unsafe { self.avx512::<R, P>(inputs, weights) },
            #[cfg(target_arch = "x86_64")]
            VectorLevel::Avx2 => {
                for (p, panel) in weights.into_iter().enumerate() {
                    for first in (0..R).step_by(4) {
                        // SAFETY: as above, with AVX2 and FMA.
                        unsafe {
                            match R {
                                8 | 4 => self.avx2::<4>(inputs, panel, p, first),
                                2 => self.avx2::<2>(inputs, panel, p, first),
                                _ => self.avx2::<1>(inputs, panel, p, first),
                            }
                        }
                    }
                }
            }
            _ => {
                for (p, panel) in weights.into_iter().enumerate() {
                    for row in 0..R {
                        // SAFETY: as the caller promises.
                        unsafe { self.portable(panel, p, row) };
                    }
                }
            }
        }
    }

    /// # Safety
    /// The CPU must have AVX-512 F; there must be R rows and P panels of `inputs` inputs.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const R: usize, const P: usize>(self, inputs: usize, weights: [&[f32]; P]) {
        use std::arch::x86_64::{
            _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
            _mm512_storeu_ps,
        };
        let mut sums = [[_mm512_setzero_ps(); P]; R];
        let carried = self.sums.as_mut_ptr();
        if !self.is_first {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (p, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: the carried sums have R rows of three panels.
                    *sum = unsafe { _mm512_loadu_ps(carried.add(r * ROW + p * PANEL)) };
                }
            }
        }
        let panels = weights.map(<[f32]>::as_ptr);
        let x = self.x.as_ptr();
        for k in 0..inputs {
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
            for (p, mut sum) in sums.into_iter().enumerate() {
                // SAFETY: the carried sums have R rows of three panels, and the results R rows of
                // P panels.
                unsafe {
                    let Some(results) = self.results else {
                        _mm512_storeu_ps(carried.add(r * ROW + p * PANEL), sum);
                        continue;
                    };
                    let out = results.at.add(r * results.stride + p * PANEL);
                    if results.add {
                        sum = _mm512_add_ps(_mm512_loadu_ps(out), sum);
                    }
                    _mm512_storeu_ps(out, sum);
                }
            }
        }
    }

    /// # Safety
    /// As [`Tile::avx512`], with AVX2 and FMA, for rows `first..first + R` and panel `p`.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<const R: usize>(
        &mut self,
        inputs: usize,
        weights: &[f32],
        p: usize,
        first: usize,
    ) {
        use std::arch::x86_64::{
            _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
            _mm256_storeu_ps,
        };
        let place = |r: usize, half: usize| (first + r, p * PANEL + half * 8);
        let mut sums = [[_mm256_setzero_ps(); 2]; R];
        let carried = self.sums.as_mut_ptr();
        if !self.is_first {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (half, sum) in sums.iter_mut().enumerate() {
                    let (row, column) = place(r, half);
                    // SAFETY: the carried sums have these rows and three panels.
                    *sum = unsafe { _mm256_loadu_ps(carried.add(row * ROW + column)) };
                }
            }
        }
        let (panel, x) = (weights.as_ptr(), self.x.as_ptr());
        for k in 0..inputs {
            // SAFETY: k < inputs, and the lengths are as promised.
            unsafe {
                let w = [
                    _mm256_loadu_ps(panel.add(k * PANEL)),
                    _mm256_loadu_ps(panel.add(k * PANEL + 8)),
                ];
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*x.add(k * self.rows + first + r));
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = _mm256_fmadd_ps(x, w, *sum);
                    }
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (half, mut sum) in sums.into_iter().enumerate() {
                let (row, column) = place(r, half);
                // SAFETY: the carried sums and the results have these rows and this panel.
                unsafe {
                    let Some(results) = self.results else {
                        _mm256_storeu_ps(carried.add(row * ROW + column), sum);
                        continue;
                    };
                    let out = results.at.add(row * results.stride + column);
                    if results.add {
                        sum = _mm256_add_ps(_mm256_loadu_ps(out), sum);
                    }
                    _mm256_storeu_ps(out, sum);
                }
            }
        }
    }

    /// # Safety
    /// The results must have this row and panel.
    unsafe fn portable(&mut self, weights: &[f32], p: usize, row: usize) {
        let carried = &mut self.sums[row * ROW + p * PANEL..][..PANEL];
        let mut sums = [0.0f32; PANEL];
        if !self.is_first {
            sums.copy_from_slice(carried);
        }
        let inputs = self.x.chunks_exact(self.rows);
        for (x, w) in inputs.zip(weights.chunks_exact(PANEL)) {
            for (sum, &w) in sums.iter_mut().zip(w) {
                *sum = x[row].mul_add(w, *sum);
            }
        }
        let Some(results) = self.results else {
            carried.copy_from_slice(&sums);
            return;
        };
        for (lane, sum) in sums.into_iter().enumerate() {
            // SAFETY: the results have this row and panel.
            unsafe {
                let out = results.at.add(row * results.stride + p * PANEL + lane);
                *out = if results.add { *out + sum } else { sum };
            }
        }
    }
}
