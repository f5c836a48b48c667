//! Architectures and weights, and nothing else: models that are read from files and run on
//! whatever device burn has.
//!
//! - [`encoder`]: encoders with a classifier on them, for scoring and for training.
//! - [`batch`]: token rows of different lengths.
//! - [`composed`]: the arithmetic of families whose layers are not fused.
//! - [`gguf`]: GGUF files in.
//! - [`llama`]: the generator, in burn tensors and on plain slices ([`nines_kernels`]).
//! - [`precision`]: what they multiply in.
//! - [`weights`]: safetensors in and out.
//!
//! Text, tokens and training loops are elsewhere.

pub mod batch;
pub mod composed;
pub mod device;
pub mod encoder;
pub mod error;
pub mod gguf;
pub mod llama;
mod ops;
pub mod precision;
pub mod weights;
