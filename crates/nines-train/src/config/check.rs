//! Which values a recipe cannot have.

use super::{Averaging, Loss, MAX_BATCH_SIZE, PositiveWeight, TrainConfig};
use crate::error::TrainError;

/// The most steps of an adversary and masks of a head: more are a mistake.
const MAX_STEPS: usize = 1000;

impl TrainConfig {
    /// Checks that every value can be used.
    ///
    /// # Errors
    /// [`TrainError::Option`] names the first field that cannot.
    pub fn check(&self) -> Result<(), TrainError> {
        let refuse = |option, problem: String| Err(TrainError::Option { option, problem });
        let at_least_one = [
            ("epochs", self.epochs as usize),
            ("batch_size", self.batch_size),
            ("evaluations_per_epoch", self.evaluations_per_epoch as usize),
            ("pool_batches", self.pool_batches),
        ];
        for (option, value) in at_least_one {
            if value == 0 {
                return refuse(option, "is 0, but must be at least 1".into());
            }
        }
        if self.batch_size > MAX_BATCH_SIZE {
            return refuse(
                "batch_size",
                format!(
                    "is {}, but must be at most {MAX_BATCH_SIZE}",
                    self.batch_size
                ),
            );
        }
        let above_zero = [
            ("learning_rate", self.learning_rate),
            ("head_rate", self.head_rate),
            ("clip_norm", self.clip_norm),
            ("epsilon", self.epsilon),
            ("layer_decay", self.layer_decay),
        ];
        for (option, value) in above_zero {
            if !(value.is_finite() && value > 0.0) {
                return refuse(
                    option,
                    format!("is {value}, but must be above 0 and finite"),
                );
            }
        }
        let below_one = [
            ("warmup", self.warmup),
            ("betas", self.betas.0),
            ("betas", self.betas.1),
            ("weight_decay", self.weight_decay),
            ("dropout", self.dropout.unwrap_or(0.0)),
            ("label_smoothing", self.label_smoothing),
            ("label_noise", self.label_noise.miss),
            ("label_noise", self.label_noise.false_alarm),
            ("adversarial_share", self.adversarial_share.unwrap_or(0.0)),
        ];
        for (option, value) in below_one {
            if !(0.0..1.0).contains(&value) {
                return refuse(
                    option,
                    format!("is {value}, but must be at least 0 and below 1"),
                );
            }
        }
        if let PositiveWeight::Value(weight) = self.positive_weight
            && !(weight.is_finite() && weight > 0.0)
        {
            return refuse(
                "positive_weight",
                format!("is {weight}, but must be above 0 and finite"),
            );
        }
        if !self.precision.is_available() {
            return refuse(
                "precision",
                format!("is {}, which this CPU does not have", self.precision),
            );
        }
        if self.patience == Some(0) {
            return refuse("patience", "is 0, but must be at least 1 or absent".into());
        }
        self.check_techniques()
    }

    fn check_techniques(&self) -> Result<(), TrainError> {
        let refuse = |option, problem: String| Err(TrainError::Option { option, problem });
        let sift = self.sift.unwrap_or_default();
        let freelb = self.freelb.unwrap_or_default();
        let latent = self.latent.unwrap_or_default();
        let (gamma, tau) = match self.loss {
            Loss::Bce => (0.0, 0.0),
            Loss::Focal(focal) => (focal.gamma, 0.0),
            Loss::LogitAdjusted(adjusted) => (0.0, adjusted.tau),
        };
        let not_negative = [
            ("loss.focal.gamma", gamma),
            ("loss.logit_adjusted.tau", tau),
            ("severity_weights", self.severity_weights[0]),
            ("severity_weights", self.severity_weights[1]),
            ("severity_weights", self.severity_weights[2]),
            ("sift.weight", sift.weight),
            ("sift.step", sift.step),
            ("sift.init", sift.init),
            ("freelb.rate", freelb.rate),
            ("freelb.init", freelb.init),
            ("freelb.radius", freelb.radius),
            ("latent.rate", latent.rate),
            ("latent.radius", latent.radius),
            ("latent.weight", latent.weight),
            ("r_drop", self.r_drop),
        ];
        for (option, value) in not_negative {
            // Far above anything of use, and far below where 32-bit numbers end.
            if !(0.0..=1e6).contains(&value) {
                return refuse(
                    option,
                    format!("is {value}, but must lie between 0 and a million"),
                );
            }
        }
        if self.layer_decay > 1.0 {
            return refuse(
                "layer_decay",
                format!("is {}, but must be at most 1", self.layer_decay),
            );
        }
        let counts = [
            ("freelb.steps", freelb.steps as usize),
            ("latent.steps", latent.steps as usize),
            ("multi_sample_dropout", self.multi_sample_dropout),
        ];
        for (option, value) in counts {
            if !(1..=MAX_STEPS).contains(&value) {
                return refuse(
                    option,
                    format!("is {value}, but must lie between 1 and {MAX_STEPS}"),
                );
            }
        }
        if self.label_budget.is_some_and(|budget| budget < 2) {
            return refuse("label_budget", "is below 2: a run needs two labels".into());
        }
        match self.averaging {
            Averaging::Ema(ema) if !(0.0..1.0).contains(&ema.decay) => refuse(
                "averaging.ema.decay",
                format!("is {}, but must be at least 0 and below 1", ema.decay),
            ),
            Averaging::Last(last) if !(last.share > 0.0 && last.share <= 1.0) => refuse(
                "averaging.last.share",
                format!("is {}, but must be above 0 and at most 1", last.share),
            ),
            _ => self.check_together(),
        }
    }

