//! Random edits: what an attack must beat.

use super::Search;
use crate::edit::{Draft, Edit, Site};
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::trial::{Candidate, Order, Stop, Trial};
use nines_stats::random::Stream;
use serde::{Deserialize, Serialize};

/// Settings of the random search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Edits of one text at most; how many it has is drawn from 1 to this.
    pub edits: usize,
    /// Texts that are scored together.
    pub batch: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            edits: 6,
            batch: 64,
        }
    }
}

impl BuildSearch for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        if self.edits == 0 || self.edits > 64 {
            return Err(RecipeError::field("edits", "takes a number from 1 to 64"));
        }
        if self.batch == 0 || self.batch > 1024 {
            return Err(RecipeError::field("batch", "takes a number from 1 to 1024"));
        }
        Ok(Box::new(Random(self.clone())))
    }
}

/// Makes random edits of the start, as often as the budget allows, and never looks at a score to choose
/// the next.
///
/// The control for all other searches: the same transformations and constraints, without guidance.
pub struct Random(pub Settings);

/// Batches in a row that bring nothing before the search gives up.
const BARREN: usize = 20;

impl Search for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let start = trial.start().draft.clone();
        let mut random = start.random("random edits");
        let mut barren = 0;
        while barren < BARREN {
            trial.check()?;
            let mut batch = Vec::with_capacity(self.0.batch);
            for _ in 0..self.0.batch {
                batch.extend(self.walk(trial, &start, &mut random)?);
            }
            let batch = trial.keep_by_models(&start, batch)?;
            if batch.is_empty() {
                barren += 1;
                continue;
            }
            barren = 0;
            let round = trial.consider(batch)?;
            if let Some(met) = round.scored.iter().find(|one| one.met)
                && !trial.goal().goes_on()
            {
                let met = met.clone();
                trial.find(&met, None);
                trial.end_at(&met);
                return Ok(());
            }
            if round.over {
                return Err(Stop::Spent);
            }
        }
        Ok(())
    }
}

impl Random {
    /// Makes a random number of random edits, one after the other. Constraints that read a model see what came
    /// of it.
    fn walk(
        &self,
        trial: &mut Trial<'_>,
        start: &Draft,
        random: &mut Stream,
    ) -> Result<Option<Candidate>, Stop> {
        let mut draft = start.clone();
        let mut kind = None;
        for _ in 0..1 + random.below(self.0.edits) {
            let sites = trial.sites(&draft);
            if sites.is_empty() {
                break;
            }
            let site: Site = sites[random.below(sites.len())].clone();
            let mut options = trial.unchecked(&draft, Some(&[site]), Order::Proposed)?;
            // Drawn before it is checked, and drawn again where it is refused: each allowed one is as likely.
            while !options.is_empty() {
                let chosen = options.swap_remove(random.below(options.len()));
                if let Some(chosen) = trial.keep_plainly(&draft, vec![chosen])?.pop() {
                    (draft, kind) = (chosen.draft, Some(chosen.kind));
                    break;
                }
            }
        }
        let changed = kind.filter(|_| draft.text() != start.text());
        Ok(changed.map(|kind| {
            let edits: Vec<Edit> = start.edits_towards(draft.text());
            Candidate {
                draft,
                edits,
                kind,
                log_probability: None,
            }
        }))
    }
}
