//! The arithmetic that an encoder is made of, on rows of different lengths laid end to end.
//!
//! Hidden states are `[tokens, hidden]`: all real tokens of a batch, row after row, with no
//! padding between them. Weights of linear layers are `[out, in]`, as in PyTorch.

mod composed;
pub(crate) mod rows;

pub(crate) use composed::{attention, drop_rows, embed, linear, linear_gelu, linear_residual_norm};
pub(crate) use rows::PackedRows;

use burn::tensor::Tensor;

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

/// The tables of an embedding, each `[entries, hidden]`.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddingTables {
    /// One entry for each token of the vocabulary.
    pub words: Tensor<2>,
    /// One entry for each position.
    pub positions: Tensor<2>,
    /// One entry for each segment.
    pub types: Tensor<2>,
}
