//! How a classifier is trained: everything that changes the result, and its defaults.

use crate::distillation::Teacher;
use crate::error::TrainError;
use nines_domain::snippet::ContentHash;
use nines_nn::encoder::Pooling;
use nines_nn::precision::Precision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod cadence;
mod check;
mod techniques;

pub use cadence::CheckpointCadence;
pub use techniques::{
    Averaging, Ema, Focal, FreeLb, Keep, LabelNoise, LastShare, Latent, LatentRows, LogitAdjusted,
    Loss, Sift,
};

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
    /// stops early. Which weights are kept, `keep` says either way.
    pub patience: Option<u32>,
    /// Rows of about the same length are batched together within pools of this many batches.
    pub pool_batches: usize,
    /// What happens to a snippet longer than the model's window.
    pub long: LongRows,
    // What follows is left out of records where it is off, so that those of before read the same.
    /// Which evaluation's weights are kept.
    #[serde(skip_serializing_if = "is_default")]
    pub keep: Keep,
    /// What a row's loss is, before its weight.
    #[serde(skip_serializing_if = "is_default")]
    pub loss: Loss,
    /// How much of each target is given to the other label: 0.1 asks for 0.95 where the label says 1.
    /// The validation loss is without it.
    #[serde(skip_serializing_if = "is_default")]
    pub label_smoothing: f64,
    /// What the weight of a catastrophe is multiplied by, for severity 1, 2 and 3; one without a
    /// severity counts as 2.
    #[serde(skip_serializing_if = "is_even")]
    pub severity_weights: [f64; 3],
    /// Scale-invariant fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sift: Option<Sift>,
    /// Free large-batch adversarial training; not together with `sift`, `r_drop` or
    /// `multi_sample_dropout`, whose passes it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freelb: Option<FreeLb>,
    /// Latent adversarial training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latent: Option<Latent>,
    /// The weight of the disagreement of two passes with different dropout; 0 makes one pass.
    ///
    /// Liang et al., "R-Drop" (2021).
    #[serde(skip_serializing_if = "is_default")]
    pub r_drop: f64,
    /// The learning rate of encoder layer l of L (from 0) is the `learning_rate` times this to the
    /// power L - l, that of the embeddings to the power L + 1.
    #[serde(skip_serializing_if = "is_one")]
    pub layer_decay: f64,
    /// Masks of the head's dropout in each pass; the loss is their mean.
    ///
    /// Inoue, "Multi-sample dropout" (2019).
    #[serde(skip_serializing_if = "is_single")]
    pub multi_sample_dropout: usize,
    /// Which weights are evaluated and saved.
    #[serde(skip_serializing_if = "is_default")]
    pub averaging: Averaging,
    /// The share of each batch that is drawn from adversarial rows, again and again; `None` treats
    /// them as any row, 0 leaves them out. An epoch is one pass over the other rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversarial_share: Option<f64>,
    /// At most so many training and validation rows keep their part, drawn by lots that `seed` keys;
    /// those of a smaller budget are among those of a larger one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_budget: Option<usize>,
    /// Simulated mistakes of labellers, keyed by `seed`.
    #[serde(skip_serializing_if = "is_default")]
    pub label_noise: LabelNoise,
    /// How much a teacher counts, where rows say what it said of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<Teacher>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one(value: &f64) -> bool {
    *value == 1.0
}

fn is_single(value: &usize) -> bool {
    *value == 1
}

fn is_even(weights: &[f64; 3]) -> bool {
    *weights == [1.0; 3]
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
    use nines_nn::encoder::Pooling;
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
            keep: Keep::default(),
            loss: Loss::default(),
            label_smoothing: 0.0,
            severity_weights: [1.0; 3],
            sift: None,
            freelb: None,
            latent: None,
            r_drop: 0.0,
            layer_decay: 1.0,
            multi_sample_dropout: 1,
            averaging: Averaging::default(),
            adversarial_share: None,
            label_budget: None,
            label_noise: LabelNoise::default(),
            teacher: None,
        }
    }
}

