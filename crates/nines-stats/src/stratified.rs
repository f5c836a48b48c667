//! The leak from labels stratified by score: a model-assisted estimate and, beside it, an upper
//! bound that assumes nothing about the classifier.
//!
//! The frame decides what is estimated, and two frames must never be mixed. When the strata divide
//! the *filter's own answers* (prompts from the named distribution, draws until one is accepted), and
//! abstentions are the share without a leak, the result is the leak of the filtered system. When
//! they divide *unfiltered completions*, and rejected ones are the share without a leak, it is
//! P(catastrophe and accepted), which is smaller wherever prompts differ in acceptance.

use crate::bounded_sum::sum_end;
use crate::error::{StatsError, alpha_of, fills_whole};
use crate::estimate::IntervalEstimate;
use crate::interval::exact_ends;
use crate::weighted_poisson::{GammaVersion, WeightedCount};

/// One stratum of the frame, with the labels drawn from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratum {
    /// The stratum's share of the frame, known from scores alone.
    pub weight: f64,
    /// How many of its items, drawn uniformly, were labelled.
    pub labelled: u64,
    /// How many of those are catastrophes.
    pub catastrophes: u64,
}

/// A leak estimated from stratified labels: always both numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct StratifiedLeak {
    /// Σ W·k/n with its two-sided gamma interval: how large the leak probably is.
    pub estimate: IntervalEstimate,
    /// The gamma interval's one-sided upper bound.
    pub estimate_upper: IntervalEstimate,
    /// What may be promised: an upper bound that holds whatever the leak within the strata.
    pub assumption_free_upper: IntervalEstimate,
    /// √Σ W²p̂(1−p̂)/(n−1); `None` when a stratum has a single label. It is 0 without catastrophes
    /// and no basis for an interval: one of ±1.96 of it covers 76 % in place of 95 %.
    pub standard_error: Option<f64>,
}

/// Checks that weights are numbers from 0 to 1 and fill the frame together with the share that
/// cannot leak.
pub(crate) fn check_frame(
    weights: impl Iterator<Item = f64>,
    no_leak: f64,
) -> Result<(), StatsError> {
    if !(0.0..1.0).contains(&no_leak) {
        return Err(StatsError::OutOfRange {
            what: "the share without a leak",
            value: no_leak,
            allowed: "at least 0 and below 1",
        });
    }
    let (mut sum, mut strata) = (no_leak, 0);
    for (index, value) in weights.enumerate() {
        if !(0.0..=1.0).contains(&value) {
            return Err(StatsError::ItemOutOfRange {
                what: "weights of strata",
                index,
                value,
                allowed: "between 0 and 1",
            });
        }
        sum += value;
        strata += 1;
    }
    if strata == 0 {
        return Err(StatsError::Empty { what: "strata" });
    }
    fills_whole("the sum of all weights and the share without a leak", sum)
}

/// Checks the strata and returns those with a weight.
fn check_strata(strata: &[Stratum], no_leak: f64) -> Result<Vec<Stratum>, StatsError> {
    check_frame(strata.iter().map(|s| s.weight), no_leak)?;
    for (index, stratum) in strata.iter().enumerate() {
        let problem = |what, value: u64, allowed| {
            Err(StatsError::ItemOutOfRange {
                what,
                index,
                value: value as f64,
                allowed,
            })
        };
        if stratum.catastrophes > stratum.labelled {
            return problem(
                "catastrophes of strata",
                stratum.catastrophes,
                "at most the number of labels",
            );
        }
        if stratum.weight > 0.0 && stratum.labelled == 0 {
            return problem(
                "labels of strata",
                0,
                "at least 1 where the weight is above 0",
            );
        }
        if stratum.weight == 0.0 && stratum.labelled > 0 {
            return problem(
                "labels of strata",
                stratum.labelled,
                "0 where the weight is 0: such items are not in the frame",
            );
        }
    }
    Ok(strata.iter().copied().filter(|s| s.weight > 0.0).collect())
}

