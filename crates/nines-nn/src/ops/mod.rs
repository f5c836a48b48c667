//! The arithmetic that an encoder is made of, on rows of different lengths laid end to end.
//!
//! Hidden states are `[tokens, hidden]`: all real tokens of a batch, row after row, with no
//! padding between them. Weights of linear layers are `[out, in]`, as in PyTorch. On this
//! machine's own cores the fused operations run, elsewhere the composed ones; they compute the
//! same, dropout included.

mod composed;
mod disentangled;
mod fused;
pub(crate) mod rows;

pub(crate) use composed::{drop_rows, linear, normalised, summed};
pub(crate) use disentangled::{
    Buckets, ConvolutionTensors, Disentangled, ProjectedDistances, convolved,
};
pub(crate) use fused::{EncoderTensors, ScoringCache, Traced, hidden_states};
pub(crate) use rows::PackedRows;

use crate::precision::Precision;
use burn::tensor::Tensor;
use nines_kernels::pool::Pool;
use nines_kernels::rng::Dropout;

/// The weights of a linear layer.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    /// `[out, in]`.
    pub weight: Tensor<2>,
    /// `[out]`.
    pub bias: Tensor<1>,
}

/// The weights of a layer normalisation.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    /// `[hidden]`.
    pub gamma: Tensor<1>,
    /// `[hidden]`.
    pub beta: Tensor<1>,
    /// Added to the variance.
    pub epsilon: f64,
}

/// The tables of an embedding, each `[entries, hidden]`. One that a model does not have is a single
/// entry of zeros.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddingTables {
    /// One entry for each token of the vocabulary.
    pub words: Tensor<2>,
    /// One entry for each position.
    pub positions: Tensor<2>,
    /// One entry for each segment.
    pub types: Tensor<2>,
}

/// The weights of an encoder layer.
#[derive(Debug, Clone)]
pub(crate) struct LayerTensors {
    /// To queries, keys and values: `[3 hidden, hidden]`.
    pub qkv: Linear,
    /// After attention: `[hidden, hidden]`.
    pub attended: Linear,
    /// Normalisation after attention.
    pub attended_norm: Norm,
    /// To the feed-forward layer: `[wide, hidden]`.
    pub wide: Linear,
    /// And back: `[hidden, wide]`.
    pub output: Linear,
    /// Normalisation at the end.
    pub output_norm: Norm,
    /// How attention reads distances.
    pub distances: Distances,
}

/// How attention reads the distance of a key from its query.
#[derive(Debug, Clone)]
pub(crate) enum Distances {
    /// Not at all.
    Unread,
    /// Something is added to scores.
    Biased(Box<RelativeTable>),
    /// Contents and distances attend to each other. On any device, the composed operations do it.
    Disentangled(Box<Disentangled>),
}

/// What attention adds to the scores of each head by the bucket of a key's distance from its query.
#[derive(Debug, Clone)]
pub(crate) struct RelativeTable {
    /// `[buckets, heads]`.
    pub table: Tensor<2>,
    /// The longest row, in tokens.
    pub reach: usize,
}

/// The dropouts of an encoder layer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Dropouts {
    /// On attention weights.
    pub attention: Option<Dropout>,
    /// On what attention adds.
    pub attended: Option<Dropout>,
    /// On what the feed-forward layer adds.
    pub output: Option<Dropout>,
}

/// How a layer is computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerPass<'a> {
    /// Which tokens are whose.
    pub rows: &'a PackedRows,
    /// Attention heads.
    pub heads: usize,
    /// What is dropped.
    pub dropouts: Dropouts,
    /// What gradients and the values behind them are computed in; without gradients it is 32 bits.
    pub precision: Precision,
    /// Where large buffers come from.
    pub pool: &'a Pool,
}

/// Sums the three embeddings of each token, adds `delta` `[tokens, hidden]` where there is one,
/// normalises and drops: `[tokens, hidden]`.
pub(crate) fn embed(
    tables: &EmbeddingTables,
    normalise: &Norm,
    rows: &PackedRows,
    delta: Option<&Tensor<2>>,
    dropout: Option<Dropout>,
    pool: &Pool,
) -> Tensor<2> {
    fused::embed(tables, normalise, rows, delta, dropout, pool)
        .unwrap_or_else(|| composed::embed(tables, normalise, rows, delta, dropout))
}

/// Computes one encoder layer: `[tokens, hidden]` to `[tokens, hidden]`.
pub(crate) fn encoder_layer(
    x: &Tensor<2>,
    layer: &LayerTensors,
    pass: &LayerPass<'_>,
) -> Tensor<2> {
    fused::encoder_layer(x, layer, pass)
        .unwrap_or_else(|| composed::encoder_layer(x, layer, pass.rows, pass.heads, pass.dropouts))
}

#[cfg(test)]
mod tests;
