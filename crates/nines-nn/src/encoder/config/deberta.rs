//! What DeBERTa-v2 and -v3 say beside what every encoder says.

use serde::Deserialize;

/// How attention reads distances, and what else only DeBERTa has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DisentangledConfig {
    /// Half the entries of the table of distances.
    pub span: usize,
    /// The farthest distance that is told from farther ones.
    pub farthest: usize,
    /// Whether distances share buckets that grow with their logarithm; else each has its own entry.
    pub has_buckets: bool,
    /// Whether contents attend to distances.
    pub content_to_position: bool,
    /// Whether distances attend to contents.
    pub position_to_content: bool,
    /// Whether distances are projected as contents are; else by weights of their own.
    pub shares_keys: bool,
    /// Whether the table of distances is normalised.
    pub is_normalised: bool,
    /// Whether positions are added to the words too.
    pub adds_positions: bool,
    /// The convolution beside the first layer.
    pub convolution: Option<Convolution>,
    /// Dropout before the pooler's layer.
    pub pooler_dropout: f64,
}

/// A convolution over the embeddings of neighbouring tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// Tokens that it reads, an odd number.
    pub width: usize,
    /// Whether a GELU follows; else a tanh.
    pub is_gelu: bool,
}

/// More than any model has.
const MAX_POSITIONS: usize = 1 << 16;
const MAX_WIDTH: usize = 255;

#[derive(Deserialize)]
struct Fields {
    hidden_size: usize,
    max_position_embeddings: usize,
    #[serde(default)]
    relative_attention: bool,
    #[serde(default = "unset")]
    max_relative_positions: i64,
    #[serde(default = "unset")]
    position_buckets: i64,
    #[serde(default)]
    pos_att_type: Option<Kinds>,
    #[serde(default)]
    share_att_key: bool,
    #[serde(default)]
    norm_rel_ebd: Option<String>,
    #[serde(default = "yes")]
    position_biased_input: bool,
    #[serde(default)]
    embedding_size: Option<usize>,
    #[serde(default)]
    attention_head_size: Option<usize>,
    #[serde(default)]
    num_attention_heads: usize,
    #[serde(default)]
    pooler_hidden_size: Option<usize>,
    #[serde(default)]
    pooler_hidden_act: Option<String>,
    #[serde(default)]
    pooler_dropout: f64,
    #[serde(default)]
    conv_kernel_size: usize,
    #[serde(default)]
    conv_groups: Option<usize>,
    #[serde(default)]
    conv_act: Option<String>,
}

/// `["p2c", "c2p"]` or `"p2c|c2p"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kinds {
    List(Vec<String>),
    Line(String),
}

fn unset() -> i64 {
    -1
}

fn yes() -> bool {
    true
}

/// Reads a number that is -1 where it is not set.
fn set(name: &str, number: i64) -> Result<Option<usize>, String> {
    match usize::try_from(number) {
        Ok(0) | Err(_) => Ok(None),
        Ok(number) if number <= MAX_POSITIONS => Ok(Some(number)),
        Ok(number) => Err(format!(
            "{name} is {number}; expected at most {MAX_POSITIONS}"
        )),
    }
}

impl DisentangledConfig {
    /// Reads the fields of a config.json, or says what cannot be run here.
    pub fn from_json(raw: serde_json::Value) -> Result<Self, String> {
        let fields: Fields = serde_json::from_value(raw).map_err(|error| error.to_string())?;
        fields.check()?;
        let farthest = set("max_relative_positions", fields.max_relative_positions)?
            .unwrap_or(fields.max_position_embeddings);
        let buckets = set("position_buckets", fields.position_buckets)?;
        // Where they meet, the logarithm of the farthest distance is divided by nothing.
        if buckets.is_some_and(|buckets| buckets < 4 || farthest - 1 <= buckets / 2) {
            return Err(format!(
                "its position_buckets are {buckets:?} for {farthest} positions; expected 4 or more, and more than \
                 half as many positions"
            ));
        }
        let kinds = fields.kinds()?;
        let has = |kind: &str| kinds.iter().any(|known| known == kind);
        let normalisations = fields
            .norm_rel_ebd
            .as_deref()
            .unwrap_or("none")
            .to_lowercase();
        Ok(Self {
            span: buckets.unwrap_or(farthest),
            farthest,
            has_buckets: buckets.is_some(),
            content_to_position: has("c2p"),
            position_to_content: has("p2c"),
            shares_keys: fields.share_att_key,
            is_normalised: normalisations
                .split('|')
                .any(|word| word.trim() == "layer_norm"),
            adds_positions: fields.position_biased_input,
            convolution: fields.convolution()?,
            pooler_dropout: fields.pooler_dropout,
        })
    }
}

impl Fields {
    fn kinds(&self) -> Result<Vec<String>, String> {
        let kinds = match &self.pos_att_type {
            None => Vec::new(),
            Some(Kinds::List(kinds)) => kinds.clone(),
            Some(Kinds::Line(line)) => line
                .to_lowercase()
                .split('|')
                .map(|kind| kind.trim().to_owned())
                .collect(),
        };
        match kinds
            .iter()
            .find(|kind| !["c2p", "p2c"].contains(&kind.as_str()))
        {
            Some(other) => Err(format!(
                "its pos_att_type has {other:?}; only \"c2p\" and \"p2c\" can be run here"
            )),
            None => Ok(kinds),
        }
    }

    fn convolution(&self) -> Result<Option<Convolution>, String> {
        let width = self.conv_kernel_size;
        if width == 0 {
            return Ok(None);
        }
        if width > MAX_WIDTH || width.is_multiple_of(2) {
            return Err(format!(
                "its conv_kernel_size is {width}; only odd ones up to {MAX_WIDTH} can be run here"
            ));
        }
        if self.conv_groups.is_some_and(|groups| groups != 1) {
            return Err("its conv_groups is not 1; only one group can be run here".to_owned());
        }
        let is_gelu = match self.conv_act.as_deref() {
            None | Some("tanh") => false,
            Some("gelu") => true,
            Some(other) => {
                return Err(format!(
                    "its conv_act is {other:?}; only \"tanh\" and \"gelu\" can be run here"
                ));
            }
        };
        Ok(Some(Convolution { width, is_gelu }))
    }

    fn check(&self) -> Result<(), String> {
        if !self.relative_attention {
            return Err(
                "its relative_attention is off; only DeBERTa that reads distances can be run here"
                    .to_owned(),
            );
        }
        let head_size = self.hidden_size / self.num_attention_heads.max(1);
        for (name, size, expected) in [
            ("embedding_size", self.embedding_size, self.hidden_size),
            (
                "pooler_hidden_size",
                self.pooler_hidden_size,
                self.hidden_size,
            ),
            ("attention_head_size", self.attention_head_size, head_size),
        ] {
            if size.is_some_and(|size| size != expected) {
                return Err(format!(
                    "its {name} is not {expected}, which alone can be run here"
                ));
            }
        }
        match self.pooler_hidden_act.as_deref() {
            None | Some("gelu") => {}
            Some(other) => {
                return Err(format!(
                    "its pooler_hidden_act is {other:?}; only \"gelu\" can be run here"
                ));
            }
        }
        if !(0.0..1.0).contains(&self.pooler_dropout) {
            return Err(format!(
                "pooler_dropout is {}, not a probability below 1",
                self.pooler_dropout
            ));
        }
        if self.max_position_embeddings > MAX_POSITIONS {
            return Err(format!(
                "max_position_embeddings is {}; expected at most {MAX_POSITIONS}",
                self.max_position_embeddings
            ));
        }
        Ok(())
    }
}
