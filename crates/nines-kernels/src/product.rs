//! Products of bf16 matrices, summed in 32 bits.
//!
//! The right-hand side is packed once into panels; the left-hand side is read where it lies. Results
//! come block by block to a function that finishes them (bias, activation, rounding) while they are
//! in the first cache.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod panels;
mod portable;
#[cfg(test)]
mod tests;

pub use panels::{PANEL, Panels, pack_columns, pack_rows, packed_len, padded_inputs};

use crate::aligned::Aligned;
use crate::cpu::Unit;
use half::bf16;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;

/// Rows and columns of a full block of results.
pub const BLOCK: usize = 32;
/// Rows of a tile.
const TILE: usize = 16;

/// A row-major bf16 matrix within a larger one.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    numbers: &'a [bf16],
    stride: usize,
    rows: usize,
    columns: usize,
}

impl<'a> View<'a> {
    /// Takes `rows` rows of `columns` numbers, `stride` apart, from the first of `numbers` on. What
    /// lies behind them may be read too (never its effect seen), which saves copies.
    ///
    /// # Panics
    /// If `numbers` are too few or rows overlap.
    pub fn new(numbers: &'a [bf16], stride: usize, rows: usize, columns: usize) -> Self {
        assert!(columns <= stride || rows <= 1, "rows of a matrix overlap");
        if rows > 0 {
            let needed = (rows - 1)
                .checked_mul(stride)
                .and_then(|before| before.checked_add(columns));
            let there = needed.is_some_and(|needed| needed <= numbers.len());
            assert!(there, "numbers of a matrix");
        }
        Self {
            numbers,
            stride,
            rows,
            columns,
        }
    }

    /// Takes a matrix whose rows lie side by side; more numbers may follow.
    ///
    /// # Panics
    /// If `numbers` are too few.
    pub fn whole(numbers: &'a [bf16], rows: usize, columns: usize) -> Self {
        Self::new(numbers, columns, rows, columns)
    }
}

/// Results of a product: at most [`BLOCK`] rows and columns.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// The first row.
    pub row: usize,
    /// How many rows there are.
    pub rows: usize,
    /// The first column.
    pub column: usize,
    /// How many columns there are.
    pub columns: usize,
    /// The sums, rows [`BLOCK`] apart.
    pub sums: &'a [f32; BLOCK * BLOCK],
}

#[repr(align(64))]
#[derive(Debug)]
struct Sums([f32; BLOCK * BLOCK]);

/// The left-hand rows of one block, as many as the kernel reads.
#[derive(Debug, Clone, Copy)]
struct Strip {
    start: *const bf16,
    stride: usize,
}

/// What an engine works in. Each thread keeps it for its next engine.
#[derive(Debug)]
struct Room {
    edges: Aligned<bf16>,
    made: Aligned<bf16>,
    sums: Box<Sums>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            edges: Aligned::default(),
            made: Aligned::default(),
            sums: Box::new(Sums([0.0; BLOCK * BLOCK])),
        }
    }
}

thread_local! {
    static ROOMS: RefCell<Vec<Room>> = const { RefCell::new(Vec::new()) };
}

impl Drop for Engine {
    fn drop(&mut self) {
        let room = std::mem::take(&mut self.room);
        // A thread that ends has nowhere to keep it.
        let _ = ROOMS.try_with(|rooms| rooms.borrow_mut().push(room));
    }
}

/// A unit at work on this thread, with the room that it needs. Making one takes longer than a small
/// product: make one for each task.
#[derive(Debug)]
pub struct Engine {
    unit: Unit,
    room: Room,
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    _tiles: Option<amx::Tiles>,
    /// Tiles belong to the thread that configured them.
    _here: PhantomData<*const ()>,
}

impl Engine {
    /// Gets a unit ready.
    ///
    /// # Panics
    /// If this CPU does not have it.
    pub fn start(unit: Unit) -> Self {
        assert!(unit.is_available(), "this CPU has no {}", unit.as_str());
        Self {
            unit,
            room: ROOMS.with_borrow_mut(Vec::pop).unwrap_or_default(),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            _tiles: (unit == Unit::Amx).then(amx::Tiles::configure),
            _here: PhantomData,
        }
    }

