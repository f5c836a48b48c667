//! The innermost products: a few rows by a few panels, held in registers.
//!
//! Every sum is one chain of fused multiply-adds in the order of the inputs, whatever the tile
//! and the vector width, so a result never depends on which rows are computed beside it.

use crate::lanes::VectorLevel;

/// Columns in a panel: one AVX-512 vector.
pub const PANEL: usize = 16;
/// Rows in a full tile, and panels in one: 24 of AVX-512's 32 registers hold sums.
pub const ROWS: usize = 8;
/// See [`ROWS`].
pub const PANELS: usize = 3;
/// How many inputs ahead panels are fetched into the first cache.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 16;

/// Where the left-hand numbers of a tile lie: number (r, k) at `start + r * row + k * input`.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    /// The first number.
    pub start: *const f32,
    /// From one row to the next.
    pub row: usize,
    /// From one input to the next.
    pub input: usize,
}

impl Left {
    /// Returns the numbers from row `r` and input `k` on.
    ///
    /// # Safety
    /// That number must be inside the same allocation.
    #[inline(always)]
    pub unsafe fn at(self, r: usize, k: usize) -> Self {
        // SAFETY: promised by the caller.
        let start = unsafe { self.start.add(r * self.row + k * self.input) };
        Self { start, ..self }
    }
}

/// One tile's work: `rows` of `left` times `panels`, over `inputs`, into `out`.
#[derive(Debug, Clone, Copy)]
pub struct Tile {
    /// The left-hand numbers.
    pub left: Left,
    /// The right-hand panels, f32[inputs][16] each, one behind the other.
    pub panels: *const f32,
    /// Numbers from one panel to the next.
    pub panel_stride: usize,
    /// Length of each sum.
    pub inputs: usize,
    /// Where results go.
    pub out: *mut f32,
    /// Numbers from one row of results to the next.
    pub out_stride: usize,
    /// Where sums start, else at zero: the first number and how many there are from row to row (none
    /// where all rows start alike).
    pub from: Option<(*const f32, usize)>,
}

impl Tile {
    /// Computes `rows` (at most 8) by `panels` (at most 3) results.
    ///
    /// # Safety
    /// All numbers that the fields describe must exist: left-hand `rows` by `inputs`, right-hand
    /// `panels`, results `rows` by `panels * 16`, and as many where sums start.
    #[inline]
    pub unsafe fn run(self, rows: usize, panels: usize) {
        // SAFETY: promised by the caller.
        unsafe {
            match (rows, panels) {
                (8, 3) => self.with::<8, 3>(),
                (8, 2) => self.with::<8, 2>(),
                (8, _) => self.with::<8, 1>(),
                (7, 3) => self.with::<7, 3>(),
                (6, 3) => self.with::<6, 3>(),
                (5, 3) => self.with::<5, 3>(),
                (4, 3) => self.with::<4, 3>(),
                (3, 3) => self.with::<3, 3>(),
                (2, 3) => self.with::<2, 3>(),
                (1, 3) => self.with::<1, 3>(),
                (7, 2) => self.with::<7, 2>(),
                (6, 2) => self.with::<6, 2>(),
                (5, 2) => self.with::<5, 2>(),
                (4, 2) => self.with::<4, 2>(),
                (3, 2) => self.with::<3, 2>(),
                (2, 2) => self.with::<2, 2>(),
                (1, 2) => self.with::<1, 2>(),
                (7, _) => self.with::<7, 1>(),
                (6, _) => self.with::<6, 1>(),
                (5, _) => self.with::<5, 1>(),
                (4, _) => self.with::<4, 1>(),
                (3, _) => self.with::<3, 1>(),
                (2, _) => self.with::<2, 1>(),
                _ => self.with::<1, 1>(),
            }
        }
    }

