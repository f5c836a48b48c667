//! Failure rates from labels drawn where failures are likely, undone by weights.
//!
//! Labels are drawn from a frame of N items with chosen probabilities; each labelled failure then
//! counts for as many items as its probability makes it stand for. [`optimal_probabilities`] says
//! how to draw, [`defensive_mixture`] keeps the weights bounded, [`labels_for_relative_error`] how
//! many labels it takes. [`hansen_hurwitz`] and [`hajek`] evaluate draws with replacement,
//! [`horvitz_thompson`] items that were each included by its own coin.
//!
//! Normal intervals know of the failures that were drawn, and of no others: where a proposal overlooks
//! failures they cover far too seldom, and `normal_trusted` (ten effective failures *seen*) is no
//! protection. The guaranteed intervals hold whatever was overlooked.
//!
//! Choosing well makes an *estimate* cheaper, never a *guarantee*: without a failure the guaranteed
//! bound is the largest weight times that of plain sampling.

mod draws;
mod poisson;
#[cfg(test)]
mod tests;

pub use draws::{Draw, ImportanceEstimate, hajek, hansen_hurwitz};
pub use poisson::horvitz_thompson;

use crate::error::{StatsError, above_zero, distribution, planned, same_length, within};
use crate::wald::effective_count;

fn check_draw_probabilities(values: &[f64]) -> Result<(), StatsError> {
    distribution(
        "draw probabilities",
        "the sum of the draw probabilities",
        values,
    )
}

fn check_risks(risks: &[f64]) -> Result<(), StatsError> {
    within("risks", risks, 1.0, "between 0 and 1")
}

/// The error of an item that could fail but is never drawn.
fn never_drawn(what: &'static str, index: usize) -> StatsError {
    StatsError::ItemOutOfRange {
        what,
        index,
        value: 0.0,
        allowed: "above 0 where a failure could be",
    }
}

/// Returns the effective sample size of weights, (Σw)²/Σw²: how many equally weighted items would
/// be worth as much.
///
/// It looks only at the weights that were drawn: a proposal that missed the failures altogether can
/// have a splendid effective sample size.
///
/// # Errors
/// [`StatsError::Empty`] without weights, [`StatsError::NotFinite`] and
/// [`StatsError::ItemOutOfRange`] for a weight that is not finite or is negative,
/// [`StatsError::OutOfRange`] when all are 0.
///
/// # Example
/// ```
/// use nines_stats::importance::effective_sample_size;
/// assert!((effective_sample_size(&[0.5, 1.25, 0.5])? - 27.0 / 11.0).abs() < 1e-14);
/// assert!(effective_sample_size(&[0.5, -1.0]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Kish, *Survey Sampling* (1965).
pub fn effective_sample_size(weights: &[f64]) -> Result<f64, StatsError> {
    within("weights", weights, f64::INFINITY, "at least 0")?;
    let size = effective_count(weights.iter().copied());
    if size > 0.0 {
        Ok(size)
    } else {
        Err(StatsError::OutOfRange {
            what: "the sum of the weights",
            value: 0.0,
            allowed: "above 0",
        })
    }
}

/// Returns the draw probabilities that make [`hansen_hurwitz`] most precise when item i fails with
/// probability `risks[i]`: proportional to the square root of the risk.
///
/// Proportional to the risk itself would be no better than uniform. A risk of 0 gives probability 0:
/// mix with [`defensive_mixture`] unless the item provably cannot fail, because a model's 0 is an
/// opinion, and estimates are silently too low where it is wrong.
///
/// # Errors
/// [`StatsError::Empty`] without risks, [`StatsError::NotFinite`] and
/// [`StatsError::ItemOutOfRange`] for a risk outside [0, 1], [`StatsError::OutOfRange`] when all are
/// 0.
///
/// # Example
/// ```
/// use nines_stats::importance::optimal_probabilities;
/// let q = optimal_probabilities(&[0.04, 0.01, 0.01])?;
/// assert!((q[0] - 0.5).abs() < 1e-15);
/// assert!(optimal_probabilities(&[0.0, 0.0]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Sawade, Landwehr, Bickel & Scheffer, "Active risk estimation" (ICML 2010), for 0-1 loss.
pub fn optimal_probabilities(risks: &[f64]) -> Result<Vec<f64>, StatsError> {
    check_risks(risks)?;
    let sum: f64 = risks.iter().map(|p| p.sqrt()).sum();
    if sum > 0.0 {
        Ok(risks.iter().map(|p| p.sqrt() / sum).collect())
    } else {
        Err(StatsError::OutOfRange {
            what: "the sum of the risks",
            value: 0.0,
            allowed: "above 0",
        })
    }
}

