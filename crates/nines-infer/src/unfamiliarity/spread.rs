//! The spread of an ensemble's members as unfamiliarity.

use super::{Unfamiliarity, finite};
use crate::ensemble::Ensemble;
use crate::scorer::{Scorer, Unscoreable};
use nines_domain::ensemble::Disagreement;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use std::sync::Arc;

/// The standard deviation of the members' logits.
pub struct Spread {
    scorer: Arc<dyn Scorer>,
    version: String,
}

impl Spread {
    /// Takes an ensemble; `None` for a scorer that is none.
    pub fn new(scorer: Arc<dyn Scorer>) -> Option<Self> {
        scorer.ensemble()?;
        Some(Self {
            version: format!("spread of {}", scorer.version()),
            scorer,
        })
    }
}

/// Returns the spread of one snippet's scores.
pub(super) fn spread_of(scores: &[Score]) -> Result<f64, Unscoreable> {
    let logits: Vec<f64> = scores.iter().map(|score| score.logit()).collect();
    let apart = Disagreement::of(&logits).ok_or_else(|| {
        Unscoreable::Model("its members' scores have no spread that is a number".to_owned())
    })?;
    finite(apart.spread)
}

impl Unfamiliarity for Spread {
    fn version(&self) -> &str {
        &self.version
    }

    fn of(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<f64, Unscoreable>> {
        let Some(ensemble) = self.scorer.ensemble() else {
            let why = format!("{} is no ensemble", self.scorer.version());
            return vec![Err(Unscoreable::Model(why)); snippets.len()];
        };
        let each: Vec<Result<Vec<Score>, Unscoreable>> =
            Ensemble::each(ensemble, snippets, progress);
        each.into_iter().map(|scores| spread_of(&scores?)).collect()
    }
}
