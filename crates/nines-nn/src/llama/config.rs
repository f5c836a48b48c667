//! The settings of a Llama model, from GGUF metadata or from config.json.

use super::error::LlamaError;
use crate::gguf::{GgufFile, GgufValue};
use serde::Deserialize;
use std::path::Path;

/// How rotary frequencies are stretched for longer contexts.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All divided by one factor.
    Linear {
        /// The factor.
        factor: f32,
    },
    /// Low frequencies divided, high ones kept, those between blended (Llama 3.1).
    Llama3 {
        /// Divides the low frequencies.
        factor: f32,
        /// Wavelengths longer than the original context over this are low frequencies.
        low_freq_factor: f32,
        /// Wavelengths shorter than the original context over this are high frequencies.
        high_freq_factor: f32,
        /// The context that the model was first trained with.
        original_context: f32,
    },
    /// Each divided by its own factor, as GGUF files carry them in `rope_freqs.weight`.
    Factors(Vec<f32>),
}

/// The settings of a Llama model.
#[derive(Debug, Clone, PartialEq)]
pub struct LlamaConfig {
    /// Tokens in the vocabulary.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Width inside the gated MLP.
    pub feed_forward: usize,
    /// Most tokens of context.
    pub context: usize,
    /// Base of the rotary wavelengths.
    pub rope_theta: f32,
    /// How the rotary frequencies are stretched.
    pub rope_scaling: RopeScaling,
    /// Added to the mean square in the norms.
    pub norm_epsilon: f32,
    /// Whether the output matrix is the embedding matrix.
    pub tied_embeddings: bool,
}

