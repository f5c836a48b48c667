//! Beta calibration: a different slope for scores near 0 and near 1.

use super::{both_classes, check_items, logistic_regression, negative_log_likelihood};
use crate::error::StatsError;
use crate::logistic::softplus;

/// The map logit p = a·ln s − b·ln(1 − s) + c of a probability s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaCalibration {
    /// The slope where s is near 0; not negative.
    pub a: f64,
    /// The slope where s is near 1; not negative.
    pub b: f64,
    /// The offset.
    pub c: f64,
}

/// Returns ln s and −ln(1 − s) for the logit of s.
fn ln_features(logit: f64) -> [f64; 2] {
    [-softplus(-logit), softplus(logit)]
}

impl BetaCalibration {
    /// Returns the calibrated logit of a score, itself a logit.
    ///
    /// # Example
    /// ```
    /// use nines_stats::calibration::BetaCalibration;
    /// let same = BetaCalibration { a: 1.0, b: 1.0, c: 0.0 };
    /// assert!((same.logit(-7.0) + 7.0).abs() < 1e-14);
    /// ```
    pub fn logit(&self, score: f64) -> f64 {
        let [ln_s, minus_ln_rest] = ln_features(score);
        self.a * ln_s + self.b * minus_ln_rest + self.c
    }
}

/// Returns the beta calibration that makes labels likeliest among those that do not fall: good when
/// most scores are near 0. Scores are logits.
///
/// # Errors
/// [`StatsError::Lengths`], [`StatsError::Empty`] or [`StatsError::NotFinite`] for the columns,
/// [`StatsError::OneClass`] without both classes, [`StatsError::Undetermined`] when the classes
/// separate or scores differ too little.
///
/// # Example
/// ```
/// use nines_stats::calibration::fit_beta_calibration;
/// let logits = [2.0, 1.0, -1.0, 3.0, -2.0, 0.5, -0.5, 4.0];
/// let labels = [true, false, false, true, false, true, true, true];
/// let fitted = fit_beta_calibration(&logits, &labels)?;
/// assert!(fitted.a >= 0.0 && fitted.b >= 0.0);
/// assert!(fit_beta_calibration(&[1.0, -1.0], &[true, false]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Kull, Silva Filho & Flach, "Beta calibration" (2017), § 3.2: logistic regression on ln s and
/// −ln(1−s).
pub fn fit_beta_calibration(
    logits: &[f64],
    labels: &[bool],
) -> Result<BetaCalibration, StatsError> {
    check_items(logits, labels)?;
    both_classes(labels)?;
    let features: Vec<[f64; 2]> = logits.iter().map(|&z| ln_features(z)).collect();
    let targets: Vec<f64> = labels.iter().map(|&l| f64::from(u8::from(l))).collect();
    let with_offset: Vec<[f64; 3]> = features.iter().map(|&[x, y]| [x, y, 1.0]).collect();
    if let Some([a, b, c]) = logistic_regression(&with_offset, &targets)
        && a >= 0.0
        && b >= 0.0
    {
        return Ok(BetaCalibration { a, b, c });
    }
    // The loss is convex: with the free optimum outside, the best that does not fall has a = 0,
    // b = 0 or both.
    let alone = |feature: usize| {
        let x: Vec<[f64; 2]> = features.iter().map(|f| [f[feature], 1.0]).collect();
        let [slope, c] = logistic_regression(&x, &targets)?;
        let slope = slope.max(0.0);
        // A negative slope leaves the constant, which is fitted below.
        (slope > 0.0).then_some((slope, c))
    };
    let positives = labels.iter().filter(|&&l| l).count() as f64;
    let constant = BetaCalibration {
        a: 0.0,
        b: 0.0,
        c: (positives / (labels.len() as f64 - positives)).ln(),
    };
    let candidates = [
        alone(0).map(|(a, c)| BetaCalibration { a, b: 0.0, c }),
        alone(1).map(|(b, c)| BetaCalibration { a: 0.0, b, c }),
        Some(constant),
    ];
    if separates(logits, labels) || logits.iter().all(|z| *z == logits[0]) {
        return Err(StatsError::Undetermined {
            what: "the beta calibration",
            reason: "some threshold separates the classes, or all scores are the same",
        });
    }
    let mut best = (f64::INFINITY, constant);
    for candidate in candidates.into_iter().flatten() {
        let calibrated: Vec<f64> = logits.iter().map(|&z| candidate.logit(z)).collect();
        let loss = negative_log_likelihood(&calibrated, labels)?;
        if loss < best.0 {
            best = (loss, candidate);
        }
    }
    Ok(best.1)
}

/// Whether no safe item scores above a catastrophe.
fn separates(logits: &[f64], labels: &[bool]) -> bool {
    let extreme = |label: bool, start: f64, pick: fn(f64, f64) -> f64| {
        logits
            .iter()
            .zip(labels)
            .filter(|(_, l)| **l == label)
            .fold(start, |most, (&z, _)| pick(most, z))
    };
    extreme(false, f64::NEG_INFINITY, f64::max) <= extreme(true, f64::INFINITY, f64::min)
}
