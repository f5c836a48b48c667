//! Means from few labels and many predictions: prediction-powered inference.
//!
//! For qualities that are common: a preference, an acceptance, the base rate of a topic. **Never for
//! a leak**: the intervals rest on the central limit theorem, and where a failure is rare the labels
//! usually hold none, the standard error collapses and the interval is a fiction. Labels without any
//! variety are refused, and with fewer than ten of the rarer kind the method says that it is not to
//! be trusted. Use [`crate::interval`], [`crate::importance`] or [`crate::disagreement`] there.

mod active;
#[cfg(test)]
mod tests;

pub use active::active_inference;

use crate::error::{StatsError, alpha_of, distribution, finite, same_length};
use crate::estimate::IntervalEstimate;
use crate::moments::{covariance, mean, variance};
use crate::wald;

/// How often normal intervals at 0.95 covered in simulations, as their method says it.
const COVERED: &str = "of 0.95: 0.92 with 10 expected of the rarer kind, 0.84 to 0.91 with 3";

/// A mean with its normal interval.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionPowered {
    /// The mean with its interval; approximate.
    pub estimate: IntervalEstimate,
    /// The standard error behind it.
    pub standard_error: f64,
    /// How far the predictions were relied on, from 0 (not at all) to 1.
    pub lambda: f64,
    /// How many labels are not of the most common value, or how many predictions are not wrong by
    /// the most common amount, whichever is fewer.
    pub rarer: u64,
    /// Whether ten of the rarer kind were seen. With ten expected, intervals at 0.95 held the truth in
    /// 0.92 of experiments, with three in 0.84 to 0.91.
    pub trusted: bool,
}

