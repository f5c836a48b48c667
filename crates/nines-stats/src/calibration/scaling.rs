//! Straight lines in logit space: temperature and Platt scaling.

use super::{both_classes, check_items, logistic_regression};
use crate::error::StatsError;
use crate::logistic::logistic;

/// A temperature that divides logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// The temperature: above 1 it makes scores less sure.
    pub temperature: f64,
}

impl Temperature {
    /// Returns the calibrated logit of a score.
    ///
    /// # Example
    /// ```
    /// use nines_stats::calibration::Temperature;
    /// assert_eq!(Temperature { temperature: 2.0 }.logit(3.0), 1.5);
    /// ```
    pub fn logit(&self, score: f64) -> f64 {
        score / self.temperature
    }
}

/// Returns the temperature that makes labels likeliest.
///
/// It cannot shift scores: use [`super::prior_shift`] or [`fit_platt`] where the mix changed.
///
/// # Errors
/// [`StatsError::Lengths`], [`StatsError::Empty`] or [`StatsError::NotFinite`] for the columns,
/// [`StatsError::OneClass`] without both classes, [`StatsError::Undetermined`] when the sign of the
/// score is always right (no temperature is low enough) or scores point the wrong way on the whole
/// (none is high enough).
///
/// # Example
/// ```
/// use nines_stats::calibration::fit_temperature;
/// let logits = [2.0, 1.0, -1.0, 3.0, -2.0, 0.5, -0.5, 4.0];
/// let labels = [true, false, false, true, false, true, true, true];
/// let fitted = fit_temperature(&logits, &labels)?;
/// assert!((fitted.temperature - 0.948060239).abs() < 1e-9);
/// assert!(fit_temperature(&[1.0, -1.0], &[true, false]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks" (2017), § 4.2.
pub fn fit_temperature(logits: &[f64], labels: &[bool]) -> Result<Temperature, StatsError> {
    check_items(logits, labels)?;
    both_classes(labels)?;
    let undetermined = |reason| StatsError::Undetermined {
        what: "the temperature",
        reason,
    };
    // The loss is convex in β = 1/T; its slope Σ z(σ(βz) − y) rises from β = 0 to its limit. Scores
    // are scaled so that the search does not depend on their unit.
    let scale = logits.iter().fold(0.0f64, |most, z| most.max(z.abs()));
    let slope = |beta: f64| -> f64 {
        logits
            .iter()
            .zip(labels)
            .map(|(&z, &label)| {
                let z = z / scale;
                z * if label {
                    -logistic(-beta * z)
                } else {
                    logistic(beta * z)
                }
            })
            .sum()
    };
    if scale == 0.0 || slope(0.0) >= 0.0 {
        return Err(undetermined(
            "scores do not point from safe items to catastrophes",
        ));
    }
    let separated = logits
        .iter()
        .zip(labels)
        .all(|(&z, &label)| z == 0.0 || (z > 0.0) == label);
    if separated {
        return Err(undetermined("the sign of the score is always right"));
    }
    let (mut low, mut high) = (0.0, 1.0);
    while slope(high) < 0.0 && high < 1e300 {
        (low, high) = (high, 2.0 * high);
    }
    // Bisection to the last digit: the slope is cheap and rises.
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if slope(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Temperature {
        temperature: scale / high,
    })
}

/// A line in logit space, with Platt's signs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Platt {
    /// The slope, negative for scores that point the right way.
    pub a: f64,
    /// The offset.
    pub b: f64,
}

impl Platt {
    /// Returns the calibrated logit of a score, −(a·score + b).
    ///
    /// # Example
    /// ```
    /// use nines_stats::calibration::Platt;
    /// assert_eq!(Platt { a: -2.0, b: 1.0 }.logit(3.0), 5.0);
    /// ```
    pub fn logit(&self, score: f64) -> f64 {
        -(self.a * score + self.b)
    }
}

/// Returns Platt's targets for catastrophes and safe items, a little inside 0 and 1.
///
/// # Example
/// ```
/// let (catastrophe, safe) = nines_stats::calibration::platt_targets(5, 3);
/// assert_eq!((catastrophe, safe), (6.0 / 7.0, 0.2));
/// ```
///
/// # Reference
/// Platt 1999, § 2.2: (N₊+1)/(N₊+2) and 1/(N₋+2).
pub fn platt_targets(catastrophes: usize, safe: usize) -> (f64, f64) {
    let (positives, negatives) = (catastrophes as f64, safe as f64);
    (
        (positives + 1.0) / (positives + 2.0),
        1.0 / (negatives + 2.0),
    )
}

/// Returns the line in logit space that makes Platt's targets likeliest. Classes that separate are
/// no trouble, because the targets are not 0 and 1.
///
/// # Errors
/// [`StatsError::Lengths`], [`StatsError::Empty`] or [`StatsError::NotFinite`] for the columns,
/// [`StatsError::OneClass`] without both classes, [`StatsError::Undetermined`] when all scores are
/// the same.
///
/// # Example
/// ```
/// use nines_stats::calibration::fit_platt;
/// let logits = [2.0, 1.0, -1.0, 3.0, -2.0, 0.5, -0.5, 4.0];
/// let labels = [true, false, false, true, false, true, true, true];
/// let fitted = fit_platt(&logits, &labels)?;
/// assert!((fitted.a + 0.502825754).abs() < 1e-9 && (fitted.b + 0.115893911).abs() < 1e-9);
/// assert!(fit_platt(&[1.0, 1.0], &[true, false]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Platt, "Probabilistic outputs for support vector machines" (1999); Lin, Lin & Weng, "A note on
/// Platt's probabilistic outputs" (2007), for safe Newton steps.
pub fn fit_platt(logits: &[f64], labels: &[bool]) -> Result<Platt, StatsError> {
    check_items(logits, labels)?;
    let (positives, negatives) = both_classes(labels)?;
    let (catastrophe, safe) = platt_targets(positives, negatives);
    // Centred and scaled scores keep the two parameters apart.
    let centre = logits.iter().sum::<f64>() / logits.len() as f64;
    let scale = logits
        .iter()
        .fold(0.0f64, |most, z| most.max((z - centre).abs()));
    let undetermined = StatsError::Undetermined {
        what: "Platt's line",
        reason: "all scores are the same",
    };
    if logits.iter().all(|z| *z == logits[0]) {
        return Err(undetermined);
    }
    let features: Vec<[f64; 2]> = logits.iter().map(|z| [(z - centre) / scale, 1.0]).collect();
    let targets: Vec<f64> = labels
        .iter()
        .map(|&label| if label { catastrophe } else { safe })
        .collect();
    let [slope, offset] = logistic_regression(&features, &targets).ok_or(undetermined)?;
    let slope = slope / scale;
    Ok(Platt {
        a: -slope,
        b: slope * centre - offset,
    })
}