impl LlamaConfig {
    /// Reads the metadata of a GGUF file.
    ///
    /// # Errors
    /// [`LlamaError::Architecture`] for another architecture, [`LlamaError::Unsupported`] for
    /// features that are not built here, [`LlamaError::Gguf`] and [`LlamaError::Config`] for
    /// missing or impossible values.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, LlamaError> {
        let architecture = file.text("general.architecture")?;
        if architecture != "llama" {
            return Err(LlamaError::Architecture {
                path: file.path().to_owned(),
                found: architecture.to_owned(),
            });
        }
        let size = |key: &str| -> Result<usize, LlamaError> {
            let key = format!("llama.{key}");
            Ok(usize::try_from(file.unsigned(&key)?).unwrap_or(usize::MAX))
        };
        let optional_size = |key: &str, default: usize| -> Result<usize, LlamaError> {
            match file.metadata(&format!("llama.{key}")) {
                None => Ok(default),
                Some(_) => size(key),
            }
        };
        let number = |key: &str, default: f64| -> Result<f32, LlamaError> {
            let key = format!("llama.{key}");
            let value = file.optional(&key, "a number", GgufValue::as_f64)?;
            Ok(value.unwrap_or(default) as f32)
        };
        let unsupported = |field: &str, found: String, hint| LlamaError::Unsupported {
            path: file.path().to_owned(),
            field: field.to_owned(),
            found,
            hint,
        };
        if let Some(count) = file
            .metadata("split.count")
            .and_then(GgufValue::as_u64)
            .filter(|count| *count > 1)
        {
            return Err(unsupported(
                "split.count",
                count.to_string(),
                "merge the parts into one file (llama-gguf-split --merge)",
            ));
        }
        let experts = optional_size("expert_count", 0)?;
        if experts > 0 {
            return Err(unsupported(
                "llama.expert_count",
                experts.to_string(),
                "use a model without experts",
            ));
        }
        let (hidden, heads) = (size("embedding_length")?, size("attention.head_count")?);
        let head_dim = optional_size("attention.key_length", hidden / heads.max(1))?;
        for key in ["attention.value_length", "rope.dimension_count"] {
            let found = optional_size(key, head_dim)?;
            if found != head_dim {
                return Err(unsupported(
                    &format!("llama.{key}"),
                    found.to_string(),
                    "it must be the width of a head",
                ));
            }
        }
        let embedding = file.tensor("token_embd.weight")?;
        let config = Self {
            vocabulary: embedding.shape.first().copied().unwrap_or(0),
            hidden,
            layers: size("block_count")?,
            heads,
            kv_heads: optional_size("attention.head_count_kv", heads)?,
            head_dim,
            feed_forward: size("feed_forward_length")?,
            context: size("context_length")?,
            rope_theta: number("rope.freq_base", 10_000.0)?,
            rope_scaling: gguf_scaling(file)?,
            norm_epsilon: file.number("llama.attention.layer_norm_rms_epsilon")? as f32,
            tied_embeddings: !file.tensor_names().any(|name| name == "output.weight"),
        };
        config.checked(file.path())
    }

    /// Reads a Hugging Face folder's config.json.
    ///
    /// # Errors
    /// As [`LlamaConfig::from_gguf`], and [`LlamaError::Io`].
    pub fn from_folder(folder: &Path) -> Result<Self, LlamaError> {
        let path = folder.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(|source| LlamaError::Io {
            path: path.clone(),
            source,
        })?;
        let raw: HfConfig = serde_json::from_str(&text).map_err(|error| LlamaError::Config {
            path: path.clone(),
            field: "config.json".to_owned(),
            reason: error.to_string(),
        })?;
        raw.into_config(&path)?.checked(&path)
    }

    fn checked(self, path: &Path) -> Result<Self, LlamaError> {
        let wrong = |field: &str, reason: String| LlamaError::Config {
            path: path.to_owned(),
            field: field.to_owned(),
            reason,
        };
        let sizes = [
            ("vocabulary", self.vocabulary),
            ("embedding length", self.hidden),
            ("layers", self.layers),
            ("heads", self.heads),
            ("key-value heads", self.kv_heads),
            ("head width", self.head_dim),
            ("feed-forward length", self.feed_forward),
            ("context length", self.context),
        ];
        for (field, size) in sizes {
            if size == 0 || u32::try_from(size).is_err() {
                return Err(wrong(field, format!("{size} is not a possible size")));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Err(wrong(
                "heads",
                format!("{} heads cannot share {}", self.heads, self.kv_heads),
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(wrong("head width", format!("{} is odd", self.head_dim)));
        }
        if !(self.rope_theta.is_finite() && self.rope_theta > 0.0) {
            return Err(wrong("rope theta", format!("{}", self.rope_theta)));
        }
        if !(self.norm_epsilon.is_finite() && self.norm_epsilon >= 0.0) {
            return Err(wrong("norm epsilon", format!("{}", self.norm_epsilon)));
        }
        let factors: &[f32] = match &self.rope_scaling {
            RopeScaling::None => &[],
            RopeScaling::Linear { factor } => &[*factor],
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_context,
            } => &[
                *factor,
                *low_freq_factor,
                *high_freq_factor - *low_freq_factor,
                *original_context,
            ],
            RopeScaling::Factors(factors) => {
                if factors.len() != self.head_dim / 2 {
                    return Err(wrong(
                        "rope_freqs.weight",
                        format!(
                            "{} factors for {} frequencies",
                            factors.len(),
                            self.head_dim / 2
                        ),
                    ));
                }
                factors
            }
        };
        if factors
            .iter()
            .any(|factor| !(factor.is_finite() && *factor > 0.0))
        {
            return Err(wrong("rope scaling", format!("{:?}", self.rope_scaling)));
        }
        Ok(self)
    }
}

fn gguf_scaling(file: &GgufFile) -> Result<RopeScaling, LlamaError> {
    let key = "llama.rope.scaling.type";
    let kind = file.optional(key, "a text", GgufValue::as_str)?;
    let number = |key: &str| file.optional(key, "a number", GgufValue::as_f64);
    // Old files say `scale_linear`, without a type.
    let factor = match number("llama.rope.scaling.factor")? {
        None => number("llama.rope.scale_linear")?,
        factor => factor,
    };
    let unsupported = |field: &str, found: String| LlamaError::Unsupported {
        path: file.path().to_owned(),
        field: field.to_owned(),
        found,
        hint: SCALING_HINT,
    };
    if file.tensor_names().any(|name| name == "rope_freqs.weight") {
        return match (kind, factor) {
            // What llama3 scaling says is in the tensor.
            (Some("none" | "llama3"), _) | (None | Some("linear"), None) => {
                Ok(RopeScaling::Factors(file.floats("rope_freqs.weight")?))
            }
            (None | Some("linear"), Some(factor)) => Err(unsupported(
                "llama.rope.scaling.factor",
                format!("{factor} beside rope_freqs.weight"),
            )),
            (Some(other), _) => Err(unsupported(key, other.to_owned())),
        };
    }
    match (kind, factor) {
        (Some("none"), _) | (None, None) => Ok(RopeScaling::None),
        (None | Some("linear"), Some(factor)) => Ok(RopeScaling::Linear {
            factor: factor as f32,
        }),
        (Some("linear"), None) => Ok(RopeScaling::Linear {
            factor: file.number("llama.rope.scaling.factor")? as f32,
        }),
        (Some(other), _) => Err(unsupported(key, other.to_owned())),
    }
}

const SCALING_HINT: &str = "none, linear and llama3 scaling are";

#[derive(Deserialize)]
struct HfConfig {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: usize,
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_scaling: Option<HfRope>,
    rope_parameters: Option<HfRope>,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
}

#[derive(Deserialize)]
struct HfRope {
    rope_type: Option<String>,
    /// The older name; files may have both.
    #[serde(rename = "type")]
    old_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
    partial_rotary_factor: Option<f64>,
}

impl HfConfig {
    fn into_config(self, path: &Path) -> Result<LlamaConfig, LlamaError> {
        if self.model_type != "llama" {
            return Err(LlamaError::Architecture {
                path: path.to_owned(),
                found: self.model_type,
            });
        }
        let unsupported = |field: &str, found: String, hint| LlamaError::Unsupported {
            path: path.to_owned(),
            field: field.to_owned(),
            found,
            hint,
        };
        if let Some(activation) = self.hidden_act.filter(|name| name != "silu") {
            return Err(unsupported("hidden_act", activation, "silu is"));
        }
        for (field, bias) in [
            ("attention_bias", self.attention_bias),
            ("mlp_bias", self.mlp_bias),
        ] {
            if bias {
                return Err(unsupported(
                    field,
                    "true".to_owned(),
                    "models without biases are",
                ));
            }
        }
        let rope = self.rope_parameters.or(self.rope_scaling);
        let theta = rope
            .as_ref()
            .and_then(|rope| rope.rope_theta)
            .or(self.rope_theta);
        let scaling = match rope {
            None => RopeScaling::None,
            Some(rope) => {
                if let Some(part) = rope.partial_rotary_factor.filter(|part| *part != 1.0) {
                    return Err(unsupported(
                        "partial_rotary_factor",
                        part.to_string(),
                        "whole heads are rotated",
                    ));
                }
                rope.scaling(path)?
            }
        };
        Ok(LlamaConfig {
            vocabulary: self.vocab_size,
            hidden: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self
                .head_dim
                .unwrap_or(self.hidden_size / self.num_attention_heads.max(1)),
            feed_forward: self.intermediate_size,
            context: self.max_position_embeddings,
            rope_theta: theta.unwrap_or(10_000.0) as f32,
            rope_scaling: scaling,
            norm_epsilon: self.rms_norm_eps as f32,
            tied_embeddings: self.tie_word_embeddings,
        })
    }
}

impl HfRope {
    fn scaling(&self, path: &Path) -> Result<RopeScaling, LlamaError> {
        let needed = |field: &str, value: Option<f64>| match value {
            Some(value) => Ok(value as f32),
            None => Err(LlamaError::Config {
                path: path.to_owned(),
                field: format!("rope scaling: {field}"),
                reason: "it is missing".to_owned(),
            }),
        };
        match self.rope_type.as_deref().or(self.old_type.as_deref()) {
            None | Some("default") => Ok(RopeScaling::None),
            Some("linear") => Ok(RopeScaling::Linear {
                factor: needed("factor", self.factor)?,
            }),
            Some("llama3") => Ok(RopeScaling::Llama3 {
                factor: needed("factor", self.factor)?,
                low_freq_factor: needed("low_freq_factor", self.low_freq_factor)?,
                high_freq_factor: needed("high_freq_factor", self.high_freq_factor)?,
                original_context: needed(
                    "original_max_position_embeddings",
                    self.original_max_position_embeddings,
                )?,
            }),
            Some(other) => Err(LlamaError::Unsupported {
                path: path.to_owned(),
                field: "rope_type".to_owned(),
                found: other.to_owned(),
                hint: SCALING_HINT,
            }),
        }
    }
}
