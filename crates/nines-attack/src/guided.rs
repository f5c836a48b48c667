//! What the generator itself would say, steered toward "injurious and accepted".
//!
//! - [`injury`]: who says how injurious a text is. Never the classifier under attack: steering toward
//!   "injurious" and "accepted" by one and the same model is a contradiction.
//! - [`probe`]: a regression on the generator's hidden states as such a judge ([`ridge`] fits it).
//! - [`decode`]: completions with continuations re-weighted by a [`guide`], and the weights that make up for
//!   it; [`difference`] is the guide toward disagreement.
//! - [`generation`], [`disagreement`], [`steered`], [`prompts`], [`fixed_completion`]: the searches that
//!   recipes name.
//! - [`sweep`]: how far to steer; [`variety`]: how varied texts are.
//!
//! A find here is a disagreement between models. It is a catastrophe when a label says so.

pub mod decode;
pub mod difference;
pub mod disagreement;
pub mod fixed_completion;
mod gathering;
pub mod generation;
pub mod guide;
pub mod injury;
mod mutation;
pub mod probe;
pub mod prompts;
pub mod ridge;
pub mod steered;
pub mod sweep;
pub mod variety;
mod waves;
mod writer;

pub use gathering::SamplingSettings;
