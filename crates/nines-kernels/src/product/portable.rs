//! Blocks in plain code, for CPUs without bf16 units and as the yardstick of tiles.

use super::{PANEL, STEP, Work};

/// Computes one block.
///
/// # Safety
/// As [`Work::run`].
pub(super) unsafe fn block(work: &Work<'_>) {
    debug_assert!(!work.adds, "whole sums");
    let pairs = work.steps * STEP / 2;
    for panel in 0..work.wide {
        let numbers = &work.panels[panel * pairs * 2 * PANEL..][..pairs * 2 * PANEL];
        let (numbers, _) = numbers.as_chunks::<{ 2 * PANEL }>();
        for row in 0..work.rows {
            // SAFETY: the strip has this row with all inputs, promised by the caller.
            let left = unsafe {
                let start = work.strip.start.add(row * work.strip.stride);
                std::slice::from_raw_parts(start, 2 * pairs)
            };
            let (left, _) = left.as_chunks::<2>();
            let mut even = [0f32; PANEL];
            let mut odd = [0f32; PANEL];
            for (x, w) in left.iter().zip(numbers) {
                let (x0, x1) = (x[0].to_f32(), x[1].to_f32());
                for lane in 0..PANEL {
                    even[lane] += x0 * w[2 * lane].to_f32();
                    odd[lane] += x1 * w[2 * lane + 1].to_f32();
                }
            }
            // SAFETY: the caller promised room for so many tiles.
            let out = unsafe {
                let start = work.sums.add(row * work.stride + panel * PANEL);
                std::slice::from_raw_parts_mut(start, PANEL)
            };
            for (lane, out) in out.iter_mut().enumerate() {
                *out = even[lane] + odd[lane];
            }
        }
    }
}
