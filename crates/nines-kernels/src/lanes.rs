//! Arithmetic on plain slices with the widest vectors that this CPU has, chosen at run time.
//!
//! Results do not depend on the width: every reduction runs over sixteen lanes in a fixed order,
//! and products are fused with their sums everywhere.

use std::sync::OnceLock;

/// Number of lanes that reductions run over.
pub const LANES: usize = 16;

/// Which vectors this CPU has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorLevel {
    /// What every CPU of this architecture has.
    Baseline,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
}

impl VectorLevel {
    /// Returns what this CPU has, or less where `NINES_VECTORS` holds it to less.
    pub fn detect() -> Self {
        static LEVEL: OnceLock<VectorLevel> = OnceLock::new();
        *LEVEL.get_or_init(|| Self::available(Hold::get().vectors))
    }

    #[cfg(target_arch = "x86_64")]
    fn available(most: Self) -> Self {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match most {
            Self::Avx512 if avx512 => Self::Avx512,
            Self::Avx512 | Self::Avx2 if avx2 => Self::Avx2,
            _ => Self::Baseline,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn available(_most: Self) -> Self {
        Self::Baseline
    }
}

/// What a CPU may use at most: everything, or less where `NINES_VECTORS` says so, for tests and
/// comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The widest vectors.
    pub vectors: VectorLevel,
    /// AVX-512's products of bf16 numbers.
    pub bf16: bool,
    /// AMX tiles.
    pub tiles: bool,
}

impl Hold {
    const NOTHING: Self = Self {
        vectors: VectorLevel::Avx512,
        bf16: true,
        tiles: true,
    };

    /// Returns what holds here.
    ///
    /// # Panics
    /// If `NINES_VECTORS` is a name that [`Hold::from_name`] does not know: what seems held back would
    /// not be.
    pub fn get() -> Self {
        static HOLD: OnceLock<Hold> = OnceLock::new();
        *HOLD.get_or_init(|| {
            let name = std::env::var_os("NINES_VECTORS").filter(|name| !name.is_empty());
            let Some(name) = name else {
                return Self::NOTHING;
            };
            let hold = name.to_str().and_then(Self::from_name);
            assert!(hold.is_some(), "NINES_VECTORS is {name:?}");
            hold.unwrap_or(Self::NOTHING)
        })
    }

    /// Says whether anything is held back.
    pub fn is_less(self) -> bool {
        self != Self::NOTHING
    }

    /// Reads one of `NINES_VECTORS`' names: `avx512-bf16` (no tiles), `avx512`, `avx2` or `baseline`
    /// (32 bits alone).
    pub fn from_name(name: &str) -> Option<Self> {
        let (vectors, bf16) = match name {
            "avx512-bf16" => (VectorLevel::Avx512, true),
            "avx512" => (VectorLevel::Avx512, false),
            "avx2" => (VectorLevel::Avx2, false),
            "baseline" => (VectorLevel::Baseline, false),
            _ => return None,
        };
        Some(Self {
            vectors,
            bf16,
            tiles: false,
        })
    }
}

/// Compiles a function's body once for each vector level and calls the right one.
#[macro_export]
macro_rules! vectorised {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                match $crate::lanes::VectorLevel::detect() {
                    // SAFETY: the level says that the CPU has these instructions.
                    $crate::lanes::VectorLevel::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::lanes::VectorLevel::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::lanes::VectorLevel::Baseline => {}
                }
            }
            body($($arg),*)
        }
    };
}
pub use crate::vectorised;

/// Adds sixteen lanes, in halves.
#[inline(always)]
pub fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Returns e to the x, within two units in the last place, and zero below -87.
///
/// # Reference
/// Cephes, `expf`: x = n ln 2 + r, then a polynomial of degree 6 in r.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    // The lowest bits of `shifted` are n.
    let shifted = clamped.mul_add(std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = n.mul_add(-0.693_359_4, clamped);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.987_569_2e-4_f32;
    let p = p.mul_add(r, 1.398_199_9e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let y = p.mul_add(r * r, r) + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    if x < -87.0 { 0.0 } else { y * scale }
}

vectorised! {
    /// Returns the largest value; NaNs are skipped, and an empty slice gives minus infinity.
    pub fn largest(values: &[f32]) -> f32 {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let chunks = values.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = if value > *lane { value } else { *lane };
            }
        }
        let mut most = f32::NEG_INFINITY;
        for &value in lanes.iter().chain(rest) {
            most = if value > most { value } else { most };
        }
        most
    }
}

vectorised! {
    /// Replaces each value by e to the (value - shift) * scale, and returns their sum.
    pub fn exponentials(values: &mut [f32], shift: f32, scale: f32) -> f32 {
        let mut lanes = [0.0; LANES];
        let mut chunks = values.chunks_exact_mut(LANES);
        for chunk in &mut chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *value = exp((*value - shift) * scale);
                *lane += *value;
            }
        }
        let mut sum = fold(lanes);
        for value in chunks.into_remainder() {
            *value = exp((*value - shift) * scale);
            sum += *value;
        }
        sum
    }
}

vectorised! {
    /// Returns the sum of squares.
    pub fn sum_of_squares(values: &[f32]) -> f32 {
        let mut lanes = [0.0; LANES];
        let chunks = values.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = value.mul_add(value, *lane);
            }
        }
        rest.iter().fold(fold(lanes), |sum, &value| value.mul_add(value, sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_agree_with_double_precision() {
        let mut worst = 0.0f64;
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) / exact - 1.0).abs());
        }
        assert!(worst < 3e-7, "relative error {worst}");
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn reductions_take_every_element_once() {
        for len in [0, 1, 15, 16, 17, 100] {
            let values: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let squares: f32 = values.iter().map(|v| v * v).sum();
            assert_eq!(sum_of_squares(&values), squares);
            let most = values.last().copied().unwrap_or(f32::NEG_INFINITY);
            assert_eq!(largest(&values), most);
            assert_eq!(exponentials(&mut vec![0.0; len], 0.0, 1.0), len as f32);
        }
    }
}
