//! What can be wrong with a Llama model.

use crate::gguf::GgufError;
use crate::precision::Precision;
use std::path::PathBuf;

/// A Llama model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum LlamaError {
    /// The GGUF file cannot be used.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The model is of another architecture.
    #[error("{path}: architecture {found} is not supported; llama is")]
    Architecture {
        /// The file.
        path: PathBuf,
        /// The architecture it names.
        found: String,
    },
    /// The model has a feature that is not built here; running without it would give other text.
    #[error("{path}: {field} is {found}, which is not supported; {hint}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The setting or tensor.
        field: String,
        /// Its value.
        found: String,
        /// What is supported.
        hint: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting is missing or makes no sense.
    #[error("{path}: {field}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The setting.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A safetensors file is broken.
    #[error("{path} is not a whole safetensors file: {reason}; download it again")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that the model needs is not there.
    #[error("{path} has no tensor {tensor}; the model is incomplete, or not a Llama model")]
    MissingTensor {
        /// The file or folder.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tensor has another shape than the settings ask for.
    #[error(
        "{path}: tensor {tensor} has shape {found:?}, not {expected:?}; its settings belong to another model"
    )]
    Shape {
        /// The file or folder.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// The shape it has.
        found: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A token is not in the vocabulary.
    #[error(
        "token {token} is not in the model's vocabulary of {vocabulary}; the tokenizer belongs to another model"
    )]
    Token {
        /// The token.
        token: u32,
        /// How many there are.
        vocabulary: usize,
    },
    /// The CPU lacks what products were to run on.
    #[error("this CPU cannot multiply in {0}; f32 works on every one")]
    Precision(Precision),
    /// A sequence grew longer than the model's context.
    #[error("position {position} lies beyond the model's context of {context}")]
    Context {
        /// The position.
        position: usize,
        /// How many there are.
        context: usize,
    },
}
