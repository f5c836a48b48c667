//! Intervals for proportions: exact, approximate, for zero failures, and for clustered items.

use crate::beta::{lower_quantile, upper_quantile};
use crate::binomial;
use crate::bisection::first_count_from;
use crate::error::{StatsError, alpha_of, countable, open_unit, part_of, planned, same_length};
use crate::estimate::IntervalEstimate;
use crate::normal;
use std::collections::BTreeMap;

const EXACT: &str = "Clopper-Pearson (exact, two-sided)";

fn check_counts(k: u64, n: u64) -> Result<(), StatsError> {
    part_of("a count of successes", k, n, "at most the number of trials")
}

fn share(k: u64, n: u64) -> Option<f64> {
    (n > 0).then(|| k as f64 / n as f64)
}

/// Returns the exact two-sided interval of a proportion from `k` successes in `n` independent
/// trials. Without trials the interval is [0, 1] and there is no value.
///
/// Assumes independent trials with one common probability: use [`clustered_proportion`] for items
/// that share prompts.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::interval::clopper_pearson;
/// let e = clopper_pearson(3, 100_000, 0.95)?;
/// assert!((e.upper - 8.76702026e-5).abs() < 1e-13);
/// assert_eq!(clopper_pearson(0, 0, 0.95)?.value, None);
/// assert!(clopper_pearson(4, 3, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Clopper & Pearson 1934; B⁻¹(α/2; k, n−k+1) and B⁻¹(1−α/2; k+1, n−k).
pub fn clopper_pearson(k: u64, n: u64, confidence: f64) -> Result<IntervalEstimate, StatsError> {
    check_counts(k, n)?;
    let tail = alpha_of(confidence)? / 2.0;
    let (lower, upper) = exact_ends(k as f64, n as f64, tail);
    Ok(IntervalEstimate {
        value: share(k, n),
        lower,
        upper,
        confidence,
        method: EXACT.to_owned(),
        n,
    })
}

/// The ends of the exact interval with `tail` outside on each side; counts may be fractional
/// (effective sample sizes).
pub(crate) fn exact_ends(k: f64, n: f64, tail: f64) -> (f64, f64) {
    let lower = if k <= 0.0 {
        0.0
    } else {
        lower_quantile(tail, k, n - k + 1.0)
    };
    let upper = if k >= n {
        1.0
    } else {
        upper_quantile(tail, k + 1.0, n - k)
    };
    (lower, upper)
}

/// Returns the exact one-sided interval [0, upper] of a proportion: the probability is above
/// `upper` with confidence at most 1 − `confidence`.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// let e = nines_stats::interval::upper_bound(0, 3000, 0.95)?;
/// assert!((e.upper - 9.98079012e-4).abs() < 1e-12);
/// assert!(nines_stats::interval::upper_bound(0, 3000, 1.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Clopper & Pearson 1934; for k = 0 this is 1 − α^{1/n}.
pub fn upper_bound(k: u64, n: u64, confidence: f64) -> Result<IntervalEstimate, StatsError> {
    check_counts(k, n)?;
    let tail = alpha_of(confidence)?;
    Ok(IntervalEstimate {
        value: share(k, n),
        lower: 0.0,
        upper: exact_ends(k as f64, n as f64, tail).1,
        confidence,
        method: "Clopper-Pearson (exact, one-sided upper)".to_owned(),
        n,
    })
}

/// Returns the exact one-sided interval [lower, 1] of a proportion.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// let e = nines_stats::interval::lower_bound(59, 59, 0.95)?;
/// assert!(e.lower > 0.95 && e.upper == 1.0);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Clopper & Pearson 1934.
pub fn lower_bound(k: u64, n: u64, confidence: f64) -> Result<IntervalEstimate, StatsError> {
    check_counts(k, n)?;
    let tail = alpha_of(confidence)?;
    Ok(IntervalEstimate {
        value: share(k, n),
        lower: exact_ends(k as f64, n as f64, tail).0,
        upper: 1.0,
        confidence,
        method: "Clopper-Pearson (exact, one-sided lower)".to_owned(),
        n,
    })
}

