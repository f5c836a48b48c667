//! The loss that a recipe asks for: its shape, its weights, its targets.

use super::{BatchLoss, row_loss, softplus, weighted_bce_rows};
use crate::config::{Loss, TrainConfig};
use nines_domain::label::Severity;
use nines_domain::score::sigmoid;

/// What a row's score is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Whether it is a catastrophe.
    pub broad: bool,
    /// How grave, where somebody said so.
    pub severity: Option<Severity>,
}

impl Target {
    /// A label without a severity.
    pub fn of(broad: bool) -> Self {
        Self {
            broad,
            severity: None,
        }
    }
}

/// What a run minimises on its rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    loss: Loss,
    smoothing: f64,
    positive_weight: f64,
    severity_weights: [f64; 3],
    /// What is added to a logit before its loss: the logit adjustment.
    shift: f64,
}

impl Objective {
    /// Plain weighted binary cross-entropy.
    pub fn plain(positive_weight: f64) -> Self {
        Self {
            loss: Loss::Bce,
            smoothing: 0.0,
            positive_weight,
            severity_weights: [1.0; 3],
            shift: 0.0,
        }
    }

    /// What a recipe asks for, where so many rows of each label train.
    pub fn new(config: &TrainConfig, safe: usize, catastrophes: usize) -> Self {
        let ratio = catastrophes.max(1) as f64 / safe.max(1) as f64;
        Self {
            loss: config.loss,
            smoothing: config.label_smoothing,
            positive_weight: config.positive_weight.resolve(safe, catastrophes),
            severity_weights: config.severity_weights,
            shift: match config.loss {
                Loss::LogitAdjusted(adjusted) => adjusted.tau * ratio.ln(),
                Loss::Bce | Loss::Focal(_) => 0.0,
            },
        }
    }

    /// Returns the weight of a catastrophe of severity 2, if severities do not change it.
    pub fn positive_weight(&self) -> f64 {
        self.positive_weight
    }

    /// Returns a row's weight.
    pub fn weight(&self, target: Target) -> f64 {
        if !target.broad {
            return 1.0;
        }
        let severity = target.severity.unwrap_or(Severity::Clear);
        self.positive_weight * self.severity_weights[usize::from(u8::from(severity)) - 1]
    }

    /// Returns a row's loss under its label as it is, without smoothing: what validation is
    /// measured by.
    pub fn row(&self, logit: f64, target: Target) -> f64 {
        match self.loss {
            Loss::Bce => row_loss(logit, target.broad, self.weight(target)),
            _ => self.weight(target) * self.shape(self.towards(logit, target)).0,
        }
    }

    /// Returns the mean loss of a batch and its gradient, with smoothing. Where there are more logits
    /// than targets (several masks, several passes), they are whole batches one after the other, and
    /// the mean is over all; [`BatchLoss::rows`] has each row's mean.
    pub fn batch(&self, logits: &[f32], targets: &[Target]) -> BatchLoss {
        debug_assert_eq!(logits.len() % targets.len().max(1), 0);
        let of = |index: usize| targets[index % targets.len()];
        if matches!(self.loss, Loss::Bce) && self.smoothing == 0.0 {
            let label = |index| (of(index).broad, self.weight(of(index)));
            return weighted_bce_rows(logits, targets.len(), label);
        }
        let n = logits.len().max(1) as f64;
        let (mut sum, mut rows) = (0.0, vec![0.0; targets.len()]);
        let passes = n / targets.len().max(1) as f64;
        let mut gradient = Vec::with_capacity(logits.len());
        for (index, &logit) in logits.iter().enumerate() {
            let (loss, slope) = self.smoothed(f64::from(logit), of(index));
            sum += loss;
            rows[index % targets.len()] += loss / passes;
            gradient.push((slope / n) as f32);
        }
        BatchLoss {
            mean: sum / n,
            gradient,
            rows,
        }
    }

    /// A row's loss with smoothing, and its derivative by the logit.
    fn smoothed(&self, logit: f64, target: Target) -> (f64, f64) {
        let u = self.towards(logit, target);
        let (own, own_slope) = self.shape(u);
        let other_share = 0.5 * self.smoothing;
        let (loss, slope) = if other_share > 0.0 {
            let (other, other_slope) = self.shape(-u);
            let own_share = 1.0 - other_share;
            (
                own_share * own + other_share * other,
                own_share * own_slope - other_share * other_slope,
            )
        } else {
            (own, own_slope)
        };
        let (weight, sign) = (self.weight(target), if target.broad { 1.0 } else { -1.0 });
        (weight * loss, weight * sign * slope)
    }

    /// The adjusted logit, turned so that larger is nearer to the label.
    fn towards(&self, logit: f64, target: Target) -> f64 {
        let adjusted = logit + self.shift;
        if target.broad { adjusted } else { -adjusted }
    }