    /// Returns the unit.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Multiplies `left` with `right`, and gives each block of results to `finish`.
    ///
    /// A row's results depend on that row and on `right` alone.
    ///
    /// # Panics
    /// If the sides do not fit each other.
    pub fn multiply(
        &mut self,
        left: View<'_>,
        right: Panels<'_>,
        mut finish: impl FnMut(Block<'_>),
    ) {
        assert_eq!(left.columns, right.inputs(), "inputs of a product");
        let panels = right.outputs().div_ceil(PANEL);
        for first in (0..panels).step_by(2) {
            let column = first * PANEL;
            let columns = (right.outputs() - column).min(BLOCK);
            let inputs = 0..padded_inputs(right.inputs());
            self.add_part(
                left,
                inputs,
                right.panel(first),
                column..column + columns,
                &mut finish,
            );
        }
    }

    /// Multiplies at most [`BLOCK`] rows with `right` into `out`, whose rows are `stride` apart. Whole
    /// tiles may be written: to 16 or 32 rows, and to columns up to a whole panel.
    ///
    /// # Panics
    /// If the sides do not fit each other, or the results `out`.
    pub fn multiply_to(
        &mut self,
        left: View<'_>,
        right: Panels<'_>,
        out: &mut [f32],
        stride: usize,
    ) {
        assert_eq!(left.columns, right.inputs(), "inputs of a product");
        assert!((1..=BLOCK).contains(&left.rows), "rows of one block");
        assert!(right.inputs() > 0, "something to multiply");
        let panels = right.outputs().div_ceil(PANEL);
        let whole_rows = left.rows.next_multiple_of(TILE);
        assert!(panels * PANEL <= stride, "room for whole panels");
        let needed = whole_rows.checked_mul(stride);
        assert!(
            needed.is_some_and(|needed| needed <= out.len()),
            "room for whole tiles"
        );
        let strip = strip(left, 0, whole_rows, &mut self.room.edges);
        for first in (0..panels).step_by(2) {
            let work = Work {
                strip,
                steps: padded_inputs(right.inputs()) / STEP,
                panels: right.panel(first),
                rows: left.rows,
                wide: (panels - first).min(2),
                adds: false,
                sums: out[first * PANEL..].as_mut_ptr(),
                stride,
            };
            // SAFETY: `strip` made sure of the rows, and `out` was just checked to have room for
            // them; panels are whole, and the unit was started on this thread.
            unsafe { work.run(self.unit) };
        }
    }

    /// Multiplies `left`, whose inputs are whole steps of 32, with a right-hand side of at most two
    /// panels, made just before it is used: `make` gets a range of inputs and room for
    /// `[panels][inputs / 2][16][2]`. Results are those of [`Engine::multiply`], to the last bit.
    ///
    /// # Panics
    /// If the inputs are no whole steps, or the outputs more than two panels.
    pub fn multiply_made(
        &mut self,
        left: View<'_>,
        outputs: usize,
        mut make: impl FnMut(Range<usize>, &mut [bf16]),
        mut finish: impl FnMut(Block<'_>),
    ) {
        let inputs = left.columns;
        assert!(
            inputs > 0 && inputs.is_multiple_of(STEP),
            "inputs in whole steps"
        );
        assert!((1..=BLOCK).contains(&outputs), "one or two panels");
        if left.rows == 0 {
            return;
        }
        let wide = outputs.div_ceil(PANEL);
        // One block's sums can wait between parts; those of several cannot, but there what is made
        // is used more often. Plain code does not add part after part as it adds the whole.
        let part = match self.unit {
            Unit::Amx | Unit::Avx512 if left.rows <= BLOCK => PART,
            _ => inputs,
        };
        let mut made = std::mem::take(&mut self.room.made);
        for first in (0..inputs).step_by(part) {
            let range = first..(first + part).min(inputs);
            let panels = made.room(wide * range.len() * PANEL);
            make(range.clone(), panels);
            let is_last = range.end == inputs;
            self.add_part(left, range, panels, 0..outputs, &mut |block| {
                if is_last {
                    finish(block);
                }
            });
        }
        self.room.made = made;
    }

    /// Multiplies some inputs, from a whole step on, with the `panels` that hold them; adds to the
    /// sums of the inputs before. At most two panels' columns; the sums of several blocks of rows
    /// cannot wait for more inputs.
    fn add_part(
        &mut self,
        left: View<'_>,
        inputs: Range<usize>,
        panels: &[bf16],
        columns: Range<usize>,
        finish: &mut dyn FnMut(Block<'_>),
    ) {
        let Room { edges, sums, .. } = &mut self.room;
        let wide = columns.len().div_ceil(PANEL);
        for row in (0..left.rows).step_by(BLOCK) {
            let rows = (left.rows - row).min(BLOCK);
            if inputs.is_empty() {
                sums.0.fill(0.0);
            } else {
                let whole = strip(left, row, rows.next_multiple_of(TILE), edges);
                let work = Work {
                    strip: Strip {
                        start: whole.start.wrapping_add(inputs.start),
                        ..whole
                    },
                    steps: inputs.len() / STEP,
                    panels,
                    rows,
                    wide,
                    adds: inputs.start > 0,
                    sums: sums.0.as_mut_ptr(),
                    stride: BLOCK,
                };
                // SAFETY: `strip` made sure of the left-hand rows with all their inputs, the callers
                // of whole panels, and the unit was started on this thread.
                unsafe { work.run(self.unit) };
            }
            finish(Block {
                row,
                rows,
                column: columns.start,
                columns: columns.len(),
                sums: &sums.0,
            });
        }
    }
}

/// Inputs that a tile takes at a time.
const STEP: usize = 32;
/// Inputs of made panels that fit the first cache beside what they are made of.
const PART: usize = 256;

/// One block's work.
struct Work<'a> {
    strip: Strip,
    /// Of [`STEP`] inputs.
    steps: usize,
    /// The panels from the first one on.
    panels: &'a [bf16],
    /// How many rows are wanted.
    rows: usize,
    wide: usize,
    /// Adds to the sums that are there.
    adds: bool,
    /// Where sums go, rows `stride` numbers apart.
    sums: *mut f32,
    stride: usize,
}

impl Work<'_> {
    /// Returns how many tiles the rows fill.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    fn tall(&self) -> usize {
        self.rows.div_ceil(TILE)
    }

