//! Results that several threads write, each its own columns.

use std::marker::PhantomData;

/// A row-major matrix whose columns several threads fill, each its own.
pub(super) struct Columns<'a, T> {
    start: *mut T,
    len: usize,
    stride: usize,
    _numbers: PhantomData<&'a mut [T]>,
}

// SAFETY: threads hold disjoint parts only, as `part` demands.
unsafe impl<T: Send> Send for Columns<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Columns<'_, T> {}

impl<'a, T> Columns<'a, T> {
    pub(super) fn new(numbers: &'a mut [T], stride: usize) -> Self {
        Self {
            start: numbers.as_mut_ptr(),
            len: numbers.len(),
            stride,
            _numbers: PhantomData,
        }
    }

    /// Returns the distance from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Returns the place of some columns of some rows, `stride` apart, which all exist.
    pub(super) fn place(&self, row: usize, rows: usize, column: usize, columns: usize) -> *mut T {
        let at = row * self.stride + column;
        let end = (row + rows - 1) * self.stride + column + columns;
        assert!(column + columns <= self.stride && end <= self.len);
        // SAFETY: inside the numbers, as just checked.
        unsafe { self.start.add(at) }
    }

    /// Returns a part of a row.
    ///
    /// # Safety
    /// Nothing else may hold these columns of this row meanwhile.
    #[expect(clippy::mut_from_ref, reason = "that is what columns are shared for")]
    pub(super) unsafe fn part(&self, row: usize, column: usize, columns: usize) -> &mut [T] {
        let start = self.place(row, 1, column, columns);
        // SAFETY: `place` says that they exist; the caller promises that they are nobody else's.
        unsafe { std::slice::from_raw_parts_mut(start, columns) }
    }
}