    #[inline(always)]
    unsafe fn with<const R: usize, const P: usize>(self) {
        match VectorLevel::detect() {
            // SAFETY: the level says that the CPU has AVX-512; the rest is promised by the caller.
            #[cfg(target_arch = "x86_64")]
            VectorLevel::Avx512 => unsafe {
                if self.left.input == 1 {
                    self.avx512::<R, P, true>();
                } else {
                    self.avx512::<R, P, false>();
                }
            },
            // SAFETY: as above, with AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            VectorLevel::Avx2 => unsafe {
                for p in 0..P {
                    let mut r = 0;
                    while R - r >= 4 {
                        self.avx2::<4>(r, p);
                        r += 4;
                    }
                    while r < R {
                        self.avx2::<1>(r, p);
                        r += 1;
                    }
                }
            },
            _ => {
                for p in 0..P {
                    for r in 0..R {
                        // SAFETY: promised by the caller.
                        unsafe { self.portable(r, p) };
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`Tile::run`]; the CPU must have AVX-512 F. With `ALONG`, inputs lie side by side.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const R: usize, const P: usize, const ALONG: bool>(self) {
        use std::arch::x86_64::{
            _MM_HINT_T0, _mm_prefetch, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps,
            _mm512_setzero_ps, _mm512_storeu_ps,
        };
        let mut sums = [[_mm512_setzero_ps(); P]; R];
        if let Some((from, stride)) = self.from {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (p, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: all inside what the caller promised.
                    *sum = unsafe { _mm512_loadu_ps(from.add(r * stride + p * PANEL)) };
                }
            }
        }
        let step = if ALONG { 1 } else { self.left.input };
        let mut left = self.left.start;
        let mut panels = self.panels;
        for _ in 0..self.inputs {
            // SAFETY: all inside what the caller promised.
            unsafe {
                let mut w = [_mm512_setzero_ps(); P];
                for (p, w) in w.iter_mut().enumerate() {
                    let panel = panels.add(p * self.panel_stride);
                    *w = _mm512_loadu_ps(panel);
                    _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add(AHEAD * PANEL).cast());
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = _mm512_set1_ps(*left.add(r * self.left.row));
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = _mm512_fmadd_ps(x, w, *sum);
                    }
                }
                // After the last input it may point anywhere: it is not read there.
                left = left.wrapping_add(step);
                panels = panels.add(PANEL);
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (p, sum) in sums.into_iter().enumerate() {
                // SAFETY: as above.
                unsafe {
                    _mm512_storeu_ps(self.out.add(r * self.out_stride + p * PANEL), sum);
                }
            }
        }
    }

    /// Computes rows `first..first + R` of panel `p`.
    ///
    /// # Safety
    /// As [`Tile::run`]; the CPU must have AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<const R: usize>(self, first: usize, p: usize) {
        use std::arch::x86_64::{
            _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
        };
        let mut sums = [[_mm256_setzero_ps(); 2]; R];
        // SAFETY: all inside what the caller promised.
        unsafe {
            let panel = self.panels.add(p * self.panel_stride);
            let left = self.left.at(first, 0);
            let out = self.out.add(first * self.out_stride + p * PANEL);
            if let Some((from, stride)) = self.from {
                let from = from.add(first * stride + p * PANEL);
                for (r, sums) in sums.iter_mut().enumerate() {
                    for (half, sum) in sums.iter_mut().enumerate() {
                        *sum = _mm256_loadu_ps(from.add(r * stride + half * 8));
                    }
                }
            }
            for k in 0..self.inputs {
                let w = [
                    _mm256_loadu_ps(panel.add(k * PANEL)),
                    _mm256_loadu_ps(panel.add(k * PANEL + 8)),
                ];
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*left.at(r, k).start);
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = _mm256_fmadd_ps(x, w, *sum);
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (half, sum) in sums.into_iter().enumerate() {
                    _mm256_storeu_ps(out.add(r * self.out_stride + half * 8), sum);
                }
            }
        }
    }

    /// # Safety
    /// As [`Tile::run`].
    unsafe fn portable(self, r: usize, p: usize) {
        let mut sums = [0f32; PANEL];
        // SAFETY: all inside what the caller promised.
        unsafe {
            let out = self.out.add(r * self.out_stride + p * PANEL);
            if let Some((from, stride)) = self.from {
                let from = from.add(r * stride + p * PANEL);
                for (lane, sum) in sums.iter_mut().enumerate() {
                    *sum = *from.add(lane);
                }
            }
            for k in 0..self.inputs {
                let x = *self.left.at(r, k).start;
                let w = self.panels.add(p * self.panel_stride + k * PANEL);
                for (lane, sum) in sums.iter_mut().enumerate() {
                    *sum = x.mul_add(*w.add(lane), *sum);
                }
            }
            for (lane, sum) in sums.into_iter().enumerate() {
                *out.add(lane) = sum;
            }
        }
    }
}
