//! The search `steered`: completions of a generator whose hidden states are pushed toward injuries.

use super::gathering::{SamplingSettings, keep, within};
use super::generation::{evades, head, local_generator};
use super::injury::InjuryHead;
use super::probe::InjuryProbe;
use super::sweep::{Direction, accepts, draw, share};
use super::variety::{Variety, likeness};
use super::waves::{BARREN, check_numbers};
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::search::Search;
use crate::trial::{Stop, Trial};
use crate::victim::Scores;
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::generator::Generator;
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Unscoreable;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of steered generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which direction.
    pub direction: Direction,
    /// How far, wave after wave in turn; 1 is the distance between the means of injurious and safe texts.
    pub strengths: Vec<f64>,
    /// Completions that are drawn together.
    pub width: usize,
    /// Completions of an attempt at most.
    pub completions: usize,
    /// Finds after which an attempt ends; 0 goes on to the end of the budget.
    pub finds: usize,
    /// A find that shares more than this part of its words with an earlier one is left out.
    pub likeness: f64,
    /// How completions are sampled.
    pub sampling: SamplingSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            direction: Direction::default(),
            strengths: vec![0.5, 1.0, 1.5, 2.0],
            width: 16,
            completions: 2_000,
            finds: 1,
            likeness: 0.6,
            sampling: SamplingSettings::default(),
        }
    }
}