/// Returns how many values differ from the most common one.
fn rarer(values: &[f64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let common = sorted
        .chunk_by(|a, b| a == b)
        .map(<[f64]>::len)
        .max()
        .unwrap_or(0);
    (values.len() - common) as u64
}

fn check(what: &'static str, values: &[f64]) -> Result<(), StatsError> {
    finite(what, values)?;
    if values.len() < 2 {
        return Err(StatsError::TooFew {
            what,
            have: values.len() as u64,
            needed: 2,
        });
    }
    Ok(())
}

/// Returns how many of the rarer kind there are, or refuses when there are none.
fn check_variety(labels: &[f64], errors: &[f64]) -> Result<u64, StatsError> {
    let (of_labels, of_errors) = (rarer(labels), rarer(errors));
    for (what, have) in [
        (
            "labels of the rarer kind, without which the standard error collapses",
            of_labels,
        ),
        (
            "predictions that are wrong, without which the standard error collapses",
            of_errors,
        ),
    ] {
        if have == 0 {
            return Err(StatsError::TooFew {
                what,
                have,
                needed: 1,
            });
        }
    }
    Ok(of_labels.min(of_errors))
}

fn finish(
    name: &str,
    value: f64,
    standard_error: f64,
    lambda: f64,
    rarer: u64,
    confidence: f64,
    n: u64,
) -> Result<PredictionPowered, StatsError> {
    let method = wald::method(name, rarer as f64, COVERED);
    let whole = (f64::NEG_INFINITY, f64::INFINITY);
    Ok(PredictionPowered {
        estimate: wald::interval(value, standard_error, whole, confidence, method, n)?.ok_or(
            StatsError::Undetermined {
                what: "the interval of the mean",
                reason: "labels and predictions show no spread",
            },
        )?,
        standard_error,
        lambda,
        rarer,
        trusted: rarer as f64 >= wald::FAILURES_FOR_NORMAL,
    })
}

/// Returns the plain mean of the labels, to compare with.
///
/// Assumes independent labels. Not for rare failures: [`crate::interval::clopper_pearson`].
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`], [`StatsError::TooFew`] for fewer than two labels
/// or labels that are all the same, [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::prediction_powered::classical;
/// let plain = classical(&[0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0], 0.95)?;
/// assert!((plain.standard_error - 0.15275252).abs() < 1e-8);
/// assert!(classical(&[0.0; 10], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// The sample mean and its standard error.
pub fn classical(labels: &[f64], confidence: f64) -> Result<PredictionPowered, StatsError> {
    check("labels", labels)?;
    let rarer = check_variety(labels, labels)?;
    let n = labels.len();
    let se = (variance(labels) / n as f64).sqrt();
    finish("normal", mean(labels), se, 0.0, rarer, confidence, n as u64)
}

/// What one prediction-powered mean is made of.
struct Parts {
    value: f64,
    variance: f64,
    lambda: f64,
    rarer: u64,
    residual_deviation: f64,
}

/// Combines labels and predictions; without `lambda` it is the one of least variance.
fn combine(
    labels: &[f64],
    predictions: &[f64],
    unlabelled: &[f64],
    lambda: Option<f64>,
) -> Result<Parts, StatsError> {
    same_length(
        "labels and their predictions",
        labels.len(),
        predictions.len(),
    )?;
    check("labels", labels)?;
    check("predictions of labelled items", predictions)?;
    check("predictions of unlabelled items", unlabelled)?;
    let errors: Vec<f64> = labels.iter().zip(predictions).map(|(y, f)| y - f).collect();
    let rarer = check_variety(labels, &errors)?;
    let (n, unlabelled_n) = (labels.len() as f64, unlabelled.len() as f64);
    let lambda = lambda.unwrap_or_else(|| {
        let pooled = [predictions, unlabelled].concat();
        let spread = variance(&pooled) * (1.0 + n / unlabelled_n);
        if spread > 0.0 {
            (covariance(labels, predictions) / spread).clamp(0.0, 1.0)
        } else {
            0.0
        }
    });
    let residuals: Vec<f64> = labels
        .iter()
        .zip(predictions)
        .map(|(y, f)| y - lambda * f)
        .collect();
    let residual_variance = variance(&residuals);
    Ok(Parts {
        value: lambda * mean(unlabelled) + mean(&residuals),
        variance: lambda * lambda * variance(unlabelled) / unlabelled_n + residual_variance / n,
        lambda,
        rarer,
        residual_deviation: residual_variance.sqrt(),
    })
}

/// Returns the mean label from predictions of many items and labels of a few: the predictions' mean
/// plus the labelled items' mean error.
///
/// Assumes that labelled and unlabelled items are independent draws from the same distribution, and
/// that the predictor saw neither. A poor predictor makes it worse than [`classical`];
/// [`power_tuned`] does not have that fault. Not for rare failures.
///
/// # Errors
/// [`StatsError::Lengths`] when labels and their predictions differ in number,
/// [`StatsError::Empty`], [`StatsError::NotFinite`], [`StatsError::TooFew`] for fewer than two of
/// anything, for labels that are all the same, or predictions that are all equally wrong;
/// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::prediction_powered::prediction_powered;
/// let (y, f) = ([0.0, 1.0, 1.0, 0.0], [0.2, 0.9, 0.6, 0.1]);
/// let powered = prediction_powered(&y, &f, &[0.2, 0.9, 0.1, 0.8, 0.5], 0.95)?;
/// assert!((powered.estimate.value.unwrap() - 0.55).abs() < 1e-15 && !powered.trusted);
/// assert!(prediction_powered(&[0.0; 4], &f, &[0.2, 0.9], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Angelopoulos, Bates, Fannjiang, Jordan & Zrnic, "Prediction-powered inference" (Science 2023),
/// the mean.
pub fn prediction_powered(
    labels: &[f64],
    predictions: &[f64],
    unlabelled: &[f64],
    confidence: f64,
) -> Result<PredictionPowered, StatsError> {
    let parts = combine(labels, predictions, unlabelled, Some(1.0))?;
    finish(
        "prediction-powered (PPI)",
        parts.value,
        parts.variance.sqrt(),
        parts.lambda,
        parts.rarer,
        confidence,
        labels.len() as u64,
    )
}

/// Returns the mean label, relying on the predictions just as far as they deserve: λ = Cov(y, f) /
/// (Var f·(1 + n/N)), clipped to [0, 1].
///
/// Assumes the same as [`prediction_powered`]. Not for rare failures.
///
/// # Errors
/// As [`prediction_powered`].
///
/// # Example
/// ```
/// use nines_stats::prediction_powered::power_tuned;
/// let (y, f) = ([0.0, 1.0, 1.0, 0.0], [0.2, 0.9, 0.6, 0.1]);
/// let tuned = power_tuned(&y, &f, &[0.2, 0.9, 0.1, 0.8, 0.5], 0.95)?;
/// assert!(tuned.lambda > 0.0 && tuned.lambda <= 1.0);
/// assert!(power_tuned(&y, &f[..3], &[0.2, 0.9], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Angelopoulos, Duchi & Zrnic, "PPI++: efficient prediction-powered inference" (2023), the mean; clipping as in its reference code.
pub fn power_tuned(
    labels: &[f64],
    predictions: &[f64],
    unlabelled: &[f64],
    confidence: f64,
) -> Result<PredictionPowered, StatsError> {
    let parts = combine(labels, predictions, unlabelled, None)?;
    finish(
        "power-tuned prediction-powered (PPI++)",
        parts.value,
        parts.variance.sqrt(),
        parts.lambda,
        parts.rarer,
        confidence,
        labels.len() as u64,
    )
}

/// One stratum of a prediction-powered mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictionStratum<'a> {
    /// The share of the population that lies in it.
    pub weight: f64,
    /// Labels of a few of its items.
    pub labels: &'a [f64],
    /// Predictions of the same items.
    pub predictions: &'a [f64],
    /// Predictions of many others.
    pub unlabelled: &'a [f64],
}

