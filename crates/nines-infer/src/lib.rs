//! Scoring, generating, and the filter that joins them.
//!
//! - [`scorer`]: the [`scorer::Scorer`] contract and [`classifier::ClassifierScorer`] behind it;
//!   [`ensemble`]: several classifiers as one scorer.
//! - [`unfamiliarity`]: how far a snippet lies from what is known, and scorers that are wary of it.
//! - [`generator`]: the [`generator::Generator`] contract, kept by a local model
//!   ([`local`]) and by any OpenAI-compatible endpoint ([`endpoint`]).
//! - [`filter`]: draws until one completion is accepted, or abstains.
//! - [`gradients`]: how a score changes with what the classifier reads.
//! - [`language_model`]: how probable a text is and which words may come next, by the local generator;
//!   [`masked_language_model`]: which words fill a gap; [`sentence_encoder`]: how near two texts are.
//!
//! It reads models and text, and knows nothing of projects or databases.

pub mod cancel;
pub mod classifier;
pub mod endpoint;
pub mod ensemble;
pub mod filter;
pub mod generator;
pub mod gradients;
pub mod language_model;
pub mod local;
pub mod masked_language_model;
pub mod rng;
pub mod sampling;
pub mod scorer;
pub mod sentence_encoder;
pub mod unfamiliarity;
