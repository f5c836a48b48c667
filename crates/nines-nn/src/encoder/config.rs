//! The configuration of an encoder and of the head on it.

mod deberta;

pub(crate) use deberta::{Convolution, DisentangledConfig};

use super::family::{Family, MPNET_FIRST_POSITION};
use crate::error::NnError;
use nines_kernels::relative::BUCKETS;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Name of the configuration file in a model folder.
pub const FILE_NAME: &str = "config.json";

/// The key that names the pooling in such a folder.
const POOLING_KEY: &str = "nines_pooling";

/// How the hidden states of a row become the one vector that is classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pooling {
    /// A trained layer with an activation on the first token (tanh; GELU in DeBERTa): the head of
    /// `transformers`' classes for sequence classification, and the only one that it loads.
    #[default]
    Pooler,
    /// The first token as it is.
    Cls,
    /// The mean over the row's real tokens.
    Mean,
}

impl Pooling {
    /// Returns the word for it in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pooler => "pooler",
            Self::Cls => "cls",
            Self::Mean => "mean",
        }
    }

    /// Finds a pooling by its word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pooler, Self::Cls, Self::Mean]
            .into_iter()
            .find(|pooling| pooling.name() == name)
    }
}

/// The head that a base model is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadConfig {
    /// How a row becomes one vector.
    pub pooling: Pooling,
    /// Dropout before the last layer; `None` for the base's own.
    pub classifier_dropout: Option<f64>,
    /// Dropout on embeddings and layer outputs; `None` for the base's own.
    pub hidden_dropout: Option<f64>,
    /// Dropout on attention weights; `None` for the base's own.
    pub attention_dropout: Option<f64>,
    /// Seed of the weights that the base does not have.
    pub seed: u64,
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self {
            pooling: Pooling::Pooler,
            classifier_dropout: None,
            hidden_dropout: None,
            attention_dropout: None,
            seed: 0,
        }
    }
}

/// Shapes and dropout of an encoder, as its config.json has them.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// The architecture.
    pub family: Family,
    /// Entries of the vocabulary.
    pub vocab_size: usize,
    /// Width of a hidden state.
    pub hidden_size: usize,
    /// Encoder layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// The longest row, in tokens.
    pub max_positions: usize,
    /// Position of a row's first token; `None` where positions are not added to words.
    pub(crate) first_position: Option<usize>,
    /// Segments; 0 where the architecture has none.
    pub type_vocab_size: usize,
    /// Added to variances in layer normalisation.
    pub layer_norm_eps: f64,
    /// Dropout on embeddings and layer outputs.
    pub hidden_dropout: f64,
    /// Dropout on attention weights.
    pub attention_dropout: f64,
    /// Dropout before the last layer; `None` for `hidden_dropout`.
    pub classifier_dropout: Option<f64>,
    /// How a row becomes one vector.
    pub pooling: Pooling,
    /// What only DeBERTa has.
    pub(crate) disentangled: Option<DisentangledConfig>,
    /// Everything that the file said, to be said again when the model is saved.
    raw: Map<String, Value>,
}

#[derive(Deserialize)]
struct Fields {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default)]
    type_vocab_size: Option<usize>,
    #[serde(default)]
    layer_norm_eps: Option<f64>,
    #[serde(default = "default_dropout")]
    hidden_dropout_prob: f64,
    #[serde(default = "default_dropout")]
    attention_probs_dropout_prob: f64,
    #[serde(default)]
    classifier_dropout: Option<f64>,
    #[serde(default)]
    cls_dropout: Option<f64>,
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
    #[serde(default)]
    relative_attention_num_buckets: Option<usize>,
    #[serde(default)]
    nines_pooling: Option<String>,
}

fn default_dropout() -> f64 {
    0.1
}

/// More than any encoder has; larger numbers are mistakes, and would ask for absurd memory.
const MAX_SIZE: usize = 1 << 24;
/// The same for layers.
const MAX_LAYERS: usize = 1024;

impl EncoderConfig {
    /// Says whether its layers are composed of the framework's operations, in 32 bits whatever the precision:
    /// see [`crate::composed`].
    pub fn is_composed(&self) -> bool {
        self.disentangled.is_some()
    }

