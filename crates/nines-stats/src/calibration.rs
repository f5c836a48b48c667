//! Making scores mean what they say: from logits to probabilities of a catastrophe, and how well
//! that worked.
//!
//! - [`prior_shift`]: from the enriched training mix to the mix that is met.
//! - [`fit_temperature`], [`fit_platt`], [`fit_beta_calibration`]: one, two and three parameters.
//! - [`fit_isotonic`]: any rising step function; only with far more than a thousand catastrophes.
//! - [`brier_score`], [`negative_log_likelihood`], [`reliability_bins`]: how well.
//!
//! A rising map changes neither the ranking of completions nor which thresholds exist: it makes
//! scores readable and tells where to label, and gains no nines. Fit on items that were not trained
//! on and that are mixed as those met. All fits assume independent items.

mod beta_calibration;
mod isotonic;
mod reliability_bins;
mod scaling;
#[cfg(test)]
mod tests;

pub use beta_calibration::{BetaCalibration, fit_beta_calibration};
pub use isotonic::{Isotonic, IsotonicBlock, fit_isotonic, pool_adjacent_violators};
pub use reliability_bins::{ReliabilityBin, reliability_bins};
pub use scaling::{Platt, Temperature, fit_platt, fit_temperature, platt_targets};

use crate::error::{StatsError, finite, open_unit, same_length};
use crate::logistic::{logistic, logit, softplus};

/// Checks scores and labels (true: a catastrophe).
fn check_items(logits: &[f64], labels: &[bool]) -> Result<(), StatsError> {
    same_length("scores and labels", logits.len(), labels.len())?;
    finite("scores", logits)
}

/// Checks that both classes are there, and returns how many catastrophes and safe items there are.
fn both_classes(labels: &[bool]) -> Result<(usize, usize), StatsError> {
    let positives = labels.iter().filter(|&&label| label).count();
    let negatives = labels.len() - positives;
    if positives > 0 && negatives > 0 {
        Ok((positives, negatives))
    } else {
        Err(StatsError::OneClass {
            positives,
            negatives,
        })
    }
}

/// Returns what to add to a logit when catastrophes are a share `met` of the items met but were a
/// share `trained` of those that the scores are calibrated for.
///
/// Assumes that catastrophes, and safe items, are each distributed alike in both mixes; where the
/// enriched training mix held other *kinds* of catastrophes it does not hold.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless both shares lie in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::calibration::prior_shift;
/// let shift = prior_shift(0.10, 0.025)?;
/// assert!((shift + 1.4663370688).abs() < 1e-10);
/// assert!(prior_shift(0.0, 0.025).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Saerens, Latinne & Decaestecker, "Adjusting the outputs of a classifier to new a priori
/// probabilities" (2002), eq. 2.4: logit(π) − logit(π').
pub fn prior_shift(trained: f64, met: f64) -> Result<f64, StatsError> {
    let trained = logit(open_unit("the share of catastrophes trained on", trained)?);
    Ok(logit(open_unit("the share of catastrophes met", met)?) - trained)
}

/// Returns the mean squared difference between probabilities (of these logits) and labels.
///
/// It describes these items; for rare catastrophes it is dominated by safe ones and says little.
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ in length, [`StatsError::Empty`] or
/// [`StatsError::NotFinite`] for the scores.
///
/// # Example
/// ```
/// use nines_stats::calibration::brier_score;
/// assert_eq!(brier_score(&[0.0, 0.0], &[true, false])?, 0.25);
/// assert!(brier_score(&[0.0], &[]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Brier, "Verification of forecasts expressed in terms of probability" (1950).
pub fn brier_score(logits: &[f64], labels: &[bool]) -> Result<f64, StatsError> {
    check_items(logits, labels)?;
    let squares: f64 = logits
        .iter()
        .zip(labels)
        // The probability of the label that it is not, so that small misses keep their digits.
        .map(|(&z, &label)| logistic(if label { -z } else { z }).powi(2))
        .sum();
    Ok(squares / logits.len() as f64)
}

