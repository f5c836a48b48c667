//! How many ratings a comparison of quality takes.

use crate::error::{StatsError, above_zero, alpha_of, open_unit};
use crate::normal;

/// Which pairs are rated, and what is known besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// All pairs: the mean of W.
    Naive,
    /// Only pairs whose unfiltered completion was rejected: [`crate::quality::skip_pairs`].
    SkipPairs,
    /// As [`Design::SkipPairs`], with the rejection rate known from a large pool:
    /// [`crate::quality::known_rejection`].
    KnownRate,
}

/// How many ratings a design needs, and how many pairs must be made for them; not rounded, as the
/// number of rejected pairs is random anyway.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelsNeeded {
    /// Ratings expected: round up.
    pub ratings: f64,
    /// Pairs to generate: round up.
    pub pairs: f64,
}

impl Design {
    /// Returns the variance of an estimate times the ratings that it takes.
    fn variance_per_rating(self, rate: f64, quality: f64) -> f64 {
        let half = quality - 0.5;
        match self {
            Self::Naive => quality * (1.0 - quality),
            Self::SkipPairs => rate * (rate / 4.0 - half * half),
            Self::KnownRate => rate * rate / 4.0 - half * half,
        }
    }

    fn needed(self, rate: f64, quality: f64, variance: f64) -> LabelsNeeded {
        let ratings = self.variance_per_rating(rate, quality) / variance;
        LabelsNeeded {
            ratings,
            pairs: match self {
                Self::Naive => ratings,
                Self::SkipPairs | Self::KnownRate => ratings / rate,
            },
        }
    }
}

fn check(rate: f64, quality: f64) -> Result<(), StatsError> {
    above_zero("the rejection rate", rate)?;
    // At the ends all raters agree about every pair, and no normal approximation means anything.
    if (quality - 0.5).abs() < rate / 2.0 {
        Ok(())
    } else {
        Err(StatsError::OutOfRange {
            what: "the quality expected",
            value: quality,
            allowed: "within half the rejection rate of 0.5, where raters disagree",
        })
    }
}

fn positive(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(StatsError::OutOfRange {
            what,
            value,
            allowed: "positive and finite",
        })
    }
}

/// Returns how many ratings give a standard error, when the filter rejects a share `rate` of
/// completions and the quality is about `quality`.
///
/// For forced choice and independent prompts; ties lower the need. Skipping pairs takes about
/// `rate`² as many ratings as the naive design.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the rate lies in (0, 1], the quality within half of it from ½
/// (it can be no further), and the standard error is positive and finite.
///
/// # Example
/// ```
/// use nines_stats::quality::{Design, labels_for_error};
/// let skip = labels_for_error(Design::SkipPairs, 0.55, 0.49, 0.01)?;
/// let naive = labels_for_error(Design::Naive, 0.55, 0.49, 0.01)?;
/// assert!((skip.ratings - 755.7).abs() < 1e-9 && (naive.ratings - 2499.0).abs() < 1e-9);
/// assert!(labels_for_error(Design::SkipPairs, 0.1, 0.4, 0.01).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Variances of ½ + mean(R(W − ½)): (r/4 − (Q − ½)²)/n for n pairs, r·n of them rated; of
/// ½ + r(W̄ − ½): r²·q(1 − q)/m; of the mean of W: Q(1 − Q)/n.
pub fn labels_for_error(
    design: Design,
    rate: f64,
    quality: f64,
    standard_error: f64,
) -> Result<LabelsNeeded, StatsError> {
    check(rate, quality)?;
    let error = positive("the standard error", standard_error)?;
    Ok(design.needed(rate, quality, error * error))
}

/// What a comparison must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NonInferiority {
    /// By how much the quality may lie below ½.
    pub margin: f64,
    /// One minus the probability of passing a filter whose quality lies exactly at the margin.
    pub confidence: f64,
    /// The probability of passing a filter of the quality expected.
    pub power: f64,
}

/// Returns how many ratings show, with the normal approximation, that the quality is not below
/// ½ − margin.
///
/// # Errors
/// As [`labels_for_error`]; [`StatsError::OutOfRange`] unless the margin is positive, the quality
/// expected above ½ − margin, confidence and power in (0, 1), and confidence + power above 1.
///
/// # Example
/// ```
/// use nines_stats::quality::{Design, NonInferiority, labels_for_non_inferiority};
/// let goal = NonInferiority { margin: 0.02, confidence: 0.95, power: 0.8 };
/// let needed = labels_for_non_inferiority(Design::SkipPairs, 0.55, 0.5, goal)?;
/// assert_eq!(needed.ratings.ceil(), 1169.0);
/// assert!(labels_for_non_inferiority(Design::SkipPairs, 0.55, 0.48, goal).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// (z_confidence + z_power)²·variance/(margin + Q − ½)²: Julious, "Sample sizes for clinical trials
/// with normal data" (2004), for the one-sided non-inferiority test.
pub fn labels_for_non_inferiority(
    design: Design,
    rate: f64,
    quality: f64,
    goal: NonInferiority,
) -> Result<LabelsNeeded, StatsError> {
    check(rate, quality)?;
    positive("the margin", goal.margin)?;
    alpha_of(goal.confidence)?;
    open_unit("the power", goal.power)?;
    let distance = goal.margin + quality - 0.5;
    if distance <= 1e-12 {
        return Err(StatsError::OutOfRange {
            what: "the quality expected",
            value: quality,
            allowed: "above 0.5 less the margin",
        });
    }
    let z = normal::quantile(goal.confidence)? + normal::quantile(goal.power)?;
    if z <= 0.0 {
        return Err(StatsError::OutOfRange {
            what: "the power",
            value: goal.power,
            allowed: "above one minus the confidence",
        });
    }
    Ok(design.needed(rate, quality, (distance / z).powi(2)))
}
