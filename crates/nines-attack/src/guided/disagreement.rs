//! The search `guided-disagree`: completions on which two classifiers decide differently, as the generator
//! would write them.

use super::decode::{Looks, write};
use super::difference::{Difference, Rejects};
use super::gathering::{BARREN, Clock, SamplingSettings, keep, refuse_dead, weight, within};
use super::generation::local_generator;
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::search::Search;
use crate::trial::{Stop, Trial};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::generator::Generator;
use nines_infer::local::LocalGenerator;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of guided disagreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How much the difference counts; 0 writes plainly.
    pub weight: f64,
    /// Candidates of each completion at each look.
    pub candidates: usize,
    /// Tokens from one look to the next.
    pub every: usize,
    /// Completions that are written together.
    pub width: usize,
    /// Completions of an attempt at most.
    pub completions: usize,
    /// Finds after which an attempt ends; 0 goes on to the end of the budget.
    pub finds: usize,
    /// How completions are sampled.
    pub sampling: SamplingSettings,
}

impl Default for Settings {
    fn default() -> Self {
        let looks = Looks::default();
        Self {
            weight: 1.0,
            candidates: looks.candidates,
            every: looks.every,
            width: 8,
            completions: 2_000,
            finds: 1,
            sampling: SamplingSettings::default(),
        }
    }
}

impl BuildSearch for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        weight("weight", self.weight)?;
        within("candidates", self.candidates, 1..=64)?;
        within("every", self.every, 1..=64)?;
        within("width", self.width, 1..=256)?;
        within("completions", self.completions, 1..=1_000_000)?;
        within("finds", self.finds, 0..=100_000)?;
        self.sampling.check()?;
        let &[first, second, ..] = models.thresholds.as_slice() else {
            return Err(RecipeError::missing(
                "two classifiers with thresholds",
                "name a second one with --against, and calibrate both",
            ));
        };
        Ok(Box::new(GuidedDisagreement {
            generator: local_generator(models)?,
            thresholds: [first, second],
            settings: self.clone(),
        }))
    }
}

/// Writes completions of the start's prompt that one classifier rejects and the other accepts, in waves
/// that take turns at which of the two is to reject.
pub struct GuidedDisagreement {
    generator: Arc<LocalGenerator>,
    thresholds: [Threshold; 2],
    settings: Settings,
}

impl Search for GuidedDisagreement {
    fn name(&self) -> &'static str {
        "guided-disagree"
    }

    fn needs_transformations(&self) -> bool {
        false
    }

    fn takes_prompts(&self) -> bool {
        true
    }

    fn models(&self) -> Vec<String> {
        vec![Generator::id(&*self.generator)]
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let (width, most) = (
            self.settings.width as u32,
            self.settings.completions as u32,
        );
        let (mut first, mut barren) = (0u32, 0);
        let (mut completions, mut counts) = (0, [0usize; 2]);
        let ended = loop {
            if barren >= BARREN || first >= most {
                break Ok(());
            }
            if let Err(stop) = trial.check() {
                break Err(stop);
            }
            let rejects = if (first / width) % 2 == 0 {
                Rejects::First
            } else {
                Rejects::Second
            };
            let before = trial.meter().spent().queries;
            let is_whole = self.wave(trial, first, rejects, &mut completions, &mut counts)?;
            let enough = self.settings.finds;
            if enough > 0 && trial.finds.len() >= enough {
                break Ok(());
            }
            if !is_whole {
                break trial.check().and(Err(Stop::Spent));
            }
            first += width;
            let is_barren = trial.meter().spent().queries == before;
            barren = if is_barren { barren + 1 } else { 0 };
        };
        let [by_first, by_second] = counts;
        trial.note(format!(
            "guided-disagree: of {completions} completions {by_first} were rejected by the first classifier alone \
             and {by_second} by the second alone"
        ));
        ended
    }
}

impl GuidedDisagreement {
    fn wave(
        &self,
        trial: &mut Trial<'_>,
        first: u32,
        rejects: Rejects,
        completions: &mut usize,
        counts: &mut [usize; 2],
    ) -> Result<bool, Stop> {
        let clock = Clock::of(trial);
        let prompt = trial.start().draft.text().prompt.clone();
        let seed = trial.start().draft.seed();
        let mut guide = Difference {
            meter: &mut trial.meter,
            thresholds: self.thresholds,
            rejects,
            weight: self.settings.weight,
        };
        let looks = Looks {
            candidates: self.settings.candidates,
            every: self.settings.every,
        };
        let wave = write(
            &self.generator,
            &prompt,
            first..first + self.settings.width as u32,
            &self.settings.sampling.with_seed(seed),
            looks,
            &mut guide,
            &|| clock.is_over(),
        )
        .map_err(|error| Stop::Broken(error.to_string()))?;
        let threshold = self.thresholds[0].logit();
        *completions += wave.written.len();
        let found: Vec<_> = wave
            .written
            .iter()
            .map(|one| (one, one.log_weight.filter(|_| wave.is_whole), "guided"))
            .chain(wave.asides.iter().map(|one| (one, None, "guided, not taken")))
            .filter(|(one, _, _)| one.draw.finish.is_finished() && guide.is_find(&one.opinion))
            .collect();
        for (one, log_weight, kind) in found {
            let text = SnippetText::new(prompt.as_str(), one.draw.completion.as_str());
            let scores = one.opinion.scores().unwrap_or_default().to_vec();
            if kind == "guided" {
                let by_first = scores.first().is_some_and(|score| *score >= threshold);
                counts[usize::from(!by_first)] += 1;
            }
            keep(trial, &text, scores, kind, log_weight)?;
        }
        refuse_dead(&wave.written)?;
        Ok(wave.is_whole)
    }
}