    /// Reads the config.json of a model folder.
    ///
    /// # Errors
    /// [`NnError::Read`] when it cannot be read, [`NnError::Config`] when it is not the
    /// configuration of an encoder that can be run here.
    pub fn from_folder(folder: &Path) -> Result<Self, NnError> {
        let path = folder.join(FILE_NAME);
        let text = std::fs::read(&path).map_err(|source| NnError::Read {
            path: path.clone(),
            source,
        })?;
        Self::from_json(&text).map_err(|reason| NnError::Config { path, reason })
    }

    /// Reads a configuration from the text of a config.json, or says what is wrong with it.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, String> {
        let raw: Map<String, Value> = serde_json::from_slice(text)
            .map_err(|error| format!("it is not a JSON object: {error}"))?;
        let (family, own) = match raw.get("model_type").and_then(Value::as_str) {
            Some(name) => Family::of(name).ok_or_else(|| {
                format!(
                    "its model_type is {name:?}; a classifier needs {}",
                    known_types()
                )
            })?,
            None => {
                return Err(format!(
                    "it has no model_type; a classifier needs {}",
                    known_types()
                ));
            }
        };
        let fields: Fields = serde_json::from_value(Value::Object(raw.clone()))
            .map_err(|error| error.to_string())?;
        let epsilon = fields.layer_norm_eps.unwrap_or(family.default_epsilon());
        fields.check(epsilon)?;
        let pooling = match &fields.nines_pooling {
            Some(name) if own => Pooling::from_name(name)
                .ok_or_else(|| format!("its {POOLING_KEY} is {name:?}, not pooler, cls or mean"))?,
            _ => Pooling::Pooler,
        };
        let disentangled = match family {
            Family::Deberta => Some(DisentangledConfig::from_json(Value::Object(raw.clone()))?),
            Family::Bert | Family::Mpnet => None,
        };
        let (first_position, type_vocab_size) = fields.places(family)?;
        Ok(Self {
            family,
            vocab_size: fields.vocab_size,
            hidden_size: fields.hidden_size,
            layers: fields.num_hidden_layers,
            heads: fields.num_attention_heads,
            intermediate_size: fields.intermediate_size,
            max_positions: fields.max_position_embeddings - first_position,
            first_position: disentangled
                .as_ref()
                .is_none_or(|config| config.adds_positions)
                .then_some(first_position),
            type_vocab_size,
            layer_norm_eps: epsilon,
            hidden_dropout: fields.hidden_dropout_prob,
            attention_dropout: fields.attention_probs_dropout_prob,
            classifier_dropout: match family {
                Family::Deberta => fields.cls_dropout.or(fields.classifier_dropout),
                Family::Bert | Family::Mpnet => fields.classifier_dropout,
            },
            pooling,
            disentangled,
            raw,
        })
    }

    /// Applies the choices of a head.
    ///
    /// # Errors
    /// A sentence saying which dropout is no probability.
    pub(crate) fn with_head(mut self, head: &HeadConfig) -> Result<Self, String> {
        self.pooling = head.pooling;
        self.hidden_dropout = head.hidden_dropout.unwrap_or(self.hidden_dropout);
        self.attention_dropout = head.attention_dropout.unwrap_or(self.attention_dropout);
        self.classifier_dropout = head.classifier_dropout.or(self.classifier_dropout);
        check_dropout("hidden_dropout_prob", self.hidden_dropout)?;
        check_dropout("attention_probs_dropout_prob", self.attention_dropout)?;
        check_dropout("classifier_dropout", self.head_dropout())?;
        Ok(self)
    }

    /// Returns the width of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.heads
    }

    /// Returns the dropout before the last layer.
    pub fn head_dropout(&self) -> f64 {
        self.classifier_dropout.unwrap_or(self.hidden_dropout)
    }

    /// Returns the dropout before the pooler's layer.
    pub(crate) fn pooler_dropout(&self) -> f64 {
        match (self.family, &self.disentangled) {
            (_, Some(config)) => config.pooler_dropout,
            (Family::Mpnet, None) => self.head_dropout(),
            (Family::Bert | Family::Deberta, None) => 0.0,
        }
    }

    /// Returns what the file says that the logit is for.
    pub(crate) fn label(&self) -> Option<&str> {
        self.raw.get("id2label")?.get("0")?.as_str()
    }

    /// Returns the config.json of a classifier with this encoder: one logit, named `label`.
    pub fn to_json(&self, label: &str) -> String {
        let mut raw = self.raw.clone();
        for stale in ["num_labels", "_num_labels", "torch_dtype", POOLING_KEY] {
            raw.remove(stale);
        }
        let own = self.pooling != Pooling::Pooler;
        let model_type = if own {
            self.family.own_model_type()
        } else {
            self.family.model_type()
        };
        if own {
            raw.insert(POOLING_KEY.to_owned(), json!(self.pooling.name()));
        }
        for (key, value) in [
            ("model_type", json!(model_type)),
            ("architectures", json!([self.family.class(own)])),
            ("problem_type", json!("multi_label_classification")),
            ("id2label", json!({"0": label})),
            ("label2id", json!({label: 0})),
            ("hidden_dropout_prob", json!(self.hidden_dropout)),
            (
                "attention_probs_dropout_prob",
                json!(self.attention_dropout),
            ),
            (
                self.family.head_dropout_key(),
                json!(self.classifier_dropout),
            ),
            ("dtype", json!("float32")),
        ] {
            raw.insert(key.to_owned(), value);
        }
        let mut text = format!("{:#}", Value::Object(raw));
        text.push('\n');
        text
    }
}

