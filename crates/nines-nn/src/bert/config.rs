//! The configuration of a BERT encoder and of the head on it.

use crate::error::NnError;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Name of the configuration file in a model folder.
pub const FILE_NAME: &str = "config.json";

/// The `model_type` of folders whose head only this project reads. `transformers` refuses it,
/// where it would fill in a random pooler for a `bert` folder without one.
const OTHER_MODEL_TYPE: &str = "nines-bert";
/// The key that names the pooling in such a folder.
const POOLING_KEY: &str = "nines_pooling";

/// How the hidden states of a row become the one vector that is classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pooling {
    /// A trained layer with tanh on the first token: the head of `transformers`'
    /// BertForSequenceClassification, and the only one that it loads.
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

/// Shapes and dropout of a BERT encoder, as its config.json has them.
#[derive(Debug, Clone, PartialEq)]
pub struct BertConfig {
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
    /// Positions: the longest row, in tokens.
    pub max_positions: usize,
    /// Segments.
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
    /// Everything that the file said, to be said again when the model is saved.
    raw: Map<String, Value>,
}

#[derive(Deserialize)]
struct Fields {
    model_type: Option<String>,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    #[serde(default = "default_eps")]
    layer_norm_eps: f64,
    #[serde(default = "default_dropout")]
    hidden_dropout_prob: f64,
    #[serde(default = "default_dropout")]
    attention_probs_dropout_prob: f64,
    #[serde(default)]
    classifier_dropout: Option<f64>,
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
    #[serde(default)]
    nines_pooling: Option<String>,
}

fn default_eps() -> f64 {
    1e-12
}

fn default_dropout() -> f64 {
    0.1
}

/// More than any encoder has; larger numbers are mistakes, and would ask for absurd memory.
const MAX_SIZE: usize = 1 << 24;
/// The same for layers.
const MAX_LAYERS: usize = 1024;

impl BertConfig {
    /// Reads the config.json of a model folder.
    ///
    /// # Errors
    /// [`NnError::Read`] when it cannot be read, [`NnError::Config`] when it is not the
    /// configuration of a BERT encoder that can be run here.
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
        match raw.get("model_type").and_then(Value::as_str) {
            Some("bert" | OTHER_MODEL_TYPE) => {}
            Some(other) => {
                return Err(format!(
                    "its model_type is {other:?}; a classifier needs a model of type \"bert\""
                ));
            }
            None => return Err("it has no model_type; a classifier needs \"bert\"".to_owned()),
        }
        let fields: Fields = serde_json::from_value(Value::Object(raw.clone()))
            .map_err(|error| error.to_string())?;
        fields.check()?;
        let pooling = match (fields.model_type.as_deref(), &fields.nines_pooling) {
            (Some(OTHER_MODEL_TYPE), Some(name)) => Pooling::from_name(name)
                .ok_or_else(|| format!("its {POOLING_KEY} is {name:?}, not pooler, cls or mean"))?,
            _ => Pooling::Pooler,
        };
        Ok(Self {
            vocab_size: fields.vocab_size,
            hidden_size: fields.hidden_size,
            layers: fields.num_hidden_layers,
            heads: fields.num_attention_heads,
            intermediate_size: fields.intermediate_size,
            max_positions: fields.max_position_embeddings,
            type_vocab_size: fields.type_vocab_size,
            layer_norm_eps: fields.layer_norm_eps,
            hidden_dropout: fields.hidden_dropout_prob,
            attention_dropout: fields.attention_probs_dropout_prob,
            classifier_dropout: fields.classifier_dropout,
            pooling,
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
        let (model_type, architecture) = match self.pooling {
            Pooling::Pooler => ("bert", "BertForSequenceClassification"),
            Pooling::Cls | Pooling::Mean => (OTHER_MODEL_TYPE, "NinesBertClassifier"),
        };
        if self.pooling != Pooling::Pooler {
            raw.insert(POOLING_KEY.to_owned(), json!(self.pooling.name()));
        }
        for (key, value) in [
            ("model_type", json!(model_type)),
            ("architectures", json!([architecture])),
            ("problem_type", json!("multi_label_classification")),
            ("id2label", json!({"0": label})),
            ("label2id", json!({label: 0})),
            ("hidden_dropout_prob", json!(self.hidden_dropout)),
            (
                "attention_probs_dropout_prob",
                json!(self.attention_dropout),
            ),
            ("classifier_dropout", json!(self.classifier_dropout)),
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

impl Fields {
    fn check(&self) -> Result<(), String> {
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
            ("type_vocab_size", self.type_vocab_size, MAX_SIZE),
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
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Err(format!("layer_norm_eps is {}", self.layer_norm_eps));
        }
        check_dropout("hidden_dropout_prob", self.hidden_dropout_prob)?;
        check_dropout(
            "attention_probs_dropout_prob",
            self.attention_probs_dropout_prob,
        )?;
        check_dropout("classifier_dropout", self.classifier_dropout.unwrap_or(0.0))?;
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
mod tests {
    use super::*;

    const MINILM: &str = r#"{"architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.2, "hidden_size": 384,
        "intermediate_size": 1536, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
        "model_type": "bert", "num_attention_heads": 12, "num_hidden_layers": 6,
        "pad_token_id": 0, "position_embedding_type": "absolute", "type_vocab_size": 2,
        "vocab_size": 30522, "unknown": [1]}"#;

    fn changed(key: &str, value: Value) -> Result<BertConfig, String> {
        let mut raw: Map<String, Value> = serde_json::from_str(MINILM).expect("JSON");
        raw.insert(key.to_owned(), value);
        BertConfig::from_json(Value::Object(raw).to_string().as_bytes())
    }

    #[test]
    fn reads_writes_and_reads_again() {
        let config = BertConfig::from_json(MINILM.as_bytes()).expect("a BERT");
        assert_eq!(
            (config.layers, config.head_size(), config.head_dropout()),
            (6, 32, 0.2)
        );
        for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
            let head = HeadConfig {
                pooling,
                classifier_dropout: Some(0.3),
                ..Default::default()
            };
            let config = config.clone().with_head(&head).expect("valid");
            let text = config.to_json("injury");
            let value: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(value["id2label"], json!({"0": "injury"}));
            assert_eq!(value["unknown"], json!([1]));
            assert_eq!(value["model_type"] == "bert", pooling == Pooling::Pooler);
            let again = BertConfig::from_json(text.as_bytes()).expect("a BERT");
            assert_eq!((again.pooling, again.head_dropout()), (pooling, 0.3));
            assert_eq!(again.to_json("injury"), text);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (key, value, word) in [
            ("model_type", json!("roberta"), "roberta"),
            ("model_type", json!(null), "model_type"),
            ("hidden_size", json!(385), "385"),
            ("hidden_size", json!(0), "hidden_size"),
            ("vocab_size", json!(1u64 << 60), "vocab_size"),
            ("vocab_size", json!(-1), "-1"),
            ("num_hidden_layers", json!(1025), "num_hidden_layers"),
            ("hidden_act", json!("relu"), "relu"),
            (
                "position_embedding_type",
                json!("relative_key"),
                "relative_key",
            ),
            ("hidden_dropout_prob", json!(1.0), "hidden_dropout_prob"),
            ("layer_norm_eps", json!(0.0), "layer_norm_eps"),
            ("is_decoder", json!(true), "decoder"),
        ] {
            let reason = changed(key, value).expect_err(key);
            assert!(reason.contains(word), "{reason}");
        }
        assert!(BertConfig::from_json(b"[]").is_err());
        assert!(BertConfig::from_json(b"\xff").is_err());
    }
}
