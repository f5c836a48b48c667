//! Architectures and weights, and nothing else: models that are read from files and run on
//! whatever device burn has.
//!
//! - [`bert`]: encoders with a classifier on them, for scoring and for training.
//! - [`batch`]: token rows of different lengths.
//! - [`gguf`]: GGUF files in.
//! - [`llama`]: the generator, in burn tensors and on plain slices ([`lanes`]).
//! - [`weights`]: safetensors in and out.
//! - [`rng`]: random numbers keyed by what they are for.
//!
//! Text, tokens and training loops are elsewhere.

pub mod batch;
pub mod bert;
pub mod device;
pub mod error;
pub mod gguf;
mod kernels;
pub mod lanes;
pub mod llama;
mod ops;
pub mod rng;
pub mod weights;
