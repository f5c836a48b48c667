//! What this CPU can multiply bf16 matrices with.

use crate::lanes::Hold;
use std::sync::OnceLock;

/// What multiplies bf16 numbers and adds them up in 32 bits.
///
/// Units add in different orders, and what follows the sums differs with them, so their results
/// differ in the last bits: a threshold belongs to the unit that it was chosen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Plain code, on every CPU.
    Portable,
    /// AVX-512's dot products of bf16 pairs.
    Avx512,
    /// AMX tiles.
    Amx,
}

impl Unit {
    /// All units, the slowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx512, Self::Amx];

    /// Says whether this CPU has the unit, the operating system lets this process use it, and
    /// `NINES_VECTORS` does not hold it back.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Hold::get().bf16 && crate::finish::avx512::is_available(),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Amx => {
                static GRANTED: OnceLock<bool> = OnceLock::new();
                Hold::get().tiles && *GRANTED.get_or_init(amx::request)
            }
            #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
            _ => false,
        }
    }

    /// Returns the fastest unit of this CPU that is faster than 32 bits.
    ///
    /// Tiles are, by far. AVX-512's dot products take two steps in the time of one on AMD's CPUs
    /// (measured on a Zen 5), but on Intel's (measured on a Xeon with AMX) they are started half as
    /// often as 32-bit ones and gain nothing.
    pub fn faster_than_32_bits() -> Option<Self> {
        if Self::Amx.is_available() {
            return Some(Self::Amx);
        }
        (Self::Avx512.is_available() && is_made_by_amd()).then_some(Self::Avx512)
    }

    /// Returns the fastest unit of this CPU that has instructions for bf16, even one that gains nothing.
    pub fn with_instructions() -> Option<Self> {
        [Self::Amx, Self::Avx512]
            .into_iter()
            .find(|unit| unit.is_available())
    }

    /// Returns the name that configuration and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn is_made_by_amd() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    let name = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
    name.as_flattened() == b"AuthenticAMD"
}

#[cfg(not(target_arch = "x86_64"))]
fn is_made_by_amd() -> bool {
    false
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx {
    use std::arch::asm;
    use std::arch::x86_64::{__cpuid, __cpuid_count};

    /// Asks Linux for the tile registers, which a process has only after asking.
    pub fn request() -> bool {
        cpu_has_tiles() && crate::finish::avx512::is_available() && linux_grants_tiles()
    }

    fn cpu_has_tiles() -> bool {
        const AMX_BF16: u32 = 1 << 22;
        const AMX_TILE: u32 = 1 << 24;
        const OSXSAVE: u32 = 1 << 27;
        const TILE_STATE: u64 = 0b11 << 17;
        if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 {
            return false;
        }
        let found = __cpuid_count(7, 0).edx & (AMX_BF16 | AMX_TILE);
        // SAFETY: OSXSAVE says that `xgetbv` exists.
        found == AMX_BF16 | AMX_TILE && unsafe { enabled_state() } & TILE_STATE == TILE_STATE
    }

    /// Returns which register states the operating system switches.
    ///
    /// # Safety
    /// The CPU must have `xgetbv`.
    unsafe fn enabled_state() -> u64 {
        let (low, high): (u32, u32);
        // SAFETY: promised by the caller; it only reads register 0.
        unsafe {
            asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high,
                options(nomem, nostack, preserves_flags));
        }
        u64::from(high) << 32 | u64::from(low)
    }

    fn linux_grants_tiles() -> bool {
        const ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
        const XFEATURE_XTILEDATA: u64 = 18;
        let result: i64;
        // SAFETY: the call changes nothing but this process's permission to use tile registers.
        unsafe {
            asm!("syscall", inlateout("rax") ARCH_PRCTL => result, in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XFEATURE_XTILEDATA, lateout("rcx") _, lateout("r11") _,
                options(nostack));
        }
        result == 0
    }
}
