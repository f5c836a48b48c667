//! Isotonic calibration: the rising step function nearest to the labels.

use super::check_items;
use crate::error::{StatsError, finite};

/// Values that pool into one mean.
struct Pool {
    sum: f64,
    count: usize,
}

impl Pool {
    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}

/// Pools groups of (sum, count), in order, until their means rise strictly.
fn pool(groups: impl Iterator<Item = (f64, usize)>) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for (sum, count) in groups {
        let mut last = Pool { sum, count };
        while let Some(before) = pools.pop_if(|before| before.mean() >= last.mean()) {
            last.sum += before.sum;
            last.count += before.count;
        }
        pools.push(last);
    }
    pools
}

/// Returns the rising sequence nearest to values in order of their scores, by least squares.
///
/// Values at tied scores must be pooled first, as [`fit_isotonic`] does.
///
/// # Errors
/// [`StatsError::Empty`] or [`StatsError::NotFinite`].
///
/// # Example
/// ```
/// use nines_stats::calibration::pool_adjacent_violators;
/// let fitted = pool_adjacent_violators(&[0.0, 1.0, 0.0, 2.0])?;
/// assert_eq!(fitted, [0.0, 0.5, 0.5, 2.0]);
/// assert!(pool_adjacent_violators(&[]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Ayer, Brunk, Ewing, Reid & Silverman, "An empirical distribution function for sampling with
/// incomplete information" (1955).
pub fn pool_adjacent_violators(values: &[f64]) -> Result<Vec<f64>, StatsError> {
    finite("values to make rise", values)?;
    Ok(pool(values.iter().map(|&value| (value, 1)))
        .iter()
        .flat_map(|pool| std::iter::repeat_n(pool.mean(), pool.count))
        .collect())
}

/// One step of an isotonic calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IsotonicBlock {
    /// The smallest score in it.
    pub low: f64,
    /// The largest score in it.
    pub high: f64,
    /// Catastrophes in it.
    pub catastrophes: u64,
    /// Items in it.
    pub count: u64,
    /// The calibrated probability, never 0 or 1.
    pub probability: f64,
}

/// A rising step function from scores to probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    blocks: Vec<IsotonicBlock>,
}

impl Isotonic {
    /// Returns the steps, in order of their scores.
    pub fn blocks(&self) -> &[IsotonicBlock] {
        &self.blocks
    }

    /// Returns the calibrated probability of a score; between two steps that of the higher one,
    /// which is the cautious one, and NaN for NaN.
    ///
    /// # Example
    /// ```
    /// use nines_stats::calibration::fit_isotonic;
    /// let fitted = fit_isotonic(&[-1.0, 0.0, 1.0, 2.0], &[false, false, false, true])?;
    /// assert_eq!(fitted.probability(-9.0), 0.125);
    /// assert_eq!(fitted.probability(1.5), fitted.probability(2.0));
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn probability(&self, score: f64) -> f64 {
        if score.is_nan() {
            return f64::NAN;
        }
        let index = self.blocks.partition_point(|block| block.high < score);
        self.blocks[index.min(self.blocks.len() - 1)].probability
    }
}

/// Returns the rising step function nearest to the labels, with items of equal score together.
///
/// Its lowest step usually holds no catastrophe, and its own probability 0 would call it safe beyond
/// doubt: steps with none of n, or all, get (k + ½)/(n + 1), or the next step's probability where
/// that would break the rise. That is no bound: [`super::reliability_bins`] has intervals. Needs far
/// more than a thousand catastrophes to be better than [`super::fit_beta_calibration`].
///
/// # Errors
/// [`StatsError::Lengths`], [`StatsError::Empty`] or [`StatsError::NotFinite`] for the columns.
///
/// # Example
/// ```
/// use nines_stats::calibration::fit_isotonic;
/// let fitted = fit_isotonic(&[1.0, 2.0, 3.0, 4.0], &[false, true, false, true])?;
/// let steps: Vec<f64> = fitted.blocks().iter().map(|b| b.probability).collect();
/// assert_eq!(steps, [0.25, 0.5, 0.75]);
/// assert!(fit_isotonic(&[1.0], &[]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Zadrozny & Elkan, "Transforming classifier scores into accurate multiclass probability
/// estimates" (2002); as [`pool_adjacent_violators`].
pub fn fit_isotonic(logits: &[f64], labels: &[bool]) -> Result<Isotonic, StatsError> {
    check_items(logits, labels)?;
    let mut items: Vec<(f64, bool)> = logits.iter().copied().zip(labels.iter().copied()).collect();
    items.sort_by(|a, b| a.0.total_cmp(&b.0));
    let tied = items.chunk_by(|a, b| a.0 == b.0).map(|ties| {
        let catastrophes = ties.iter().filter(|(_, label)| *label).count();
        (catastrophes as f64, ties.len())
    });
    let mut blocks = Vec::new();
    let mut from = 0;
    for pool in pool(tied) {
        let until = from + pool.count;
        let n = pool.count as f64;
        blocks.push(IsotonicBlock {
            low: items[from].0,
            high: items[until - 1].0,
            catastrophes: pool.sum as u64,
            count: pool.count as u64,
            probability: if pool.sum == 0.0 || pool.sum == n {
                (pool.sum + 0.5) / (n + 1.0)
            } else {
                pool.mean()
            },
        });
        from = until;
    }
    // Only the first step can hold none and only the last nothing else, for means rise.
    if let [first, second, ..] = blocks.as_mut_slice()
        && first.catastrophes == 0
        && second.catastrophes < second.count
    {
        first.probability = first.probability.min(second.probability);
    }
    if let [.., second, last] = blocks.as_mut_slice()
        && last.catastrophes == last.count
    {
        last.probability = last.probability.max(second.probability);
    }
    Ok(Isotonic { blocks })
}
