//! What a threshold costs and what it catches: recall at a given acceptance, and the risk-coverage
//! curve over every distinct score.
//!
//! Acceptance is always measured on a *reference*: simple random completions of the generator.
//! Acceptance on an enriched set means nothing.

mod paired;

pub use paired::{PairedRecall, ScoredBy, paired_recall};

use crate::bisection::first_count;
use crate::bootstrap::Bootstrap;
use crate::error::{StatsError, alpha_of, finite, open_unit, same_length};
use crate::estimate::IntervalEstimate;
use crate::interval::{FamilyCount, clustered_ends, clustered_proportion, count_families};

/// The fewest prompt families that are resampled.
pub(crate) const FEWEST_FAMILIES: usize = 5;

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
        let items = Self { scores, families };
        items.check(what)?;
        Ok(items)
    }

    /// Checks what a caller may have put together without [`FamilyScores::new`].
    pub(crate) fn check(&self, what: &'static str) -> Result<(), StatsError> {
        same_length(what, self.scores.len(), self.families.len())?;
        finite(what, self.scores)
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

/// Returns the largest threshold that accepts (strictly below) at most a share `acceptance` of a
/// reference's scores, in any order. It has no interval: [`recall_at_acceptance`] says how surely it
/// is placed.
///
/// # Errors
/// [`StatsError::Empty`] or [`StatsError::NotFinite`] for the scores; [`StatsError::OutOfRange`]
/// unless `acceptance` lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::acceptance::threshold_at;
/// assert_eq!(threshold_at(&[4.0, 1.0, 3.0, 2.0], 0.5), Ok(3.0));
/// assert!(threshold_at(&[4.0, 1.0], 1.0).is_err());
/// ```
pub fn threshold_at(reference: &[f64], acceptance: f64) -> Result<f64, StatsError> {
    open_unit("the acceptance", acceptance)?;
    finite("scores of the reference", reference)?;
    let mut sorted = reference.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(threshold_for(&sorted, acceptance))
}

/// As [`threshold_at`], for scores that are sorted and checked.
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
/// As [`FamilyScores::new`]; [`StatsError::OutOfRange`] unless `acceptance` and the confidence lie in
/// (0, 1).
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
    catastrophes.check("scores of catastrophes")?;
    reference.check("scores of the reference")?;
    let confidence = bootstrap.confidence;
    let mut sorted = reference.scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let threshold = threshold_for(&sorted, acceptance);
    let accepted = share_where(reference, confidence, |s| s < threshold)?;
    let mut recall = share_where(catastrophes, confidence, |s| s >= threshold)?;
    // The tail itself, for 1 less it would lose its digits.
    let tail = alpha_of(confidence)? / 4.0;
    let (low, high) = threshold_ends(reference, &sorted, acceptance, tail)?;
    // Without an end nothing is known on that side: recall is 1 at no threshold and 0 at infinity.
    let at_low = share_ends(catastrophes, tail, |s| low.is_none_or(|low| s >= low))?;
    let at_high = share_ends(catastrophes, tail, |s| high.is_some_and(|high| s >= high))?;
    // The exact ends are wider anyway; those of clustered shares need not be.
    recall.lower = recall.lower.min(at_high.0);
    recall.upper = recall.upper.max(at_low.1);
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
/// `None` where no score of the reference is far enough out. Each end is wrong with probability at
/// most `tail`.
///
/// A score lies above the threshold where the share at or below it surely exceeds the acceptance, and
/// below it where the share below it surely does not reach it.
fn threshold_ends(
    reference: &FamilyScores<'_>,
    sorted: &[f64],
    acceptance: f64,
    tail: f64,
) -> Result<(Option<f64>, Option<f64>), StatsError> {
    let mut scores = sorted.to_vec();
    scores.dedup();
    let at = |rank: u64| scores.get((rank as usize).wrapping_sub(1)).copied();
    let none = scores.len() as u64 + 1;
    let too_high = |rank: u64| -> Result<bool, StatsError> {
        let below = |s: f64| at(rank).is_some_and(|score| s <= score);
        Ok(share_ends(reference, tail, below)?.0 >= acceptance)
    };
    let not_too_low = |rank: u64| -> Result<bool, StatsError> {
        let below = |s: f64| at(rank).is_some_and(|score| s < score);
        Ok(share_ends(reference, tail, below)?.1 > acceptance)
    };
    let high = first_count(0, none, too_high)?;
    let low = first_count(0, none, not_too_low)? - 1;
    Ok((at(low), at(high)))
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
    clustered_proportion(&passing(items, test)?, confidence)
}

/// Returns the ends of the interval of that share, each wrong with probability `tail`.
fn share_ends(
    items: &FamilyScores<'_>,
    tail: f64,
    test: impl Fn(f64) -> bool,
) -> Result<(f64, f64), StatsError> {
    Ok(clustered_ends(&passing(items, test)?, tail)?.ends)
}

fn passing(
    items: &FamilyScores<'_>,
    test: impl Fn(f64) -> bool,
) -> Result<Vec<FamilyCount>, StatsError> {
    let passed: Vec<bool> = items.scores.iter().map(|&s| test(s)).collect();
    count_families(&passed, items.families)
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
