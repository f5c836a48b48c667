//! Words of the classifier's own vocabulary that should change its score most.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::flips::{Direction, Flip, Lexicon, Slope, SlopeAt};
use crate::recipe::{BuildTransformation, GRADIENTS, Models, RecipeError};
use crate::wording::Case;
use nines_infer::gradients::Differentiable;
use nines_infer::scorer::Scorer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of [`Flips`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Flips that are proposed for each word.
    #[serde(default = "top")]
    pub top: usize,
    /// Flips that are proposed altogether where several words are asked about, those that promise most;
    /// 0 sets no limit.
    #[serde(default)]
    pub overall: usize,
    /// Where the score is to go: `up` for false alarms.
    #[serde(default = "down")]
    pub direction: Direction,
}

fn top() -> usize {
    16
}

fn down() -> Direction {
    Direction::Down
}

impl BuildTransformation for Settings {
    fn build(&self, models: &Models, _seed: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        if self.top == 0 || self.top > 4_096 {
            let reason = format!("takes 1 to 4096, not {}", self.top);
            return Err(RecipeError::field("top", reason));
        }
        let Some(scorer) = models.victim.scorers.first() else {
            return Err(RecipeError::missing("a classifier", "name one to attack"));
        };
        let flips = Flips::new(Arc::clone(scorer), self.direction, self.top)
            .map_err(|error| RecipeError::missing(GRADIENTS, error.to_string()))?;
        Ok(Box::new(flips.with_overall(self.overall)))
    }
}

/// Replaces words by whole words of the classifier's vocabulary, chosen by the gradient.
///
/// A flip is proposed only where the changed string, cut into tokens afresh, differs by that one token:
/// pieces of words are never glued, and what is scored is what is shown.
///
/// # Reference
/// Ebrahimi et al., "HotFlip: White-box adversarial examples for text classification" (2018).
pub struct Flips {
    scorer: Arc<dyn Scorer>,
    lexicon: Arc<Lexicon>,
    direction: Direction,
    top: usize,
    overall: usize,
}

impl Flips {
    /// Proposes the `top` flips of each word that move the score of a classifier in a direction.
    ///
    /// # Errors
    /// [`ProposeError::Model`] for a classifier without gradients, or whose vocabulary has no whole word.
    pub fn new(
        scorer: Arc<dyn Scorer>,
        direction: Direction,
        top: usize,
    ) -> Result<Self, ProposeError> {
        let lexicon = Arc::new(Lexicon::of(differentiable(&*scorer)?));
        if lexicon.is_empty() {
            return Err(ProposeError::Model(format!(
                "the vocabulary of {} has no whole words to flip to; use a recipe that proposes its own",
                scorer.version()
            )));
        }
        Ok(Self {
            scorer,
            lexicon,
            direction,
            top,
            overall: 0,
        })
    }

    /// Keeps only so many of all proposals of one call, those that promise most; 0 keeps all.
    pub fn with_overall(mut self, overall: usize) -> Self {
        self.overall = overall;
        self
    }

    /// Returns the words that are proposed.
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// Keeps the flips that can be made, best first at each place: `top` of each, and of all no more than `overall`.
    fn kept(
        &self,
        draft: &Draft,
        sites: &[Site],
        slope: &Slope<'_>,
        places: &[Place],
    ) -> Vec<(usize, Edit)> {
        let check = |place: &Place, flip: &Flip| {
            self.checked(draft, &sites[place.place], slope, &place.at, flip)
        };
        if self.overall == 0 {
            let of_place = |place: &Place| {
                let edits = place.flips.iter().filter_map(|flip| check(place, flip));
                let edits: Vec<Edit> = edits.take(self.top).collect();
                edits.into_iter().map(|edit| (place.place, edit)).collect()
            };
            let lists: Vec<Vec<_>> = places.par_iter().map(of_place).collect();
            return lists.into_iter().flatten().collect();
        }
        // Checking costs more than ranking, so that only those are checked that may be kept.
        let all = places.iter().enumerate();
        let mut all: Vec<(usize, &Flip)> = all
            .flat_map(|(index, place)| place.flips.iter().map(move |flip| (index, flip)))
            .collect();
        all.sort_by(|a, b| {
            let cost = |flip: &Flip| self.direction.cost(flip.change);
            cost(a.1).total_cmp(&cost(b.1)).then(a.0.cmp(&b.0))
        });
        let mut taken = vec![0; places.len()];
        let mut kept = Vec::new();
        for stretch in all.chunks(self.overall) {
            let edits: Vec<Option<Edit>> = stretch
                .par_iter()
                .map(|(index, flip)| check(&places[*index], flip))
                .collect();
            for ((index, _), edit) in stretch.iter().zip(edits) {
                let Some(edit) = edit.filter(|_| taken[*index] < self.top) else {
                    continue;
                };
                taken[*index] += 1;
                kept.push((places[*index].place, edit));
                if kept.len() == self.overall {
                    return kept;
                }
            }
        }
        kept
    }

    /// Makes the edit of a flip, in the case of the word that is there, or else as the vocabulary
    /// writes it; `None` where neither is read as the one token that was meant.
    fn checked(
        &self,
        draft: &Draft,
        site: &Site,
        slope: &Slope<'_>,
        at: &SlopeAt,
        flip: &Flip,
    ) -> Option<Edit> {
        let old = draft.at(site)?;
        let cased = Case::of(old).write(&flip.word);
        let plain = (cased != flip.word).then(|| flip.word.clone());
        [Some(cased), plain].into_iter().flatten().find_map(|text| {
            let edit = Edit {
                site: site.clone(),
                text,
            };
            let changed = draft.apply(std::slice::from_ref(&edit)).ok()?;
            slope.reads_as(changed.text(), at, flip.id).then_some(edit)
        })
    }
}

/// What could stand at one place.
struct Place {
    /// Which of the sites it is.
    place: usize,
    at: SlopeAt,
    flips: Vec<Flip>,
}

fn differentiable(scorer: &dyn Scorer) -> Result<&dyn Differentiable, ProposeError> {
    scorer.differentiable().ok_or_else(|| {
        ProposeError::Model(format!(
            "{} gives no gradients, which flips need; attack it with a recipe that only needs scores, such \
             as textfooler-like",
            scorer.version()
        ))
    })
}

impl Transformation for Flips {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn queries(&self) -> u64 {
        1
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let model = differentiable(&*self.scorer)?;
        let slope = Slope::of(model, draft.text())
            .map_err(|error| ProposeError::Model(format!("no gradient: {error}")))?;
        let at: Vec<Option<SlopeAt>> = sites.iter().map(|site| slope.at(site)).collect();
        let (places, slopes): (Vec<usize>, Vec<SlopeAt>) = at
            .into_iter()
            .enumerate()
            .filter_map(|(place, at)| Some((place, at?)))
            .unzip();
        // Some words are no single token where they would stand.
        let spare = self.top + self.top / 4 + 4;
        let flips = slope.flips_at(&slopes, &self.lexicon, self.direction, spare);
        let places = places.into_iter().zip(slopes).zip(flips);
        let places: Vec<Place> = places
            .map(|((place, at), flips)| Place { place, at, flips })
            .collect();
        let mut lists = vec![Vec::new(); sites.len()];
        for (place, edit) in self.kept(draft, sites, &slope, &places) {
            lists[place].push(Proposal::of(edit, "flip"));
        }
        Ok(lists)
    }
}

#[cfg(test)]
mod tests;