fn labels(strata: &[Stratum]) -> u64 {
    strata
        .iter()
        .fold(0, |sum: u64, s| sum.saturating_add(s.labelled))
}

/// Returns the leak from labels drawn at random within strata of known weight; `no_leak` is the share
/// of the frame that cannot leak (abstentions, or rejected completions: see the module), and all
/// weights together with it must be 1.
///
/// `estimate` carries Fay and Feuer's gamma interval: approximate in that nobody has proved its
/// coverage, and conservative in published simulations. `assumption_free_upper` is proved: each label is
/// worth W/n of its stratum, a failure counts in proportion to the largest such worth w, and
/// [`crate::bounded_sum`] bounds their expected sum, which is the leak divided by w. Without
/// failures that is max(W/n)·ln(1/α). It is one rule for all counts: the bound without failures and
/// Bonferroni's with failures, taken in turn, could be wrong twice as often as stated.
///
/// Labels within a stratum must be independent and equally likely to be drawn; the weights, and the
/// numbers of labels, must not depend on the labels. Strata of weight 0 must have no labels and are
/// left out.
///
/// # Errors
/// [`StatsError::Empty`] without strata; [`StatsError::ItemOutOfRange`] for a weight outside [0, 1],
/// a stratum with weight and no labels (or labels and no weight), or more catastrophes than labels;
/// [`StatsError::OutOfRange`] when everything does not add up to 1 or the confidence is not in
/// (0, 1).
///
/// # Example
/// ```
/// use nines_stats::stratified::{Stratum, stratified_leak};
/// let mut strata = [
///     Stratum { weight: 0.02, labelled: 4000, catastrophes: 7 },
///     Stratum { weight: 0.10, labelled: 3000, catastrophes: 1 },
///     Stratum { weight: 0.30, labelled: 2000, catastrophes: 0 },
///     Stratum { weight: 0.20, labelled: 1000, catastrophes: 0 },
/// ];
/// let leak = stratified_leak(&strata, 0.38, 0.95)?;
/// assert!((leak.estimate.value.unwrap() - 6.83333e-5).abs() < 1e-10);
/// assert!((leak.estimate.upper - 7.87814e-4).abs() < 1e-9);
/// assert!((leak.assumption_free_upper.upper - 6.8275523e-4).abs() < 1e-11);
/// strata[3].labelled = 0;
/// let error = stratified_leak(&strata, 0.38, 0.95).unwrap_err();
/// assert!(error.to_string().contains("item 3 is 0"), "{error}");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Cochran, *Sampling Techniques* (1977), §5.3; Fay & Feuer (Stat. Med. 1997); Bentkus (Ann. Probab.
/// 2004).
pub fn stratified_leak(
    strata: &[Stratum],
    no_leak: f64,
    confidence: f64,
) -> Result<StratifiedLeak, StatsError> {
    stratified_leak_with(strata, no_leak, confidence, GammaVersion::Conservative)
}

