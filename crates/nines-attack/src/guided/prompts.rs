//! The search `prompts`: the prompt whose filtered completions are injurious most often.
//!
//! Successive halving: every prompt gets some draws, the better half gets twice as many, and so on. The best
//! is then changed sentence by sentence and the halving begins anew with what was made of it. At the end the
//! best is measured with fresh draws, because the draws that chose it flatter it.
//!
//! # Reference
//! Karnin, Koren & Somekh, "Almost optimal exploration in multi-armed bandits" (2013).

use super::gathering::{SamplingSettings, keep, within};
use super::generation::{evades, head, local_generator};
use super::injury::InjuryHead;
use super::mutation::{Mutator, some};
use super::sweep::{accepts, draw, share};
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::search::Search;
use crate::trial::{Stop, Trial};
use nines_domain::score::{Threshold, sigmoid};
use nines_domain::snippet::SnippetText;
use nines_infer::generator::{GenerateError, Generator};
use nines_infer::local::LocalGenerator;
use nines_stats::random::Stream;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Draw numbers of the fresh draws: halving never comes so far.
const FRESH: u32 = 1 << 24;

/// Draws between two looks at the clock.
const STRETCH: u32 = 64;

/// Settings of the prompt search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Other prompts of the project that compete with the start's.
    pub prompts: usize,
    /// Draws of each prompt in the first round of a halving; each later round doubles them.
    pub draws: usize,
    /// Halvings: one among the prompts, each later one among changes of the best.
    pub halvings: usize,
    /// Changes of the best that compete in later halvings.
    pub mutations: usize,
    /// Fresh draws that measure the best at the end.
    pub measured: usize,
    /// How completions are sampled.
    pub sampling: SamplingSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prompts: 15,
            draws: 8,
            halvings: 2,
            mutations: 7,
            measured: 100,
            sampling: SamplingSettings::default(),
        }
    }
}

impl BuildSearch for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        within("prompts", self.prompts, 0..=4096)?;
        within("draws", self.draws, 1..=1024)?;
        within("halvings", self.halvings, 1..=64)?;
        within("mutations", self.mutations, 1..=1024)?;
        within("measured", self.measured, 0..=100_000)?;
        self.sampling.check()?;
        let threshold = models.thresholds.first().copied().ok_or_else(|| {
            RecipeError::missing("a threshold", "calibrate the classifier under attack")
        })?;
        Ok(Box::new(PromptSearch {
            generator: local_generator(models)?,
            head: head(models)?,
            threshold,
            prompts: models.prompts.clone(),
            settings: self.clone(),
        }))
    }
}

/// Looks for the prompt whose accepted completions a head calls injurious most often.
///
/// Halving compares prompts by the mean, over accepted completions, of the head's probability: yes or no
/// would be no for nearly all. Every accepted completion that the head calls injurious is a find.
pub struct PromptSearch {
    generator: Arc<LocalGenerator>,
    head: Arc<dyn InjuryHead>,
    threshold: Threshold,
    prompts: Arc<Vec<String>>,
    settings: Settings,
}

/// A prompt that competes.
#[derive(Debug, Clone, Default)]
struct Rival {
    prompt: String,
    drawn: u32,
    accepted: usize,
    injurious: usize,
    /// Sum of the head's probability over accepted completions.
    sum: f64,
    /// The generator cannot continue it.
    is_out: bool,
}

impl Rival {
    fn new(prompt: String) -> Self {
        Self {
            prompt,
            ..Self::default()
        }
    }

    /// With one imagined safe completion, so that one lucky draw does not win.
    fn mean(&self) -> f64 {
        if self.is_out {
            return f64::NEG_INFINITY;
        }
        self.sum / (self.accepted as f64 + 1.0)
    }
}

