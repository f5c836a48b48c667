//! How large a run is, and how its work is shared out.

use super::tally::{Row, Sheet};
use nines_stats::random::Stream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The seed of the published page.
pub const SEED: u64 = 2026;

/// How many pieces of work a worker takes at a time.
const BLOCK: u64 = 16;

/// One run of the suite.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Keys all random numbers.
    pub seed: u64,
    /// Whether to take the size of the page instead of that of the tests.
    pub full: bool,
    /// How many threads; they change no result.
    pub threads: usize,
}

impl Plan {
    /// The size of the tests, on all processors.
    pub fn reduced() -> Self {
        Self {
            seed: SEED,
            full: false,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Returns the first when reduced, the second when full.
    pub fn size<T>(&self, reduced: T, full: T) -> T {
        if self.full { full } else { reduced }
    }

    /// Repeats an experiment, each time with its own random stream, and returns a row for each interval
    /// that it records.
    pub fn simulate(
        &self,
        setting: &str,
        n: u64,
        repetitions: u64,
        experiment: impl Fn(&mut Stream, &mut Sheet) + Sync,
    ) -> Vec<Row> {
        let seed = self.seed ^ fingerprint(setting, n);
        self.share_out(repetitions, |repetition, sheet| {
            sheet.turn_to(repetition, 1.0);
            experiment(&mut Stream::new(seed, repetition), sheet);
        })
        .rows(setting, n, true)
    }

    /// Enters every outcome with its mass and returns exact coverages.
    pub fn enumerate(
        &self,
        setting: &str,
        n: u64,
        outcomes: impl IntoIterator<Item = (f64, Outcome)>,
        record: impl Fn(&Outcome, &mut Sheet) + Sync,
    ) -> Vec<Row> {
        let outcomes: Vec<(f64, Outcome)> = outcomes.into_iter().collect();
        self.share_out(outcomes.len() as u64, |index, sheet| {
            let (mass, outcome) = &outcomes[index as usize];
            sheet.turn_to(index, *mass);
            record(outcome, sheet);
        })
        .rows(setting, n, false)
    }

    /// Does so many pieces of work, in blocks whose sheets are added up in order: neither the number of
    /// threads nor their haste changes a digit.
    fn share_out(&self, pieces: u64, work: impl Fn(u64, &mut Sheet) + Sync) -> Sheet {
        let next = AtomicU64::new(0);
        let done: Mutex<Vec<(u64, Sheet)>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let start = next.fetch_add(BLOCK, Ordering::Relaxed);
                        if start >= pieces {
                            return;
                        }
                        let mut sheet = Sheet::default();
                        for piece in start..pieces.min(start + BLOCK) {
                            work(piece, &mut sheet);
                        }
                        // A panicking worker ends the run anyway.
                        let mut done = done.lock().unwrap_or_else(|e| e.into_inner());
                        done.push((start, sheet));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
        done.sort_by_key(|(start, _)| *start);
        let mut all = Sheet::default();
        for (_, sheet) in done {
            all.merge(sheet);
        }
        all
    }
}

/// The counts of one outcome.
pub type Outcome = Vec<u64>;

/// The FNV-1a hash of a setting: each has its own random numbers, whatever comes before it.
fn fingerprint(setting: &str, n: u64) -> u64 {
    setting
        .bytes()
        .chain(n.to_le_bytes())
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        })
}
