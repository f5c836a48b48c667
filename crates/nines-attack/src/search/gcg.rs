//! Greedy coordinate gradient: a random batch of the most promising flips, the best of which is taken, again and again.

use super::Search;
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::trial::{Candidate, Order, Scored, Stop, Trial, first_best};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of [`Gcg`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Changed texts that are scored in each step.
    #[serde(default = "width")]
    pub width: usize,
    /// Steps at most.
    #[serde(default = "steps")]
    pub steps: usize,
}

fn width() -> usize {
    64
}

fn steps() -> usize {
    250
}

impl BuildSearch for Settings {
    fn build(&self, _models: &Models, _seed: u64) -> Result<Box<dyn Search>, RecipeError> {
        for (field, value, most) in [("width", self.width, 4_096), ("steps", self.steps, 100_000)] {
            if value == 0 || value > most {
                return Err(RecipeError::field(
                    field,
                    format!("takes 1 to {most}, not {value}"),
                ));
            }
        }
        Ok(Box::new(Gcg {
            width: self.width,
            steps: self.steps,
        }))
    }
}

/// Scores a random batch of proposals in each step and goes on from the best of it, even where that is
/// worse than what was there: so it leaves places where no single change helps.
///
/// The constraints look at the batch alone: one that reads a model would cost more on every proposal than the victim.
///
/// # Reference
/// Zou et al., "Universal and transferable adversarial attacks on aligned language models" (GCG, 2023). Theirs swaps
/// tokens and keeps only what survives being cut into tokens again; here words are flipped, and the
/// transformation checks the same of every proposal.
pub struct Gcg {
    width: usize,
    steps: usize,
}

impl Search for Gcg {
    fn name(&self) -> &'static str {
        "gcg"
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let mut current = trial.start().clone();
        // One stream for the whole search: a text that comes back is not changed in the same ways again.
        let mut random = current.draft.random("gcg");
        let mut barren = 0;
        for _ in 0..self.steps {
            let batch = self.batch(trial, &current, &mut |n| random.below(n));
            let batch = batch.inspect_err(|_| trial.end_at(&current))?;
            if batch.is_empty() && trial.tally().proposed == 0 {
                break;
            }
            let round = trial.consider(batch)?;
            barren += 1;
            if let Some(best) = first_best(&round.scored) {
                barren = 0;
                current = round.scored[best].clone();
                trial.step(&current);
                if current.met && !trial.goal().goes_on() {
                    break;
                }
            }
            if round.over {
                trial.end_at(&current);
                return Err(Stop::Spent);
            }
            if barren == BARREN {
                trial.note(
                    "gcg: batch after batch held nothing that could be scored; are the constraints too narrow?",
                );
                break;
            }
        }
        trial.end_at(&current);
        Ok(())
    }
}

impl Gcg {
    /// Draws what is tried next, and leaves out what the constraints do not let pass.
    fn batch(
        &self,
        trial: &mut Trial<'_>,
        current: &Scored,
        below: &mut dyn FnMut(usize) -> usize,
    ) -> Result<Vec<Candidate>, Stop> {
        trial.check()?;
        let proposed = trial.unchecked(&current.draft, None, Order::Proposed)?;
        trial.keep(&current.draft, drawn(proposed, self.width, below))
    }
}

/// Batches in a row that bring nothing before the search gives up.
const BARREN: usize = 20;

/// Draws up to `width` candidates: a place at random, then one of its proposals. Each is drawn once.
fn drawn(
    proposed: Vec<Candidate>,
    width: usize,
    mut below: impl FnMut(usize) -> usize,
) -> Vec<Candidate> {
    let mut places: BTreeMap<_, Vec<Candidate>> = BTreeMap::new();
    for candidate in proposed {
        let first = candidate.edits.first();
        let place = first.map(|edit| edit.site.order());
        places.entry(place).or_default().push(candidate);
    }
    let mut places: Vec<Vec<Candidate>> = places.into_values().collect();
    let mut batch = Vec::with_capacity(width);
    while batch.len() < width && !places.is_empty() {
        let place = below(places.len());
        let which = below(places[place].len());
        batch.push(places[place].swap_remove(which));
        if places[place].is_empty() {
            places.swap_remove(place);
        }
    }
    batch
}
