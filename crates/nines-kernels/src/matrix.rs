//! Matrix products, with the right-hand side laid out in panels.

use crate::tile::{Left, PANEL, PANELS, ROWS, Tile};

/// The right-hand side of a product, `[inputs, outputs]`: sixteen outputs side by side for each
/// input. The last panel is filled up with zeros.
#[derive(Debug, Clone, Copy)]
pub struct Panels<'a> {
    inputs: usize,
    outputs: usize,
    numbers: &'a [f32],
}

/// Returns how many numbers a packed right-hand side has.
pub fn packed_len(inputs: usize, outputs: usize) -> usize {
    outputs.div_ceil(PANEL) * PANEL * inputs
}

impl<'a> Panels<'a> {
    /// Takes numbers packed by [`pack_rows`] or [`pack_columns`].
    pub fn new(inputs: usize, outputs: usize, numbers: &'a [f32]) -> Self {
        assert_eq!(numbers.len(), packed_len(inputs, outputs), "packed numbers");
        Self {
            inputs,
            outputs,
            numbers,
        }
    }

    /// Returns the number of inputs.
    pub fn inputs(self) -> usize {
        self.inputs
    }

    /// Returns the number of outputs.
    pub fn outputs(self) -> usize {
        self.outputs
    }
}

/// A row-major matrix within a larger one: `[rows, columns]`, rows `stride` apart.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// From the first number of the first row on.
    pub numbers: &'a [f32],
    /// Numbers from one row to the next.
    pub stride: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl<'a> View<'a> {
    /// Takes a matrix whose rows lie side by side.
    pub fn whole(numbers: &'a [f32], columns: usize) -> Self {
        Self {
            numbers,
            stride: columns,
            rows: numbers.len() / columns,
            columns,
        }
    }

    /// Returns `columns` columns from `first` on.
    pub fn columns(self, first: usize, columns: usize) -> Self {
        assert!(first + columns <= self.columns, "columns of a view");
        Self {
            numbers: &self.numbers[first.min(self.numbers.len())..],
            columns,
            ..self
        }
    }

    /// Returns `rows` rows from `first` on.
    pub fn rows(self, first: usize, rows: usize) -> Self {
        assert!(first + rows <= self.rows, "rows of a view");
        Self {
            numbers: &self.numbers[(first * self.stride).min(self.numbers.len())..],
            rows,
            ..self
        }
    }

    fn check(self) {
        if self.rows > 0 {
            let needed = (self.rows - 1) * self.stride + self.columns;
            assert!(needed <= self.numbers.len(), "numbers of a view");
        }
    }
}

/// Packs one panel of the right-hand side that is `weights` transposed: `[outputs, inputs]`, as
/// linear layers keep them.
pub fn pack_rows(weights: View<'_>, panel: usize, out: &mut [f32]) {
    weights.check();
    let first = panel * PANEL;
    let lanes = (weights.rows - first).min(PANEL);
    if lanes < PANEL {
        out.fill(0.0);
    }
    // Square blocks, so that both sides stay in the first cache.
    for block in (0..weights.columns).step_by(PANEL) {
        let end = (block + PANEL).min(weights.columns);
        let out = &mut out[block * PANEL..end * PANEL];
        for lane in 0..lanes {
            let row = (first + lane) * weights.stride;
            let row = &weights.numbers[row + block..row + end];
            for (column, &number) in out.chunks_exact_mut(PANEL).zip(row) {
                column[lane] = number;
            }
        }
    }
}

/// Packs one panel of a right-hand side `[inputs, outputs]`.
pub fn pack_columns(right: View<'_>, panel: usize, out: &mut [f32]) {
    right.check();
    let first = panel * PANEL;
    let lanes = (right.columns - first).min(PANEL);
    for (k, out) in out.chunks_exact_mut(PANEL).take(right.rows).enumerate() {
        let at = k * right.stride + first;
        out[..lanes].copy_from_slice(&right.numbers[at..at + lanes]);
        out[lanes..].fill(0.0);
    }
}

/// Packs all panels of `weights` transposed, on this thread.
pub fn pack_all_rows(weights: View<'_>, out: &mut [f32]) {
    for (panel, out) in out.chunks_exact_mut(weights.columns * PANEL).enumerate() {
        pack_rows(weights, panel, out);
    }
}

/// Packs all panels of a right-hand side, on this thread.
pub fn pack_all_columns(right: View<'_>, out: &mut [f32]) {
    for (panel, out) in out.chunks_exact_mut(right.rows * PANEL).enumerate() {
        pack_columns(right, panel, out);
    }
}

/// Where each sum of a product starts.
#[derive(Debug, Clone, Copy)]
pub enum Onto<'a> {
    /// At zero.
    Nothing,
    /// At what is already in its place.
    What,
    /// At its column's bias, of which there is one for each column.
    Bias(&'a [f32]),
}

impl Onto<'_> {
    /// Finds where the sums of a block start that goes to `out`, rows `stride` apart, from `column` on.
    fn start(self, out: *const f32, stride: usize, column: usize) -> Option<(*const f32, usize)> {
        match self {
            Self::Nothing => None,
            Self::What => Some((out, stride)),
            Self::Bias(bias) => Some((bias[column..].as_ptr(), 0)),
        }
    }
}

