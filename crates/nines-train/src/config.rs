//! How a classifier is trained: everything that changes the result, and its defaults.

use crate::error::TrainError;
use nines_domain::snippet::ContentHash;
use nines_nn::bert::Pooling;
use nines_nn::precision::Precision;
use serde::{Deserialize, Serialize};

/// How much a catastrophe weighs in the loss, against 1 for a safe snippet.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositiveWeight {
    /// The square root of safe rows by catastrophes, between 1 and 10: between ignoring the
    /// imbalance and undoing it.
    #[default]
    SquareRoot,
    /// Safe rows by catastrophes, at most 100: both labels weigh the same in total.
    Balanced,
    /// A number.
    Value(f64),
}

impl PositiveWeight {
    /// Returns the weight for this many training rows of each label.
    pub fn resolve(self, safe: usize, catastrophes: usize) -> f64 {
        let ratio = safe as f64 / (catastrophes as f64).max(1.0);
        match self {
            Self::SquareRoot => ratio.sqrt().clamp(1.0, 10.0),
            Self::Balanced => ratio.clamp(0.01, 100.0),
            Self::Value(weight) => weight,
        }
    }
}

/// What happens to a snippet that is longer than the model's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongRows {
    /// Training stops and names the row.
    #[default]
    Refuse,
    /// The snippet is read through windows; the one with the highest logit counts and alone
    /// receives the gradient.
    MaxWindow,
}

/// The most rows of one update: more are a mistake, and would not fit into memory.
pub const MAX_BATCH_SIZE: usize = 65_536;

/// The recipe. Every field changes the result, so a run is resumed with the same values only.
///
/// The defaults are a usual recipe for encoders of this size; they were tuned on no split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Keys the head's first weights, the order of the rows and the dropout masks.
    pub seed: u64,
    /// Keys which prompt families go to which split; apart from `seed`, so that the test split
    /// stays untouched when training is repeated with other seeds.
    pub split_seed: u64,
    /// Passes over the training split.
    pub epochs: u32,
    /// Rows of one update, at most [`MAX_BATCH_SIZE`].
    pub batch_size: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// How many times faster the head learns: it starts from noise, the encoder from a language
    /// model.
    pub head_rate: f64,
    /// The share of all updates over which the learning rate rises from 0.
    pub warmup: f64,
    /// Decoupled weight decay; never on bias and norms.
    pub weight_decay: f64,
    /// AdamW's decay of the first and second moments.
    pub betas: (f64, f64),
    /// AdamW's guard against division by zero.
    pub epsilon: f64,
    /// The gradient's global norm is scaled down to this.
    pub clip_norm: f64,
    /// The weight of a catastrophe in the loss.
    pub positive_weight: PositiveWeight,
    /// The first layer that learns: 0 trains all layers and the embeddings; k > 0 freezes the
    /// embeddings and the layers below k.
    pub from_layer: usize,
    /// Freezes the embeddings, whatever the layers do. Left out of records where it is not set, so
    /// that those of before read the same.
    #[serde(default, skip_serializing_if = "is_not_set")]
    pub freeze_embeddings: bool,
    /// How the encoder's output becomes one vector.
    #[serde(with = "pooling_by_name")]
    pub pooling: Pooling,
    /// What passes multiply in. Master weights, their gradients and the optimiser are 32-bit.
    #[serde(with = "precision_by_name")]
    pub precision: Precision,
    /// Dropout everywhere in the encoder and before the head; `None` keeps what the base model's
    /// configuration says.
    pub dropout: Option<f64>,
    /// Evaluations on the validation split in each epoch.
    pub evaluations_per_epoch: u32,
    /// Training stops after this many evaluations without a better validation loss; `None` never
    /// stops early. The best weights are kept either way.
    pub patience: Option<u32>,
    /// Rows of about the same length are batched together within pools of this many batches.
    pub pool_batches: usize,
    /// What happens to a snippet longer than the model's window.
    pub long: LongRows,
}

fn is_not_set(flag: &bool) -> bool {
    !flag
}

/// Writes a precision as its name.
mod precision_by_name {
    use nines_nn::precision::Precision;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Precision, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Precision, D::Error> {
        let name = String::deserialize(deserializer)?;
        Precision::from_name(&name)
            .ok_or_else(|| D::Error::custom(format!("precision is {name:?}, such as f32")))
    }
}

/// Writes a pooling as its word.
mod pooling_by_name {
    use nines_nn::bert::Pooling;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(pooling: &Pooling, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(pooling.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pooling, D::Error> {
        let name = String::deserialize(deserializer)?;
        Pooling::from_name(&name).ok_or_else(|| {
            D::Error::custom(format!("pooling is {name:?}, not pooler, cls or mean"))
        })
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            split_seed: 0,
            epochs: 4,
            batch_size: 32,
            learning_rate: 1e-4,
            head_rate: 10.0,
            warmup: 0.1,
            weight_decay: 0.01,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            clip_norm: 1.0,
            positive_weight: PositiveWeight::default(),
            from_layer: 0,
            freeze_embeddings: false,
            pooling: Pooling::default(),
            precision: Precision::Float32,
            dropout: None,
            evaluations_per_epoch: 2,
            patience: Some(4),
            pool_batches: 16,
            long: LongRows::default(),
        }
    }
}

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
        Ok(())
    }

    /// Returns a digest of all values; two equal configurations have equal digests.
    pub fn digest(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        ContentHash::of_fields("training configuration", &[&json]).to_string()
    }
}

/// How often a run is saved on its way. Never changes the result, so it may differ on resuming.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckpointCadence {
    /// Saves after this many updates.
    pub every_steps: Option<u64>,
    /// Saves when this many seconds have passed since the last time.
    pub every_seconds: Option<f64>,
}

impl Default for CheckpointCadence {
    /// Every minute: at most a minute's work is lost, and writing takes about a hundredth of it.
    fn default() -> Self {
        Self {
            every_steps: None,
            every_seconds: Some(60.0),
        }
    }
}

impl CheckpointCadence {
    /// Says whether it is time, `steps` and `seconds` after the last checkpoint.
    pub fn is_due(&self, steps: u64, seconds: f64) -> bool {
        self.every_steps.is_some_and(|every| steps >= every.max(1))
            || (steps > 0 && self.every_seconds.is_some_and(|every| seconds >= every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_recipe_is_usable_and_its_digest_is_its_own() {
        let config = TrainConfig::default();
        config.check().expect("usable");
        let other = TrainConfig {
            seed: 1,
            ..config.clone()
        };
        assert_ne!(config.digest(), other.digest());
        assert_eq!(config.digest(), config.clone().digest());
    }

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
    fn weights_lie_between_ignoring_and_undoing_the_imbalance() {
        assert_eq!(PositiveWeight::SquareRoot.resolve(900, 100), 3.0);
        assert_eq!(PositiveWeight::SquareRoot.resolve(100, 900), 1.0);
        assert_eq!(PositiveWeight::Balanced.resolve(900, 100), 9.0);
        assert_eq!(PositiveWeight::Value(2.5).resolve(1, 1), 2.5);
    }

    #[test]
    fn cadence_is_by_steps_or_by_seconds() {
        let steps = CheckpointCadence {
            every_steps: Some(10),
            every_seconds: None,
        };
        assert!(!steps.is_due(9, 1e9) && steps.is_due(10, 0.0));
        let seconds = CheckpointCadence {
            every_steps: None,
            every_seconds: Some(5.0),
        };
        assert!(!seconds.is_due(1, 4.9) && seconds.is_due(1, 5.0) && !seconds.is_due(0, 9.0));
    }
}