impl BuildSearch for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        check_numbers(self.width, self.completions, self.finds)?;
        self.sampling.check()?;
        within("the number of strengths", self.strengths.len(), 1..=64)?;
        if let Some(bad) = self
            .strengths
            .iter()
            .find(|s| !(-1000.0..=1000.0).contains(*s))
        {
            return Err(RecipeError::field(
                "strengths",
                format!("takes numbers from -1000 to 1000, not {bad}"),
            ));
        }
        if !(0.0..=1.0).contains(&self.likeness) {
            return Err(RecipeError::field(
                "likeness",
                format!("takes a number from 0 to 1, not {}", self.likeness),
            ));
        }
        let generator = local_generator(models)?;
        let head = head(models)?;
        let probe = head.probe().ok_or_else(|| {
            RecipeError::missing(
                "a probe of the generator, which has the direction to steer in",
                "label some snippets, so that one can be trained; another classifier has no direction",
            )
        })?;
        let plain = Generator::id(&*generator);
        if probe.generator != plain {
            return Err(RecipeError::missing(
                format!("a probe of {plain}"),
                format!(
                    "this one is of {}; train one for the generator",
                    probe.generator
                ),
            ));
        }
        let steered = self
            .strengths
            .iter()
            .map(|&strength| {
                let steering = self.direction.steering(probe, strength);
                generator
                    .with_steering(steering)
                    .map(|generator| (strength, generator))
                    .map_err(|error| RecipeError::field("strengths", format!("({error})")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let threshold = models.thresholds.first().copied().ok_or_else(|| {
            RecipeError::missing("a threshold", "calibrate the classifier under attack")
        })?;
        Ok(Box::new(Steered {
            steered,
            probe: probe.clone(),
            head,
            threshold,
            settings: self.clone(),
        }))
    }
}

/// Draws varied completions of a steered generator and keeps those that the head, reading them without
/// steering, calls injurious and the victim accepts.
///
/// Such texts are not what the plain generator would say as often: they carry no weights, and show what
/// the classifier misses, not how often it meets it.
pub struct Steered {
    steered: Vec<(f64, LocalGenerator)>,
    probe: InjuryProbe,
    head: Arc<dyn InjuryHead>,
    threshold: Threshold,
    settings: Settings,
}

/// What one strength led to in one attempt.
#[derive(Default)]
struct Count {
    drawn: usize,
    injurious: usize,
    finds: usize,
    texts: Vec<String>,
}

impl Search for Steered {
    fn name(&self) -> &'static str {
        "steered"
    }

    fn needs_transformations(&self) -> bool {
        false
    }

    fn takes_prompts(&self) -> bool {
        true
    }

    fn models(&self) -> Vec<String> {
        let generators = self.steered.iter().map(|(_, one)| Generator::id(one));
        generators
            .chain([self.probe.name(), self.head.name()])
            .collect()
    }

    fn fallible(&self) -> Vec<String> {
        vec![self.head.name()]
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        evades(trial, self.name())?;
        let mut counts: Vec<Count> = self.steered.iter().map(|_| Count::default()).collect();
        let ended = self.waves(trial, &mut counts);
        for ((strength, _), count) in self.steered.iter().zip(&counts) {
            if count.drawn == 0 {
                continue;
            }
            let injurious = share(count.injurious, count.drawn);
            let variety = Variety::of(count.texts.iter().map(String::as_str));
            trial.note(format!(
                "steered by {strength}: {} finished completions, {} different, distinct pairs {:.2}; injurious by \
                 the head {} ({:.3} to {:.3} at {}); accepted too {}",
                count.drawn,
                variety.distinct,
                variety.distinct_pairs.unwrap_or(0.0),
                count.injurious,
                injurious.lower,
                injurious.upper,
                injurious.confidence,
                count.finds,
            ));
        }
        ended
    }
}

impl Steered {
    fn waves(&self, trial: &mut Trial<'_>, counts: &mut [Count]) -> Result<(), Stop> {
        let width = self.settings.width;
        let mut barren = 0;
        for turn in 0..self.settings.completions.div_ceil(width) {
            trial.check()?;
            let index = turn % self.steered.len();
            // It fits: the settings are checked.
            let first = (turn / self.steered.len() * width) as u32;
            let before = counts[index].drawn;
            self.wave(trial, index, first, &mut counts[index])?;
            if self.settings.finds > 0 && trial.finds.len() >= self.settings.finds {
                return Ok(());
            }
            let is_barren = counts[index].drawn == before;
            barren = if is_barren { barren + 1 } else { 0 };
            if barren == BARREN {
                trial.note(
                    "steered: completion after completion was left unfinished; steer less far",
                );
                return Ok(());
            }
        }
        Ok(())
    }

    fn wave(
        &self,
        trial: &mut Trial<'_>,
        index: usize,
        first: u32,
        count: &mut Count,
    ) -> Result<(), Stop> {
        let (prompt, seed) = {
            let draft = &trial.start().draft;
            (draft.text().prompt.clone(), draft.seed())
        };
        let (_, generator) = &self.steered[index];
        let drawn = draw(
            generator,
            &prompt,
            first..first + self.settings.width as u32,
            &self.settings.sampling.with_seed(seed),
            trial.meter().cancel(),
        )
        .map_err(|error| Stop::Broken(error.to_string()))?;
        let texts: Vec<SnippetText> = drawn
            .into_iter()
            .filter(|draw| draw.finish.is_finished())
            .map(|draw| SnippetText::new(prompt.as_str(), draw.completion))
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        let odds = self.head.log_odds(&texts);
        if let Some(Err(Unscoreable::Model(reason))) = odds.first()
            && odds.iter().all(Result::is_err)
        {
            return Err(Stop::Broken(format!(
                "the head that says what is injurious failed: {reason}"
            )));
        }
        let injurious: Vec<&SnippetText> = texts
            .iter()
            .zip(&odds)
            .filter(|(_, odds)| odds.as_ref().is_ok_and(|o| *o >= self.head.threshold()))
            .map(|(text, _)| text)
            .collect();
        count.drawn += texts.len();
        count.injurious += injurious.len();
        count
            .texts
            .extend(texts.iter().map(|text| text.completion.clone()));
        // The head costs no query: what it calls safe is not asked about.
        let asked: Vec<SnippetText> = injurious.into_iter().cloned().collect();
        let (scores, _) = trial.probe(&asked)?;
        for (text, scores) in asked.iter().zip(scores) {
            if accepts(&scores, self.threshold) && self.is_new(trial, text) {
                let scores: Scores = scores;
                if keep(trial, text, scores.unwrap_or_default(), "steered", None)? {
                    count.finds += 1;
                }
            }
        }
        Ok(())
    }

    fn is_new(&self, trial: &Trial<'_>, text: &SnippetText) -> bool {
        trial
            .finds
            .iter()
            .all(|find| likeness(&find.text.completion, &text.completion) <= self.settings.likeness)
    }
}
