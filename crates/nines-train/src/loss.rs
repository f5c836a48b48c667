//! What a batch's logits cost, with the gradient.
//!
//! - here: weighted binary cross-entropy; [`objective`]: what a recipe asks for instead.
//! - [`consistency`]: how far two passes over the same rows disagree.

pub mod consistency;
pub mod objective;

pub use objective::{Objective, Target};

/// The mean loss of a batch and its derivative by each logit.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchLoss {
    /// The mean over the rows.
    pub mean: f64,
    /// d mean / d logit, in the logits' order.
    pub gradient: Vec<f32>,
    /// Each row's own loss.
    pub rows: Vec<f64>,
}

/// Returns ln(1 + e^x) without overflow: max(x, 0) + ln(1 + e^-|x|).
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Returns the loss of one row: w · softplus(-z) for a catastrophe, softplus(z) for a safe row.
pub fn row_loss(logit: f64, broad: bool, positive_weight: f64) -> f64 {
    if broad {
        positive_weight * softplus(-logit)
    } else {
        softplus(logit)
    }
}

/// Returns the mean weighted binary cross-entropy of a batch and its gradient, both computed in
/// f64. The mean is over rows, not over weights, as in PyTorch's `BCEWithLogitsLoss`.
///
/// # Example
/// ```
/// use nines_train::loss::weighted_bce;
/// let loss = weighted_bce(&[0.0, 0.0], &[true, false], 3.0);
/// assert!((loss.mean - 2.0 * 2f64.ln()).abs() < 1e-12);
/// assert_eq!(loss.gradient, [-0.75, 0.25]);
/// ```
pub fn weighted_bce(logits: &[f32], broad: &[bool], positive_weight: f64) -> BatchLoss {
    debug_assert_eq!(logits.len(), broad.len());
    weighted_bce_rows(logits, broad.len(), |index| {
        (
            broad[index],
            if broad[index] { positive_weight } else { 1.0 },
        )
    })
}

/// The same for logits of `rows` rows, once or several times, each with its label and its weight.
pub(crate) fn weighted_bce_rows(
    logits: &[f32],
    rows: usize,
    label: impl Fn(usize) -> (bool, f64),
) -> BatchLoss {
    let n = logits.len().max(1) as f64;
    let passes = n / rows.max(1) as f64;
    let (mut sum, mut each) = (0.0, vec![0.0; rows]);
    let gradient = logits
        .iter()
        .enumerate()
        .map(|(index, &logit)| {
            let z = f64::from(logit);
            let (broad, weight) = label(index);
            let loss = row_loss(z, broad, weight);
            sum += loss;
            each[index % rows] += loss / passes;
            let p = nines_domain::score::sigmoid(z);
            let slope = if broad { weight * (p - 1.0) } else { p };
            (slope / n) as f32
        })
        .collect();
    BatchLoss {
        mean: sum / n,
        gradient,
        rows: each,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn extreme_logits_stay_finite() {
        let loss = weighted_bce(&[1000.0, -1000.0], &[false, true], 2.0);
        assert_eq!(loss.mean, 1500.0);
        assert_eq!(loss.gradient, [0.5, -1.0]);
        let loss = weighted_bce(&[-1000.0, 1000.0], &[false, true], 2.0);
        assert_eq!(loss.mean, 0.0);
    }

    proptest! {
        #[test]
        fn gradient_is_the_finite_difference(
            z in -20f64..20.0, broad in any::<bool>(), weight in 0.1f64..10.0
        ) {
            let h = 1e-5;
            let difference =
                (row_loss(z + h, broad, weight) - row_loss(z - h, broad, weight)) / (2.0 * h);
            let gradient = weighted_bce(&[z as f32], &[broad], weight).gradient[0];
            prop_assert!((f64::from(gradient) - difference).abs() < 1e-5 * weight.max(1.0));
        }
    }
}
