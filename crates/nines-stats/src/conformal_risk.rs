//! Thresholds that keep an *expected* risk: conformal risk control.
//!
//! The promise is about the average over calibration sets: a threshold chosen in this way has, on
//! average, at most the risk allowed. The threshold at hand often has more.
//! For "with confidence 95 %, this threshold's risk is at most α" use [`crate::learn_then_test`] or
//! [`crate::threshold::neyman_pearson`]. It is marginal over prompts as well, and void under attack.

#[cfg(test)]
mod tests;

use crate::error::{StatsError, same_length};

/// What every result of this module promises, to be shown beside its threshold.
pub const STATEMENT: &str = "conformal risk control (only the expected risk, averaged over \
    calibration sets, is at most the one allowed; this threshold's own risk may be higher)";

fn check(max_risk: f64, largest_loss: f64) -> Result<(), StatsError> {
    if !(largest_loss > 0.0 && largest_loss.is_finite()) {
        return Err(StatsError::OutOfRange {
            what: "the largest loss possible",
            value: largest_loss,
            allowed: "positive and finite",
        });
    }
    if max_risk > 0.0 && max_risk < largest_loss {
        Ok(())
    } else {
        Err(StatsError::OutOfRange {
            what: "the expected risk allowed",
            value: max_risk,
            allowed: "above 0 and below the largest loss possible",
        })
    }
}

/// Returns what α(n+1) − B is, where rounding hides a whole number: 0.07·100 is 7.000000000000001.
fn budget(n: u64, max_risk: f64, largest_loss: f64) -> f64 {
    let exact = max_risk * (n as f64 + 1.0) - largest_loss;
    let whole = exact.round();
    if (exact - whole).abs() <= 4.0 * f64::EPSILON * (whole.abs() + largest_loss) {
        whole
    } else {
        exact
    }
}

/// Returns the fewest calibration items with which an expected risk of `max_risk` can be kept at all:
/// ⌈B/α⌉ − 1 for losses up to B.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the largest loss is positive and finite and the risk lies between
/// 0 and it.
///
/// # Example
/// ```
/// use nines_stats::conformal_risk::items_needed;
/// assert_eq!(items_needed(0.01, 1.0)?, 99);
/// assert!(items_needed(0.0, 1.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// n/(n+1)·0 + B/(n+1) ≤ α.
pub fn items_needed(max_risk: f64, largest_loss: f64) -> Result<u64, StatsError> {
    check(max_risk, largest_loss)?;
    let guess = (largest_loss / max_risk).ceil();
    if guess >= (1u64 << 53) as f64 {
        return Err(StatsError::OutOfRange {
            what: "the expected risk allowed",
            value: max_risk,
            allowed: "large enough to be kept with 2^53 items",
        });
    }
    // Rounding may put the quotient on either side of a whole number.
    let first = (guess as u64).saturating_sub(2).max(1);
    let enough = |n: u64| budget(n, max_risk, largest_loss) >= 0.0;
    Ok((first..first + 3).find(|&n| enough(n)).unwrap_or(first + 3))
}

/// Returns the largest total loss of `n` calibration items at which a threshold may still be chosen:
/// α(n+1) − B.
///
/// # Errors
/// [`StatsError::TooFew`] when n items cannot keep the risk, even without any loss;
/// [`StatsError::OutOfRange`] as [`items_needed`].
///
/// # Example
/// ```
/// use nines_stats::conformal_risk::largest_total_loss;
/// assert_eq!(largest_total_loss(999, 0.01, 1.0)?, 9.0);
/// let error = largest_total_loss(98, 0.01, 1.0).unwrap_err();
/// assert!(error.to_string().contains("there are 98, but at least 99 are needed"), "{error}");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Angelopoulos, Bates, Fisch, Lei & Schuster, "Conformal risk control" (2022), arXiv:2208.02814,
/// equation 4.
pub fn largest_total_loss(n: u64, max_risk: f64, largest_loss: f64) -> Result<f64, StatsError> {
    check(max_risk, largest_loss)?;
    let total = budget(n, max_risk, largest_loss);
    if total >= 0.0 {
        Ok(total)
    } else {
        Err(StatsError::TooFew {
            what: "calibration items that can keep this expected risk",
            have: n,
            needed: items_needed(max_risk, largest_loss)?,
        })
    }
}

