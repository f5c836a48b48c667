//! The vocabulary of nines: one type for each word of the product, with no I/O, no async and no
//! tensors. Every other crate speaks in these words.
//!
//! - [`snippet`]: prompts, completions, content hashes, prompt families.
//! - [`label`]: verdicts, severities, labellers and the [`label::Adjudication`] derived from them.
//! - [`score`]: [`score::Score`] and [`score::Threshold`], both logits.
//! - [`split`]: which part of the data a prompt family belongs to.
//! - [`estimate`]: a number with its interval, method and n.
//! - [`draw`]: what a generator proposes and what a filter answers.
//! - [`comparison`]: two completions side by side, and which is better.
//! - [`verification`]: whether somebody other than its author confirmed what an attack found.
//! - [`ensemble`]: several classifiers as one scorer, and how far they are apart.
//! - [`account`]: who works in the browser, and what they may do.

pub mod account;
pub mod comparison;
pub mod draw;
pub mod ensemble;
pub mod estimate;
pub mod label;
pub mod rounding;
pub mod score;
pub mod snippet;
pub mod split;
pub mod verification;
