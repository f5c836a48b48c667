//! Thresholds that keep two limits at once: a leak, which rises with the threshold, and a quality,
//! which suffers as it falls.

use super::{check_p_values, check_rising};
use crate::error::{StatsError, alpha_of, open_unit, same_length};

/// The thresholds that keep both limits.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdInterval {
    /// The index of the most conservative one.
    pub first: usize,
    /// The index of the most permissive one.
    pub last: usize,
    /// The most conservative one: least leak.
    pub lowest: f64,
    /// The most permissive one: best quality.
    pub highest: f64,
    /// With this confidence all of them keep both limits, so any may be chosen by any means.
    pub confidence: f64,
    /// The method.
    pub method: String,
}

fn check(thresholds: &[f64], leak: &[f64], quality: &[f64]) -> Result<(), StatsError> {
    check_rising(thresholds)?;
    same_length(
        "thresholds and p-values of the leak",
        thresholds.len(),
        leak.len(),
    )?;
    same_length(
        "thresholds and p-values of the quality",
        thresholds.len(),
        quality.len(),
    )?;
    check_p_values("p-values of the leak", leak)?;
    check_p_values("p-values of the quality", quality)
}

/// Returns the thresholds that keep a limit on the leak and one on the quality, each tested by its
/// own sequence: the leak from the most conservative threshold up, the quality from the most
/// permissive down. `None` when no threshold passes both.
///
/// `leak[i]` is a p-value of "the leak at threshold i is above its limit", `quality[i]` of "the quality
/// is below its limit". A share `leak_part` of the error 1 − confidence goes to the leak, the rest to
/// the quality. No assumption that leak and quality are monotone is needed; where they are not, the
/// sequences only stop earlier. P-values may depend on each other.
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ, [`StatsError::Empty`], [`StatsError::NotFinite`] or
/// [`StatsError::ItemOutOfRange`] unless thresholds are finite and rising and p-values in [0, 1];
/// [`StatsError::OutOfRange`] unless the part and the confidence lie in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::learn_then_test::thresholds_by_splitting;
/// let thresholds = [-2.0, -1.0, 0.0, 1.0];
/// let leak = [1e-4, 1e-3, 0.01, 0.4];
/// let quality = [0.3, 0.02, 1e-3, 1e-5];
/// let both = thresholds_by_splitting(&thresholds, &leak, &quality, 0.5, 0.95)?.unwrap();
/// assert_eq!((both.lowest, both.highest), (-1.0, 0.0));
/// assert_eq!(thresholds_by_splitting(&thresholds, &[0.5; 4], &quality, 0.5, 0.95)?, None);
/// assert!(thresholds_by_splitting(&thresholds, &leak[1..], &quality, 0.5, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Angelopoulos et al. (2021), arXiv:2110.01052; Bonferroni's inequality over the two sequences.
pub fn thresholds_by_splitting(
    thresholds: &[f64],
    leak: &[f64],
    quality: &[f64],
    leak_part: f64,
    confidence: f64,
) -> Result<Option<ThresholdInterval>, StatsError> {
    check(thresholds, leak, quality)?;
    open_unit("the part of the error for the leak", leak_part)?;
    let delta = alpha_of(confidence)?;
    let passed = |p: &f64, part: f64| *p <= delta * part;
    let up = leak.iter().take_while(|p| passed(p, leak_part)).count();
    let down = quality
        .iter()
        .rev()
        .take_while(|p| passed(p, 1.0 - leak_part))
        .count();
    let first = thresholds.len() - down;
    Ok((first < up).then(|| ThresholdInterval {
        first,
        last: up - 1,
        lowest: thresholds[first],
        highest: thresholds[up - 1],
        confidence,
        method: format!(
            "fixed sequences for leak and quality, error split {leak_part} to {}",
            1.0 - leak_part
        ),
    }))
}

/// Returns the thresholds that keep a limit on the leak and one on the quality, each threshold tested
/// for both at once, outwards from a threshold in the middle. `None` when that one does not pass.
///
/// The p-value of "leak or quality breaks its limit" is the larger of both. Threshold number `start`,
/// which must be fixed before the calibration data are seen and should be one where both limits are
/// expected to hold, is tested with the whole error; if it passes, the thresholds above and below are
/// tested outwards with half of it each, and a side that passes to its end leaves its half to the
/// other. The start passes more easily than by [`thresholds_by_splitting`]; with a badly chosen start
/// nothing passes at all.
///
/// # Errors
/// As [`thresholds_by_splitting`]; [`StatsError::OutOfRange`] unless `start` is the number of a
/// threshold.
///
/// # Example
/// ```
/// use nines_stats::learn_then_test::thresholds_by_pair;
/// let thresholds = [-2.0, -1.0, 0.0, 1.0];
/// let leak = [1e-4, 1e-3, 0.01, 0.4];
/// let quality = [0.3, 0.02, 0.04, 1e-5];
/// let both = thresholds_by_pair(&thresholds, &leak, &quality, 2, 0.95)?.unwrap();
/// assert_eq!((both.lowest, both.highest), (-1.0, 0.0));
/// assert_eq!(thresholds_by_pair(&thresholds, &leak, &quality, 3, 0.95)?, None);
/// assert!(thresholds_by_pair(&thresholds, &leak, &quality, 4, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// The largest p-value tests a union of hypotheses (Berger 1982); passing the error on after a
/// rejection keeps the familywise error (Bretz, Maurer, Brannath & Posch, "A graphical approach to
/// sequentially rejective multiple test procedures", Stat. Med. 2009).
pub fn thresholds_by_pair(
    thresholds: &[f64],
    leak: &[f64],
    quality: &[f64],
    start: usize,
    confidence: f64,
) -> Result<Option<ThresholdInterval>, StatsError> {
    check(thresholds, leak, quality)?;
    let delta = alpha_of(confidence)?;
    if start >= thresholds.len() {
        return Err(StatsError::OutOfRange {
            what: "the number of the first threshold tested",
            value: start as f64,
            allowed: "below the number of thresholds",
        });
    }
    let pair: Vec<f64> = leak.iter().zip(quality).map(|(l, q)| l.max(*q)).collect();
    if pair[start] > delta {
        return Ok(None);
    }
    let above = &pair[start + 1..];
    let below = &pair[..start];
    let up = |error: f64| above.iter().take_while(|&&p| p <= error).count();
    let down = |error: f64| below.iter().rev().take_while(|&&p| p <= error).count();
    let (mut higher, mut lower) = (up(delta / 2.0), down(delta / 2.0));
    if higher == above.len() {
        lower = down(delta);
    } else if lower == below.len() {
        higher = up(delta);
    }
    let (first, last) = (start - lower, start + higher);
    Ok(Some(ThresholdInterval {
        first,
        last,
        lowest: thresholds[first],
        highest: thresholds[last],
        confidence,
        method: format!("pairs of limits tested outwards from threshold number {start}"),
    }))
}