/// Returns draw probabilities mixed with a share of uniform ones, so that no weight exceeds
/// 1/`uniform_share`.
///
/// # Errors
/// As [`Proposal::covering`] for the probabilities, except that zeros are welcome;
/// [`StatsError::OutOfRange`] unless the share lies in (0, 1].
///
/// # Example
/// ```
/// use nines_stats::importance::defensive_mixture;
/// let q = defensive_mixture(&[1.0, 0.0], 0.1)?;
/// assert!((q[0] - 0.95).abs() < 1e-15 && (q[1] - 0.05).abs() < 1e-15);
/// assert!(defensive_mixture(&[1.0, 0.0], 0.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Hesterberg, "Weighted average importance sampling and defensive mixture distributions" (1995);
/// Owen & Zhou, "Safe and effective importance sampling" (2000).
pub fn defensive_mixture(
    probabilities: &[f64],
    uniform_share: f64,
) -> Result<Vec<f64>, StatsError> {
    check_draw_probabilities(probabilities)?;
    above_zero("the uniform share", uniform_share)?;
    let floor = uniform_share / probabilities.len() as f64;
    Ok(probabilities
        .iter()
        .map(|q| (1.0 - uniform_share) * q + floor)
        .collect())
}

/// Returns the variance of one draw's contribution to [`hansen_hurwitz`], when item i fails with
/// probability `risks[i]` and is drawn with probability `probabilities[i]`: Σ pᵢ/(N²qᵢ) − F².
///
/// It is what the estimate's variance is *if the risks are right*; where a model states a risk far
/// too small for items that do fail, the true variance can be arbitrarily larger.
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ, [`StatsError::Empty`], [`StatsError::NotFinite`]
/// and [`StatsError::ItemOutOfRange`] for values outside [0, 1] and for a draw probability of 0
/// where the risk is not 0, [`StatsError::OutOfRange`] when the draw probabilities do not sum to 1.
///
/// # Example
/// ```
/// use nines_stats::importance::per_draw_variance;
/// let uniform = per_draw_variance(&[0.1, 0.3], &[0.5, 0.5])?;
/// assert!((uniform - 0.2 * 0.8).abs() < 1e-15);
/// assert!(per_draw_variance(&[0.1, 0.3], &[0.0, 1.0]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Hansen & Hurwitz (1943); Sawade et al. (2010) for Bernoulli labels.
pub fn per_draw_variance(risks: &[f64], probabilities: &[f64]) -> Result<f64, StatsError> {
    same_length(
        "risks and draw probabilities",
        risks.len(),
        probabilities.len(),
    )?;
    check_risks(risks)?;
    check_draw_probabilities(probabilities)?;
    let n = risks.len() as f64;
    let (mut second, mut rate) = (0.0, 0.0);
    for (index, (&p, &q)) in risks.iter().zip(probabilities).enumerate() {
        if p > 0.0 {
            if q <= 0.0 {
                return Err(never_drawn("draw probabilities", index));
            }
            second += p / (n * n * q);
            rate += p / n;
        }
    }
    Ok((second - rate * rate).max(0.0))
}

/// Returns how many labels [`hansen_hurwitz`] needs for a relative standard error, if the risks are
/// right: the variance of a draw over (`relative_error`·F)².
///
/// # Errors
/// As [`per_draw_variance`]; [`StatsError::OutOfRange`] when all risks are 0 or the relative error is
/// not positive and finite, or when more than 2⁵³ labels would be needed.
///
/// # Example
/// ```
/// use nines_stats::importance::labels_for_relative_error;
/// let risks = [0.01; 100];
/// assert_eq!(labels_for_relative_error(&risks, &[0.01; 100], 0.3)?, 1100);
/// assert!(labels_for_relative_error(&risks, &[0.01; 100], 0.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`per_draw_variance`].
pub fn labels_for_relative_error(
    risks: &[f64],
    probabilities: &[f64],
    relative_error: f64,
) -> Result<u64, StatsError> {
    if !(relative_error > 0.0 && relative_error.is_finite()) {
        return Err(StatsError::OutOfRange {
            what: "the relative standard error",
            value: relative_error,
            allowed: "positive and finite",
        });
    }
    let variance = per_draw_variance(risks, probabilities)?;
    let rate = risks.iter().sum::<f64>() / risks.len() as f64;
    if rate <= 0.0 {
        return Err(StatsError::OutOfRange {
            what: "the sum of the risks",
            value: rate,
            allowed: "above 0",
        });
    }
    let needed = variance / (relative_error * rate).powi(2);
    // Rounding must not add a label to a whole number.
    let needed = planned(
        "the relative standard error",
        relative_error,
        needed * (1.0 - 1e-12),
    )?;
    Ok(needed.max(1))
}

