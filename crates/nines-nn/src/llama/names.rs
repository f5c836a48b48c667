//! The tensors of a Llama model, and what they are called in the two kinds of file.

use super::config::LlamaConfig;

/// One tensor of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Embedding,
    OutputNorm,
    Output,
    AttentionNorm(usize),
    Query(usize),
    Key(usize),
    Value(usize),
    AttentionOutput(usize),
    FeedForwardNorm(usize),
    Gate(usize),
    Up(usize),
    Down(usize),
}

impl Part {
    /// Lists the parts of a model.
    pub(super) fn all(config: &LlamaConfig) -> impl Iterator<Item = Self> {
        let layers = (0..config.layers).flat_map(|i| {
            [
                Self::AttentionNorm(i),
                Self::Query(i),
                Self::Key(i),
                Self::Value(i),
                Self::AttentionOutput(i),
                Self::FeedForwardNorm(i),
                Self::Gate(i),
                Self::Up(i),
                Self::Down(i),
            ]
        });
        let output = (!config.tied_embeddings).then_some(Self::Output);
        [Self::Embedding, Self::OutputNorm]
            .into_iter()
            .chain(output)
            .chain(layers)
    }

    /// Returns the shape it must have.
    pub(super) fn shape(self, config: &LlamaConfig) -> Vec<usize> {
        let hidden = config.hidden;
        let queries = config.heads * config.head_dim;
        let keys = config.kv_heads * config.head_dim;
        match self {
            Self::Embedding | Self::Output => vec![config.vocabulary, hidden],
            Self::OutputNorm | Self::AttentionNorm(_) | Self::FeedForwardNorm(_) => vec![hidden],
            Self::Query(_) => vec![queries, hidden],
            Self::Key(_) | Self::Value(_) => vec![keys, hidden],
            Self::AttentionOutput(_) => vec![hidden, queries],
            Self::Gate(_) | Self::Up(_) => vec![config.feed_forward, hidden],
            Self::Down(_) => vec![hidden, config.feed_forward],
        }
    }

    /// Returns its name in GGUF files.
    pub(super) fn gguf_name(self) -> String {
        match self {
            Self::Embedding => "token_embd.weight".to_owned(),
            Self::OutputNorm => "output_norm.weight".to_owned(),
            Self::Output => "output.weight".to_owned(),
            Self::AttentionNorm(i) => format!("blk.{i}.attn_norm.weight"),
            Self::Query(i) => format!("blk.{i}.attn_q.weight"),
            Self::Key(i) => format!("blk.{i}.attn_k.weight"),
            Self::Value(i) => format!("blk.{i}.attn_v.weight"),
            Self::AttentionOutput(i) => format!("blk.{i}.attn_output.weight"),
            Self::FeedForwardNorm(i) => format!("blk.{i}.ffn_norm.weight"),
            Self::Gate(i) => format!("blk.{i}.ffn_gate.weight"),
            Self::Up(i) => format!("blk.{i}.ffn_up.weight"),
            Self::Down(i) => format!("blk.{i}.ffn_down.weight"),
        }
    }

    /// Returns its name in Hugging Face folders.
    pub(super) fn hf_name(self) -> String {
        let layer = |i: usize, rest: &str| format!("model.layers.{i}.{rest}.weight");
        match self {
            Self::Embedding => "model.embed_tokens.weight".to_owned(),
            Self::OutputNorm => "model.norm.weight".to_owned(),
            Self::Output => "lm_head.weight".to_owned(),
            Self::AttentionNorm(i) => layer(i, "input_layernorm"),
            Self::Query(i) => layer(i, "self_attn.q_proj"),
            Self::Key(i) => layer(i, "self_attn.k_proj"),
            Self::Value(i) => layer(i, "self_attn.v_proj"),
            Self::AttentionOutput(i) => layer(i, "self_attn.o_proj"),
            Self::FeedForwardNorm(i) => layer(i, "post_attention_layernorm"),
            Self::Gate(i) => layer(i, "mlp.gate_proj"),
            Self::Up(i) => layer(i, "mlp.up_proj"),
            Self::Down(i) => layer(i, "mlp.down_proj"),
        }
    }
}
