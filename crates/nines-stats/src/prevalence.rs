//! What raters who err do to a rate: the rate that they see, the true rate behind it, and rules for
//! two raters.
//!
//! For rare catastrophes specificity is everything: at a true rate of 3·10⁻⁵, raters who wrongly
//! flag one item in a thousand see a rate 34 times too high, and correcting for it leaves almost
//! nothing known. So every item flagged among accepted ones must be adjudicated; missed ones only
//! scale the rate by the sensitivity.

#[cfg(test)]
mod tests;

use crate::error::{StatsError, alpha_of, closed_unit};
use crate::estimate::{IntervalEstimate, remarked};
use crate::interval::{clopper_pearson, exact_ends};
use crate::normal;

/// How well a rater, or a rule of raters, tells catastrophes from safe items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RaterAccuracy {
    /// The probability of flagging a catastrophe.
    pub sensitivity: f64,
    /// The probability of passing a safe item.
    pub specificity: f64,
}

impl RaterAccuracy {
    fn checked(self) -> Result<Self, StatsError> {
        closed_unit("the sensitivity", self.sensitivity)?;
        closed_unit("the specificity", self.specificity)?;
        Ok(self)
    }
}

/// Returns the rate that a rater flags when a share `prevalence` are catastrophes.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless all three probabilities lie in [0, 1].
///
/// # Example
/// ```
/// use nines_stats::prevalence::{RaterAccuracy, observed_rate};
/// let rater = RaterAccuracy { sensitivity: 0.95, specificity: 0.999 };
/// assert!((observed_rate(3e-5, rater)? / 3e-5 - 34.3).abs() < 0.05);
/// assert!(observed_rate(-0.1, rater).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Rogan & Gladen 1978, eq. 1: πSe + (1−π)(1−Sp).
pub fn observed_rate(prevalence: f64, rater: RaterAccuracy) -> Result<f64, StatsError> {
    closed_unit("the prevalence", prevalence)?;
    let rater = rater.checked()?;
    Ok(prevalence * rater.sensitivity + (1.0 - prevalence) * (1.0 - rater.specificity))
}

/// Returns the share of catastrophes among the items that a rater flags; `None` when nothing is
/// ever flagged.
///
/// # Errors
/// As [`observed_rate`].
///
/// # Example
/// ```
/// use nines_stats::prevalence::{RaterAccuracy, positive_predictive_value};
/// let rater = RaterAccuracy { sensitivity: 0.95, specificity: 0.9999 };
/// assert!((positive_predictive_value(3e-5, rater)?.unwrap() - 0.222).abs() < 5e-4);
/// assert!(positive_predictive_value(f64::NAN, rater).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Bayes' theorem: πSe/(πSe + (1−π)(1−Sp)).
pub fn positive_predictive_value(
    prevalence: f64,
    rater: RaterAccuracy,
) -> Result<Option<f64>, StatsError> {
    let observed = observed_rate(prevalence, rater)?;
    Ok((observed > 0.0).then(|| prevalence * rater.sensitivity / observed))
}

/// Returns the accuracy of flagging an item when at least one of two raters does: for triage.
///
/// Assumes that the raters err independently given the truth; hard items break it, and then two
/// raters are worth less than this says.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless all probabilities lie in [0, 1].
///
/// # Example
/// ```
/// use nines_stats::prevalence::{RaterAccuracy, either_rater};
/// let rater = RaterAccuracy { sensitivity: 0.9, specificity: 0.98 };
/// let rule = either_rater(rater, rater)?;
/// assert!((rule.sensitivity - 0.99).abs() < 1e-12 && (rule.specificity - 0.9604).abs() < 1e-12);
/// assert!(either_rater(rater, RaterAccuracy { sensitivity: 1.1, ..rater }).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Independence given the truth: Se = 1 − (1−Se₁)(1−Se₂), Sp = Sp₁Sp₂.
pub fn either_rater(a: RaterAccuracy, b: RaterAccuracy) -> Result<RaterAccuracy, StatsError> {
    let (a, b) = (a.checked()?, b.checked()?);
    Ok(RaterAccuracy {
        sensitivity: 1.0 - (1.0 - a.sensitivity) * (1.0 - b.sensitivity),
        specificity: a.specificity * b.specificity,
    })
}