/// A stratified prediction-powered mean.
#[derive(Debug, Clone, PartialEq)]
pub struct StratifiedPrediction {
    /// The mean with its interval; `lambda` is the weighted mean of the strata's.
    pub powered: PredictionPowered,
    /// How far the predictions were relied on in each stratum.
    pub lambdas: Vec<f64>,
    /// The standard deviation of y − λf in each stratum: further labels serve best in proportion to
    /// weight times this.
    pub residual_deviations: Vec<f64>,
}

/// Returns the mean label over strata, each with its own reliance on the predictions.
///
/// Assumes known weights and independent draws within each stratum. Every stratum with a weight must
/// hold labels of more than one kind; merge those that do not. Not for rare failures.
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`], [`StatsError::ItemOutOfRange`] and
/// [`StatsError::OutOfRange`] for weights that are negative or do not sum to 1 or a confidence outside
/// (0, 1); [`StatsError::ItemOutOfRange`], naming the stratum, for one with fewer than two labels; else
/// as [`prediction_powered`] for each stratum of positive weight.
///
/// # Example
/// ```
/// use nines_stats::prediction_powered::{PredictionStratum, stratified};
/// let stratum = PredictionStratum {
///     weight: 0.5,
///     labels: &[0.0, 1.0, 1.0, 0.0],
///     predictions: &[0.2, 0.9, 0.6, 0.1],
///     unlabelled: &[0.2, 0.9, 0.1, 0.8, 0.5],
/// };
/// assert_eq!(stratified(&[stratum, stratum], 0.95)?.lambdas.len(), 2);
/// assert!(stratified(&[stratum], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Fisch, Maynez, Hofer, Dhingra, Globerson & Cohen, "Stratified prediction-powered inference"
/// (2024).
pub fn stratified(
    strata: &[PredictionStratum<'_>],
    confidence: f64,
) -> Result<StratifiedPrediction, StatsError> {
    alpha_of(confidence)?;
    let weights: Vec<f64> = strata.iter().map(|s| s.weight).collect();
    distribution(
        "weights of strata",
        "the sum of the strata's weights",
        &weights,
    )?;
    let (mut value, mut variance, mut lambda, mut n) = (0.0, 0.0, 0.0, 0);
    let mut fewest = u64::MAX;
    let (mut lambdas, mut residual_deviations) = (vec![], vec![]);
    for (index, s) in strata.iter().enumerate() {
        if s.weight == 0.0 {
            lambdas.push(0.0);
            residual_deviations.push(0.0);
            continue;
        }
        if s.labels.len() < 2 {
            return Err(StatsError::ItemOutOfRange {
                what: "the number of labels of a stratum",
                index,
                value: s.labels.len() as f64,
                allowed: "at least 2 where the stratum has a weight",
            });
        }
        let parts = combine(s.labels, s.predictions, s.unlabelled, None)?;
        value += s.weight * parts.value;
        variance += s.weight * s.weight * parts.variance;
        lambda += s.weight * parts.lambda;
        fewest = fewest.min(parts.rarer);
        n += s.labels.len() as u64;
        lambdas.push(parts.lambda);
        residual_deviations.push(parts.residual_deviation);
    }
    let name = "stratified prediction-powered (StratPPI)";
    Ok(StratifiedPrediction {
        powered: finish(name, value, variance.sqrt(), lambda, fewest, confidence, n)?,
        lambdas,
        residual_deviations,
    })
}
