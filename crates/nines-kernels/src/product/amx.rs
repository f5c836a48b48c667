//! Blocks on AMX tiles.
//!
//! A tile register holds 16 rows of 64 bytes. `tdpbf16ps` takes 16 rows of 32 bf16 numbers and 32
//! inputs of a panel, and adds the 16 × 16 products to a tile of 32-bit sums. Two tiles of rows times
//! two panels use each loaded tile twice and leave all eight registers busy.

use super::{STEP, Work};
use half::bf16;
use std::arch::asm;
use std::cell::Cell;
use std::marker::PhantomData;

/// The tile registers of this thread, configured as eight full tiles; given back when the last one
/// on the thread is dropped, so that the operating system does not save them at each switch.
#[derive(Debug)]
pub(super) struct Tiles(PhantomData<*const ()>);

thread_local! {
    static USERS: Cell<usize> = const { Cell::new(0) };
}

#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static FULL: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

impl Tiles {
    /// Configures the registers. [`crate::Unit::Amx`] must be available.
    pub fn configure() -> Self {
        let users = USERS.get();
        USERS.set(users + 1);
        if users == 0 {
            // SAFETY: the unit is available, and the configuration is a valid one of 64 aligned
            // bytes. No code but this module's touches tile registers.
            unsafe {
                asm!("ldtilecfg [{}]", in(reg) &raw const FULL,
                    options(nostack, preserves_flags, readonly));
            }
        }
        Self(PhantomData)
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        let users = USERS.get() - 1;
        USERS.set(users);
        if users == 0 {
            // SAFETY: the registers were configured on this thread, and nobody uses them now.
            unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
        }
    }
}

/// Bytes of a panel's part that a tile takes.
const TILE_BYTES: usize = 1024;

/// Writes the assembly of one block: sums start as zeros or as they are (`adds`), each step adds to
/// them, and they are stored. What is named first are tiles of sums and where they lie.
macro_rules! tiles {
    (
        sums $($tile:literal $at:literal),+;
        $($step:literal),+;
        $upper:ident, $left:ident, $stride:ident, $work:ident, $out:ident
        $(, $($more:tt)*)?
    ) => {
        asm!(
            "test {adds}, {adds}",
            "jz 3f",
            $(concat!("tileloadd tmm", $tile, ", [", $at, " + {sums}*1]"),)+
            "jmp 2f",
            "3:",
            $(concat!("tilezero tmm", $tile),)+
            "2:",
            $($step,)+
            "add {upper}, 64", "add {left}, 1024",
            "dec {steps}", "jnz 2b",
            $(concat!("tilestored [", $at, " + {sums}*1], tmm", $tile),)+
            upper = inout(reg) $upper => _, left = inout(reg) $left => _,
            steps = inout(reg) $work.steps => _, stride = in(reg) $stride,
            row = in(reg) 64usize, sums = in(reg) $out.1, out = in(reg) $out.0,
            adds = in(reg) u64::from($work.adds),
            $($($more)*,)?
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

/// Computes one block.
///
/// # Safety
/// As [`Work::run`]; this thread's tiles must be configured.
pub(super) unsafe fn block(work: &Work<'_>) {
    let stride = work.strip.stride * size_of::<bf16>();
    let upper = work.strip.start;
    let left = work.panels.as_ptr();
    // What is not there is not read: the branches for one tile leave these pointers alone.
    let lower = upper.wrapping_byte_add(16 * stride);
    let right = left.wrapping_byte_add(work.steps * TILE_BYTES);
    let sum_stride = work.stride * size_of::<f32>();
    let out = (work.sums, sum_stride);
    let below = work.sums.wrapping_byte_add(16 * sum_stride);
    debug_assert!(work.steps > 0 && STEP * 32 == TILE_BYTES);
    // SAFETY: promised by the caller. Each block writes only the sums and tile registers, which no
    // other code uses.
    unsafe {
        match (work.tall(), work.wide) {
            (2, 2) => tiles!(
                sums 0 "{out}", 1 "{out} + 64", 2 "{below}", 3 "{below} + 64";
                "tileloadd tmm4, [{upper} + {stride}*1]",
                "tileloadd tmm6, [{left} + {row}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{right} + {row}*1]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{lower} + {stride}*1]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {lower}, 64", "add {right}, 1024";
                upper, left, stride, work, out,
                lower = inout(reg) lower => _, right = inout(reg) right => _,
                below = in(reg) below
            ),
            (2, _) => tiles!(
                sums 0 "{out}", 2 "{below}";
                "tileloadd tmm6, [{left} + {row}*1]",
                "tileloadd tmm4, [{upper} + {stride}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{lower} + {stride}*1]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "add {lower}, 64";
                upper, left, stride, work, out,
                lower = inout(reg) lower => _, below = in(reg) below
            ),
            (_, 2) => tiles!(
                sums 0 "{out}", 1 "{out} + 64";
                "tileloadd tmm4, [{upper} + {stride}*1]",
                "tileloadd tmm6, [{left} + {row}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{right} + {row}*1]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "add {right}, 1024";
                upper, left, stride, work, out,
                right = inout(reg) right => _
            ),
            _ => tiles!(
                sums 0 "{out}";
                "tileloadd tmm4, [{upper} + {stride}*1]",
                "tileloadd tmm6, [{left} + {row}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6";
                upper, left, stride, work, out
            ),
        }
    }
}