/// Returns the accuracy of flagging an item only when both of two raters do.
///
/// Assumes what [`either_rater`] assumes.
///
/// # Errors
/// As [`either_rater`].
///
/// # Example
/// ```
/// use nines_stats::prevalence::{RaterAccuracy, both_raters};
/// let rater = RaterAccuracy { sensitivity: 0.9, specificity: 0.98 };
/// let rule = both_raters(rater, rater)?;
/// assert!((rule.sensitivity - 0.81).abs() < 1e-12 && (rule.specificity - 0.9996).abs() < 1e-12);
/// assert!(both_raters(rater, RaterAccuracy { specificity: -0.1, ..rater }).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Independence given the truth: Se = Se₁Se₂, Sp = 1 − (1−Sp₁)(1−Sp₂).
pub fn both_raters(a: RaterAccuracy, b: RaterAccuracy) -> Result<RaterAccuracy, StatsError> {
    let (a, b) = (a.checked()?, b.checked()?);
    Ok(RaterAccuracy {
        sensitivity: a.sensitivity * b.sensitivity,
        specificity: 1.0 - (1.0 - a.specificity) * (1.0 - b.specificity),
    })
}

/// A rate as raters saw it: *not* corrected for their errors.
#[derive(Debug, Clone, PartialEq)]
pub struct UncorrectedRate {
    /// The rate flagged, with its interval.
    pub estimate: IntervalEstimate,
}

/// A rate corrected for the raters' errors.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrectedRate {
    /// The true rate, cut to [0, 1], with its interval.
    pub estimate: IntervalEstimate,
    /// The estimate before it was cut: below 0 when raters flagged fewer than their false alarms.
    pub uncut: f64,
    /// Its standard error by the delta method.
    pub standard_error: f64,
}

/// Returns the rate that raters flagged, `k` of `n`, with its exact interval and the mark that
/// nothing was corrected.
///
/// Assumes independent items. It is not the rate of catastrophes.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// let seen = nines_stats::prevalence::uncorrected_rate(110, 100_000, 0.95)?;
/// assert_eq!(seen.estimate.value, Some(0.0011));
/// assert!(nines_stats::prevalence::uncorrected_rate(2, 1, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Clopper & Pearson 1934.
pub fn uncorrected_rate(k: u64, n: u64, confidence: f64) -> Result<UncorrectedRate, StatsError> {
    let mut estimate = clopper_pearson(k, n, confidence)?;
    estimate.method = remarked(&estimate.method, "not corrected for rater errors");
    Ok(UncorrectedRate { estimate })
}

/// A sensitivity or specificity, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Accuracy {
    /// Taken as given; whatever doubt there is about it is in no interval.
    Known(f64),
    /// Right in so many independent trials with known truth, such as planted gold items.
    Measured {
        /// Trials rated rightly.
        right: u64,
        /// Trials.
        trials: u64,
    },
}

impl Accuracy {
    fn value(self, what: &'static str) -> Result<f64, StatsError> {
        match self {
            Self::Known(value) => closed_unit(what, value),
            Self::Measured { trials: 0, .. } => Err(StatsError::Empty { what }),
            Self::Measured { right, trials } => closed_unit(what, right as f64 / trials as f64),
        }
    }

    fn variance(self) -> f64 {
        match self {
            Self::Known(_) => 0.0,
            Self::Measured { right, trials } => variance(right, trials),
        }
    }

    fn ends(self, tail: f64) -> (f64, f64) {
        match self {
            Self::Known(value) => (value, value),
            Self::Measured { right, trials } => exact_ends(right as f64, trials as f64, tail),
        }
    }
}

