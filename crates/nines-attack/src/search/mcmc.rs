//! Samples instead of a search: a Markov chain whose texts follow a stated law.

use super::Search;
use crate::edit::{Draft, Half};
use crate::flips::Lexicon;
use crate::goal::Goal;
use crate::judge::{Judge, Verdict};
use crate::mcmc::{Chain, ChainError, Energy, Moves, Sample, WordLaw};
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::trial::{Candidate, Scored, Stop, Trial};
use crate::words::words;
use nines_domain::snippet::SnippetText;
use nines_infer::language_model::LanguageModel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Settings of [`Mcmc`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// β: what a log odd of distance from the goal costs.
    #[serde(default = "one")]
    pub beta: f64,
    /// γ: what a log odd costs by which the judge no longer sees an injury; counts where the judge is a
    /// classifier. Where an endpoint sees none, the text may not stand.
    #[serde(default = "one")]
    pub gamma: f64,
    /// Steps; each asks the language model twice and the victim at most once.
    #[serde(default = "steps")]
    pub steps: u64,
    /// Steps before the first sample.
    #[serde(default = "burn_in")]
    pub burn_in: u64,
    /// Steps from one sample to the next.
    #[serde(default = "thin")]
    pub thin: u64,
    /// Words that the language model proposes for a place.
    #[serde(default = "pool")]
    pub pool: usize,
    /// Words by which a text may grow.
    #[serde(default = "more_words")]
    pub more_words: usize,
    /// The half that is edited; both where `both`.
    #[serde(default = "edited")]
    pub edited: Edited,
    /// Whether any whole word of the classifier's vocabulary may come in, however seldom.
    #[serde(default = "yes")]
    pub lexicon: bool,
}

/// What the chain edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edited {
    /// The given text.
    Prompt,
    /// Its continuation.
    Completion,
    /// Both.
    Both,
}

fn one() -> f64 {
    1.0
}

fn steps() -> u64 {
    2_000
}

fn burn_in() -> u64 {
    200
}

fn thin() -> u64 {
    10
}

fn pool() -> usize {
    64
}

fn more_words() -> usize {
    10
}

fn edited() -> Edited {
    Edited::Completion
}

fn yes() -> bool {
    true
}

impl BuildSearch for Settings {
    fn build(&self, models: &Models, _seed: u64) -> Result<Box<dyn Search>, RecipeError> {
        for (field, value) in [("beta", self.beta), ("gamma", self.gamma)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(RecipeError::field(
                    field,
                    format!("takes a number from 0, not {value}"),
                ));
            }
        }
        if self.thin == 0 || self.steps > 10_000_000 || self.pool == 0 || self.pool > 10_000 {
            return Err(RecipeError::field(
                "steps, thin and pool",
                "take up to 10000000, 1 and more, and 1 to 10000",
            ));
        }
        let Some(model) = models.language_model.clone() else {
            return Err(RecipeError::missing(
                "a language model, which says how probable texts are",
                "name a generator that runs on this machine with --lm",
            ));
        };
        if let Some(judge) = &models.judge {
            judge.check_is_no_victim(&models.victim)?;
        }
        let scorers = models.victim.scorers.first();
        let differentiable = scorers.and_then(|scorer| scorer.differentiable());
        let lexicon = differentiable
            .filter(|_| self.lexicon)
            .map(|model| Lexicon::of(model).words().map(str::to_owned).collect());
        Ok(Box::new(Mcmc {
            settings: self.clone(),
            model,
            lexicon: lexicon.unwrap_or_default(),
            judge: models.judge.clone(),
        }))
    }
}

/// Samples texts by Metropolis–Hastings over edits of words; the law, and what the weights mean, stand
/// in [`crate::mcmc`].
///
/// The distance from the goal stands for the score above the threshold, so that the same chain serves
/// every goal. Its finds are the distinct samples that meet the goal, each with its weight times the
/// number of times that it was sampled.
pub struct Mcmc {
    settings: Settings,
    model: Arc<dyn LanguageModel>,
    lexicon: Vec<String>,
    judge: Option<Judge>,
}

