//! Where to put the threshold: a recall guaranteed on held-out catastrophes, a recall seen on them,
//! or an acceptance of random completions.
//!
//! Every threshold is the order statistic of a score, in logit space, and a completion is accepted
//! strictly below it; nothing lies on a grid, and items that tie with the threshold are rejected
//! together.

use crate::acceptance::{FamilyScores, share_where, threshold_for};
use crate::binomial;
use crate::bisection::first_count;
use crate::error::{StatsError, above_zero, alpha_of, countable, finite, open_unit};
use crate::estimate::IntervalEstimate;
use crate::interval::trials_needed;
use std::collections::BTreeMap;

/// Which order statistic carries a Neyman-Pearson guarantee.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeymanPearsonOrder {
    /// The threshold is the k-th smallest catastrophe's score, counted from 1; k − 1 are missed.
    pub k: u64,
    /// The probability that its miss rate is nevertheless above the one asked for.
    pub violation: f64,
}

/// Returns the largest order k of `n` catastrophes such that accepting below the k-th smallest
/// score misses at most `max_miss` of all catastrophes, with the given confidence: the largest k
/// with P(Bin(n, max_miss) ≤ k − 1) ≤ 1 − confidence.
///
/// # Errors
/// [`StatsError::TooFewForGuarantee`], which names the n needed and the miss rate that n can show;
/// [`StatsError::OutOfRange`] unless both probabilities lie in (0, 1), or for n above 2⁵³.
///
/// # Example
/// ```
/// use nines_stats::threshold::neyman_pearson_order;
/// assert_eq!(neyman_pearson_order(1000, 0.05, 0.95)?.k, 39);
/// let error = neyman_pearson_order(58, 0.05, 0.95).unwrap_err();
/// assert!(error.to_string().contains("at least 59 are needed"), "{error}");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Tong, Feng & Li, "Neyman-Pearson classification algorithms and NP receiver operating
/// characteristics", Sci. Adv. 2018 (the umbrella algorithm).
pub fn neyman_pearson_order(
    n: u64,
    max_miss: f64,
    confidence: f64,
) -> Result<NeymanPearsonOrder, StatsError> {
    open_unit("the miss rate allowed", max_miss)?;
    let delta = alpha_of(confidence)?;
    countable("the number of catastrophes", n)?;
    let violation = |k: u64| binomial::cdf(k - 1, n, max_miss);
    if n == 0 || violation(1)? > delta {
        return Err(StatsError::TooFewForGuarantee {
            n,
            max_miss,
            confidence,
            needed: trials_needed(max_miss, 0, confidence)?,
            feasible: smallest_miss(n, confidence)?,
        });
    }
    let k = first_count(1, n + 1, |k| violation(k).map(|v| v > delta))? - 1;
    Ok(NeymanPearsonOrder {
        k,
        violation: violation(k)?,
    })
}

/// Returns the smallest miss rate that `n` catastrophes can guarantee with a confidence, by placing
/// the threshold at the lowest of them: 1 − (1 − confidence)^{1/n}; 1 when there are none.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::threshold::smallest_miss;
/// assert!(smallest_miss(59, 0.95)? < 0.05 && smallest_miss(58, 0.95)? > 0.05);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Solves (1 − α)ⁿ = δ.
pub fn smallest_miss(n: u64, confidence: f64) -> Result<f64, StatsError> {
    let delta = alpha_of(confidence)?;
    Ok(if n == 0 {
        1.0
    } else {
        -(delta.ln() / n as f64).exp_m1()
    })
}

/// A threshold whose miss rate is bounded with a stated confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuaranteedThreshold {
    /// Accept below this logit.
    pub threshold: f64,
    /// Which order statistic of how many units it is.
    pub order: NeymanPearsonOrder,
    /// How many independent units there are.
    pub n: u64,
}

/// Returns the most permissive threshold that misses at most `max_miss` of all catastrophes with
/// the given confidence, from scores of independent held-out catastrophes.
///
/// Assumes that the scores are independent and distributed as those the filter will meet, and that
/// none was used for training or early stopping. The guarantee is about that distribution: it is
/// void under attack, and for catastrophes of another origin. For several items of one prompt, pass
/// [`lowest_of_families`].
///
/// # Errors
/// [`StatsError::TooFewForGuarantee`] when no threshold can carry the guarantee,
/// [`StatsError::NotFinite`] for scores that are not finite, [`StatsError::OutOfRange`] unless both
/// probabilities lie in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::threshold::neyman_pearson;
/// let scores: Vec<f64> = (0..100).map(f64::from).collect();
/// let chosen = neyman_pearson(&scores, 0.1, 0.95)?;
/// assert_eq!((chosen.order.k, chosen.threshold), (5, 4.0));
/// assert!(neyman_pearson(&scores[..20], 0.1, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`neyman_pearson_order`]; ties lower the miss rate, so the guarantee holds for any
/// distribution.
pub fn neyman_pearson(
    scores: &[f64],
    max_miss: f64,
    confidence: f64,
) -> Result<GuaranteedThreshold, StatsError> {
    if !scores.is_empty() {
        finite("scores of catastrophes", scores)?;
    }
    let n = scores.len() as u64;
    let order = neyman_pearson_order(n, max_miss, confidence)?;
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(GuaranteedThreshold {
        threshold: sorted[order.k as usize - 1],
        order,
        n,
    })
}