impl TrainConfig {
    /// Returns the recipe with other values for some of its fields, each written as in its JSON.
    ///
    /// # Errors
    /// [`TrainError::Recipe`] says which field does not exist or what is wrong with its value.
    ///
    /// # Example
    /// ```
    /// use nines_train::TrainConfig;
    /// let fields = serde_json::json!({ "epochs": 2, "loss": { "focal": { "gamma": 1.5 } } });
    /// let fields = fields.as_object().expect("an object");
    /// let recipe = TrainConfig::default().with_fields(fields).expect("fields of a recipe");
    /// assert_eq!((recipe.epochs, recipe.batch_size), (2, 32));
    /// ```
    pub fn with_fields(&self, fields: &Map<String, Value>) -> Result<Self, TrainError> {
        let problem = |error: serde_json::Error| TrainError::Recipe {
            problem: error.to_string(),
        };
        let mut all = serde_json::to_value(self).map_err(problem)?;
        for (name, value) in fields {
            all[name] = value.clone();
        }
        serde_json::from_value(all).map_err(problem)
    }

    /// Says whether a row's severity changes anything.
    pub(crate) fn weighs_severity(&self) -> bool {
        !is_even(&self.severity_weights)
    }

    /// Returns a digest of all values; two equal configurations have equal digests.
    pub fn digest(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        ContentHash::of_fields("training configuration", &[&json]).to_string()
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
    fn what_is_off_is_not_written() {
        // The default recipe as it was written, and digested, before there were techniques.
        let json = serde_json::to_string(&TrainConfig::default()).expect("JSON");
        assert_eq!(
            json,
            r#"{"seed":0,"split_seed":0,"epochs":4,"batch_size":32,"learning_rate":0.0001,"head_rate":10.0,"warmup":0.1,"weight_decay":0.01,"betas":[0.9,0.999],"epsilon":1e-8,"clip_norm":1.0,"positive_weight":"square_root","from_layer":0,"pooling":"pooler","precision":"f32","dropout":null,"evaluations_per_epoch":2,"patience":4,"pool_batches":16,"long":"refuse"}"#
        );
        let fields = serde_json::json!({
            "keep": "last", "loss": { "logit_adjusted": {} }, "label_smoothing": 0.1, "severity_weights": [1, 2, 4],
            "sift": { "weight": 2 }, "latent": { "layer": 1, "rows": "all" }, "r_drop": 0.5,
            "layer_decay": 0.9, "multi_sample_dropout": 4, "averaging": { "ema": { "decay": 0.9 } },
            "adversarial_share": 0.25, "label_budget": 100, "label_noise": { "miss": 0.1 },
        });
        let fields = fields.as_object().expect("an object");
        let config = TrainConfig::default()
            .with_fields(fields)
            .expect("a recipe");
        config.check().expect("usable");
        assert_eq!(config.sift.expect("on").step, 1e-4);
        assert_eq!(config.loss, Loss::LogitAdjusted(LogitAdjusted { tau: 1.0 }));
        let json = serde_json::to_string(&config).expect("JSON");
        assert_eq!(config, serde_json::from_str(&json).expect("read again"));
        let none = TrainConfig::default().with_fields(&serde_json::Map::new());
        assert_eq!(
            none.expect("a recipe").digest(),
            TrainConfig::default().digest()
        );
        for (field, value, message) in [
            ("sifting", serde_json::json!(1), "unknown field `sifting`"),
            (
                "loss",
                serde_json::json!("hinge"),
                "unknown variant `hinge`",
            ),
            (
                "sift",
                serde_json::json!({ "length": 1 }),
                "unknown field `length`",
            ),
        ] {
            let fields = Map::from_iter([(field.to_owned(), value)]);
            let error = TrainConfig::default()
                .with_fields(&fields)
                .expect_err("refused");
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn weights_lie_between_ignoring_and_undoing_the_imbalance() {
        assert_eq!(PositiveWeight::SquareRoot.resolve(900, 100), 3.0);
        assert_eq!(PositiveWeight::SquareRoot.resolve(100, 900), 1.0);
        assert_eq!(PositiveWeight::Balanced.resolve(900, 100), 9.0);
        assert_eq!(PositiveWeight::Value(2.5).resolve(1, 1), 2.5);
    }
}
