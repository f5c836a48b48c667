//! Guided generation on the default generator, and on a tiny one where probabilities are added up.

mod decoding;
mod probing;
mod searches;
mod world;
