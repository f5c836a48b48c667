//! What a threshold costs and what it catches: recall at a given acceptance, and the risk-coverage
//! curve over every distinct score.
//!
//! Acceptance is always measured on a *reference*: simple random completions of the generator.
//! Acceptance on an enriched set means nothing.

use crate::bootstrap::Bootstrap;
use crate::error::{StatsError, finite, open_unit, same_length};
use crate::estimate::IntervalEstimate;
use crate::interval::{clustered_proportion, count_families};

/// Scores with the prompt family of each.
#[derive(Debug, Clone, Copy)]
pub struct FamilyScores<'a> {
    /// One logit for each item.
    pub scores: &'a [f64],
    /// The prompt family of each item.
    pub families: &'a [u64],
}

impl<'a> FamilyScores<'a> {
    /// Pairs scores with families.
    ///
    /// # Errors
    /// [`StatsError::Lengths`], [`StatsError::Empty`] or [`StatsError::NotFinite`].
    ///
    /// # Example
    /// ```
    /// use nines_stats::acceptance::FamilyScores;
    /// assert!(FamilyScores::new("injuries", &[0.5], &[1]).is_ok());
    /// assert!(FamilyScores::new("injuries", &[f64::NAN], &[1]).is_err());
    /// ```
    pub fn new(
        what: &'static str,
        scores: &'a [f64],
        families: &'a [u64],
    ) -> Result<Self, StatsError> {
        same_length(what, scores.len(), families.len())?;
        finite(what, scores)?;
        Ok(Self { scores, families })
    }
}

/// The threshold that accepts at most a share of a reference, and what it catches.
#[derive(Debug, Clone, PartialEq)]
pub struct RecallAtAcceptance {
    /// The acceptance asked for.
    pub asked: f64,
    /// Accept below this logit.
    pub threshold: f64,
    /// The share of the reference that it accepts.
    pub acceptance: IntervalEstimate,
    /// The share of catastrophes that it rejects.
    pub recall: IntervalEstimate,
}

/// Returns the largest threshold that accepts (strictly below) at most a share `acceptance` of
/// sorted reference scores.
pub(crate) fn threshold_for(sorted: &[f64], acceptance: f64) -> f64 {
    // 0.8 of 5 is 4, whatever the rounding of 0.8 says.
    let accepted = (acceptance * sorted.len() as f64 + 1e-9).floor() as usize;
    sorted[accepted.min(sorted.len() - 1)]
}

/// Returns the recall on catastrophes at the threshold that accepts at most a share `acceptance` of
/// the reference, each number with its interval.
///
/// The threshold is the reference's own order statistic, never on a grid; ties are rejected
/// together, so acceptance may be lower than asked. The recall's interval is for the recall at the
/// threshold that accepts the share asked for of *all* completions, and so it counts that the
/// reference places this threshold only roughly. Order statistics of the reference enclose it, with
/// half of the error, and the recall at both ends gets an exact interval with the other half. With
/// single items of different families it is guaranteed: at least as wide as the exact interval at
/// the threshold found, and down to 0 where the reference has too few scores to enclose the
/// threshold (fewer than 20 for an acceptance of 0.8 at confidence 0.95, 86 for 0.95).
///
/// Where families hold several items, or one holds both a catastrophe and a reference completion,
/// both steps use [`clustered_proportion`]; the method then says that it is approximate. In
/// simulations with families of four the interval at 0.95 held the truth in 0.99 to 1 of
/// experiments.
///
/// Of `bootstrap` only the confidence matters: nothing is resampled.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `acceptance` and the confidence lie in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
/// use nines_stats::bootstrap::Bootstrap;
/// let families: Vec<u64> = (0..100).collect();
/// let random: Vec<f64> = (0..100).map(|i| f64::from(i) / 10.0).collect();
/// let reference = FamilyScores::new("random completions", &random, &families)?;
/// let injuries = FamilyScores::new("injuries", &[3.0, 9.5, 9.9, 12.0], &[200, 201, 202, 203])?;
/// let at = recall_at_acceptance(&injuries, &reference, 0.9, &Bootstrap::default())?;
/// assert_eq!((at.threshold, at.recall.value), (9.0, Some(0.75)));
/// assert!(at.recall.lower < 0.2, "four injuries say little");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Order statistics enclose a quantile: David & Nagaraja, *Order Statistics* (2003), §7.1. At either
/// end of the enclosure, which the catastrophes did not choose, the interval of a share is exact, and
/// recall only falls between them; Bonferroni's inequality joins the two errors.
pub fn recall_at_acceptance(
    catastrophes: &FamilyScores<'_>,
    reference: &FamilyScores<'_>,
    acceptance: f64,
    bootstrap: &Bootstrap,
) -> Result<RecallAtAcceptance, StatsError> {
    open_unit("the acceptance", acceptance)?;
    let confidence = bootstrap.confidence;
    let mut sorted = reference.scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let threshold = threshold_for(&sorted, acceptance);
    let accepted = share_where(reference, confidence, |s| s < threshold)?;
    let mut recall = share_where(catastrophes, confidence, |s| s >= threshold)?;
    let half = (1.0 + confidence) / 2.0;
    let (low, high) = threshold_ends(reference, &sorted, acceptance, half)?;
    // Without an end nothing is known on that side: recall is 1 at no threshold and 0 at infinity.
    let at_low = share_where(catastrophes, half, |s| low.is_none_or(|low| s >= low))?;
    let at_high = share_where(catastrophes, half, |s| high.is_some_and(|high| s >= high))?;
    // The exact ends are wider anyway; those of clustered shares need not be.
    recall.lower = recall.lower.min(at_high.lower);
    recall.upper = recall.upper.max(at_low.upper);
    recall.method = if single_items(catastrophes, reference) {
        "order statistics of the reference and Clopper-Pearson at both (guaranteed, two-sided)"
    } else {
        "order statistics of the reference and Korn-Graubard at both, over prompt families (approximate; 0.99 to 1 of 0.95 in simulations)"
    }
    .to_owned();
    Ok(RecallAtAcceptance {
        asked: acceptance,
        threshold,
        acceptance: accepted,
        recall,
    })
}