/// Multiplies `left` with `right` into `out`, `[left.rows, right.outputs]` with rows `stride`
/// apart, on this thread.
pub fn multiply(left: View<'_>, right: Panels<'_>, out: &mut [f32], stride: usize, onto: Onto<'_>) {
    left.check();
    assert_eq!(left.columns, right.inputs, "inputs of a product");
    let start = Left {
        start: left.numbers.as_ptr(),
        row: left.stride,
        input: 1,
    };
    // SAFETY: only rows of the view are asked for, whose numbers were checked.
    let at = |row| unsafe { start.at(row, 0) };
    product(at, left.rows, right, out, stride, onto);
}

/// Multiplies `left` transposed with `right` into `out`, `[left.columns, right.outputs]` with
/// rows `stride` apart, on this thread.
pub fn multiply_transposed(
    left: View<'_>,
    right: Panels<'_>,
    out: &mut [f32],
    stride: usize,
    onto: Onto<'_>,
) {
    left.check();
    assert_eq!(left.rows, right.inputs, "inputs of a product");
    let start = Left {
        start: left.numbers.as_ptr(),
        row: 1,
        input: left.stride,
    };
    // SAFETY: only columns of the view are asked for, whose numbers were checked.
    let at = |column| unsafe { start.at(column, 0) };
    product(at, left.columns, right, out, stride, onto);
}

/// The left-hand side of a transposed product, eight columns side by side for each input: where
/// there are many inputs, far apart columns would each be on a page of their own.
#[derive(Debug, Clone, Copy)]
pub struct Strips<'a> {
    inputs: usize,
    columns: usize,
    numbers: &'a [f32],
}

impl<'a> Strips<'a> {
    /// Packs a view, inputs in its rows, into `room`.
    pub fn pack(left: View<'_>, room: &'a mut Vec<f32>) -> Self {
        left.check();
        let count = left.columns.div_ceil(ROWS) * ROWS * left.rows;
        if room.len() < count {
            room.resize(count, 0.0);
        }
        let numbers = &mut room[..count];
        for (strip, out) in numbers
            .chunks_exact_mut((left.rows * ROWS).max(1))
            .enumerate()
        {
            let first = strip * ROWS;
            let lanes = (left.columns - first).min(ROWS);
            for (k, out) in out.chunks_exact_mut(ROWS).enumerate() {
                let at = k * left.stride + first;
                out[..lanes].copy_from_slice(&left.numbers[at..at + lanes]);
                out[lanes..].fill(0.0);
            }
        }
        Self {
            inputs: left.rows,
            columns: left.columns,
            numbers,
        }
    }
}

/// Multiplies packed columns, transposed, with `right` into `out`, `[left.columns,
/// right.outputs]` with rows `stride` apart, on this thread.
pub fn multiply_strips(
    left: Strips<'_>,
    right: Panels<'_>,
    out: &mut [f32],
    stride: usize,
    onto: Onto<'_>,
) {
    assert_eq!(left.inputs, right.inputs, "inputs of a product");
    let at = |column: usize| Left {
        start: left.numbers[column / ROWS * ROWS * left.inputs + column % ROWS..].as_ptr(),
        row: 1,
        input: ROWS,
    };
    product(at, left.columns, right, out, stride, onto);
}

/// The product of rows whose left-hand numbers `left` finds, which must be there for eight rows
/// from each eighth row on (fewer at the end) and for all inputs.
fn product(
    left: impl Fn(usize) -> Left,
    rows: usize,
    right: Panels<'_>,
    out: &mut [f32],
    stride: usize,
    onto: Onto<'_>,
) {
    if rows == 0 || right.outputs == 0 {
        return;
    }
    assert!(stride >= right.outputs, "rows of results do not overlap");
    assert!(
        (rows - 1) * stride + right.outputs <= out.len(),
        "place for the results"
    );
    if let Onto::Bias(bias) = onto {
        assert_eq!(bias.len(), right.outputs, "a bias for each column");
    }
    let panel_stride = right.inputs * PANEL;
    let whole = right.outputs / PANEL;
    let out = out.as_mut_ptr();
    for panel in (0..whole).step_by(PANELS) {
        let count = (whole - panel).min(PANELS);
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: the callers checked the left side, `Panels::new` the right, and the
            // assertions above the results and the bias.
            unsafe {
                let out = out.add(row * stride + panel * PANEL);
                Tile {
                    left: left(row),
                    panels: right.numbers.as_ptr().add(panel * panel_stride),
                    panel_stride,
                    inputs: right.inputs,
                    out,
                    out_stride: stride,
                    from: onto.start(out, stride, panel * PANEL),
                }
                .run((rows - row).min(ROWS), count);
            }
        }
    }
    let rest = right.outputs - whole * PANEL;
    if rest == 0 {
        return;
    }
    for row in (0..rows).step_by(ROWS) {
        let height = (rows - row).min(ROWS);
        let mut room = [0f32; ROWS * PANEL];
        let results = room.as_mut_ptr();
        // SAFETY: as above; the last panel is filled up, and only real columns are copied.
        unsafe {
            let out = out.add(row * stride + whole * PANEL);
            let from = onto.start(out, stride, whole * PANEL);
            if let Some((from, stride)) = from {
                for r in 0..height {
                    let to = results.add(r * PANEL);
                    std::ptr::copy_nonoverlapping(from.add(r * stride), to, rest);
                }
            }
            Tile {
                left: left(row),
                panels: right.numbers.as_ptr().add(whole * panel_stride),
                panel_stride,
                inputs: right.inputs,
                out: results,
                out_stride: PANEL,
                from: from.map(|_| (results.cast_const(), PANEL)),
            }
            .run(height, 1);
            for r in 0..height {
                let from = results.add(r * PANEL);
                std::ptr::copy_nonoverlapping(from, out.add(r * stride), rest);
            }
        }
    }
}

#[cfg(test)]
mod tests;