impl Search for PromptSearch {
    fn name(&self) -> &'static str {
        "prompts"
    }

    fn needs_transformations(&self) -> bool {
        false
    }

    fn takes_prompts(&self) -> bool {
        true
    }

    fn models(&self) -> Vec<String> {
        vec![Generator::id(&*self.generator), self.head.name()]
    }

    fn fallible(&self) -> Vec<String> {
        vec![self.head.name()]
    }

    fn caution(&self, queries: u64) -> Option<String> {
        let choosing = self.settings.queries_to_choose(self.prompts.len());
        let measured = self.settings.measured as u64;
        let needed = choosing + measured;
        (queries < needed && measured > 0).then(|| {
            format!(
                "prompts: choosing a prompt takes up to {choosing} queries and measuring it {measured} more, and an \
                 attempt has {queries}: it may end before the best prompt is chosen and measured, and then nothing is \
                 known of how often that prompt's completions are injurious. Allow {needed} queries, or set prompts, \
                 draws, halvings or mutations lower in the recipe"
            )
        })
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        evades(trial, self.name())?;
        let chosen = self.choose(trial);
        if let Err(Stop::Spent) = chosen
            && self.settings.measured > 0
        {
            trial.note(
                "prompts: the budget ended before a best prompt was chosen: none was measured with fresh draws, and \
                 the finds say nothing of how often",
            );
        }
        self.measure(trial, &chosen?)
    }
}

impl Settings {
    /// Returns the queries that all halvings take at most, with so many prompts to choose among.
    fn queries_to_choose(&self, known: usize) -> u64 {
        let first = self.prompts.min(known) as u64 + 1;
        let later = self.mutations as u64 + 1;
        let rounds = self.halvings.saturating_sub(1) as u64;
        self.queries_to_halve(first) + rounds * self.queries_to_halve(later)
    }

    fn queries_to_halve(&self, mut rivals: u64) -> u64 {
        let (mut draws, mut queries) = (self.draws as u64, 0u64);
        loop {
            queries = queries.saturating_add(rivals.saturating_mul(draws));
            rivals = rivals.div_ceil(2);
            if rivals <= 1 {
                return queries;
            }
            draws = draws.saturating_mul(2).min(4096);
        }
    }
}

impl PromptSearch {
    /// Halves the prompts, and then changes of the best, until one is left.
    fn choose(&self, trial: &mut Trial<'_>) -> Result<Rival, Stop> {
        let start = trial.start().draft.clone();
        let mut random = start.random("prompt search");
        let own = start.text().prompt.clone();
        let mut rivals = vec![own.clone()];
        rivals.extend(some(&self.prompts, self.settings.prompts, &mut random));
        let mut known = BTreeSet::new();
        rivals.retain(|prompt| known.insert(prompt.clone()));
        let mut best = self.halve(trial, rivals.into_iter().map(Rival::new).collect())?;
        for _ in 1..self.settings.halvings {
            let changed = self.changes(&best.prompt, &mut random);
            let mut rivals = vec![best];
            rivals.extend(changed.into_iter().map(Rival::new));
            best = self.halve(trial, rivals)?;
        }
        Ok(best)
    }

    fn changes(&self, prompt: &str, random: &mut Stream) -> Vec<String> {
        Mutator::new(&self.prompts).mutate(prompt, self.settings.mutations, random)
    }

    /// Halves the rivals until one is left.
    fn halve(&self, trial: &mut Trial<'_>, mut rivals: Vec<Rival>) -> Result<Rival, Stop> {
        let mut draws = self.settings.draws as u32;
        loop {
            for rival in &mut rivals {
                let from = rival.drawn;
                self.draw(trial, rival, from..from.saturating_add(draws))?;
                rival.drawn = from.saturating_add(draws).min(FRESH);
            }
            rivals.retain(|rival| !rival.is_out);
            if rivals.is_empty() {
                return Err(Stop::Broken(
                    "the generator can continue none of the prompts; shorten them".to_owned(),
                ));
            }
            // Stable: of equals, the one that was there first.
            rivals.sort_by(|a, b| b.mean().total_cmp(&a.mean()));
            rivals.truncate(rivals.len().div_ceil(2));
            if rivals.len() == 1 {
                return Ok(rivals.swap_remove(0));
            }
            draws = draws.saturating_mul(2).min(4096);
        }
    }

