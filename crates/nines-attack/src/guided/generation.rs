//! The search `guided`: completions of the start's prompt, steered toward "injurious and accepted".

use super::decode::{Wave, write};
use super::gathering::{NOT_TAKEN, keep, refuse_dead};
use super::guide::InjuriousAndAccepted;
use super::injury::InjuryHead;
use super::waves::{Ending, Landed, Writing, writing_settings};
use crate::goal::Goal;
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::search::Search;
use crate::trial::{Stop, Trial};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::generator::Generator;
use nines_infer::local::LocalGenerator;
use std::ops::Range;
use std::sync::Arc;

writing_settings! {
    /// Settings of guided generation.
    {
        /// λ: how much the head's "injurious" counts.
        lambda = 1.0,
        /// μ: how much the victim's "accepted" counts. Above 0 the victim is asked at every look.
        mu = 1.0,
    }
}

/// Refuses a goal that texts are not steered toward.
pub(super) fn evades(trial: &Trial<'_>, name: &str) -> Result<(), Stop> {
    match trial.goal() {
        Goal::Evade(_) => Ok(()),
        _ => Err(Stop::Broken(format!(
            "the search {name} looks for what is injurious and accepted; give its recipe goal = \"evade\""
        ))),
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
        let writing = self.writing()?;
        let threshold = models.thresholds.first().copied().ok_or_else(|| {
            RecipeError::missing("a threshold", "calibrate the classifier under attack")
        })?;
        Ok(Box::new(Guided {
            generator: local_generator(models)?,
            head: head(models)?,
            threshold,
            lambda: self.lambda,
            mu: self.mu,
            writing,
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
    lambda: f64,
    mu: f64,
    writing: Writing,
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

    fn caution(&self, queries: u64) -> Option<String> {
        self.asks_at_looks()
            .then(|| self.writing.caution(self.name(), queries))?
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        evades(trial, self.name())?;
        let mut tally = Tally::default();
        let ended = self.writing.waves(
            trial,
            self.name(),
            self.asks_at_looks(),
            |trial, draws, _| self.wave(trial, draws, &mut tally),
        );
        trial.note(format!(
            "guided: {} completions, {} unfinished, {} injurious by {} (fallible), which was asked {} times; finds: \
             {} of these, {} of continuations that ended at a look and were not taken",
            tally.completions,
            tally.unfinished,
            tally.injurious,
            self.head.name(),
            tally.head_queries,
            tally.taken,
            tally.aside
        ));
        if ended? == Ending::Barren {
            trial.note("guided: completion after completion was left unfinished; raise max_tokens");
        }
        Ok(())
    }
}

/// What an attempt counts.
#[derive(Default)]
struct Tally {
    completions: usize,
    unfinished: usize,
    injurious: usize,
    head_queries: u64,
    /// Finds among the completions.
    taken: usize,
    /// Finds among the continuations that were not taken.
    aside: usize,
}

impl Guided {
    fn asks_at_looks(&self) -> bool {
        self.mu != 0.0
    }

    /// Writes one wave and keeps its finds.
    fn wave(
        &self,
        trial: &mut Trial<'_>,
        draws: Range<u32>,
        tally: &mut Tally,
    ) -> Result<Landed, Stop> {
        let stop = trial.meter().stop_flag();
        let prompt = trial.start().draft.text().prompt.clone();
        let seed = trial.start().draft.seed();
        let mut guide = InjuriousAndAccepted {
            head: &*self.head,
            meter: &mut trial.meter,
            threshold: self.threshold,
            lambda: self.lambda,
            mu: self.mu,
            head_queries: 0,
        };
        let wave = write(
            &self.generator,
            &prompt,
            draws,
            &self.writing.sampling.with_seed(seed),
            self.writing.looks,
            &mut guide,
            &|| stop.is_cancelled(),
        )
        .map_err(|error| Stop::Broken(error.to_string()))?;
        tally.head_queries += guide.head_queries;
        let Wave {
            written,
            asides,
            is_whole,
        } = &wave;
        let threshold = self.head.threshold();
        let finished = written.iter().filter(|one| one.draw.finish.is_finished());
        let finished = finished.count();
        tally.completions += written.len();
        tally.unfinished += written.len() - finished;
        tally.injurious += written
            .iter()
            .filter(|one| one.opinion.injury().is_some_and(|odds| odds >= threshold))
            .count();
        let found: Vec<_> = written
            .iter()
            .map(|one| (one, one.log_weight.filter(|_| *is_whole), "guided"))
            .chain(asides.iter().map(|one| (one, None, NOT_TAKEN)))
            .filter(|(one, _, _)| one.draw.finish.is_finished() && guide.is_find(&one.opinion))
            .collect();
        for (one, log_weight, kind) in found {
            let text = SnippetText::new(prompt.as_str(), one.draw.completion.as_str());
            let scores = one.opinion.scores().unwrap_or_default().to_vec();
            if keep(trial, &text, scores, kind, log_weight)? {
                match kind {
                    NOT_TAKEN => tally.aside += 1,
                    _ => tally.taken += 1,
                }
            }
        }
        refuse_dead(written)?;
        Ok(Landed {
            is_whole: *is_whole,
            is_fruitful: finished > 0,
        })
    }
}