/// A threshold that keeps an expected risk.
#[derive(Debug, Clone, PartialEq)]
pub struct ConformalThreshold {
    /// Accept below this score; infinite when even accepting everything keeps the risk.
    pub threshold: f64,
    /// The total loss of the calibration items accepted.
    pub total_loss: f64,
    /// The largest total loss that would have been allowed.
    pub allowed_loss: f64,
    /// The expected risk is at most this.
    pub max_risk: f64,
    /// How many calibration items.
    pub n: u64,
    /// The method and what it promises: [`STATEMENT`].
    pub method: &'static str,
}

/// Returns the most permissive threshold whose expected risk is at most `max_risk`, from independent
/// calibration items: item i loses `losses[i]` when its score lies below the threshold, and nothing
/// otherwise.
///
/// Items must be exchangeable with those that the filter will meet (one for each prompt), must not have
/// been used for training or early stopping, and their losses must lie in [0, `largest_loss`] by
/// construction, not merely on these data. Accepting more never lowers a loss, which is what the
/// promise rests on: a loss that can fall as the threshold rises, such as that of redrawing until
/// acceptance, does not qualify.
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ, [`StatsError::TooFew`] when there are too few
/// items, [`StatsError::ItemOutOfRange`] for a score that is not finite or a loss outside
/// [0, `largest_loss`], [`StatsError::OutOfRange`] as [`items_needed`].
///
/// # Example
/// ```
/// use nines_stats::conformal_risk::threshold;
/// let scores: Vec<f64> = (0..99).map(f64::from).collect();
/// let losses: Vec<f64> = (0..99).map(|i| if i % 40 == 39 { 1.0 } else { 0.0 }).collect();
/// let chosen = threshold(&scores, &losses, 0.02, 1.0)?;
/// assert_eq!((chosen.threshold, chosen.total_loss), (79.0, 1.0));
/// assert!(chosen.method.contains("only the expected risk"));
/// assert!(threshold(&scores[..40], &losses[..40], 0.02, 1.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`largest_total_loss`]: the loosest threshold with n/(n+1)·R̂ + B/(n+1) ≤ α.
pub fn threshold(
    scores: &[f64],
    losses: &[f64],
    max_risk: f64,
    largest_loss: f64,
) -> Result<ConformalThreshold, StatsError> {
    same_length("scores and losses", scores.len(), losses.len())?;
    let n = scores.len() as u64;
    let allowed_loss = largest_total_loss(n, max_risk, largest_loss)?;
    let refuse = |what, index, value, allowed| StatsError::ItemOutOfRange {
        what,
        index,
        value,
        allowed,
    };
    for (index, (&score, &loss)) in scores.iter().zip(losses).enumerate() {
        if !score.is_finite() {
            return Err(refuse("calibration scores", index, score, "finite"));
        }
        if !(loss >= 0.0 && loss <= largest_loss) {
            let allowed = "between 0 and the largest loss possible";
            return Err(refuse("calibration losses", index, loss, allowed));
        }
    }
    let mut items: Vec<(f64, f64)> = scores.iter().copied().zip(losses.iter().copied()).collect();
    items.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut total_loss = 0.0;
    let mut threshold = f64::INFINITY;
    // Items that tie are accepted together.
    for tied in items.chunk_by(|a, b| a.0 == b.0) {
        let with = total_loss + tied.iter().map(|item| item.1).sum::<f64>();
        if with > allowed_loss {
            threshold = tied[0].0;
            break;
        }
        total_loss = with;
    }
    Ok(ConformalThreshold {
        threshold,
        total_loss,
        allowed_loss,
        max_risk,
        n,
        method: STATEMENT,
    })
}
