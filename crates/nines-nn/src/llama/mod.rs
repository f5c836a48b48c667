//! The Llama architecture: RMS norms, rotary positions, grouped-query attention, gated MLP.
//!
//! - [`LlamaConfig`] and [`LlamaWeights`]: one model, whether it came as GGUF or as a Hugging Face
//!   folder of safetensors.
//! - [`Llama`]: the model in burn tensors, for any device and for gradients, with a key-value
//!   cache.
//! - [`CpuLlama`]: the same model on plain slices, for generating on a CPU: weights stay in the
//!   file's own quantised form, rows of any sequences share a batch, and a row's result does not
//!   depend, to the last bit, on what else is in the batch. Tested equal to [`Llama`].

mod config;
mod cpu;
mod error;
mod model;
mod names;
mod rope;
mod safetensors;
mod weights;

pub use config::{LlamaConfig, RopeScaling};
pub use cpu::{CpuLlama, CpuSequence, Feed, Logits, Residual, Wanted, Workspace};
pub use error::LlamaError;
pub use model::{Llama, LlamaCache};
pub use weights::LlamaWeights;