impl From<ChainError> for Stop {
    fn from(error: ChainError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl Mcmc {
    fn moves(&self, start: &Draft) -> Moves {
        let half = match self.settings.edited {
            Edited::Prompt => Some(Half::Prompt),
            Edited::Completion => Some(Half::Completion),
            Edited::Both => None,
        };
        let part = half.map(nines_text::SnippetPart::from);
        let counted = start.words().into_iter();
        let own: Vec<String> = counted
            .filter(|site| part.is_none_or(|part| site.part == part))
            .filter_map(|site| start.at(&site).map(str::to_owned))
            .collect();
        let most = own.len() + self.settings.more_words;
        let model = Arc::clone(&self.model);
        let law = WordLaw::new(model, self.settings.pool, own, self.lexicon.iter().cloned());
        Moves::new(law, part, most)
    }

    /// Adds what the judge says to what the victim says; `None` where the text may not stand by the judge.
    fn energy(
        &self,
        trial: &mut Trial<'_>,
        scores: Vec<f64>,
        text: &SnippetText,
    ) -> Result<Option<Energy>, Stop> {
        let goal = trial.goal();
        let distance = (-goal.value(&scores)).max(0.0);
        let mut cost = self.settings.beta * distance;
        if let Some(judge) = &self.judge {
            let verdict = trial.judged(judge, std::slice::from_ref(text))?.pop();
            let looks_for_safe = matches!(goal, Goal::FalseAlarm(_));
            let missing = match (verdict, looks_for_safe) {
                (Some(Verdict::Beyond(odds)), false) => (-odds).max(0.0),
                (Some(Verdict::Beyond(odds)), true) => odds.max(0.0),
                (Some(Verdict::Yes), false) | (Some(Verdict::No), true) => 0.0,
                _ => return Ok(None),
            };
            cost += self.settings.gamma * missing;
        }
        Ok(Some(Energy {
            cost,
            reached: goal.is_met(&scores),
            scores,
        }))
    }

    /// Prices a text: `None` where a constraint or the lack of a score forbids it.
    fn price(&self, trial: &mut Trial<'_>, draft: &Draft) -> Result<Option<Energy>, Stop> {
        trial.check()?;
        let start = trial.start().draft.clone();
        let candidate = Candidate {
            draft: draft.clone(),
            edits: Vec::new(),
            kind: "mcmc",
            log_probability: None,
        };
        // By the start, so that the law does not depend on the way.
        let kept = trial.keep(&start, vec![candidate])?;
        if kept.is_empty() {
            return Ok(None);
        }
        let mut round = trial.consider(kept)?;
        let Some(scored) = round.scored.pop() else {
            return Ok(None);
        };
        self.energy(trial, scored.scores, draft.text())
    }

    /// Keeps what was sampled.
    fn report(&self, trial: &mut Trial<'_>, samples: &BTreeMap<SnippetText, Sampled>) {
        // Those that were sampled first in front, as attempts promise.
        let mut in_order: Vec<&Sampled> = samples.values().collect();
        in_order.sort_by_key(|sampled| sampled.first);
        for Sampled { sample, count, .. } in in_order {
            if sample.energy.reached {
                let scored = scored(trial, sample);
                trial.find(&scored, Some(sample.energy.cost + (*count as f64).ln()));
            }
        }
        let all: u64 = samples.values().map(|sampled| sampled.count).sum();
        let (distinct, beta) = (samples.len(), self.settings.beta);
        let judge = match &self.judge {
            Some(judge) => format!(" and of {:?}, which can be fooled", judge.name()),
            None => String::new(),
        };
        trial.note(format!(
            "{all} samples, {distinct} different, of the language model's law times exp(-{beta} x log odds from the \
             goal){judge}; weights lead back to the language model's law over the texts that the chain reaches"
        ));
    }
}

/// A text of the chain, how often it was sampled, and at which step first.
struct Sampled {
    sample: Sample,
    count: u64,
    first: u64,
}

fn scored(trial: &Trial<'_>, sample: &Sample) -> Scored {
    let goal = trial.goal();
    Scored {
        draft: sample.draft.clone(),
        edits: Vec::new(),
        kind: "mcmc",
        log_probability: Some(sample.log_probability),
        value: goal.value(&sample.energy.scores),
        met: sample.energy.reached,
        scores: sample.energy.scores.clone(),
    }
}

impl Search for Mcmc {
    fn name(&self) -> &'static str {
        "mcmc"
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let start = trial.start().clone();
        let moves = self.moves(&start.draft);
        let text = start.draft.text();
        if words(&text.completion).is_empty() {
            trial.note("the completion has no words to edit");
            return Ok(());
        }
        let Some(energy) = self.energy(trial, start.scores.clone(), text)? else {
            trial.note("the judge does not see in the start what is to be kept; begin elsewhere, or attack without it");
            return Ok(());
        };
        let mut chain = Chain::begin(&moves, start.draft.clone(), energy, start.draft.seed())?;
        let mut samples: BTreeMap<SnippetText, Sampled> = BTreeMap::new();
        let mut ended = Ok(());
        for step in 0..self.settings.steps {
            let now = match chain.step(&mut |draft| self.price(trial, draft)) {
                Ok(now) => now,
                Err(stop) => {
                    ended = Err(stop);
                    break;
                }
            };
            let counted = step >= self.settings.burn_in;
            if counted && (step - self.settings.burn_in).is_multiple_of(self.settings.thin) {
                let text = now.draft.text().clone();
                let sampled = samples.entry(text).or_insert_with(|| Sampled {
                    sample: now.clone(),
                    count: 0,
                    first: step,
                });
                sampled.count += 1;
            }
        }
        trial.note(format!(
            "the chain moved in {:.0} % of its steps",
            chain.acceptance() * 100.0
        ));
        self.report(trial, &samples);
        match ended {
            // Samples are what was asked for: a chain that was cut short still has them.
            Err(Stop::Spent) if !samples.is_empty() => Ok(()),
            ended => ended,
        }
    }

    fn needs_transformations(&self) -> bool {
        false
    }

    fn models(&self) -> Vec<String> {
        let judge = self
            .judge
            .iter()
            .map(|judge| format!("judge {} ({})", judge.name(), judge.version()));
        std::iter::once(self.model.id()).chain(judge).collect()
    }

    fn fallible(&self) -> Vec<String> {
        self.judge.iter().map(|_| "judge".to_owned()).collect()
    }
}

#[cfg(test)]
mod tests;
