//! Greedy search, the most important places first.

use super::Search;
use super::importance::{Importance, ordered};
use crate::edit::{Site, shifted};
use crate::recipe::{BuildSearch, Models, RecipeError};
use crate::trial::{Order, Stop, Trial, first_best};
use serde::{Deserialize, Serialize};

/// Settings of the greedy search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How places are ordered.
    pub importance: Importance,
    /// The text that stands for a masked word.
    pub unk: String,
    /// In which order candidates are tried.
    pub order: Order,
    /// How often all places are gone through; each time after the first from the best text.
    pub rounds: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            importance: Importance::Unk,
            unk: "[UNK]".to_owned(),
            order: Order::Proposed,
            rounds: 1,
        }
    }
}

impl BuildSearch for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Search>, RecipeError> {
        if self.rounds == 0 {
            return Err(RecipeError::field("rounds", "takes a number from 1, not 0"));
        }
        Ok(Box::new(Greedy(self.clone())))
    }
}

/// Goes through the places once, the most important first, and keeps at each the best change that brings
/// the goal nearer.
///
/// Ties keep the order of the candidates, and of the text.
///
/// # Reference
/// Jin et al. 2019 (TextFooler); with [`Order::Text`] the same texts are asked in the same order as by
/// TextAttack's `GreedyWordSwapWIR`.
pub struct Greedy(pub Settings);

impl Search for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn needs_gradients(&self) -> bool {
        self.0.importance == Importance::Gradient
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let settings = &self.0;
        let mut current = trial.start().clone();
        let sites = trial.sites(&current.draft);
        let (sites, mut over) = ordered(
            trial,
            sites,
            settings.importance,
            &settings.unk,
            settings.order,
        )?;
        for round in 0..settings.rounds {
            let before = current.value;
            let mut places: Vec<Option<Site>> = if round == 0 {
                sites.iter().cloned().map(Some).collect()
            } else {
                trial.sites(&current.draft).into_iter().map(Some).collect()
            };
            for index in 0..places.len() {
                if over {
                    trial.end_at(&current);
                    return Err(Stop::Spent);
                }
                let Some(site) = places[index].take() else {
                    continue;
                };
                let candidates = trial
                    .candidates(&current.draft, Some(&[site]), settings.order)
                    .inspect_err(|_| trial.end_at(&current))?;
                if candidates.is_empty() {
                    continue;
                }
                let asked = trial.consider(candidates)?;
                over = asked.over;
                let Some(best) = first_best(&asked.scored) else {
                    continue;
                };
                let best = asked.scored[best].clone();
                if best.value <= current.value {
                    continue;
                }
                for place in &mut places {
                    *place = place.take().and_then(|site| shifted(&site, &best.edits));
                }
                current = best;
                if current.met && !trial.goal().goes_on() {
                    trial.end_at(&current);
                    return Ok(());
                }
            }
            if current.value <= before {
                break;
            }
        }
        trial.end_at(&current);
        if over { Err(Stop::Spent) } else { Ok(()) }
    }
}