/// The variance of a share; half a count is added where all or none would make it 0.
fn variance(k: u64, n: u64) -> f64 {
    let p = if k == 0 || k == n {
        (k as f64 + 0.5) / (n as f64 + 1.0)
    } else {
        k as f64 / n as f64
    };
    p * (1.0 - p) / n as f64
}

/// Items flagged, with what is known of the raters' accuracy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlaggedItems {
    /// Items flagged.
    pub flagged: u64,
    /// Items rated, independent of each other.
    pub rated: u64,
    /// The raters' sensitivity.
    pub sensitivity: Accuracy,
    /// The raters' specificity.
    pub specificity: Accuracy,
}

impl FlaggedItems {
    /// Returns the rate flagged, the sensitivity and the specificity, or what is wrong with them.
    fn checked(&self) -> Result<(f64, f64, f64), StatsError> {
        if self.rated == 0 {
            return Err(StatsError::Empty {
                what: "rated items",
            });
        }
        if self.flagged > self.rated {
            return Err(StatsError::OutOfRange {
                what: "a count of flagged items",
                value: self.flagged as f64,
                allowed: "at most the number of rated items",
            });
        }
        let sensitivity = self.sensitivity.value("the sensitivity")?;
        let specificity = self.specificity.value("the specificity")?;
        if sensitivity + specificity <= 1.0 {
            return Err(StatsError::OutOfRange {
                what: "sensitivity plus specificity",
                value: sensitivity + specificity,
                allowed: "above 1, or flags say nothing",
            });
        }
        let observed = self.flagged as f64 / self.rated as f64;
        Ok((observed, sensitivity, specificity))
    }

    fn corrected(
        &self,
        ends: (f64, f64),
        confidence: f64,
        method: &str,
    ) -> Result<CorrectedRate, StatsError> {
        let (observed, sensitivity, specificity) = self.checked()?;
        let youden = sensitivity + specificity - 1.0;
        let uncut = (observed + specificity - 1.0) / youden;
        let squares = variance(self.flagged, self.rated)
            + uncut.powi(2) * self.sensitivity.variance()
            + (1.0 - uncut).powi(2) * self.specificity.variance();
        Ok(CorrectedRate {
            estimate: IntervalEstimate {
                value: Some(uncut.clamp(0.0, 1.0)),
                lower: ends.0.clamp(0.0, 1.0),
                upper: ends.1.clamp(0.0, 1.0),
                confidence,
                method: method.to_owned(),
                n: self.rated,
            },
            uncut,
            standard_error: squares.sqrt() / youden,
        })
    }
}

/// Returns the true rate behind the items flagged, with the delta method's standard error and
/// normal interval.
///
/// Assumes independent items, and accuracies that hold for these items: gold items easier than the
/// real ones make the correction wrong. Approximate, and poor for few flags; for rare rates prefer
/// [`corrected_bounds`], which also takes over where the whole normal interval lies outside [0, 1],
/// or adjudicate every flag. With specificity `Known(1.0)` (every flag adjudicated) it divides by
/// the sensitivity.
///
/// # Errors
/// [`StatsError::Empty`] without rated items or trials, [`StatsError::OutOfRange`] when more items
/// are flagged than rated, an accuracy is not in [0, 1], sensitivity and specificity do not sum to
/// more than 1, or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::prevalence::{Accuracy, FlaggedItems, rogan_gladen};
/// let items = FlaggedItems {
///     flagged: 110,
///     rated: 100_000,
///     sensitivity: Accuracy::Known(0.95),
///     specificity: Accuracy::Measured { right: 99_900, trials: 100_000 },
/// };
/// let corrected = rogan_gladen(&items, 0.95)?;
/// assert!((corrected.uncut - 1.054e-4).abs() < 5e-8);
/// assert!((corrected.standard_error - 1.526e-4).abs() < 5e-8);
/// assert!(rogan_gladen(&FlaggedItems { specificity: Accuracy::Known(0.05), ..items }, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Rogan & Gladen, "Estimating prevalence from the results of a screening test" (1978), eqs. 2, 4.
pub fn rogan_gladen(items: &FlaggedItems, confidence: f64) -> Result<CorrectedRate, StatsError> {
    let tail = alpha_of(confidence)? / 2.0;
    let method = "Rogan-Gladen, corrected for rater errors, delta method (approximate; 0.92 of 0.95 with few flags, else 0.95 to 0.98)";
    let mut corrected = items.corrected((0.0, 1.0), confidence, method)?;
    let half = -normal::quantile(tail)? * corrected.standard_error;
    corrected.estimate.lower = (corrected.uncut - half).clamp(0.0, 1.0);
    corrected.estimate.upper = (corrected.uncut + half).clamp(0.0, 1.0);
    if corrected.estimate.lower == corrected.estimate.upper {
        return corrected_bounds(items, confidence);
    }
    Ok(corrected)
}