    /// The loss of a logit that is turned towards its label, and its derivative.
    fn shape(&self, u: f64) -> (f64, f64) {
        let (loss, wrong) = (softplus(-u), sigmoid(-u));
        match self.loss {
            Loss::Bce | Loss::LogitAdjusted(_) => (loss, -wrong),
            // With q = 1 - p: q^g loss, and its derivative -q^g (g p loss + q). The power is that of
            // e^(-softplus(u)) = q, which does not round to 0 / 0.
            Loss::Focal(focal) => {
                let power = (-focal.gamma * softplus(u)).exp();
                let slope = -power * (focal.gamma * sigmoid(u) * loss + wrong);
                (power * loss, slope)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Focal, LogitAdjusted, PositiveWeight};
    use crate::loss::weighted_bce;
    use proptest::prelude::*;

    fn config(loss: Loss, smoothing: f64) -> TrainConfig {
        TrainConfig {
            loss,
            label_smoothing: smoothing,
            positive_weight: PositiveWeight::Value(2.5),
            severity_weights: [0.5, 1.0, 3.0],
            ..TrainConfig::default()
        }
    }

    const SHAPES: [Loss; 4] = [
        Loss::Bce,
        Loss::Focal(Focal { gamma: 2.0 }),
        Loss::Focal(Focal { gamma: 0.5 }),
        Loss::LogitAdjusted(LogitAdjusted { tau: 1.5 }),
    ];

    fn target(broad: bool, severity: u8) -> Target {
        Target {
            broad,
            severity: Severity::try_from(severity).ok(),
        }
    }

    #[test]
    fn plain_is_the_weighted_cross_entropy_bit_for_bit() {
        let logits = [0.3f32, -2.7, 14.0, -0.000_1, 5.5];
        let broad = [true, false, false, true, true];
        let targets = broad.map(Target::of);
        let found = Objective::plain(2.7).batch(&logits, &targets);
        let expected = weighted_bce(&logits, &broad, 2.7);
        assert_eq!(found.mean.to_bits(), expected.mean.to_bits());
        assert_eq!(found.gradient, expected.gradient);
        let default = Objective::new(&TrainConfig::default(), 90, 10);
        let expected = weighted_bce(&logits, &broad, 3.0);
        assert_eq!(default.batch(&logits, &targets).gradient, expected.gradient);
    }

    #[test]
    fn the_losses_are_those_of_their_papers() {
        // Each from probabilities, as its paper writes it.
        let p = |z: f64| 1.0 / (1.0 + (-z).exp());
        for (z, broad) in [(0.7f64, true), (0.7, false), (-1.9, true), (-1.9, false)] {
            let own = if broad { p(z) } else { 1.0 - p(z) };
            let weight = if broad { 2.5 } else { 1.0 };
            let at = |loss, smoothing| {
                let objective = Objective::new(&config(loss, smoothing), 300, 100);
                objective.batch(&[z as f32], &[target(broad, 2)]).mean
            };
            let focal = -weight * (1.0 - own).powf(2.0) * own.ln();
            let close = |found: f64, expected: f64| {
                assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
            };
            close(at(SHAPES[1], 0.0), focal);
            // Logits (0, z) plus tau times the logarithms of the priors, and softmax cross-entropy.
            let priors = [0.75f64, 0.25];
            let logits = [1.5 * priors[0].ln(), z + 1.5 * priors[1].ln()];
            let chosen = logits[usize::from(broad)];
            let log_sum = (logits[0].exp() + logits[1].exp()).ln();
            close(at(SHAPES[3], 0.0), weight * (log_sum - chosen));
            // Cross-entropy of the targets 1 - 0.1 and 0.1, smoothing being 0.2 over two labels.
            let smoothed = -weight * (0.9 * own.ln() + 0.1 * (1.0 - own).ln());
            close(at(Loss::Bce, 0.2), smoothed);
        }
    }

    #[test]
    fn severity_multiplies_the_weight_of_a_catastrophe_alone() {
        let objective = Objective::new(&config(Loss::Bce, 0.0), 1, 1);
        let weights = [1, 2, 3].map(|severity| objective.weight(target(true, severity)));
        assert_eq!(weights, [1.25, 2.5, 7.5]);
        assert_eq!(objective.weight(Target::of(true)), 2.5);
        assert_eq!(objective.weight(target(false, 3)), 1.0);
    }

    #[test]
    fn several_passes_count_as_their_mean() {
        let objective = Objective::new(&config(SHAPES[1], 0.1), 3, 1);
        for objective in [objective, Objective::plain(2.0)] {
            let targets = [Target::of(true), Target::of(false)];
            let twice = objective.batch(&[0.5, 1.0, -0.5, 2.0], &targets);
            let first = objective.batch(&[0.5, 1.0], &targets);
            let second = objective.batch(&[-0.5, 2.0], &targets);
            assert!((twice.mean - 0.5 * (first.mean + second.mean)).abs() < 1e-12);
            for row in 0..2 {
                let mean = 0.5 * (first.rows[row] + second.rows[row]);
                assert!((twice.rows[row] - mean).abs() < 1e-12);
                assert!((twice.gradient[row] - 0.5 * first.gradient[row]).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn extreme_logits_stay_finite() {
        for loss in SHAPES {
            for smoothing in [0.0, 0.1] {
                let objective = Objective::new(&config(loss, smoothing), 1000, 1);
                let targets = [Target::of(true), Target::of(false)];
                for logit in [1e4f32, -1e4, 1e30, -1e30] {
                    let found = objective.batch(&[logit, logit], &targets);
                    assert!(found.mean.is_finite(), "{loss:?} at {logit}");
                    assert!(found.gradient.iter().all(|g| g.is_finite()));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn gradients_are_finite_differences(
            z in -20f64..20.0, broad in any::<bool>(), severity in 1u8..4, smoothing in 0f64..0.5
        ) {
            let h = 1e-5;
            for loss in SHAPES {
                let objective = Objective::new(&config(loss, smoothing), 300, 100);
                let at = |z: f64| objective.smoothed(z, target(broad, severity)).0;
                let difference = (at(z + h) - at(z - h)) / (2.0 * h);
                let slope = objective.smoothed(z, target(broad, severity)).1;
                prop_assert!((slope - difference).abs() < 1e-5, "{loss:?}: {slope}");
            }
        }
    }
}
