//! The search `prompt-for-completion`: the prompt under which a given completion passes.

use super::injury::InjuryHead;
use super::gathering::within;
use super::generation;
use super::mutation::{Mutator, some};
use crate::edit::Draft;
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::search::Search;
use crate::trial::{Candidate, Scored, Stop, Trial};
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Settings of the search for a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Other prompts of the project that are tried first, drawn by the seed.
    pub prompts: usize,
    /// Prompts that are kept and changed further.
    pub beam: usize,
    /// New prompts that are made of each kept one in a round.
    pub mutations: usize,
    /// Rounds at most.
    pub rounds: usize,
    /// Whether a head must still call the completion injurious behind the new prompt.
    pub judge: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prompts: 200,
            beam: 4,
            mutations: 24,
            rounds: 12,
            judge: false,
        }
    }
}

impl BuildSearch for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        within("prompts", self.prompts, 0..=100_000)?;
        within("beam", self.beam, 1..=64)?;
        within("mutations", self.mutations, 1..=1024)?;
        within("rounds", self.rounds, 0..=1000)?;
        let head = self.judge.then(|| generation::head(models)).transpose()?;
        Ok(Box::new(PromptForCompletion {
            prompts: models.prompts.clone(),
            head,
            settings: self.clone(),
        }))
    }
}

/// Looks for a prompt under which the start's completion passes: among other prompts of the project, and
/// among changes of the best, sentence by sentence. The completion stays as it is, to the letter.
///
/// Whether it is still injurious behind another prompt is for the label to say.
pub struct PromptForCompletion {
    prompts: Arc<Vec<String>>,
    head: Option<Arc<dyn InjuryHead>>,
    settings: Settings,
}

impl Search for PromptForCompletion {
    fn name(&self) -> &'static str {
        "prompt-for-completion"
    }

    fn needs_transformations(&self) -> bool {
        false
    }

    fn models(&self) -> Vec<String> {
        self.fallible()
    }

    fn fallible(&self) -> Vec<String> {
        self.head.iter().map(|head| head.name()).collect()
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let start = trial.start().draft.clone();
        let mut random = start.random("prompts for a completion");
        if self.prompts.is_empty() {
            trial.note("there are no other prompts: only the start's own sentences were moved");
        }
        let mut known = BTreeSet::from([start.text().prompt.clone()]);
        let first = some(&self.prompts, self.settings.prompts, &mut random);
        let mut beam: Vec<Scored> = vec![trial.start().clone()];
        if self.consider(trial, &start, first, "other prompt", &mut known, &mut beam)? {
            return Ok(());
        }
        let mutator = Mutator::new(&self.prompts);
        for _ in 0..self.settings.rounds {
            trial.check()?;
            let made: Vec<String> = beam
                .iter()
                .flat_map(|one| {
                    let prompt = &one.draft.text().prompt;
                    mutator.mutate(prompt, self.settings.mutations, &mut random)
                })
                .collect();
            let before = known.len();
            if self.consider(trial, &start, made, "changed prompt", &mut known, &mut beam)? {
                return Ok(());
            }
            if known.len() == before {
                trial.note("no new prompt could be made");
                break;
            }
        }
        Ok(())
    }
}

impl PromptForCompletion {
    /// Scores the completion behind new prompts and keeps the best; says whether the goal is met.
    fn consider(
        &self,
        trial: &mut Trial<'_>,
        start: &Draft,
        prompts: Vec<String>,
        kind: &'static str,
        known: &mut BTreeSet<String>,
        beam: &mut Vec<Scored>,
    ) -> Result<bool, Stop> {
        let texts: Vec<SnippetText> = prompts
            .into_iter()
            .filter(|prompt| known.insert(prompt.clone()))
            .map(|prompt| SnippetText::new(prompt, start.text().completion.as_str()))
            .collect();
        let texts = self.judged(texts)?;
        let mut candidates = Vec::with_capacity(texts.len());
        for text in texts {
            let Ok(draft) = start.rewritten(&text) else {
                trial.note("prompts that change what is protected were left out");
                continue;
            };
            candidates.push(Candidate {
                edits: start.edits_towards(&text),
                draft,
                kind,
                log_probability: None,
            });
        }
        let candidates = trial.keep(start, candidates)?;
        if candidates.is_empty() {
            return Ok(false);
        }
        let round = trial.consider(candidates)?;
        beam.extend(round.scored);
        // Stable: of equals, the one that was there first.
        beam.sort_by(|a, b| b.value.total_cmp(&a.value));
        beam.truncate(self.settings.beam);
        if trial.best().met && !trial.goal().goes_on() {
            let best = trial.best().clone();
            trial.end_at(&best);
            return Ok(true);
        }
        if round.over {
            return Err(Stop::Spent);
        }
        Ok(false)
    }

    /// Leaves out what the head no longer calls injurious, before the victim is asked.
    fn judged(&self, texts: Vec<SnippetText>) -> Result<Vec<SnippetText>, Stop> {
        let Some(head) = &self.head else {
            return Ok(texts);
        };
        let odds = head.log_odds(&texts);
        if !texts.is_empty()
            && odds.iter().all(Result::is_err)
            && let Some(Err(reason)) = odds.first()
        {
            return Err(Stop::Broken(format!("{}: {reason}", head.name())));
        }
        Ok(texts
            .into_iter()
            .zip(odds)
            .filter(|(_, odds)| odds.as_ref().is_ok_and(|odds| *odds >= head.threshold()))
            .map(|(text, _)| text)
            .collect())
    }
}
