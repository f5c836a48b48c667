//! Words of the classifier's own vocabulary that should change its score most.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::flips::{Direction, Flip, Lexicon, Slope, SlopeAt};
use crate::recipe::{BuildTransformation, Models, RecipeError};
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
        let flips = Flips::new(Arc::clone(scorer), self.direction, self.top).map_err(|error| {
            RecipeError::missing("gradients of the classifier under attack", error.to_string())
        })?;
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

    /// Returns how much a flip must promise to be among the best of all.
    fn enough(&self, places: &[Option<(SlopeAt, Vec<Flip>)>]) -> f64 {
        let each = places.iter().flatten().flat_map(|(_, flips)| flips.iter().take(self.top));
        let mut costs: Vec<f64> = each.map(|flip| self.direction.cost(flip.change)).collect();
        if self.overall == 0 || costs.len() <= self.overall {
            return f64::INFINITY;
        }
        *costs.select_nth_unstable_by(self.overall - 1, f64::total_cmp).1
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
        let places: Vec<Option<(SlopeAt, Vec<Flip>)>> = sites
            .par_iter()
            .map(|site| {
                let at = slope.at(site)?;
                // Some words are no single token where they would stand.
                let spare = self.top + self.top / 4 + 4;
                let flips = slope.flips(&at, &self.lexicon, self.direction, spare);
                Some((at, flips))
            })
            .collect();
        let enough = self.enough(&places);
        Ok(sites
            .par_iter()
            .zip(places)
            .map(|(site, place)| {
                let Some((at, flips)) = place else {
                    return Vec::new();
                };
                let promising = flips
                    .into_iter()
                    .filter(|flip| self.direction.cost(flip.change) <= enough);
                let kept = promising.filter_map(|flip| {
                    let edit = self.checked(draft, site, &slope, &at, &flip)?;
                    Some(Proposal::of(edit, "flip"))
                });
                kept.take(self.top).collect()
            })
            .collect())
    }
}
