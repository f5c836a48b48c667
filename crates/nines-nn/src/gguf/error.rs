//! What can be wrong with a GGUF file.

use std::path::PathBuf;

/// A GGUF file cannot be used. Every message names the file, the place in it, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file cannot be opened or mapped.
    #[error("cannot read the GGUF file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file does not start like a GGUF file that can be read here.
    #[error("{path} is not a GGUF file that can be read here: {reason}")]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        reason: String,
    },
    /// The file ends before what its header promises.
    #[error(
        "{path} is truncated: {what} needs {needed} bytes at offset {offset}, but the file has {length}; download it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What was being read.
        what: String,
        /// Where it starts.
        offset: u64,
        /// How many bytes it needs.
        needed: u64,
        /// How long the file is.
        length: u64,
    },
    /// The file contradicts itself or the format.
    #[error("{path} is broken at {what}: {reason}; download it again")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The metadata key or the tensor.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A metadata key that the model needs is not there.
    #[error("{path} has no metadata {key}; it is needed to run the model")]
    MissingMetadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A metadata value is of another kind than it should be.
    #[error("{path}: metadata {key} is {found}, not {expected}")]
    WrongMetadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// A tensor that the model needs is not there.
    #[error("{path} has no tensor {tensor}; the file is incomplete, or not a Llama model")]
    MissingTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tensor is stored in a way that cannot be read here.
    #[error(
        "{path}: tensor {tensor} is stored as {kind}, which is not supported; use a file with F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K or Q6_K tensors"
    )]
    UnsupportedKind {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// ggml's name of the kind, or its number.
        kind: String,
    },
}
