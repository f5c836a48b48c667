//! Observed against expected catastrophes, decade by decade of the probability.

use super::check_items;
use crate::error::StatsError;
use crate::estimate::IntervalEstimate;
use crate::interval::clopper_pearson;
use crate::logistic::logistic;

/// Items whose probabilities lie in one decade.
#[derive(Debug, Clone, PartialEq)]
pub struct ReliabilityBin {
    /// The smallest probability that belongs to it.
    pub low: f64,
    /// Where it ends: belongs to the next bin, but for 1.
    pub high: f64,
    /// Items in it.
    pub count: u64,
    /// Catastrophes in it.
    pub catastrophes: u64,
    /// Catastrophes expected: the sum of the probabilities.
    pub expected: f64,
    /// The share of catastrophes with its exact interval, which holds `expected`/`count` where the
    /// scores are calibrated; without a value when no item is in the bin.
    pub observed: IntervalEstimate,
}

/// Returns bins of a decade each, from [10⁻¹, 1] down to `decades` of them and one below: how many
/// catastrophes were seen and expected in each, with exact intervals.
///
/// An average error over all items is blind to what happens at 10⁻⁴; these bins are not. Assumes
/// independent items; of many bins some miss by chance. Scores are logits.
///
/// # Errors
/// [`StatsError::Lengths`], [`StatsError::Empty`] or [`StatsError::NotFinite`] for the columns,
/// [`StatsError::OutOfRange`] unless there are 1 to 300 decades and the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::calibration::reliability_bins;
/// let bins = reliability_bins(&[-7.0, -6.5, 2.0], &[false, false, true], 3, 0.95)?;
/// let counts: Vec<u64> = bins.iter().map(|bin| bin.count).collect();
/// assert_eq!(counts, [1, 1, 0, 1]);
/// assert!(bins[0].observed.upper > 0.9 && bins[2].observed.value.is_none());
/// assert!(reliability_bins(&[-7.0], &[false], 0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// DeGroot & Fienberg, "The comparison and evaluation of forecasters" (1983); Clopper & Pearson
/// 1934 in each bin.
pub fn reliability_bins(
    logits: &[f64],
    labels: &[bool],
    decades: u32,
    confidence: f64,
) -> Result<Vec<ReliabilityBin>, StatsError> {
    check_items(logits, labels)?;
    if !(1..=300).contains(&decades) {
        return Err(StatsError::OutOfRange {
            what: "the number of decades",
            value: f64::from(decades),
            allowed: "between 1 and 300",
        });
    }
    // Ends of the bins, rising: 10^−decades, …, 0.1.
    let ends: Vec<f64> = (1..=decades)
        .rev()
        .map(|d| format!("1e-{d}").parse().unwrap_or(0.0))
        .collect();
    let mut totals = vec![(0u64, 0u64, 0.0); ends.len() + 1];
    for (&logit, &label) in logits.iter().zip(labels) {
        let p = logistic(logit);
        let total = &mut totals[ends.partition_point(|&end| end <= p)];
        total.0 += 1;
        total.1 += u64::from(label);
        total.2 += p;
    }
    totals
        .into_iter()
        .enumerate()
        .map(|(bin, (count, catastrophes, expected))| {
            Ok(ReliabilityBin {
                low: if bin == 0 { 0.0 } else { ends[bin - 1] },
                high: ends.get(bin).copied().unwrap_or(1.0),
                count,
                catastrophes,
                expected,
                observed: clopper_pearson(catastrophes, count, confidence)?,
            })
        })
        .collect()
}