    /// # Safety
    /// The strip must have whole tiles of rows with all inputs, there must be `wide` panels and room
    /// for so many tiles of sums, and the CPU must have the unit (with its tiles configured).
    unsafe fn run(self, unit: Unit) {
        debug_assert!(self.panels.len() >= self.wide * self.steps * STEP * PANEL);
        match unit {
            // SAFETY: promised by the caller.
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Unit::Amx => unsafe { amx::block(&self) },
            // SAFETY: promised by the caller.
            #[cfg(target_arch = "x86_64")]
            Unit::Avx512 => unsafe { avx512::block(&self) },
            // SAFETY: promised by the caller.
            _ => unsafe { portable::block(&self) },
        }
    }
}

/// Finds `rows` rows from `first` on, with all inputs up to whole steps: where they lie if they are
/// all there, else in a copy filled up with zeros.
fn strip(left: View<'_>, first: usize, rows: usize, edges: &mut Aligned<bf16>) -> Strip {
    let inputs = left.columns;
    let padded = padded_inputs(inputs);
    let start = first * left.stride;
    let end = (rows - 1)
        .checked_mul(left.stride)
        .and_then(|more| more.checked_add(start)?.checked_add(inputs));
    if padded == inputs
        && let Some(end) = end
        && end <= left.numbers.len()
    {
        return Strip {
            start: left.numbers[start..end].as_ptr(),
            stride: left.stride,
        };
    }
    edges.room(rows * padded).fill(bf16::ZERO);
    let there = (left.rows - first).min(rows);
    for (row, out) in edges.chunks_exact_mut(padded).take(there).enumerate() {
        let at = start + row * left.stride;
        out[..inputs].copy_from_slice(&left.numbers[at..at + inputs]);
    }
    Strip {
        start: edges.as_ptr(),
        stride: padded,
    }
}