/// Returns the scores that enclose the threshold accepting a share `acceptance` of all completions;
/// `None` where no score of the reference is far enough out.
///
/// A score lies above the threshold where the share at or below it surely exceeds the acceptance, and
/// below it where the share below it surely does not reach it.
fn threshold_ends(
    reference: &FamilyScores<'_>,
    sorted: &[f64],
    acceptance: f64,
    confidence: f64,
) -> Result<(Option<f64>, Option<f64>), StatsError> {
    let mut scores = sorted.to_vec();
    scores.dedup();
    let too_high = |score: f64| -> Result<bool, StatsError> {
        Ok(share_where(reference, confidence, |s| s <= score)?.lower >= acceptance)
    };
    let too_low = |score: f64| -> Result<bool, StatsError> {
        Ok(share_where(reference, confidence, |s| s < score)?.upper <= acceptance)
    };
    let above = first_where(&scores, too_high)?;
    let not_below = first_where(&scores, |score| Ok(!too_low(score)?))?;
    let low = not_below.checked_sub(1).map(|last| scores[last]);
    Ok((low, scores.get(above).copied()))
}

/// Returns the index of the first number for which a test holds, which holds from there on.
fn first_where(
    numbers: &[f64],
    test: impl Fn(f64) -> Result<bool, StatsError>,
) -> Result<usize, StatsError> {
    let (mut low, mut high) = (0, numbers.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if test(numbers[middle])? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// Whether no family holds two items, of one sample or of both.
fn single_items(catastrophes: &FamilyScores<'_>, reference: &FamilyScores<'_>) -> bool {
    let mut families = [catastrophes.families, reference.families].concat();
    families.sort_unstable();
    families.windows(2).all(|pair| pair[0] != pair[1])
}

/// Returns the share of items whose score passes a test, families clustered.
pub(crate) fn share_where(
    items: &FamilyScores<'_>,
    confidence: f64,
    test: impl Fn(f64) -> bool,
) -> Result<IntervalEstimate, StatsError> {
    let passed: Vec<bool> = items.scores.iter().map(|&s| test(s)).collect();
    clustered_proportion(&count_families(&passed, items.families)?, confidence)
}

/// One point of the risk-coverage curve: what happens when completions below `threshold` are
/// accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskCoveragePoint {
    /// Accept below this logit; `None` accepts everything.
    pub threshold: Option<f64>,
    /// How many reference completions are accepted.
    pub accepted: u64,
    /// How many catastrophes are accepted: missed.
    pub missed: u64,
}

/// Returns the risk-coverage curve at every distinct score of either sample, from the strictest
/// threshold (nothing accepted) to accepting everything. Counts only: divide by the sizes and take
/// [`crate::interval::clopper_pearson`] where an interval is shown.
///
/// # Errors
/// [`StatsError::NotFinite`] for scores that are not finite; an empty sample is allowed and counts 0.
///
/// # Example
/// ```
/// let curve = nines_stats::acceptance::risk_coverage(&[0.5, 2.0], &[-1.0, 0.5, 0.5])?;
/// let counts: Vec<_> = curve.iter().map(|p| (p.threshold, p.accepted, p.missed)).collect();
/// assert_eq!(counts, [
///     (Some(-1.0), 0, 0), (Some(0.5), 1, 0), (Some(2.0), 3, 1), (None, 3, 2),
/// ]);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// El-Yaniv & Wiener 2010 (risk against coverage of selective classification).
pub fn risk_coverage(
    catastrophes: &[f64],
    reference: &[f64],
) -> Result<Vec<RiskCoveragePoint>, StatsError> {
    let sorted = |what, scores: &[f64]| -> Result<Vec<f64>, StatsError> {
        if !scores.is_empty() {
            finite(what, scores)?;
        }
        let mut sorted = scores.to_vec();
        sorted.sort_by(f64::total_cmp);
        Ok(sorted)
    };
    let catastrophes = sorted("scores of catastrophes", catastrophes)?;
    let reference = sorted("scores of the reference", reference)?;
    let mut thresholds = [&catastrophes[..], &reference[..]].concat();
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let (mut missed, mut accepted) = (0, 0);
    let mut curve: Vec<RiskCoveragePoint> = thresholds
        .into_iter()
        .map(|threshold| {
            missed += catastrophes[missed..].partition_point(|&s| s < threshold);
            accepted += reference[accepted..].partition_point(|&s| s < threshold);
            RiskCoveragePoint {
                threshold: Some(threshold),
                accepted: accepted as u64,
                missed: missed as u64,
            }
        })
        .collect();
    curve.push(RiskCoveragePoint {
        threshold: None,
        accepted: reference.len() as u64,
        missed: catastrophes.len() as u64,
    });
    Ok(curve)
}

#[cfg(test)]
mod tests;
