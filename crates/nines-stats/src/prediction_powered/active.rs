//! Active inference: labels where the predictor is unsure.

use super::{PredictionPowered, check, check_variety, finish};
use crate::error::{StatsError, same_length, within};
use crate::moments::{mean, variance};

/// Returns the mean label when each item was labelled with its own probability, independently:
/// the mean of f + ξ(y − f)/π.
///
/// `labels[i]` is `None` where item i was not labelled. Label where the predictor is unsure: π in
/// proportion to the standard deviation of y given x, and nowhere 0. Assumes independent items, and
/// predictions and probabilities that no label of the same item entered. Not for rare failures.
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ; [`StatsError::Empty`], [`StatsError::NotFinite`]
/// and [`StatsError::ItemOutOfRange`] for probabilities outside (0, 1] or a probability of 1 without a
/// label; [`StatsError::TooFew`] for fewer than two labels, labels that are all the same, or
/// predictions that are all equally wrong; [`StatsError::OutOfRange`] unless the confidence lies in
/// (0, 1).
///
/// # Example
/// ```
/// use nines_stats::prediction_powered::active_inference;
/// let f = [0.9, 0.1, 0.5, 0.4];
/// let labels = [None, None, Some(1.0), Some(0.0)];
/// let mean = active_inference(&f, &[0.2, 0.2, 0.8, 0.5], &labels, 0.95)?;
/// assert!((mean.estimate.value.unwrap() - (0.9 + 0.1 + 0.5 + 0.625 + 0.4 - 0.8) / 4.0).abs() < 1e-15);
/// assert!(active_inference(&f, &[0.2, 0.0, 0.8, 0.5], &labels, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Zrnic & Candès, "Active statistical inference" (2024), the mean.
pub fn active_inference(
    predictions: &[f64],
    probabilities: &[f64],
    labels: &[Option<f64>],
    confidence: f64,
) -> Result<PredictionPowered, StatsError> {
    const WHAT: &str = "label probabilities";
    same_length(
        "predictions and label probabilities",
        predictions.len(),
        probabilities.len(),
    )?;
    same_length("predictions and labels", predictions.len(), labels.len())?;
    check("predictions", predictions)?;
    within(WHAT, probabilities, 1.0, "above 0 and at most 1")?;
    let refuse = |index: usize, allowed| StatsError::ItemOutOfRange {
        what: WHAT,
        index,
        value: probabilities[index],
        allowed,
    };
    let mut terms = Vec::with_capacity(predictions.len());
    let (mut given, mut errors) = (vec![], vec![]);
    for (index, ((&f, &p), &label)) in predictions
        .iter()
        .zip(probabilities)
        .zip(labels)
        .enumerate()
    {
        if !(1.0 / p).is_finite() {
            return Err(refuse(index, "above 0 and at most 1"));
        }
        let Some(y) = label else {
            if p == 1.0 {
                return Err(refuse(index, "below 1 where there is no label"));
            }
            terms.push(f);
            continue;
        };
        if !y.is_finite() {
            return Err(StatsError::NotFinite {
                what: "labels",
                index,
                value: y,
            });
        }
        terms.push(f + (y - f) / p);
        given.push(y);
        errors.push(y - f);
    }
    check("labels", &given)?;
    let rarer = check_variety(&given, &errors)?;
    let se = (variance(&terms) / terms.len() as f64).sqrt();
    let n = given.len() as u64;
    finish(
        "active inference",
        mean(&terms),
        se,
        1.0,
        rarer,
        confidence,
        n,
    )
}