/// Returns the true rate behind the items flagged, with an interval that covers at least as often
/// as stated: exact intervals of the flagged rate and of each measured accuracy, which share the
/// doubt evenly, put together at their worst.
///
/// Assumes what [`rogan_gladen`] assumes, but not that anything is normal. Wide, and honest. Where even
/// its worst case would put the rate below 0 or above 1, the flags contradict the accuracy: the
/// interval then takes the accuracy at fault as perfect, and says so.
///
/// # Errors
/// As [`rogan_gladen`].
///
/// # Example
/// ```
/// use nines_stats::prevalence::{Accuracy, FlaggedItems, corrected_bounds};
/// let items = FlaggedItems {
///     flagged: 0,
///     rated: 1000,
///     sensitivity: Accuracy::Measured { right: 95, trials: 100 },
///     specificity: Accuracy::Known(1.0),
/// };
/// let corrected = corrected_bounds(&items, 0.95)?;
/// assert!(corrected.estimate.lower == 0.0 && corrected.estimate.upper > 0.0043);
/// assert!(corrected_bounds(&FlaggedItems { rated: 0, ..items }, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// The correction rises with the flagged rate and the specificity and falls with the sensitivity;
/// Bonferroni over Clopper-Pearson intervals.
pub fn corrected_bounds(
    items: &FlaggedItems,
    confidence: f64,
) -> Result<CorrectedRate, StatsError> {
    let tail = alpha_of(confidence)? / 2.0;
    items.checked()?;
    let measured = [items.sensitivity, items.specificity]
        .iter()
        .filter(|a| matches!(a, Accuracy::Measured { .. }))
        .count();
    let tail = tail / (1 + measured) as f64;
    let observed = exact_ends(items.flagged as f64, items.rated as f64, tail);
    let sensitivity = items.sensitivity.ends(tail);
    let specificity = items.specificity.ends(tail);
    // Where flags say nothing (the two sum to 1 or less) the end is `open`. More flags than the
    // sensitivity explains are cut to 1, where the correction no longer rises with the specificity.
    let correct = |observed: f64, sensitivity: f64, specificity: f64, open: f64| {
        let above = observed + specificity - 1.0;
        let youden = sensitivity + specificity - 1.0;
        if youden <= 0.0 {
            open
        } else {
            (above / youden).clamp(0.0, 1.0)
        }
    };
    let ends = (
        correct(observed.0, sensitivity.1, specificity.0, 0.0),
        correct(observed.1, sensitivity.0, specificity.1, 1.0),
    );
    if ends.0 < ends.1 {
        return items.corrected(
            ends,
            confidence,
            "corrected for rater errors, Clopper-Pearson joined by Bonferroni (conservative)",
        );
    }
    // Fewer flags than false alarms, or more than the sensitivity explains: the accuracy is better
    // on these items than stated. A perfect one leaves the most open.
    let ends = if ends.1 <= 0.0 {
        (0.0, correct(observed.1, sensitivity.0, 1.0, 1.0))
    } else {
        (correct(observed.0, 1.0, specificity.0, 0.0), 1.0)
    };
    items.corrected(
        ends,
        confidence,
        "the flags contradict the accuracy stated, which is taken as perfect where they do (conservative)",
    )
}
