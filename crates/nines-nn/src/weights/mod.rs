//! Weights in files.

pub mod files;
pub mod safetensors;