/// With which probability each item of a frame is drawn, checked to reach every item that could
/// fail.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    probabilities: Vec<f64>,
    can_fail: Option<Vec<bool>>,
    smallest_weight: f64,
    largest_weight: f64,
}

impl Proposal {
    /// Takes draw probabilities of a frame in which any item could fail.
    ///
    /// # Errors
    /// [`StatsError::Empty`], [`StatsError::NotFinite`] and [`StatsError::ItemOutOfRange`] for
    /// probabilities outside [0, 1] or equal to 0, [`StatsError::OutOfRange`] when they do not sum
    /// to 1.
    ///
    /// # Example
    /// ```
    /// use nines_stats::importance::Proposal;
    /// assert_eq!(Proposal::covering(&[0.5, 0.25, 0.25])?.largest_weight(), 4.0 / 3.0);
    /// let error = Proposal::covering(&[0.5, 0.0, 0.5]).unwrap_err();
    /// assert!(error.to_string().contains("item 1"), "{error}");
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn covering(probabilities: &[f64]) -> Result<Self, StatsError> {
        Self::checked(probabilities, None)
    }

    /// Takes draw probabilities of a frame in which only the items marked in `can_fail` could fail;
    /// the others may have probability 0.
    ///
    /// An item cannot fail if a rule says so (an abstention, a rejected completion), never because a
    /// model thinks so.
    ///
    /// # Errors
    /// As [`Proposal::covering`], where zeros are refused only among items that could fail;
    /// [`StatsError::Lengths`] when the columns differ; [`StatsError::Empty`] when no item could
    /// fail.
    ///
    /// # Example
    /// ```
    /// use nines_stats::importance::Proposal;
    /// assert!(Proposal::covering_where(&[0.5, 0.0, 0.5], &[true, false, true]).is_ok());
    /// assert!(Proposal::covering_where(&[0.5, 0.0, 0.5], &[true, true, true]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn covering_where(probabilities: &[f64], can_fail: &[bool]) -> Result<Self, StatsError> {
        same_length(
            "draw probabilities and marks of items that can fail",
            probabilities.len(),
            can_fail.len(),
        )?;
        Self::checked(probabilities, Some(can_fail))
    }

    fn checked(probabilities: &[f64], can_fail: Option<&[bool]>) -> Result<Self, StatsError> {
        check_draw_probabilities(probabilities)?;
        let n = probabilities.len() as f64;
        let (mut smallest, mut largest) = (f64::INFINITY, 0.0_f64);
        for (index, &q) in probabilities.iter().enumerate() {
            if can_fail.is_some_and(|marks| !marks[index]) {
                continue;
            }
            let weight = 1.0 / (n * q);
            if !weight.is_finite() {
                return Err(never_drawn("draw probabilities", index));
            }
            smallest = smallest.min(weight);
            largest = largest.max(weight);
        }
        if largest == 0.0 {
            return Err(StatsError::Empty {
                what: "items that can fail",
            });
        }
        Ok(Self {
            probabilities: probabilities.to_vec(),
            can_fail: can_fail.map(<[bool]>::to_vec),
            smallest_weight: smallest,
            largest_weight: largest,
        })
    }

    /// Returns the largest weight 1/(N·q) of an item that could fail: how many times worse the
    /// guaranteed bound is than plain sampling's when no failure is found.
    pub fn largest_weight(&self) -> f64 {
        self.largest_weight
    }

    /// Whether every item that could fail has the same weight, up to rounding.
    fn equal_weights(&self) -> bool {
        self.smallest_weight >= self.largest_weight * (1.0 - 1e-9)
    }
}
