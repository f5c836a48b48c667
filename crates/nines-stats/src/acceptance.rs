//! What a threshold costs and what it catches: recall at a given acceptance, and the risk-coverage
//! curve over every distinct score.
//!
//! Acceptance is always measured on a *reference*: simple random completions of the generator.
//! Acceptance on an enriched set means nothing.

use crate::bootstrap::{Bootstrap, percentile};
use crate::error::{StatsError, finite, open_unit, same_length};
use crate::estimate::IntervalEstimate;
use crate::interval::{clustered_proportion, count_families};
use std::collections::BTreeMap;

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
/// together, so acceptance may be lower than asked. The recall's interval is the hull of two: the
/// exact one at this threshold (families clustered, see [`clustered_proportion`]), and the
/// percentile bootstrap over the families of both samples, in which the threshold moves too. So it
/// is never narrower than the exact one, and never of zero width.
///
/// # Errors
/// As [`FamilyScores::new`]; [`StatsError::OutOfRange`] unless `acceptance` lies in (0, 1), or for bad
/// bootstrap settings.
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
pub fn recall_at_acceptance(
    catastrophes: &FamilyScores<'_>,
    reference: &FamilyScores<'_>,
    acceptance: f64,
    bootstrap: &Bootstrap,
) -> Result<RecallAtAcceptance, StatsError> {
    open_unit("the acceptance", acceptance)?;
    catastrophes.check("scores of catastrophes")?;
    reference.check("scores of the reference")?;
    let mut sorted = reference.scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let threshold = threshold_for(&sorted, acceptance);
    let accepted = share_where(reference, bootstrap.confidence, |s| s < threshold)?;
    let mut recall = share_where(catastrophes, bootstrap.confidence, |s| s >= threshold)?;
    if let Some((lower, upper)) = moving_threshold(catastrophes, reference, acceptance, bootstrap)?
    {
        recall.lower = recall.lower.min(lower);
        recall.upper = recall.upper.max(upper);
        recall.method = format!(
            "hull of {} and the percentile bootstrap over prompt families, {} resamples, seed {} (approximate: the threshold moves too)",
            recall.method, bootstrap.resamples, bootstrap.seed
        );
    }
    Ok(RecallAtAcceptance {
        asked: acceptance,
        threshold,
        acceptance: accepted,
        recall,
    })
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

/// The percentile interval of recall when families of both samples are drawn again together.
fn moving_threshold(
    catastrophes: &FamilyScores<'_>,
    reference: &FamilyScores<'_>,
    acceptance: f64,
    bootstrap: &Bootstrap,
) -> Result<Option<(f64, f64)>, StatsError> {
    let mut index: BTreeMap<u64, usize> = BTreeMap::new();
    let mut number = |items: &FamilyScores<'_>| -> Vec<(f64, usize)> {
        let mut numbered: Vec<(f64, usize)> = items
            .scores
            .iter()
            .zip(items.families)
            .map(|(&score, &family)| {
                let next = index.len();
                (score, *index.entry(family).or_insert(next))
            })
            .collect();
        numbered.sort_by(|a, b| a.0.total_cmp(&b.0));
        numbered
    };
    let reference = number(reference);
    let catastrophes = number(catastrophes);
    let statistic = |weights: &[f64]| {
        let total: f64 = reference.iter().map(|&(_, f)| weights[f]).sum();
        let all: f64 = catastrophes.iter().map(|&(_, f)| weights[f]).sum();
        if total == 0.0 || all == 0.0 {
            return None;
        }
        let mut below = 0.0;
        let threshold = reference.iter().find_map(|&(score, f)| {
            below += weights[f];
            (below > acceptance * total + 1e-9).then_some(score)
        })?;
        let missed: f64 = catastrophes
            .iter()
            .take_while(|&&(score, _)| score < threshold)
            .map(|&(_, f)| weights[f])
            .sum();
        Some(1.0 - missed / all)
    };
    Ok(bootstrap
        .replicates(index.len(), statistic)?
        .map(|sorted| percentile(&sorted, bootstrap.confidence)))
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
