//! Resampling whole prompt families: intervals for ranking metrics and for differences between two
//! rankings of the same items.
//!
//! Families, not items, are drawn with replacement, because items of one prompt resemble each
//! other. The intervals are approximate, and their method says so.

use crate::error::{StatsError, alpha_of};
use crate::random::Stream;

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// How many resamples.
    pub resamples: usize,
    /// Keys the random stream: the same seed gives the same interval.
    pub seed: u64,
    /// The interval's confidence.
    pub confidence: f64,
}

impl Default for Bootstrap {
    /// 2,000 resamples, seed 0, confidence 0.95.
    fn default() -> Self {
        Self {
            resamples: 2000,
            seed: 0,
            confidence: 0.95,
        }
    }
}

impl Bootstrap {
    /// Checks the confidence, and that there are enough resamples and not absurdly many.
    pub(crate) fn check(&self) -> Result<(), StatsError> {
        alpha_of(self.confidence)?;
        if (100..=10_000_000).contains(&self.resamples) {
            Ok(())
        } else {
            Err(StatsError::OutOfRange {
                what: "the number of resamples",
                value: self.resamples as f64,
                allowed: "at least 100 and at most 10000000",
            })
        }
    }

    /// Draws family multiplicities and evaluates `statistic` on each; resamples on which it is
    /// undefined (one class only) are drawn again, at most as often as there are resamples.
    /// Returns the values sorted, or `None` when too many were undefined.
    pub(crate) fn replicates(
        &self,
        families: usize,
        mut statistic: impl FnMut(&[f64]) -> Option<f64>,
    ) -> Result<Option<Vec<f64>>, StatsError> {
        self.check()?;
        let mut values = Vec::with_capacity(self.resamples);
        let mut weights = vec![0.0; families];
        for attempt in 0..2 * self.resamples as u64 {
            if values.len() == self.resamples {
                break;
            }
            weights.fill(0.0);
            let mut stream = Stream::new(self.seed, attempt);
            for _ in 0..families {
                weights[stream.below(families)] += 1.0;
            }
            values.extend(statistic(&weights));
        }
        values.sort_by(f64::total_cmp);
        Ok((values.len() == self.resamples).then_some(values))
    }
}

/// Returns the value at a fraction of sorted replicates, between neighbours.
fn at_fraction(sorted: &[f64], fraction: f64) -> f64 {
    let position = fraction * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

/// Returns the percentile interval of sorted replicates.
pub(crate) fn percentile(sorted: &[f64], confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    (at_fraction(sorted, tail), at_fraction(sorted, 1.0 - tail))
}

/// Returns the standard deviation of replicates: the bootstrap's standard error.
pub(crate) fn standard_error(replicates: &[f64]) -> f64 {
    let n = replicates.len() as f64;
    let mean = replicates.iter().sum::<f64>() / n;
    let squares: f64 = replicates.iter().map(|r| (r - mean).powi(2)).sum();
    (squares / (n - 1.0)).sqrt()
}
