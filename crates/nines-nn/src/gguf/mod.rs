//! GGUF files: metadata and tensors, as llama.cpp writes them.
//!
//! - [`GgufFile`] maps a file and checks its whole header before anything is read.
//! - [`GgufValue`] is one metadata value.
//! - [`TensorKind`] says how a tensor's numbers are stored; [`dequantize()`] turns them into f32,
//!   bit for bit as ggml does.
//!
//! Every count and length is checked against the bytes that are there before memory is taken for
//! it, so a broken or hostile file is an error, never a panic or a huge allocation. Only reading
//! is offered; versions 2 and 3, little-endian.

mod dequantize;
mod error;
mod file;
mod header;
mod kind;
mod value;

pub use dequantize::dequantize;
pub(crate) use dequantize::{half as read_half, q4_k_scales, q6_k_number};
pub use error::GgufError;
pub use file::{GgufFile, GgufTensor};
pub use kind::TensorKind;
pub use value::GgufValue;
