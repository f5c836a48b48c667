//! Numbers that start on a cache line.
//!
//! A tile is loaded row by row, 64 bytes each. Where a row lies across two lines it is loaded twice:
//! with both sides of a product displaced, products run at half their speed.

use bytemuck::{Pod, Zeroable};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A cache line.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Numbers that start on a cache line.
#[derive(Clone)]
pub struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    numbers: PhantomData<T>,
}

impl<T: Pod> Aligned<T> {
    /// How many numbers a line holds. `T` must be of a size that fills lines.
    const A_LINE: usize = {
        assert!(size_of::<T>() > 0 && 64 % size_of::<T>() == 0);
        64 / size_of::<T>()
    };

    /// Makes room for `len` numbers: the first of those that were there, then whatever was left
    /// over or zeros.
    pub fn room(&mut self, len: usize) -> &mut [T] {
        let lines = len.div_ceil(Self::A_LINE);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0; 64]));
        }
        self.len = len;
        self
    }

    /// Returns for how many numbers there is room without asking for memory.
    pub fn capacity(&self) -> usize {
        self.lines.len() * Self::A_LINE
    }
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            len: 0,
            numbers: PhantomData,
        }
    }
}

impl<T: Pod> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl<T: Pod> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl<T> std::fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} numbers", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_start_on_a_line_and_stay() {
        let mut numbers = Aligned::<f32>::default();
        assert_eq!(*numbers.room(3), [0.0; 3]);
        numbers.copy_from_slice(&[1.0, 2.0, 3.0]);
        for len in [2, 100, 1_000, 5] {
            let there = numbers.room(len);
            assert_eq!((there.len(), there.as_ptr() as usize % 64), (len, 0));
            assert_eq!(there[..2], [1.0, 2.0]);
        }
        assert_eq!(numbers.capacity(), 1_008);
        assert!(Aligned::<u16>::default().is_empty());
    }
}