/// Returns the lowest score of each family, in the order of the family numbers: independent units
/// from items that share prompts. A bound on how often the lowest of a family is missed bounds how
/// often any of them is.
///
/// # Example
/// ```
/// use nines_stats::acceptance::FamilyScores;
/// let scores = FamilyScores::new("injuries", &[3.0, 1.0, 2.0], &[9, 9, 4])?;
/// assert_eq!(nines_stats::threshold::lowest_of_families(&scores), [2.0, 1.0]);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
pub fn lowest_of_families(items: &FamilyScores<'_>) -> Vec<f64> {
    let mut lowest: BTreeMap<u64, f64> = BTreeMap::new();
    for (&score, &family) in items.scores.iter().zip(items.families) {
        lowest
            .entry(family)
            .and_modify(|least| *least = least.min(score))
            .or_insert(score);
    }
    lowest.into_values().collect()
}

/// A threshold chosen for a share, with the share it has on the data that chose it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareThreshold {
    /// Accept below this logit.
    pub threshold: f64,
    /// The share on that data, with its interval.
    pub share: IntervalEstimate,
}

/// Returns the most permissive threshold that rejects at least a share `recall` of the catastrophes
/// seen, with the interval of the recall among all catastrophes like them. The recall seen is no
/// guarantee: its interval usually reaches below `recall`. [`neyman_pearson`] gives a guarantee.
///
/// For independent items the interval is exact although the same items chose the threshold: the miss
/// rate below the k-th smallest score is Beta(k, n−k+1), whose interval lies within the
/// Clopper-Pearson interval of k − 1 misses.
///
/// # Errors
/// As [`FamilyScores::new`]; [`StatsError::OutOfRange`] unless `recall` lies in (0, 1] and the
/// confidence in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::acceptance::FamilyScores;
/// use nines_stats::threshold::recall_at_least;
/// let injuries = FamilyScores::new("injuries", &[4.0, 1.0, 2.0, 3.0], &[1, 2, 3, 4])?;
/// let chosen = recall_at_least(&injuries, 0.75, 0.95)?;
/// assert_eq!((chosen.threshold, chosen.share.value), (2.0, Some(0.75)));
/// assert!(recall_at_least(&injuries, 0.0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Order statistics: David & Nagaraja 2003, §2.1; clustered items as
/// [`crate::interval::clustered_proportion`].
pub fn recall_at_least(
    catastrophes: &FamilyScores<'_>,
    recall: f64,
    confidence: f64,
) -> Result<ShareThreshold, StatsError> {
    above_zero("the recall asked for", recall)?;
    catastrophes.check("scores of catastrophes")?;
    let mut sorted = catastrophes.scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let threshold = threshold_for(&sorted, 1.0 - recall);
    Ok(ShareThreshold {
        threshold,
        share: share_where(catastrophes, confidence, |s| s >= threshold)?,
    })
}

/// Returns the largest threshold that accepts at most a share `acceptance` of the reference seen
/// (simple random completions of the generator), with the interval of the acceptance among all its
/// completions.
///
/// # Errors
/// As [`FamilyScores::new`]; [`StatsError::OutOfRange`] unless both probabilities lie in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::acceptance::FamilyScores;
/// use nines_stats::threshold::acceptance_at_most;
/// let random = FamilyScores::new("random completions", &[-3.0, -2.0, -1.0, 0.0], &[1, 2, 3, 4])?;
/// let chosen = acceptance_at_most(&random, 0.5, 0.95)?;
/// assert_eq!((chosen.threshold, chosen.share.value), (-1.0, Some(0.5)));
/// assert!(acceptance_at_most(&random, 1.0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`recall_at_least`], for the other class.
pub fn acceptance_at_most(
    reference: &FamilyScores<'_>,
    acceptance: f64,
    confidence: f64,
) -> Result<ShareThreshold, StatsError> {
    open_unit("the acceptance", acceptance)?;
    reference.check("scores of the reference")?;
    let mut sorted = reference.scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let threshold = threshold_for(&sorted, acceptance);
    Ok(ShareThreshold {
        threshold,
        share: share_where(reference, confidence, |s| s < threshold)?,
    })
}
