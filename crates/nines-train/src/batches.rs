//! The order of the rows: shuffled batches of rows of about the same length.
//!
//! The order is a function of the seed and the epoch alone, so that a resumed run needs no more
//! than its step to know what comes next.

use nines_kernels::rng::philox;

/// The purpose word that keeps these random numbers apart from those of dropout.
const PURPOSE: u32 = 0x6f72_6465;
/// The same for rows that come again and again.
const REPEATED: u32 = 0x7265_7065;

/// A stream of random numbers: the n-th depends on seed, epoch and n alone.
struct Stream {
    key: [u32; 2],
    epoch: u32,
    counter: u32,
    purpose: u32,
}

impl Stream {
    fn new(seed: u64, epoch: u32) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            epoch,
            counter: 0,
            purpose: PURPOSE,
        }
    }

    fn for_repeated(seed: u64, epoch: u32) -> Self {
        Self {
            purpose: REPEATED,
            ..Self::new(seed, epoch)
        }
    }

    /// Returns a number below `bound`. The bias is below bound / 2⁶⁴.
    fn below(&mut self, bound: usize) -> usize {
        let [low, high, ..] = philox([self.counter, self.epoch, self.purpose, 0], self.key);
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
    /// Rows that come again and again, and how many of them are in each batch.
    repeated: Vec<(usize, usize)>,
    repeated_size: usize,
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
            repeated: Vec::new(),
            repeated_size: 0,
        }
    }

    /// Takes the rows `repeated` out of the order and draws a share of each batch from them, again and
    /// again: at least one where the share is above 0, and at most all but one. The other rows come
    /// once an epoch as before.
    pub fn mixed(mut self, is_repeated: impl Fn(usize) -> bool, share: f64) -> Self {
        (self.repeated, self.rows) = self.rows.iter().partition(|&&(row, _)| is_repeated(row));
        if share > 0.0 && !self.repeated.is_empty() {
            let wanted = (self.batch_size as f64 * share).round() as usize;
            self.repeated_size = wanted.clamp(1, self.batch_size.saturating_sub(1).max(1));
            self.batch_size = (self.batch_size - self.repeated_size).max(1);
        }
        self
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
        let mut repeated = self.repetitions(epoch).into_iter();
        let mut batches = Vec::with_capacity(self.batches_per_epoch());
        for pool in rows.chunks_mut(self.batch_size.saturating_mul(self.pool_batches)) {
            pool.sort_by_key(|&(_, length)| length);
            let first = batches.len();
            batches.extend(
                pool.chunks(self.batch_size)
                    .map(|batch| batch.iter().map(|&(row, _)| row).collect::<Vec<_>>()),
            );
            if self.repeated_size > 0 {
                // Those of a pool are sorted too, so that they lie beside rows of their length.
                let count = (batches.len() - first) * self.repeated_size;
                let mut drawn: Vec<_> = repeated.by_ref().take(count).collect();
                drawn.sort_by_key(|&(_, length)| length);
                for (batch, drawn) in batches[first..]
                    .iter_mut()
                    .zip(drawn.chunks(self.repeated_size))
                {
                    batch.extend(drawn.iter().map(|&(row, _)| row));
                }
            }
        }
        stream.shuffle(&mut batches);
        batches
    }

    /// Returns the repeated rows of an epoch, in order: shuffled passes over all of them, as many as
    /// are needed. An epoch begins where a pass begins, so that its order depends on no other.
    fn repetitions(&self, epoch: u32) -> Vec<(usize, usize)> {
        let count = self.batches_per_epoch() * self.repeated_size;
        let mut stream = Stream::for_repeated(self.seed, epoch);
        let mut all = Vec::with_capacity(count + self.repeated.len());
        while all.len() < count && !self.repeated.is_empty() {
            let mut pass = self.repeated.clone();
            stream.shuffle(&mut pass);
            all.extend(pass);
        }
        all.truncate(count);
        all
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

    #[test]
    fn repeated_rows_fill_their_share_of_every_batch() {
        let rows = lengths(1000);
        let is_repeated = |row: usize| row.is_multiple_of(100);
        let plan = BatchPlan::new(rows.clone(), 32, 16, 7);
        let mixed = plan.clone().mixed(is_repeated, 0.25);
        let batches = mixed.epoch(0);
        assert_eq!(batches.len(), 990usize.div_ceil(24));
        let mut times = vec![0; 1000];
        for batch in &batches {
            let repeated = batch.iter().filter(|&&row| is_repeated(row)).count();
            assert_eq!(repeated, 8);
            batch.iter().for_each(|&row| times[row] += 1);
        }
        for (row, &times) in times.iter().enumerate() {
            // 42 batches draw 336 from ten rows.
            let allowed = if is_repeated(row) { 33..=34 } else { 1..=1 };
            assert!(allowed.contains(&times), "row {row} came {times} times");
        }
        assert_ne!(batches, mixed.epoch(1));
        assert_eq!(plan.clone().mixed(|_| false, 0.25).epoch(3), plan.epoch(3));
        let without = plan.clone().mixed(is_repeated, 0.0).epoch(0).concat();
        assert_eq!(without.len(), 990);
        let mostly = plan.mixed(is_repeated, 0.999).epoch(0);
        assert!(mostly.iter().all(|batch| batch.len() == 32));
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
