//! The order of the rows: shuffled batches of rows of about the same length.
//!
//! The order is a function of the seed and the epoch alone, so that a resumed run needs no more
//! than its step to know what comes next.

use nines_kernels::rng::philox;

/// The purpose word that keeps these random numbers apart from those of dropout.
const PURPOSE: u32 = 0x6f72_6465;

/// A stream of random numbers: the n-th depends on seed, epoch and n alone.
struct Stream {
    key: [u32; 2],
    epoch: u32,
    counter: u32,
}

impl Stream {
    fn new(seed: u64, epoch: u32) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            epoch,
            counter: 0,
        }
    }

    /// Returns a number below `bound`. The bias is below bound / 2⁶⁴.
    fn below(&mut self, bound: usize) -> usize {
        let [low, high, ..] = philox([self.counter, self.epoch, PURPOSE, 0], self.key);
        self.counter = self.counter.wrapping_add(1);
        let word = u64::from(low) | u64::from(high) << 32;
        ((u128::from(word) * bound as u128) >> 64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// What decides the order of the rows in every epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPlan {
    /// Row and length (tokens), in a fixed order.
    rows: Vec<(usize, usize)>,
    batch_size: usize,
    pool_batches: usize,
    seed: u64,
}

impl BatchPlan {
    /// Plans batches of `batch_size` over rows given with their lengths.
    pub fn new(
        rows: Vec<(usize, usize)>,
        batch_size: usize,
        pool_batches: usize,
        seed: u64,
    ) -> Self {
        Self {
            rows,
            batch_size: batch_size.max(1),
            pool_batches: pool_batches.max(1),
            seed,
        }
    }

    /// Returns how many batches each epoch has.
    pub fn batches_per_epoch(&self) -> usize {
        self.rows.len().div_ceil(self.batch_size)
    }

    /// Returns the batches of an epoch (from 0), each a list of rows.
    ///
    /// All rows are shuffled and cut into pools; each pool is sorted by length and cut into
    /// batches; the batches are shuffled. Rows of one batch thus have about the same length
    /// (little padding), while every epoch mixes them anew.
    pub fn epoch(&self, epoch: u32) -> Vec<Vec<usize>> {
        let mut stream = Stream::new(self.seed, epoch);
        let mut rows = self.rows.clone();
        stream.shuffle(&mut rows);
        let mut batches = Vec::with_capacity(self.batches_per_epoch());
        for pool in rows.chunks_mut(self.batch_size.saturating_mul(self.pool_batches)) {
            pool.sort_by_key(|&(_, length)| length);
            batches.extend(
                pool.chunks(self.batch_size)
                    .map(|batch| batch.iter().map(|&(row, _)| row).collect::<Vec<_>>()),
            );
        }
        stream.shuffle(&mut batches);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lengths(n: usize) -> Vec<(usize, usize)> {
        (0..n).map(|i| (i, 20 + (i * 7919) % 101)).collect()
    }

    #[test]
    fn padding_is_small_and_epochs_differ() {
        let rows = lengths(2000);
        let plan = BatchPlan::new(rows.clone(), 32, 16, 7);
        assert_eq!(plan.epoch(1), plan.epoch(1));
        assert_ne!(plan.epoch(1), plan.epoch(2));
        assert_ne!(
            plan.epoch(1),
            BatchPlan::new(rows.clone(), 32, 16, 8).epoch(1)
        );
        let (mut padded, mut real) = (0, 0);
        for batch in plan.epoch(0) {
            let widest = batch.iter().map(|&row| rows[row].1).max().unwrap_or(0);
            padded += widest * batch.len();
            real += batch.iter().map(|&row| rows[row].1).sum::<usize>();
        }
        assert!(
            (padded as f64) < 1.06 * real as f64,
            "{padded} tokens for {real}"
        );
    }

    #[test]
    fn pools_of_any_size_are_one_pool_at_most() {
        let plan = |pool| BatchPlan::new(lengths(50), 8, pool, 7).epoch(0);
        assert_eq!(plan(usize::MAX), plan(7));
        assert_eq!(plan(usize::MAX / 8 + 2), plan(7));
    }

    proptest! {
        #[test]
        fn every_row_comes_once(n in 1usize..300, size in 1usize..40, pool in 1usize..9, seed in any::<u64>()) {
            let plan = BatchPlan::new(lengths(n), size, pool, seed);
            let batches = plan.epoch(3);
            prop_assert_eq!(batches.len(), plan.batches_per_epoch());
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..n).collect::<Vec<_>>());
        }
    }
}
