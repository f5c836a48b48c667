//! The arithmetic of families whose layers are not fused: the framework's own operations, in 32 bits.
//!
//! Its products and sums take their terms in an order that the CPU decides: how wide its vectors are, and how large
//! its caches. Two CPUs, or two versions of the framework, may thus differ in a score's last bits, where the fused
//! layers in 32 bits do not.

use std::fmt;

/// Which version of this arithmetic there is: raised when any bit of a score may change. The framework's version is
/// part of it.
pub const REVISION: u32 = 1;

/// The widest vectors that the framework finds on a CPU. `NINES_VECTORS` does not hold it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vectors {
    /// None that are told apart here.
    Plain,
    /// Eight numbers of 32 bits, multiplied and added at once.
    Avx2,
    /// Sixteen.
    Avx512,
}

impl Vectors {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Avx2, Self::Avx512];

    /// Returns those of this CPU.
    pub fn of_this_machine() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Plain
    }
}

impl fmt::Display for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The crates whose products and sums it is, by the versions of this revision.
    const COMPUTES: [(&str, &str); 5] = [
        ("burn", "0.22.1"),
        ("burn-flex", "0.22.1"),
        ("gemm-common", "0.19.0"),
        ("gemm-f32", "0.19.0"),
        ("macerator", "0.5.2"),
    ];

    #[test]
    fn a_new_version_of_what_computes_is_a_new_revision() {
        let lock = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
        let lock = std::fs::read_to_string(lock).expect("the lock file");
        for (name, version) in COMPUTES {
            assert!(
                lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")),
                "{name} is no longer {version}: raise REVISION, and write the new version here"
            );
        }
        assert_eq!(REVISION, 1);
    }
}
