//! Distributions of prompts: named lists of prompts with probabilities, the requests drawn from
//! them, and how to re-weight from one to another.
//!
//! Every number speaks of the distribution that its requests were drawn from. The prompts are the
//! whole population: an interval says nothing of prompts that are not in the list.

use crate::error::MeasureError;
use nines_domain::snippet::PromptId;
use nines_stats::random::Stream;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A prompt and how likely a request has it.
pub type PromptShare = (PromptId, f64);

/// Turns weights into probabilities: each prompt's share of the sum. Prompts of weight 0 are left
/// out.
///
/// # Errors
/// [`MeasureError::BadWeight`] for a weight that is negative or not finite,
/// [`MeasureError::NoPrompts`] when nothing has weight.
///
/// # Example
/// ```
/// use nines_domain::snippet::PromptId;
/// use nines_measure::distribution::proportional;
/// let shares = proportional(&[(PromptId(1), 3.0), (PromptId(2), 0.0), (PromptId(3), 1.0)])?;
/// assert_eq!(shares, [(PromptId(1), 0.75), (PromptId(3), 0.25)]);
/// assert!(proportional(&[(PromptId(1), -1.0)]).is_err());
/// # Ok::<(), nines_measure::MeasureError>(())
/// ```
pub fn proportional(weights: &[PromptShare]) -> Result<Vec<PromptShare>, MeasureError> {
    if let Some((prompt, weight)) = weights.iter().find(|(_, w)| !(*w >= 0.0 && w.is_finite())) {
        return Err(MeasureError::BadWeight {
            prompt: prompt.0,
            weight: *weight,
        });
    }
    let mut summed: BTreeMap<PromptId, f64> = BTreeMap::new();
    for (prompt, weight) in weights {
        *summed.entry(*prompt).or_default() += weight;
    }
    let total: f64 = summed.values().sum();
    if !(total > 0.0 && total.is_finite()) {
        return Err(MeasureError::NoPrompts);
    }
    Ok(summed
        .into_iter()
        .filter(|(_, weight)| *weight > 0.0)
        .map(|(prompt, weight)| (prompt, weight / total))
        .collect())
}

/// Mixes distributions: a request comes from each with its share.
///
/// # Errors
/// Those of [`proportional`].
pub fn mixture(parts: &[(f64, Vec<PromptShare>)]) -> Result<Vec<PromptShare>, MeasureError> {
    let weights: Vec<PromptShare> = parts
        .iter()
        .flat_map(|(share, prompts)| prompts.iter().map(move |(id, p)| (*id, share * p)))
        .collect();
    proportional(&weights)
}

/// One request: the prompt it has, and how many earlier requests had the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Which request it is, from 0.
    pub position: u64,
    /// Its prompt.
    pub prompt: PromptId,
    /// How many requests before it had this prompt; each repetition draws from a random stream of
    /// its own, so that requests are independent.
    pub repetition: u32,
}

/// Draws the first `n` requests of a seed from a distribution, with replacement. The first 100 of
/// 1,000 are the 100 of 100.
pub fn requests(distribution: &[PromptShare], seed: u64, n: u64) -> Vec<Request> {
    let mut cumulative = Vec::with_capacity(distribution.len());
    let mut sum = 0.0;
    for (_, probability) in distribution {
        sum += probability;
        cumulative.push(sum);
    }
    let mut met: HashMap<PromptId, u32> = HashMap::new();
    (0..n)
        .map(|position| {
            let at = Stream::new(seed, position).unit() * sum;
            let place = cumulative.partition_point(|&c| c <= at);
            let prompt = distribution[place.min(distribution.len() - 1)].0;
            let count = met.entry(prompt).or_default();
            let repetition = *count;
            *count += 1;
            Request {
                position,
                prompt,
                repetition,
            }
        })
        .collect()
}

/// How to make numbers of one distribution speak of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reweighting {
    /// How much more often each prompt should have been asked.
    pub weights: BTreeMap<PromptId, f64>,
    /// The largest of them.
    pub largest: f64,
    /// The other distribution's share of prompts that the first never asks: nothing is known there.
    pub missing: f64,
    /// The share of the requests that the re-weighted ones are worth, 1/E\[w²\].
    pub effective: f64,
}

impl Reweighting {
    /// Compares two distributions.
    ///
    /// # Errors
    /// [`MeasureError::NothingShared`] when no prompt is in both.
    pub fn new(from: &[PromptShare], to: &[PromptShare]) -> Result<Self, MeasureError> {
        let asked: BTreeMap<PromptId, f64> = from.iter().copied().collect();
        let mut weights: BTreeMap<PromptId, f64> = asked.keys().map(|p| (*p, 0.0)).collect();
        let (mut missing, mut square) = (0.0, 0.0);
        for (prompt, wanted) in to {
            match asked.get(prompt) {
                Some(asked) => {
                    weights.insert(*prompt, wanted / asked);
                    square += wanted * wanted / asked;
                }
                None => missing += wanted,
            }
        }
        let largest = weights.values().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(MeasureError::NothingShared);
        }
        let covered = 1.0 - missing;
        Ok(Self {
            weights,
            largest,
            missing,
            effective: covered * covered / square,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(of: &[(i64, f64)]) -> Vec<PromptShare> {
        of.iter().map(|&(id, p)| (PromptId(id), p)).collect()
    }

    #[test]
    fn requests_follow_their_distribution_and_a_longer_list_begins_with_the_shorter() {
        let distribution = shares(&[(1, 0.7), (2, 0.2), (3, 0.1)]);
        let many = requests(&distribution, 5, 100_000);
        for (id, share) in &distribution {
            let seen = many.iter().filter(|r| r.prompt == *id).count() as f64 / 1e5;
            assert!((seen - share).abs() < 0.006, "{id} {seen}");
        }
        assert_eq!(requests(&distribution, 5, 100), many[..100]);
        assert_ne!(requests(&distribution, 6, 100), many[..100]);
        let second = many.iter().filter(|r| r.prompt == PromptId(3)).nth(1);
        assert_eq!(second.expect("there are many").repetition, 1);
    }

    #[test]
    fn weights_lead_from_one_distribution_to_another_and_say_what_is_missing() {
        let from = shares(&[(1, 0.5), (2, 0.5)]);
        let to = shares(&[(1, 0.9), (3, 0.1)]);
        let weights = Reweighting::new(&from, &to).expect("they share a prompt");
        assert!((weights.weights[&PromptId(1)] - 1.8).abs() < 1e-12);
        assert_eq!(weights.weights[&PromptId(2)], 0.0);
        assert!((weights.missing - 0.1).abs() < 1e-12);
        assert!((weights.effective - 0.5).abs() < 1e-12);
        let apart = Reweighting::new(&from, &shares(&[(9, 1.0)]));
        assert_eq!(apart, Err(MeasureError::NothingShared));
    }

    #[test]
    fn a_mixture_adds_up() {
        let mixed = mixture(&[
            (0.25, shares(&[(1, 1.0)])),
            (0.75, shares(&[(1, 0.5), (2, 0.5)])),
        ])
        .expect("mixed");
        assert_eq!(mixed, shares(&[(1, 0.625), (2, 0.375)]));
    }
}