/// Returns Wilson's approximate two-sided interval of a proportion, and says that it is
/// approximate: at rare rates it covers too seldom (0.839 instead of 0.95 at n = 1000,
/// p = 1.76e-4).
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// let e = nines_stats::interval::wilson(0, 100, 0.95)?;
/// assert_eq!(e.lower, 0.0);
/// assert!((e.upper - 0.0369934982).abs() < 1e-10);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Wilson 1927; Brown, Cai & DasGupta 2001.
pub fn wilson(k: u64, n: u64, confidence: f64) -> Result<IntervalEstimate, StatsError> {
    check_counts(k, n)?;
    let tail = alpha_of(confidence)? / 2.0;
    let z = -normal::quantile(tail)?;
    let (mut lower, mut upper) = (0.0, 1.0);
    if let Some(p) = share(k, n) {
        let n = n as f64;
        let scale = 1.0 + z * z / n;
        let centre = (p + z * z / (2.0 * n)) / scale;
        let half = z / scale * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        // Rounding leaves 3e-18 where the formula gives exactly 0 or 1.
        lower = if k == 0 {
            0.0
        } else {
            (centre - half).max(0.0)
        };
        upper = if p == 1.0 {
            1.0
        } else {
            (centre + half).min(1.0)
        };
    }
    Ok(IntervalEstimate {
        value: share(k, n),
        lower,
        upper,
        confidence,
        method: "Wilson (approximate; 0.84 to 1 of 0.95 at rare rates, 0.94 to 0.95 at 0.1 to 0.3)"
            .to_owned(),
        n,
    })
}

/// Returns how many independent trials with at most `failures` failures show that a probability is
/// at most `p`: the smallest n with P(Bin(n, p) ≤ failures) ≤ 1 − confidence.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p and the confidence lie in (0, 1), or when more than 2⁵³
/// trials would be needed.
///
/// # Example
/// ```
/// use nines_stats::interval::trials_needed;
/// assert_eq!(trials_needed(1e-4, 0, 0.95)?, 29_956);
/// assert_eq!(trials_needed(1e-3, 2, 0.95)?, 6_294);
/// assert!(trials_needed(0.0, 0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// ⌈ln α / ln(1−p)⌉ for zero failures; the exact binomial tail otherwise.
pub fn trials_needed(p: f64, failures: u64, confidence: f64) -> Result<u64, StatsError> {
    open_unit("the probability to show", p)?;
    let alpha = alpha_of(confidence)?;
    let enough = |n: u64| binomial::cdf(failures, n, p).map(|tail| tail <= alpha);
    first_count_from(failures.saturating_add(1), enough)?.ok_or(StatsError::OutOfRange {
        what: "the probability to show",
        value: p,
        allowed: "large enough to be shown with 2^53 trials",
    })
}

/// Returns how many labelled answers certify a leak of at most `epsilon`, without any assumption on
/// the classifier, when no failure is found: (1 − `abstained`)·ln(1/α)/ε. However cleverly the
/// labels are stratified, fewer will do only by the difference between a binomial and a Poisson
/// ([`trials_needed`] with one stratum: a relative ε/2, which is nothing where ε is rare).
///
/// # Errors
/// [`StatsError::OutOfRange`] unless ε and the confidence lie in (0, 1) and `abstained` in [0, 1), or
/// when more than 2⁵³ labels would be needed.
///
/// # Example
/// ```
/// use nines_stats::interval::labels_for_certificate;
/// assert_eq!(labels_for_certificate(3e-5, 0.0, 0.95)?, 99_858);
/// assert_eq!(labels_for_certificate(1e-5, 0.55, 0.95)?, 134_808);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// max_h(W_h/n_h)·ln(1/α), minimised by proportional allocation.
pub fn labels_for_certificate(
    epsilon: f64,
    abstained: f64,
    confidence: f64,
) -> Result<u64, StatsError> {
    open_unit("the leak to certify", epsilon)?;
    let alpha = alpha_of(confidence)?;
    if !(0.0..1.0).contains(&abstained) {
        return Err(StatsError::OutOfRange {
            what: "the share of abstentions",
            value: abstained,
            allowed: "at least 0 and below 1",
        });
    }
    planned(
        "the leak to certify",
        epsilon,
        (1.0 - abstained) * -alpha.ln() / epsilon,
    )
}

/// Successes and trials of one prompt family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FamilyCount {
    /// Successes.
    pub successes: u64,
    /// Trials.
    pub trials: u64,
}

/// Counts successes and trials family by family, in the order of the family numbers.
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ in length.
///
/// # Example
/// ```
/// use nines_stats::interval::count_families;
/// let counts = count_families(&[true, false, true], &[7, 7, 2])?;
/// assert_eq!((counts[0].successes, counts[1].trials), (1, 2));
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
pub fn count_families(
    successes: &[bool],
    families: &[u64],
) -> Result<Vec<FamilyCount>, StatsError> {
    same_length("successes and families", successes.len(), families.len())?;
    let mut counts: BTreeMap<u64, FamilyCount> = BTreeMap::new();
    for (&success, &family) in successes.iter().zip(families) {
        let count = counts.entry(family).or_default();
        count.trials += 1;
        count.successes += u64::from(success);
    }
    Ok(counts.into_values().collect())
}

