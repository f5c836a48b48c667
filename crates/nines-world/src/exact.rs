//! The exact values of everything that is otherwise estimated, by enumeration.
//!
//! A [`Census`] scores every completion of every prompt once; [`Census::at`] then gives the exact
//! numbers at any threshold and retry budget. The system is the one that the program ships: it
//! draws completions of a prompt, one after the other, until one is accepted (its score is strictly
//! below the threshold), at most as many as the budget; then it abstains. A completion without a
//! score is never accepted.
//!
//! With a = P(accepted | prompt), ℓ = P(accepted and a catastrophe | prompt) and budget N:
//!
//! | quantity | for a prompt |
//! |---|---|
//! | answered | 1 − (1−a)ᴺ |
//! | leak for each request | (1 − (1−a)ᴺ)·ℓ/a, 0 for a = 0 |
//! | abstention | (1−a)ᴺ |
//! | draws | (1 − (1−a)ᴺ)/a, N for a = 0 |
//! | quality | ½ + (1−a)·((1 − (1−a)ᴺ⁻¹)·w + (1−a)ᴺ⁻¹·f − ½) |
//!
//! Over prompts these are means with the prompts' probabilities; the false-omission rate is
//! E\[ℓ\]/E\[a\], and the leak among answers E\[leak\]/E\[answered\]: neither is the leak. The leak
//! need not fall with the threshold: a stricter one draws more often from hard prompts, where what
//! slips through is mostly what the scorer cannot hear.
//!
//! The numbers are those of the prompts given, with the probabilities given: a rehearsal must draw its
//! requests from that same list. What a scorer makes of prompts that are not on it is not known.
//!
//! # Quality when nothing is accepted
//! The unfiltered completion U is the first of a row of draws, the filtered one V the first of the
//! same row that is accepted: U itself when it is accepted (a pair worth ½ exactly), else the first
//! accepted of the other N − 1 draws, else the *fallback*, the system's words of refusal, whose
//! utility is [`Preference::fallback_utility`]. w is the expected score of an accepted completion
//! against a rejected one, f that of the fallback against a rejected one. This is what `skip_pairs`
//! and `quality_curve` of `nines-stats` estimate from such rows.

#[cfg(test)]
mod tests;

use crate::error::WorldError;
use crate::generator::{PromptClass, World};
use crate::language::read;
use crate::preference::{LEVELS, Preference, level};
use crate::truth::{Reading, Told};
use serde::Serialize;
use std::collections::HashMap;

/// One completion, with all that matters of it.
#[derive(Debug, Clone, Copy)]
struct Item {
    /// `None`: without a score.
    score: Option<f64>,
    probability: f64,
    broad: bool,
    strict: bool,
    level: u8,
}

/// A completion of a prompt class, before a prompt's truth and score.
struct Listed {
    text: String,
    probability: f64,
    reading: Reading,
    level: u8,
}

/// Every completion of a set of prompts, scored.
#[derive(Debug, Clone)]
pub struct Census {
    prompts: Vec<PromptItems>,
}

#[derive(Debug, Clone)]
struct PromptItems {
    probability: f64,
    items: Vec<Item>,
}

/// Exact numbers of one prompt at one threshold and budget.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ExactPrompt {
    /// The prompt's probability among prompts.
    pub probability: f64,
    /// a: how likely a completion is accepted.
    pub acceptance: f64,
    /// ℓ: how likely a completion is accepted and any catastrophe.
    pub accepted_broad: f64,
    /// The same for catastrophes of severity 2 and 3.
    pub accepted_strict: f64,
    /// How likely a request is answered with any catastrophe.
    pub leak_broad: f64,
    /// The same for catastrophes of severity 2 and 3.
    pub leak_strict: f64,
    /// How likely a request is answered; its digits are not those of 1 − `abstention` when it is rare.
    pub answered: f64,
    /// How likely a request is not answered.
    pub abstention: f64,
    /// How many draws a request takes on average.
    pub draws: f64,
    /// How likely a completion is any catastrophe, accepted or not.
    pub base_rate: f64,
    /// The quality.
    pub quality: f64,
}

/// Exact numbers of a filter at one threshold and budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exact {
    /// The threshold.
    pub threshold: f64,
    /// The retry budget.
    pub budget: u32,
    /// How likely a completion of a random prompt is accepted, E\[a\].
    pub acceptance: f64,
    /// The leak for each request, any catastrophe.
    pub leak_broad: f64,
    /// The leak for each request, severity 2 and 3.
    pub leak_strict: f64,
    /// Any catastrophe among answers; `None` when no request is answered.
    pub leak_among_answers: Option<f64>,
    /// How likely a request is not answered.
    pub abstention: f64,
    /// Any catastrophe among accepted single completions, E\[ℓ\]/E\[a\]; `None` when none is
    /// accepted.
    pub false_omission_rate: Option<f64>,
    /// Draws of a request on average.
    pub draws: f64,
    /// Any catastrophe among all completions.
    pub base_rate: f64,
    /// The quality.
    pub quality: f64,
    /// The same for each prompt, in their order.
    pub prompts: Vec<ExactPrompt>,
}

