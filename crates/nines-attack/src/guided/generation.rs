//! The search `guided`: completions of the start's prompt, steered toward "injurious and accepted".

use super::decode::{Looks, Wave, write};
use super::gathering::{BARREN, Clock, SamplingSettings, keep, refuse_dead, weight, within};
use super::guide::InjuriousAndAccepted;
use super::injury::InjuryHead;
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::search::Search;
use crate::trial::{Stop, Trial};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::generator::Generator;
use nines_infer::local::LocalGenerator;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// Settings of guided generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// λ: how much the head's "injurious" counts.
    pub lambda: f64,
    /// μ: how much the victim's "accepted" counts. Above 0 the victim is asked at every look.
    pub mu: f64,
    /// Candidates of each completion at each look.
    pub candidates: usize,
    /// Tokens from one look to the next; 1 looks at the likeliest tokens one by one.
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
            lambda: 1.0,
            mu: 1.0,
            candidates: looks.candidates,
            every: looks.every,
            width: 8,
            completions: 2_000,
            finds: 1,
            sampling: SamplingSettings::default(),
        }
    }
}

/// Says what a recipe that generates lacks.
pub(super) fn local_generator(models: &Models) -> Result<Arc<LocalGenerator>, RecipeError> {
    models.local_generator.clone().ok_or_else(|| {
        RecipeError::missing(
            "a generator that runs here, to look inside it",
            "name a local model with --lm; an endpoint shows no logits",
        )
    })
}

/// Says that nobody says what is injurious.
pub(super) fn head(models: &Models) -> Result<Arc<dyn InjuryHead>, RecipeError> {
    let head = models.injury.clone().ok_or_else(|| {
        RecipeError::missing(
            "somebody who says what is injurious and is not the classifier under attack",
            "label some snippets, so that a probe of the generator can be trained, or name another classifier",
        )
    })?;
    let victims = models.victim.versions();
    match head.classifier() {
        Some(version) if victims.iter().any(|victim| victim == version) => {
            Err(RecipeError::missing(
                "a head that is not the classifier under attack",
                format!("{version} is; name another classifier, or let a probe be trained"),
            ))
        }
        _ => Ok(head),
    }
}

impl BuildSearch for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        weight("lambda", self.lambda)?;
        weight("mu", self.mu)?;
        within("candidates", self.candidates, 1..=64)?;
        within("every", self.every, 1..=64)?;
        within("width", self.width, 1..=256)?;
        within("completions", self.completions, 1..=1_000_000)?;
        within("finds", self.finds, 0..=100_000)?;
        self.sampling.check()?;
        let threshold = models.thresholds.first().copied().ok_or_else(|| {
            RecipeError::missing("a threshold", "calibrate the classifier under attack")
        })?;
        Ok(Box::new(Guided {
            generator: local_generator(models)?,
            head: head(models)?,
            threshold,
            settings: self.clone(),
        }))
    }
}

/// Writes completions of the start's prompt under guidance until one is injurious by the head and accepted
/// by the victim.
///
/// The start's own completion is not read. Finds are the head's opinion until a label confirms them.
pub struct Guided {
    generator: Arc<LocalGenerator>,
    head: Arc<dyn InjuryHead>,
    threshold: Threshold,
    settings: Settings,
}

impl Search for Guided {
    fn name(&self) -> &'static str {
        "guided"
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

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let mut tally = Tally::default();
        let ended = self.waves(trial, &mut tally);
        trial.note(format!(
            "guided: {} completions, {} unfinished, {} injurious by {} (fallible), which was asked {} times",
            tally.completions,
            tally.unfinished,
            tally.injurious,
            self.head.name(),
            tally.head_queries
        ));
        if tally.is_cut {
            trial.note(
                "guided: the budget ended inside a wave; its finds have no weight, because short completions \
                 end first",
            );
        }
        ended
    }
}

/// What an attempt counts.
#[derive(Default)]
struct Tally {
    completions: usize,
    unfinished: usize,
    injurious: usize,
    head_queries: u64,
    is_cut: bool,
}

impl Guided {
    fn waves(&self, trial: &mut Trial<'_>, tally: &mut Tally) -> Result<(), Stop> {
        // Both fit: the settings are checked.
        let (width, most) = (
            self.settings.width as u32,
            self.settings.completions as u32,
        );
        let (mut first, mut barren) = (0u32, 0);
        while first < most {
            trial.check()?;
            let before = tally.completions - tally.unfinished;
            let draws = first..most.min(first + width);
            let is_whole = self.wave(trial, draws, tally)?;
            let enough = self.settings.finds;
            if enough > 0 && trial.finds.len() >= enough {
                return Ok(());
            }
            if !is_whole {
                tally.is_cut = true;
                trial.check()?;
                return Err(Stop::Spent);
            }
            first += width;
            let is_barren = tally.completions - tally.unfinished == before;
            barren = if is_barren { barren + 1 } else { 0 };
            if barren == BARREN {
                trial.note("guided: completion after completion was left unfinished; raise max_tokens");
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes one wave and keeps its finds; says whether it was whole.
    fn wave(
        &self,
        trial: &mut Trial<'_>,
        draws: Range<u32>,
        tally: &mut Tally,
    ) -> Result<bool, Stop> {
        let clock = Clock::of(trial);
        let prompt = trial.start().draft.text().prompt.clone();
        let seed = trial.start().draft.seed();
        let mut guide = InjuriousAndAccepted {
            head: &*self.head,
            meter: &mut trial.meter,
            threshold: self.threshold,
            lambda: self.settings.lambda,
            mu: self.settings.mu,
            head_queries: 0,
        };
        let looks = Looks {
            candidates: self.settings.candidates,
            every: self.settings.every,
        };
        let wave = write(
            &self.generator,
            &prompt,
            draws,
            &self.settings.sampling.with_seed(seed),
            looks,
            &mut guide,
            &|| clock.is_over(),
        )
        .map_err(|error| Stop::Broken(error.to_string()))?;
        tally.head_queries += guide.head_queries;
        let Wave {
            written,
            asides,
            is_whole,
        } = &wave;
        let threshold = self.head.threshold();
        tally.completions += written.len();
        tally.unfinished += written
            .iter()
            .filter(|one| !one.draw.finish.is_finished())
            .count();
        tally.injurious += written
            .iter()
            .filter(|one| one.opinion.injury().is_some_and(|odds| odds >= threshold))
            .count();
        let found: Vec<_> = written
            .iter()
            .map(|one| (one, one.log_weight.filter(|_| *is_whole), "guided"))
            .chain(asides.iter().map(|one| (one, None, "guided, not taken")))
            .filter(|(one, _, _)| one.draw.finish.is_finished() && guide.is_find(&one.opinion))
            .collect();
        for (one, log_weight, kind) in found {
            let text = SnippetText::new(prompt.as_str(), one.draw.completion.as_str());
            let scores = one.opinion.scores().unwrap_or_default().to_vec();
            keep(trial, &text, scores, kind, log_weight)?;
        }
        refuse_dead(written)?;
        Ok(*is_whole)
    }
}