fn check_dropout(name: &str, p: f64) -> Result<(), String> {
    if (0.0..1.0).contains(&p) {
        return Ok(());
    }
    Err(format!("{name} is {p}, not a probability below 1"))
}

/// Lists what `model_type` may be.
fn known_types() -> String {
    let names = Family::ALL.map(|family| format!("{:?}", family.model_type()));
    names.join(", ")
}

impl Fields {
    /// Returns the position of a row's first token and the number of segments.
    fn places(&self, family: Family) -> Result<(usize, usize), String> {
        match family {
            Family::Bert => match self.type_vocab_size {
                Some(types @ 1..=MAX_SIZE) => Ok((0, types)),
                Some(other) => Err(format!(
                    "type_vocab_size is {other}; expected 1 to {MAX_SIZE}"
                )),
                None => Err("it has no type_vocab_size".to_owned()),
            },
            Family::Mpnet => {
                let buckets = self.relative_attention_num_buckets.unwrap_or(BUCKETS);
                if buckets != BUCKETS {
                    return Err(format!(
                        "its relative_attention_num_buckets is {buckets}; only {BUCKETS} can be run here"
                    ));
                }
                if self.max_position_embeddings <= MPNET_FIRST_POSITION {
                    return Err(format!(
                        "max_position_embeddings is {}; the first {MPNET_FIRST_POSITION} are no row's",
                        self.max_position_embeddings
                    ));
                }
                Ok((MPNET_FIRST_POSITION, 0))
            }
            Family::Deberta => match self.type_vocab_size.unwrap_or(0) {
                types @ 0..=MAX_SIZE => Ok((0, types)),
                other => Err(format!(
                    "type_vocab_size is {other}; expected at most {MAX_SIZE}"
                )),
            },
        }
    }

    fn check(&self, epsilon: f64) -> Result<(), String> {
        for (name, size, most) in [
            ("vocab_size", self.vocab_size, MAX_SIZE),
            ("hidden_size", self.hidden_size, MAX_SIZE),
            ("num_hidden_layers", self.num_hidden_layers, MAX_LAYERS),
            ("num_attention_heads", self.num_attention_heads, MAX_SIZE),
            ("intermediate_size", self.intermediate_size, MAX_SIZE),
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                MAX_SIZE,
            ),
        ] {
            if size == 0 || size > most {
                return Err(format!("{name} is {size}; expected 1 to {most}"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(format!(
                "hidden_size {} is not a multiple of num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if !(epsilon > 0.0 && epsilon < 1.0) {
            return Err(format!("layer_norm_eps is {epsilon}"));
        }
        check_dropout("hidden_dropout_prob", self.hidden_dropout_prob)?;
        check_dropout(
            "attention_probs_dropout_prob",
            self.attention_probs_dropout_prob,
        )?;
        check_dropout("classifier_dropout", self.classifier_dropout.unwrap_or(0.0))?;
        check_dropout("cls_dropout", self.cls_dropout.unwrap_or(0.0))?;
        match self.hidden_act.as_deref() {
            None | Some("gelu") => {}
            Some(other) => {
                return Err(format!(
                    "its hidden_act is {other:?}; only \"gelu\" can be run here"
                ));
            }
        }
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => {}
            Some(other) => {
                return Err(format!(
                    "its position_embedding_type is {other:?}; only \"absolute\" can be run here"
                ));
            }
        }
        if self.is_decoder {
            return Err("it is a decoder; a classifier needs an encoder".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