    /// Checks what goes together.
    fn check_together(&self) -> Result<(), TrainError> {
        if self.freelb.is_none() {
            return Ok(());
        }
        let others = [
            ("sift", self.sift.is_some()),
            ("r_drop", self.r_drop > 0.0),
            ("multi_sample_dropout", self.multi_sample_dropout > 1),
        ];
        match others.into_iter().find(|(_, on)| *on) {
            None => Ok(()),
            Some((other, _)) => Err(TrainError::Option {
                option: "freelb",
                problem: format!("is on together with {other}, whose passes it replaces"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Ema, FreeLb, LabelNoise, Sift};

    #[test]
    fn unusable_values_are_named() {
        let message = |config: TrainConfig| config.check().expect_err("refused").to_string();
        let base = TrainConfig::default;
        assert!(
            message(TrainConfig {
                epochs: 0,
                ..base()
            })
            .starts_with("epochs is 0")
        );
        assert!(
            message(TrainConfig {
                batch_size: 65_537,
                ..base()
            })
            .starts_with("batch_size is 65537, but must be at most 65536")
        );
        assert!(
            message(TrainConfig {
                warmup: 1.0,
                ..base()
            })
            .starts_with("warmup is 1")
        );
        assert!(
            message(TrainConfig {
                learning_rate: f64::NAN,
                ..base()
            })
            .starts_with("learning_rate is NaN")
        );
        let weight = PositiveWeight::Value(-1.0);
        assert!(
            message(TrainConfig {
                positive_weight: weight,
                ..base()
            })
            .starts_with("positive_weight is -1")
        );
    }

    #[test]
    fn techniques_that_cannot_be_used_are_named() {
        let message = |config: TrainConfig| config.check().expect_err("refused").to_string();
        let base = TrainConfig::default;
        let cases = [
            (
                TrainConfig {
                    sift: Some(Sift {
                        step: f64::INFINITY,
                        ..Sift::default()
                    }),
                    ..base()
                },
                "sift.step is inf",
            ),
            (
                TrainConfig {
                    freelb: Some(FreeLb::default()),
                    r_drop: 1.0,
                    ..base()
                },
                "freelb is on together with r_drop",
            ),
            (
                TrainConfig {
                    averaging: Averaging::Ema(Ema { decay: 1.0 }),
                    ..base()
                },
                "averaging.ema.decay is 1",
            ),
            (
                TrainConfig {
                    label_noise: LabelNoise {
                        miss: f64::NAN,
                        false_alarm: 0.0,
                    },
                    ..base()
                },
                "label_noise is NaN",
            ),
            (
                TrainConfig {
                    multi_sample_dropout: 0,
                    ..base()
                },
                "multi_sample_dropout is 0",
            ),
            (
                TrainConfig {
                    layer_decay: 1.5,
                    ..base()
                },
                "layer_decay is 1.5",
            ),
            (
                TrainConfig {
                    label_budget: Some(1),
                    ..base()
                },
                "label_budget is below 2",
            ),
        ];
        for (config, expected) in cases {
            let found = message(config);
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