/// Returns a proportion over items that come in families (several completions of one prompt), with
/// an interval that knows that families, not items, are independent.
///
/// With one item a family it is the exact Clopper-Pearson interval. Otherwise it is Korn and
/// Graubard's: Clopper-Pearson with the effective sample size that the spread between families
/// leaves, never more than the items and never fewer than one; with no spread to measure (no success
/// at all, nothing but successes, or the same share in every family) the effective size is the number
/// of families. Approximate, and says so.
///
/// # Errors
/// [`StatsError::OutOfRange`] when a family has more successes than trials, all have more than 2⁵³
/// trials, or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::interval::{FamilyCount, clopper_pearson, clustered_proportion};
/// // Ten prompts, all or nothing: worth ten trials, not a hundred.
/// let families: Vec<_> = (0..10)
///     .map(|i| FamilyCount { successes: 10 * (i % 2), trials: 10 })
///     .collect();
/// let clustered = clustered_proportion(&families, 0.95)?;
/// let naive = clopper_pearson(50, 100, 0.95)?;
/// assert!(clustered.upper - clustered.lower > 2.0 * (naive.upper - naive.lower));
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Korn & Graubard, "Confidence intervals for proportions with small expected number of positive
/// counts estimated from survey data" (1998); the variance is the ratio estimator's over families.
pub fn clustered_proportion(
    families: &[FamilyCount],
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let shares = clustered_ends(families, alpha_of(confidence)? / 2.0)?;
    let (clusters, n) = (shares.families, shares.n);
    let method = match shares.effective {
        None => EXACT.to_owned(),
        Some(effective) => format!(
            "Korn-Graubard over {clusters} prompt families (approximate; 0.95 to 1 of 0.95 from 10 families up; effective n {effective:.1} of {n})"
        ),
    };
    Ok(IntervalEstimate {
        value: share(shares.k, n),
        lower: shares.ends.0,
        upper: shares.ends.1,
        confidence,
        method,
        n: clusters,
    })
}

/// A share over families, with its ends.
pub(crate) struct ClusteredShare {
    k: u64,
    n: u64,
    /// How many families hold items.
    families: u64,
    /// The effective sample size; `None` with one item a family, where the ends are exact.
    effective: Option<f64>,
    pub(crate) ends: (f64, f64),
}

/// Returns what [`clustered_proportion`] does, each end wrong with probability `tail`.
pub(crate) fn clustered_ends(
    families: &[FamilyCount],
    tail: f64,
) -> Result<ClusteredShare, StatsError> {
    let (mut k, mut n, mut clusters) = (0, 0u64, 0u64);
    for family in families {
        check_counts(family.successes, family.trials)?;
        n = countable(
            "the trials of all families",
            n.saturating_add(family.trials),
        )?;
        k += family.successes;
        clusters += u64::from(family.trials > 0);
    }
    if clusters == n {
        return Ok(ClusteredShare {
            k,
            n,
            families: clusters,
            effective: None,
            ends: exact_ends(k as f64, n as f64, tail),
        });
    }
    let p = k as f64 / n as f64;
    let effective = if clusters < 2 {
        1.0
    } else if k == 0 || k == n {
        clusters as f64
    } else {
        // In whole numbers, so that families that are all alike have exactly no spread.
        let excess = |f: &FamilyCount| {
            let products =
                i128::from(f.successes) * i128::from(n) - i128::from(k) * i128::from(f.trials);
            products as f64 / n as f64
        };
        let squares: f64 = families.iter().map(|f| excess(f).powi(2)).sum();
        let c = clusters as f64;
        let variance = c / (c - 1.0) * squares / (n as f64 * n as f64);
        let t_items = normal::student_upper(tail, n as f64 - 1.0)?;
        let t_families = normal::student_upper(tail, c - 1.0)?;
        if variance > 0.0 {
            (p * (1.0 - p) / variance * (t_items / t_families).powi(2)).clamp(1.0, n as f64)
        } else {
            c
        }
    };
    Ok(ClusteredShare {
        k,
        n,
        families: clusters,
        effective: Some(effective),
        ends: exact_ends(p * effective, effective, tail),
    })
}