    /// Draws completions of one prompt and counts, stretch by stretch.
    fn draw(
        &self,
        trial: &mut Trial<'_>,
        rival: &mut Rival,
        draws: Range<u32>,
    ) -> Result<(), Stop> {
        let mut from = draws.start;
        while from < draws.end && !rival.is_out {
            let end = from.saturating_add(STRETCH).min(draws.end);
            self.draw_some(trial, rival, from..end)?;
            from = end;
        }
        Ok(())
    }

    /// Draws a few completions and counts; a prompt that cannot be continued is out, alone.
    fn draw_some(
        &self,
        trial: &mut Trial<'_>,
        rival: &mut Rival,
        draws: Range<u32>,
    ) -> Result<(), Stop> {
        trial.check()?;
        let seed = trial.start().draft.seed();
        let drawn = draw(
            &*self.generator,
            &rival.prompt,
            draws,
            &self.settings.sampling.with_seed(seed),
            trial.meter().cancel(),
        );
        let drawn = match drawn {
            Ok(drawn) => drawn,
            Err(error @ GenerateError::PromptTooLong { .. }) => {
                trial.note(format!("a prompt was left out: {error}"));
                rival.is_out = true;
                return Ok(());
            }
            Err(error) => return Err(Stop::Broken(error.to_string())),
        };
        let texts: Vec<SnippetText> = drawn
            .into_iter()
            .filter(|draw| draw.finish.is_finished())
            .map(|draw| SnippetText::new(rival.prompt.as_str(), draw.completion))
            .collect();
        let (scores, is_over) = trial.probe(&texts)?;
        let (mut passed, mut of) = (Vec::new(), Vec::new());
        for (text, scores) in texts.into_iter().zip(scores) {
            if accepts(&scores, self.threshold) {
                passed.push(text);
                of.push(scores.unwrap_or_default());
            }
        }
        for ((text, scores), odds) in passed.iter().zip(of).zip(self.head.log_odds(&passed)) {
            let odds =
                odds.map_err(|reason| Stop::Broken(format!("{}: {reason}", self.head.name())))?;
            rival.accepted += 1;
            rival.sum += sigmoid(odds - self.head.threshold());
            if odds >= self.head.threshold() {
                rival.injurious += 1;
                keep(trial, text, scores, "prompt", None)?;
            }
        }
        if is_over {
            trial.check()?;
            return Err(Stop::Spent);
        }
        Ok(())
    }

    /// Measures the best prompt with draws that did not choose it.
    fn measure(&self, trial: &mut Trial<'_>, best: &Rival) -> Result<(), Stop> {
        if self.settings.measured == 0 {
            return Ok(());
        }
        let mut fresh = Rival::new(best.prompt.clone());
        let draws = FRESH..FRESH + self.settings.measured as u32;
        let ended = self.draw(trial, &mut fresh, draws);
        if fresh.accepted == 0 {
            trial.note("prompts: no fresh completion of the best prompt was accepted, so that nothing was measured");
            return ended;
        }
        let found = share(fresh.injurious, fresh.accepted);
        trial.note(format!(
            "prompts: of {} fresh accepted completions of the best prompt {} are injurious by {} (fallible): {:.4} \
             to {:.4} at {} ({}); the prompt: {}",
            fresh.accepted,
            fresh.injurious,
            self.head.name(),
            found.lower,
            found.upper,
            found.confidence,
            found.method,
            best.prompt
        ));
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choosing_takes_what_the_halvings_draw() {
        let settings = Settings::default();
        // 16 prompts of 8 draws, 8 of 16, 4 of 32, 2 of 64; then of the changes 8 of 8, 4 of 16, 2 of 32.
        assert_eq!(settings.queries_to_choose(1_000), 4 * 128 + 3 * 64);
        // The project has two other prompts: 3 of 8, 2 of 16.
        assert_eq!(settings.queries_to_choose(2), 24 + 32 + 3 * 64);
        let alone = Settings {
            prompts: 0,
            halvings: 1,
            ..settings
        };
        assert_eq!(alone.queries_to_choose(50), 8);
    }
}