/// Returns the mean negative logarithm of the probability (of these logits) of each label.
///
/// It describes these items, and is infinite for none.
///
/// # Errors
/// As [`brier_score`].
///
/// # Example
/// ```
/// use nines_stats::calibration::negative_log_likelihood;
/// let loss = negative_log_likelihood(&[0.0, 0.0], &[true, false])?;
/// assert!((loss - 2f64.ln()).abs() < 1e-15);
/// assert!(negative_log_likelihood(&[f64::NAN], &[true]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Good, "Rational decisions" (1952).
pub fn negative_log_likelihood(logits: &[f64], labels: &[bool]) -> Result<f64, StatsError> {
    check_items(logits, labels)?;
    let sum: f64 = logits
        .iter()
        .zip(labels)
        .map(|(&z, &label)| softplus(if label { -z } else { z }))
        .sum();
    Ok(sum / logits.len() as f64)
}

/// Fits logit p = Σ coefficients·features to targets in [0, 1] by damped Newton steps; `None` when
/// the data do not determine it (features that depend on each other, or classes that separate).
fn logistic_regression<const N: usize>(features: &[[f64; N]], targets: &[f64]) -> Option<[f64; N]> {
    let score = |w: &[f64; N], x: &[f64; N]| -> f64 { w.iter().zip(x).map(|(w, x)| w * x).sum() };
    let loss = |w: &[f64; N]| -> f64 {
        features
            .iter()
            .zip(targets)
            .map(|(x, &t)| {
                let z = score(w, x);
                t * softplus(-z) + (1.0 - t) * softplus(z)
            })
            .sum()
    };
    let mut w = [0.0; N];
    let mut current = loss(&w);
    for _ in 0..200 {
        let mut gradient = [0.0; N];
        let mut hessian = [[0.0; N]; N];
        for (x, &t) in features.iter().zip(targets) {
            let z = score(&w, x);
            let (p, curvature) = (logistic(z), logistic(z) * logistic(-z));
            for i in 0..N {
                gradient[i] += (p - t) * x[i];
                for j in 0..N {
                    hessian[i][j] += curvature * x[i] * x[j];
                }
            }
        }
        let step = solve_positive(hessian, gradient)?;
        let moved = |scale: f64| -> [f64; N] { std::array::from_fn(|i| w[i] - scale * step[i]) };
        let mut scale = 1.0;
        let mut next = moved(scale);
        let mut next_loss = loss(&next);
        // Near the optimum the loss no longer tells steps apart, hence the slack.
        while (next_loss.is_nan() || next_loss > current + 1e-13 * current.abs()) && scale > 1e-10 {
            scale *= 0.5;
            next = moved(scale);
            next_loss = loss(&next);
        }
        // Steps that stay large while the loss settles mean classes that separate; steps that are
        // small and no longer gain mean that rounding is all that is left.
        let within = |relative: f64| {
            let mut both = step.iter().zip(&next);
            both.all(|(s, w)| s.abs() <= relative * (1.0 + w.abs()))
        };
        let gain: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        let small = within(1e-12) || (within(1e-6) && gain <= 1e-15 * current);
        (w, current) = (next, next_loss);
        if small {
            return Some(w);
        }
    }
    None
}

/// Solves A·x = b for a symmetric positive definite A by Cholesky's method; `None` when A is
/// singular to working precision.
fn solve_positive<const N: usize>(a: [[f64; N]; N], b: [f64; N]) -> Option<[f64; N]> {
    let mut root = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| root[i][k] * root[j][k]).sum();
            let rest = a[i][j] - dot;
            if i == j {
                if rest.is_nan() || rest <= 1e-13 * a[i][i] {
                    return None;
                }
                root[i][i] = rest.sqrt();
            } else {
                root[i][j] = rest / root[j][j];
            }
        }
    }
    let mut x = b;
    for i in 0..N {
        let dot: f64 = (0..i).map(|k| root[i][k] * x[k]).sum();
        x[i] = (x[i] - dot) / root[i][i];
    }
    for i in (0..N).rev() {
        let dot: f64 = (i + 1..N).map(|k| root[k][i] * x[k]).sum();
        x[i] = (x[i] - dot) / root[i][i];
    }
    Some(x)
}
