//! The raters themselves: do they favour a side, and how often do they err?

use super::Preference;
use crate::error::StatsError;
use crate::estimate::{IntervalEstimate, remarked};
use crate::interval::clopper_pearson;

/// How one pair was shown, and what the rater preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presentation {
    /// Whether the filtered completion was on the left (or came first).
    pub filtered_left: bool,
    /// What the rater preferred.
    pub preference: Preference,
}

/// Whether raters favour a side.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionBias {
    /// How often the left side won, ties left out. With the order left to chance this is ½ for
    /// raters without a bias, whatever the quality.
    pub left_wins: IntervalEstimate,
    /// How often the filtered completion was on the left. Far from ½ the order was not left to
    /// chance, and `left_wins` says nothing about raters.
    pub filtered_left: IntervalEstimate,
}

impl PositionBias {
    /// Whether the interval of left wins excludes ½: the raters favour a side.
    pub fn favours_a_side(&self) -> bool {
        excludes_half(&self.left_wins)
    }

    /// Whether the interval of how often the filtered completion was on the left excludes ½: the
    /// order was not left to chance.
    pub fn order_is_skewed(&self) -> bool {
        excludes_half(&self.filtered_left)
    }
}

fn excludes_half(interval: &IntervalEstimate) -> bool {
    interval.lower > 0.5 || interval.upper < 0.5
}

/// Returns how often the left side wins, with exact intervals.
///
/// Assumes that presentations are independent: with several ratings of a prompt, a pair or a rater
/// the intervals are too narrow. A bias with a random order leaves ½ in place as the quality of a filter
/// without effect, but shrinks any difference; with an order that is not random it shifts the
/// quality itself.
///
/// # Errors
/// [`StatsError::Empty`] without presentations, [`StatsError::OutOfRange`] unless the confidence lies
/// in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quality::{Preference::*, Presentation, position_bias};
/// let shown: Vec<Presentation> = (0..40)
///     .map(|i| Presentation {
///         filtered_left: i % 2 == 0,
///         preference: if i % 2 == 0 { Filtered } else { Unfiltered },
///     })
///     .collect();
/// let bias = position_bias(&shown, 0.95)?;
/// assert!(bias.favours_a_side() && !bias.order_is_skewed(), "left always won");
/// assert!(position_bias(&[], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Clopper & Pearson (1934).
pub fn position_bias(
    presentations: &[Presentation],
    confidence: f64,
) -> Result<PositionBias, StatsError> {
    if presentations.is_empty() {
        return Err(StatsError::Empty {
            what: "presentations of pairs",
        });
    }
    let (mut left_won, mut decided, mut left) = (0, 0, 0);
    for shown in presentations {
        left += u64::from(shown.filtered_left);
        let filtered_won = match shown.preference {
            Preference::Tie => continue,
            Preference::Filtered => true,
            Preference::Unfiltered => false,
        };
        decided += 1;
        left_won += u64::from(filtered_won == shown.filtered_left);
    }
    Ok(PositionBias {
        left_wins: clopper_pearson(left_won, decided, confidence)?,
        filtered_left: clopper_pearson(left, presentations.len() as u64, confidence)?,
    })
}

/// Returns an estimate of quality corrected for ratings of which a share `flipped` says the opposite
/// of what careful raters would say: ½ + (Q − ½)/(1 − 2·flipped). Its method says that it is
/// corrected.
///
/// Flips must be random, equally likely in both directions and for all pairs, and their share known:
/// its own error is not in the interval. Too large a share exaggerates every difference, so report the
/// uncorrected estimate as well. Ends and value are cut to [0, 1].
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the share lies in [0, ½), or when the whole interval would lie
/// outside [0, 1], so that ratings with so many flips cannot be so far from ½.
///
/// # Example
/// ```
/// use nines_stats::quality::corrected_for_noise;
/// let seen = nines_stats::interval::clopper_pearson(470, 1000, 0.95)?;
/// let corrected = corrected_for_noise(&seen, 0.1)?;
/// assert!((corrected.value.unwrap() - 0.4625).abs() < 1e-15);
/// assert!(corrected.method.contains("corrected"));
/// assert!(corrected_for_noise(&seen, 0.5).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Rogan & Gladen (1978) with sensitivity and specificity 1 − flipped.
pub fn corrected_for_noise(
    seen: &IntervalEstimate,
    flipped: f64,
) -> Result<IntervalEstimate, StatsError> {
    if !(0.0..0.5).contains(&flipped) {
        return Err(StatsError::OutOfRange {
            what: "the share of flipped ratings",
            value: flipped,
            allowed: "at least 0 and below 0.5",
        });
    }
    let stretch = |q: f64| 0.5 + (q - 0.5) / (1.0 - 2.0 * flipped);
    let (lower, upper) = (stretch(seen.lower), stretch(seen.upper));
    // An interval that only touches [0, 1] would be cut to no width.
    if (lower >= 1.0 && upper > 1.0) || (upper <= 0.0 && lower < 0.0) {
        return Err(StatsError::OutOfRange {
            what: "the share of flipped ratings",
            value: flipped,
            allowed: "small enough for ratings that are so far from 0.5",
        });
    }
    Ok(IntervalEstimate {
        value: seen.value.map(|q| stretch(q).clamp(0.0, 1.0)),
        lower: lower.max(0.0),
        upper: upper.min(1.0),
        method: remarked(
            &seen.method,
            &format!("corrected for a share {flipped} of flipped ratings taken as known"),
        ),
        ..seen.clone()
    })
}