impl Census {
    /// Scores every completion of every prompt. Probabilities of prompts are taken relative to
    /// their sum.
    ///
    /// The scorer is asked for one prompt after the other, so it can keep what it knows of the
    /// last. `None` means that it cannot score.
    ///
    /// # Errors
    /// [`WorldError::NoPrompts`] without prompts or when all their probabilities are 0,
    /// [`WorldError::PromptProbability`] for one that is not between 0 and 1,
    /// [`WorldError::ScoreNotFinite`] for a score that is NaN or infinite.
    ///
    /// # Example
    /// ```
    /// use nines_world::exact::Census;
    /// use nines_world::generator::{World, WorldSettings};
    /// use nines_world::preference::Preference;
    /// let world = World::new(WorldSettings::default())?;
    /// let prompts = [("Bees hummed.".to_owned(), 0.9), ("A battle began.".to_owned(), 0.1)];
    /// // A scorer that can only score short completions, and trusts them all.
    /// let scorer = |_: &str, c: &str| (c.len() < 40).then_some(-1.0);
    /// let exact = Census::new(&world, &prompts, scorer)?.at(0.0, 20, &Preference::default())?;
    /// assert!(exact.acceptance < 1.0 && exact.leak_broad > 0.02 && exact.leak_broad < 0.04);
    /// assert!(Census::new(&world, &[], scorer).is_err());
    /// # Ok::<(), nines_world::WorldError>(())
    /// ```
    pub fn new(
        world: &World,
        prompts: &[(String, f64)],
        mut scorer: impl FnMut(&str, &str) -> Option<f64>,
    ) -> Result<Self, WorldError> {
        for (index, &(_, value)) in prompts.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                return Err(WorldError::PromptProbability { index, value });
            }
        }
        let total: f64 = prompts.iter().map(|(_, p)| p).sum();
        if total <= 0.0 {
            return Err(WorldError::NoPrompts);
        }
        let mut counted = Vec::with_capacity(prompts.len());
        let mut classes: HashMap<PromptClass, usize> = HashMap::new();
        for (prompt, _) in prompts {
            *classes.entry(PromptClass::of(prompt)).or_default() += 1;
        }
        // Lists of classes that come again, kept until their last prompt.
        let mut lists: HashMap<PromptClass, Vec<Listed>> = HashMap::new();
        for (index, (prompt, probability)) in prompts.iter().enumerate() {
            let class = PromptClass::of(prompt);
            let list = lists.remove(&class).unwrap_or_else(|| list(world, class));
            let told = Told::by(&read(prompt));
            let mut items = Vec::with_capacity(list.len());
            for listed in &list {
                let score = scorer(prompt, &listed.text);
                if let Some(score) = score.filter(|s| !s.is_finite()) {
                    return Err(WorldError::ScoreNotFinite {
                        prompt: index,
                        completion: listed.text.clone(),
                        score,
                    });
                }
                let truth = listed.reading.given(told);
                items.push(Item {
                    score,
                    probability: listed.probability,
                    broad: truth.is_broad(),
                    strict: truth.is_strict(),
                    level: listed.level,
                });
            }
            counted.push(PromptItems {
                probability: probability / total,
                items,
            });
            if let Some(left) = classes.get_mut(&class) {
                *left -= 1;
                if *left > 0 {
                    lists.insert(class, list);
                }
            }
        }
        Ok(Self { prompts: counted })
    }

    /// Returns the exact numbers at a threshold and a retry budget.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] for a threshold that is NaN, a budget of 0, or settings that
    /// [`Preference::check`] refuses.
    pub fn at(
        &self,
        threshold: f64,
        budget: u32,
        preference: &Preference,
    ) -> Result<Exact, WorldError> {
        crate::error::check(!threshold.is_nan(), "the threshold", threshold, "a number")?;
        crate::error::check(budget > 0, "the retry budget", 0.0, "at least 1")?;
        preference.check()?;
        let prompts: Vec<ExactPrompt> = self
            .prompts
            .iter()
            .map(|prompt| prompt.at(threshold, budget, preference))
            .collect();
        let mean = |of: fn(&ExactPrompt) -> f64| -> f64 {
            prompts.iter().map(|p| p.probability * of(p)).sum()
        };
        let acceptance = mean(|p| p.acceptance);
        let leak_broad = mean(|p| p.leak_broad);
        Ok(Exact {
            threshold,
            budget,
            acceptance,
            leak_broad,
            leak_strict: mean(|p| p.leak_strict),
            leak_among_answers: (acceptance > 0.0).then(|| leak_broad / mean(|p| p.answered)),
            abstention: mean(|p| p.abstention),
            false_omission_rate: (acceptance > 0.0)
                .then(|| mean(|p| p.accepted_broad) / acceptance),
            draws: mean(|p| p.draws),
            base_rate: mean(|p| p.base_rate),
            quality: mean(|p| p.quality),
            prompts,
        })
    }

    /// Returns a threshold at which completions of random prompts are accepted with a probability
    /// of at most `share`, and as many as that allows; `None` when the share is not above 0 or
    /// nothing has a score.
    ///
    /// The threshold is the score of the first completion that is too many.
    pub fn threshold_accepting(&self, share: f64) -> Option<f64> {
        if share.is_nan() || share <= 0.0 {
            return None;
        }
        let mut scores: Vec<(f64, f64)> = Vec::new();
        for prompt in &self.prompts {
            scores.extend(
                prompt
                    .items
                    .iter()
                    .filter_map(|item| Some((item.score?, prompt.probability * item.probability))),
            );
        }
        scores.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut accepted = 0.0;
        for run in scores.chunk_by(|a, b| a.0 == b.0) {
            accepted += run.iter().map(|(_, p)| p).sum::<f64>();
            if accepted > share {
                return Some(run[0].0);
            }
        }
        // Everything may be accepted.
        scores.last().map(|(score, _)| score + 1.0)
    }
}

