//! Scoring, generating, and the filter that joins them.
//!
//! - [`scorer`]: the [`scorer::Scorer`] contract and [`classifier::ClassifierScorer`] behind it.
//! - [`generator`]: the [`generator::Generator`] contract, kept by a local model
//!   ([`local`]) and by any OpenAI-compatible endpoint ([`endpoint`]).
//! - [`filter`]: draws until one completion is accepted, or abstains.
//!
//! It reads models and text, and knows nothing of projects or databases.

pub mod cancel;
pub mod classifier;
pub mod endpoint;
pub mod filter;
pub mod generator;
pub mod local;
pub mod rng;
pub mod sampling;
pub mod scorer;
