//! What can be wrong with a model's files, its configuration or a batch.

use std::path::PathBuf;

/// Something is wrong with a model folder, its weights or a batch given to it.
#[derive(Debug, thiserror::Error)]
pub enum NnError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration is not one that can be used here.
    #[error("{path} cannot be used: {reason}")]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong with it, and what is expected.
        reason: String,
    },
    /// A safetensors file is damaged or is none.
    #[error("{path} is not a whole safetensors file: {reason}; download or copy it again")]
    Damaged {
        /// The weights file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights lack a tensor that the architecture needs.
    #[error("{path} has no tensor {name}; this architecture needs it with shape {expected:?}")]
    MissingTensor {
        /// The weights file.
        path: PathBuf,
        /// Name of the tensor.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A tensor has another shape than the configuration says.
    #[error(
        "{path}: tensor {name} has shape {found:?}, but the configuration asks for {expected:?}; \
         take config.json and the weights from the same model"
    )]
    WrongShape {
        /// The weights file.
        path: PathBuf,
        /// Name of the tensor.
        name: String,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor's elements are of a kind that cannot be read as numbers here.
    #[error("{path}: tensor {name} holds {found}; only F32, F16, BF16 and F64 can be read here")]
    WrongKind {
        /// The weights file.
        path: PathBuf,
        /// Name of the tensor.
        name: String,
        /// The kind in the file.
        found: String,
    },
    /// A tensor holds a value that is not a finite number.
    #[error(
        "{path}: tensor {name} holds a value that is not a finite number; the weights are damaged"
    )]
    NotFinite {
        /// The weights file.
        path: PathBuf,
        /// Name of the tensor.
        name: String,
    },
    /// The model has no parameter of that name.
    #[error("the model has no parameter {name}")]
    UnknownParameter {
        /// The name asked for.
        name: String,
    },
    /// New values for a parameter are of another number than it holds.
    #[error("parameter {name} holds {expected} values, not {found}")]
    WrongLength {
        /// The parameter.
        name: String,
        /// How many values it holds.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A batch cannot be given to the model.
    #[error("row {row} of the batch cannot be read by the model: {reason}")]
    Batch {
        /// The row, counted from 0.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A batch without rows was given.
    #[error("the batch has no rows")]
    EmptyBatch,
    /// Something cannot be added to a pass.
    #[error("a perturbation cannot be added: {reason}")]
    Perturbation {
        /// What is wrong with its place or size.
        reason: String,
    },
    /// A loss that no parameter has a part in.
    #[error(
        "the loss does not come from the model's logits in training mode; nothing can be learnt from it"
    )]
    NoGradient,
}