fn list(world: &World, class: PromptClass) -> Vec<Listed> {
    world
        .completions_of(class)
        .map(|(text, probability)| {
            let level = level(&text) as u8;
            Listed {
                reading: Reading::of(&read(&text)),
                text,
                probability,
                level,
            }
        })
        .collect()
}

impl PromptItems {
    fn at(&self, threshold: f64, budget: u32, preference: &Preference) -> ExactPrompt {
        let (mut broad, mut strict, mut base_rate) = (0.0, 0.0, 0.0);
        let mut accepted = [0.0; LEVELS];
        let mut rejected = [0.0; LEVELS];
        for item in &self.items {
            let p = item.probability;
            if item.broad {
                base_rate += p;
            }
            if item.score.is_some_and(|score| score < threshold) {
                accepted[usize::from(item.level)] += p;
                broad += if item.broad { p } else { 0.0 };
                strict += if item.strict { p } else { 0.0 };
            } else {
                rejected[usize::from(item.level)] += p;
            }
        }
        // Each summed on its own, so that a rare one keeps its digits; the total is 1 but for
        // rounding.
        let (acceptance, rejection) = (accepted.iter().sum::<f64>(), rejected.iter().sum::<f64>());
        let total = acceptance + rejection;
        let (acceptance, rejection) = (acceptance / total, rejection / total);
        let all_rejected = |tries: u32| rejection.powf(f64::from(tries));
        let abstention = all_rejected(budget);
        let answered = if acceptance > 0.0 {
            -(f64::from(budget) * (-acceptance).ln_1p()).exp_m1()
        } else {
            0.0
        };
        let for_each_accepted = |of: f64| {
            if acceptance > 0.0 {
                answered * of / acceptance
            } else {
                0.0
            }
        };
        let draws = if acceptance > 0.0 {
            answered / acceptance
        } else {
            f64::from(budget)
        };
        // Sums of expected scores over the rejected levels, times the rejection.
        let (mut against_accepted, mut against_fallback) = (0.0, 0.0);
        for (u, &p_rejected) in rejected.iter().enumerate() {
            for (v, &p_accepted) in accepted.iter().enumerate() {
                if acceptance > 0.0 {
                    against_accepted += p_rejected * p_accepted / acceptance
                        * (preference.expected_score(v as f64, u as f64) - 0.5);
                }
            }
            let score = preference.expected_score(preference.fallback_utility, u as f64);
            against_fallback += p_rejected * (score - 0.5);
        }
        let none_of_the_others = all_rejected(budget - 1);
        ExactPrompt {
            probability: self.probability,
            acceptance,
            accepted_broad: broad,
            accepted_strict: strict,
            leak_broad: for_each_accepted(broad),
            leak_strict: for_each_accepted(strict),
            answered,
            abstention,
            draws,
            base_rate,
            quality: 0.5
                + (1.0 - none_of_the_others) * against_accepted
                + none_of_the_others * against_fallback,
        }
    }
}
