//! What attacks ask of models: gradients, language models, hidden states, sentences, gaps.

mod ensemble;
mod fixtures;
mod gradients;
mod language_model;
mod masked;
mod steering;
