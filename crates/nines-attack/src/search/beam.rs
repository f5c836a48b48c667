//! Beam search: the best few texts, changed at every place at once.

use super::Search;
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::trial::{Candidate, Order, Scored, Stop, Trial, first_best};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Settings of the beam search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Texts that are kept at each step; 1 is the exhaustive greedy search.
    pub width: usize,
    /// Steps, each of one change; 0 sets no limit.
    pub depth: usize,
    /// In which order candidates are tried.
    pub order: Order,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            width: 4,
            depth: 32,
            order: Order::Proposed,
        }
    }
}

impl BuildSearch for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        if self.width == 0 {
            return Err(RecipeError::field("width", "takes a number from 1, not 0"));
        }
        Ok(Box::new(Beam(self.clone())))
    }
}

/// Keeps the best few texts, changes each of them at every place in every way, and keeps the best few
/// of what comes out.
///
/// # Reference
/// With [`Order::Text`] and no limit of depth the same texts are asked in the same order as by TextAttack's
/// `BeamSearch` and, with width 1, `GreedySearch`; it too ends at the best of the last step, which may be
/// farther from the goal than the best of all.
pub struct Beam(pub Settings);

impl Search for Beam {
    fn name(&self) -> &'static str {
        "beam"
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let settings = &self.0;
        let mut beam = vec![trial.start().clone()];
        let mut depth = 0;
        // Without limit of depth a search that never repeats itself ends; one that does is ended by the
        // budget.
        while settings.depth == 0 || depth < settings.depth {
            depth += 1;
            let candidates = self.next(trial, &beam)?;
            if candidates.is_empty() {
                return Ok(());
            }
            let round = trial.consider(candidates)?;
            let Some(best) = first_best(&round.scored) else {
                return if round.over { Err(Stop::Spent) } else { Ok(()) };
            };
            let best = round.scored[best].clone();
            trial.end_at(&best);
            if best.met && !trial.goal().goes_on() {
                return Ok(());
            }
            if round.over {
                return Err(Stop::Spent);
            }
            beam = widest(round.scored, settings.width);
        }
        Ok(())
    }
}

impl Beam {
    /// Lists what comes of every text of the beam; equal texts once, but as TextAttack orders.
    fn next(&self, trial: &mut Trial<'_>, beam: &[Scored]) -> Result<Vec<Candidate>, Stop> {
        let mut candidates = Vec::new();
        for text in beam {
            candidates.extend(trial.candidates(&text.draft, None, self.0.order)?);
        }
        if self.0.order == Order::Proposed {
            let mut known = BTreeSet::new();
            candidates.retain(|candidate: &Candidate| known.insert(candidate.draft.text().clone()));
        }
        Ok(candidates)
    }
}

/// Keeps the nearest to the goal; equal ones in their order.
fn widest(mut scored: Vec<Scored>, width: usize) -> Vec<Scored> {
    scored.sort_by(|a, b| b.value.total_cmp(&a.value));
    scored.truncate(width);
    scored
}
