//! Metropolis–Hastings over edits of words: samples of what a language model would say near the other side of a threshold.
//!
//! # The distribution
//!
//! The chain's law is π(x) ∝ p(x)·exp(−β·[d(x)]₊ − γ·[k(x)]₊) over the texts that its moves reach from
//! the start. There p(x) is the language model's probability of the words of the text, not of its ending
//! there; d(x) is how far the score is from the goal, in log odds, negative where the goal is met; k(x) is
//! how far a label keeper is from its threshold, where there is one. Reachable are texts whose words
//! lie among those that the language model proposes, those of the start and those of a lexicon, with at
//! most so many words, protected spans untouched, and everything between words as it was.
//!
//! # The weights
//!
//! A sample's `log_weight` is β·max(d, 0) + γ·max(k, 0): what makes of π the language model's own law p over the same
//! texts. Σ w·y / Σ w over the samples estimates the mean of y under p; over those that meet the goal
//! alone, under p *given* that the goal is met. It says nothing of prompts, lengths or words that the chain cannot
//! reach, and the samples of one chain are not independent: [`draw_probabilities`] hands them to
//! the estimators of `nines_stats::importance`, whose intervals take independent draws, so thin the chain or
//! run several, one sample each, before an interval is believed.
//!
//! # Reference
//! Metropolis et al. (1953); Hastings (1970); Zhang et al., "Generating fluent adversarial examples for natural
//! languages" (MHA, 2019); Mireshghallah et al., "Mix and Match" (2022).

mod chain;
mod moves;
mod words;

pub use chain::{Chain, ChainError, Energy, Sample};
pub use moves::{Move, Moves};
pub use words::WordLaw;

/// Returns draw probabilities for a frame made of distinct samples, such that `nines_stats::importance`
/// weighs each by exp(`log_weight`): proportional to exp(−`log_weight`).
///
/// # Example
/// ```
/// let q = nines_attack::mcmc::draw_probabilities(&[0.0, 2.0_f64.ln()]);
/// assert!((q[0] - 2.0 / 3.0).abs() < 1e-12);
/// ```
pub fn draw_probabilities(log_weights: &[f64]) -> Vec<f64> {
    let least = log_weights.iter().copied().fold(f64::INFINITY, f64::min);
    let shares: Vec<f64> = log_weights.iter().map(|w| (least - w).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / sum).collect()
}

#[cfg(test)]
mod tests;
