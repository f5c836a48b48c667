//! Large buffers that are used again, aligned: fresh memory costs a page fault every 4 KiB.

use crate::aligned::Aligned;
use half::bf16;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that wait for their next use. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    waiting: Arc<Mutex<Vec<Aligned<f32>>>>,
}

/// More buffers than this are given back to the system.
const MOST_WAITING: usize = 256;

impl Pool {
    /// Takes a buffer of `count` numbers, whatever they are.
    pub fn take(&self, count: usize) -> Buffer {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that fits, so that large ones are left for what needs them.
        let fitting = (0..waiting.len())
            .filter(|&index| waiting[index].capacity() >= count)
            .min_by_key(|&index| waiting[index].capacity());
        let mut numbers = fitting.map_or_else(Aligned::default, |index| waiting.swap_remove(index));
        drop(waiting);
        numbers.room(count);
        Buffer {
            numbers,
            pool: self.clone(),
        }
    }
}

/// A buffer that goes back to its pool.
#[derive(Debug)]
pub struct Buffer {
    numbers: Aligned<f32>,
    pool: Pool,
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }
}

/// A buffer of bf16 numbers that goes back to its pool.
#[derive(Debug)]
pub struct Rounded {
    buffer: Buffer,
    count: usize,
}

impl Pool {
    /// Takes a buffer of `count` bf16 numbers, whatever they are.
    pub fn take_rounded(&self, count: usize) -> Rounded {
        let buffer = self.take(count.div_ceil(2));
        Rounded { buffer, count }
    }
}

impl Deref for Rounded {
    type Target = [bf16];

    fn deref(&self) -> &[bf16] {
        &bytemuck::cast_slice(&self.buffer)[..self.count]
    }
}

impl DerefMut for Rounded {
    fn deref_mut(&mut self) -> &mut [bf16] {
        &mut bytemuck::cast_slice_mut(&mut self.buffer)[..self.count]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let numbers = std::mem::take(&mut self.numbers);
        let mut waiting = self
            .pool
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING && numbers.capacity() > 0 {
            waiting.push(numbers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back() {
        let pool = Pool::default();
        let mut first = pool.take(100);
        first[99] = 1.0;
        let place = first.as_ptr();
        drop(first);
        let (second, third) = (pool.take(60), pool.take(60));
        assert_eq!((second.len(), second.as_ptr()), (60, place));
        assert_ne!(third.as_ptr(), place);
    }
}
