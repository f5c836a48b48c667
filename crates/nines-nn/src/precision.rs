//! What models multiply in.

use nines_kernels::Unit;
use std::fmt;

/// What a forward pass multiplies in. Results of different precisions differ, so a threshold
/// belongs to the one that it was chosen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bits throughout.
    Float32,
    /// Products of bf16 numbers on a unit of this CPU, summed in 32 bits; the rest in 32 bits.
    Bf16(Unit),
}

impl Precision {
    /// Returns the fastest that this machine has: bf16 where a unit of this CPU gains by it, else 32
    /// bits.
    pub fn fastest() -> Self {
        Unit::faster_than_32_bits().map_or(Self::Float32, Self::Bf16)
    }
}

impl Precision {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn from_name(name: &str) -> Option<Self> {
        let rounded = Unit::ALL.map(Self::Bf16);
        let mut all = [Self::Float32].into_iter().chain(rounded);
        all.find(|precision| precision.to_string() == name)
    }

    /// Says whether this machine can.
    pub fn is_available(self) -> bool {
        match self {
            Self::Float32 => true,
            Self::Bf16(unit) => unit.is_available(),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float32 => f.write_str("f32"),
            Self::Bf16(unit) => write!(f, "bf16/{}", unit.as_str()),
        }
    }
}