/// Returns the same as [`stratified_leak`] with a gamma interval of the caller's choice.
///
/// # Errors
/// As [`stratified_leak`]; for the mid-P version also a confidence of at most ½.
///
/// # Example
/// ```
/// use nines_stats::stratified::{Stratum, stratified_leak, stratified_leak_with};
/// use nines_stats::weighted_poisson::GammaVersion;
/// let strata = [Stratum { weight: 1.0, labelled: 1000, catastrophes: 2 }];
/// let short = stratified_leak_with(&strata, 0.0, 0.95, GammaVersion::MidP)?;
/// assert!(short.estimate.upper < stratified_leak(&strata, 0.0, 0.95)?.estimate.upper);
/// assert!(stratified_leak_with(&strata, 0.1, 0.95, GammaVersion::MidP).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`crate::weighted_poisson::WeightedCount::interval`].
pub fn stratified_leak_with(
    strata: &[Stratum],
    no_leak: f64,
    confidence: f64,
    version: GammaVersion,
) -> Result<StratifiedLeak, StatsError> {
    let strata = check_strata(strata, no_leak)?;
    let n = labels(&strata);
    let frame: f64 = strata.iter().map(|s| s.weight).sum();
    let worths: Vec<f64> = strata
        .iter()
        .map(|s| s.weight / s.labelled as f64)
        .collect();
    let counts: Vec<u64> = strata.iter().map(|s| s.catastrophes).collect();
    let count = WeightedCount::new(&worths, &counts)?;
    let within = |e: IntervalEstimate| IntervalEstimate {
        // Rounding must not put a value next to the frame outside.
        upper: e.upper.min(frame).max(count.total()),
        n,
        ..e
    };
    let largest = worths.iter().copied().fold(0.0, f64::max);
    let alpha = alpha_of(confidence)?;
    let free = sum_end((count.total() / largest).min(n as f64), n, alpha) * largest;
    Ok(StratifiedLeak {
        estimate: within(count.interval(confidence, version)?),
        estimate_upper: within(count.upper_bound(confidence, version)?),
        assumption_free_upper: IntervalEstimate {
            value: Some(count.total()),
            lower: 0.0,
            upper: free.min(frame).max(count.total()),
            confidence,
            method: "Bentkus over strata (guaranteed, assumption-free, one-sided upper)".to_owned(),
            n,
        },
        standard_error: standard_error(&strata),
    })
}

fn standard_error(strata: &[Stratum]) -> Option<f64> {
    let mut variance = 0.0;
    for stratum in strata {
        let n = stratum.labelled as f64;
        if stratum.labelled < 2 {
            return None;
        }
        let p = stratum.catastrophes as f64 / n;
        variance += stratum.weight * stratum.weight * p * (1.0 - p) / (n - 1.0);
    }
    Some(variance.sqrt())
}

/// Returns the upper bound Σ W·U, where U is each stratum's exact one-sided bound at confidence
/// 1 − α/strata. Guaranteed, and usually far above [`StratifiedLeak::assumption_free_upper`].
///
/// To report the smaller of the two would promise too much: choose one before seeing labels.
///
/// # Errors
/// As [`stratified_leak`].
///
/// # Example
/// ```
/// use nines_stats::stratified::{Stratum, bonferroni_upper};
/// let strata = [
///     Stratum { weight: 0.02, labelled: 4000, catastrophes: 7 },
///     Stratum { weight: 0.10, labelled: 3000, catastrophes: 1 },
///     Stratum { weight: 0.30, labelled: 2000, catastrophes: 0 },
///     Stratum { weight: 0.20, labelled: 1000, catastrophes: 0 },
/// ];
/// let bound = bonferroni_upper(&strata, 0.38, 0.95)?;
/// assert!((bound.upper - 1.821620e-3).abs() < 1e-9);
/// assert!(bonferroni_upper(&strata, 0.0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Bonferroni's inequality over Clopper & Pearson (1934).
pub fn bonferroni_upper(
    strata: &[Stratum],
    no_leak: f64,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let strata = check_strata(strata, no_leak)?;
    let alpha = alpha_of(confidence)?;
    // The tail itself, for 1 less it would lose its digits.
    let each = alpha / strata.len() as f64;
    let (mut value, mut upper) = (0.0, 0.0);
    for stratum in &strata {
        let (k, n) = (stratum.catastrophes as f64, stratum.labelled as f64);
        value += stratum.weight * k / n;
        upper += stratum.weight * exact_ends(k, n, each).1;
    }
    Ok(IntervalEstimate {
        value: Some(value),
        lower: 0.0,
        upper,
        confidence,
        method: "Bonferroni over Clopper-Pearson (guaranteed, one-sided upper)".to_owned(),
        n: labels(&strata),
    })
}

#[cfg(test)]
mod tests;
