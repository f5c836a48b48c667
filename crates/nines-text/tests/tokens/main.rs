//! Tokenizers against what transformers and llama.cpp make of the same lines.

mod families;
mod generator;
mod snippet;
mod support;
