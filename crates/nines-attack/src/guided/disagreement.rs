//! The search `guided-disagree`: completions on which two classifiers decide differently, as the generator
//! would write them.

use super::decode::write;
use super::difference::{Difference, Rejects};
use super::gathering::{NOT_TAKEN, keep, refuse_dead};
use super::generation::local_generator;
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
    /// Settings of guided disagreement.
    {
        /// How much the difference counts; 0 writes plainly.
        weight = 1.0,
    }
}

impl BuildSearch for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        let writing = self.writing()?;
        let &[first, second, ..] = models.thresholds.as_slice() else {
            return Err(RecipeError::missing(
                "two classifiers with thresholds",
                "name a second one with --against, and calibrate both",
            ));
        };
        Ok(Box::new(GuidedDisagreement {
            generator: local_generator(models)?,
            thresholds: [first, second],
            weight: self.weight,
            writing,
        }))
    }
}

/// Writes completions of the start's prompt that one classifier rejects and the other accepts, in waves
/// that take turns at which of the two is to reject.
pub struct GuidedDisagreement {
    generator: Arc<LocalGenerator>,
    thresholds: [Threshold; 2],
    weight: f64,
    writing: Writing,
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

    fn caution(&self, queries: u64) -> Option<String> {
        self.asks_at_looks()
            .then(|| self.writing.caution(self.name(), queries))?
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        if !matches!(trial.goal(), Goal::Disagree(..) | Goal::Gap(..)) {
            return Err(Stop::Broken(
                "the search guided-disagree looks for disagreement; give its recipe goal = \"disagree\""
                    .to_owned(),
            ));
        }
        let mut tally = Tally::default();
        let ended = self.writing.waves(
            trial,
            self.name(),
            self.asks_at_looks(),
            |trial, draws, number| {
                let rejects = if number % 2 == 0 {
                    Rejects::First
                } else {
                    Rejects::Second
                };
                self.wave(trial, draws, rejects, &mut tally)
            },
        );
        let Tally {
            completions,
            rejected_by: [by_first, by_second],
            taken,
            aside,
        } = tally;
        trial.note(format!(
            "guided-disagree: of {completions} completions {by_first} were rejected by the first classifier alone \
             and {by_second} by the second alone; finds: {taken} of these, {aside} of continuations that ended at a \
             look and were not taken"
        ));
        if ended? == Ending::Barren {
            trial.note(
                "guided-disagree: completion after completion was left unfinished; raise max_tokens",
            );
        }
        Ok(())
    }
}

/// What an attempt counts.
#[derive(Default)]
struct Tally {
    completions: usize,
    /// Completions that the first, or the second, classifier alone rejects.
    rejected_by: [usize; 2],
    /// Finds among the completions: equal ones count once.
    taken: usize,
    /// Finds among the continuations that were not taken.
    aside: usize,
}

impl GuidedDisagreement {
    fn asks_at_looks(&self) -> bool {
        self.weight != 0.0
    }

    fn wave(
        &self,
        trial: &mut Trial<'_>,
        draws: Range<u32>,
        rejects: Rejects,
        tally: &mut Tally,
    ) -> Result<Landed, Stop> {
        let stop = trial.meter().stop_flag();
        let prompt = trial.start().draft.text().prompt.clone();
        let seed = trial.start().draft.seed();
        let mut guide = Difference {
            meter: &mut trial.meter,
            thresholds: self.thresholds,
            rejects,
            weight: self.weight,
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
        let threshold = self.thresholds[0].logit();
        tally.completions += wave.written.len();
        let found: Vec<_> = wave
            .written
            .iter()
            .map(|one| (one, one.log_weight.filter(|_| wave.is_whole), "guided"))
            .chain(wave.asides.iter().map(|one| (one, None, NOT_TAKEN)))
            .filter(|(one, _, _)| one.draw.finish.is_finished() && guide.is_find(&one.opinion))
            .collect();
        for (one, log_weight, kind) in found {
            let text = SnippetText::new(prompt.as_str(), one.draw.completion.as_str());
            let scores = one.opinion.scores().unwrap_or_default().to_vec();
            let is_taken = kind != NOT_TAKEN;
            if is_taken {
                let by_first = scores.first().is_some_and(|score| *score >= threshold);
                tally.rejected_by[usize::from(!by_first)] += 1;
            }
            if keep(trial, &text, scores, kind, log_weight)? {
                match is_taken {
                    true => tally.taken += 1,
                    false => tally.aside += 1,
                }
            }
        }
        refuse_dead(&wave.written)?;
        Ok(Landed {
            is_whole: wave.is_whole,
            is_fruitful: wave.written.iter().any(|one| one.draw.finish.is_finished()),
        })
    }
}
