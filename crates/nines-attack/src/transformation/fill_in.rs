//! Words that a language model puts into the places of others, between them, or in place of two.

use super::{Proposal, ProposeError, Proposing, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::fill::{CausalWords, Fill, MaskedWords, RIGHT_WORDS, WordSource};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use crate::wording::{Case, Surroundings};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is done with the words of a [`WordSource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillIn {
    /// A word takes the place of another.
    Replace,
    /// A word comes in between two.
    Insert,
    /// A word takes the place of two neighbours.
    Merge,
}

/// Which model knows the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The masked model where there is one, or else the causal one.
    Any,
    /// The causal language model.
    Causal,
    /// The masked language model.
    Masked,
}

/// Settings of [`FillIns`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `replace`, `insert` or `merge`.
    #[serde(default = "replace")]
    pub how: FillIn,
    /// `any`, `causal` or `masked`.
    #[serde(default = "any")]
    pub model: Source,
    /// Words that are proposed for each place.
    #[serde(default = "top")]
    pub top: usize,
    /// Words behind the place by which a causal model ranks; a masked one reads all.
    #[serde(default = "right_words")]
    pub right_words: usize,
}

fn replace() -> FillIn {
    FillIn::Replace
}

fn any() -> Source {
    Source::Any
}

fn top() -> usize {
    24
}

fn right_words() -> usize {
    RIGHT_WORDS
}

impl BuildTransformation for Settings {
    fn build(&self, models: &Models, _seed: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        for (field, value, least, most) in [
            ("top", self.top, 1, 1_000),
            ("right_words", self.right_words, 0, 100),
        ] {
            if value < least || value > most {
                let reason = format!("takes {least} to {most}, not {value}");
                return Err(RecipeError::field(field, reason));
            }
        }
        let masked = models
            .masked
            .clone()
            .filter(|_| self.model != Source::Causal);
        let causal = models.language_model.clone();
        let causal = causal.filter(|_| self.model != Source::Masked);
        let source: Arc<dyn WordSource> = match (masked, causal) {
            (Some(model), _) => Arc::new(MaskedWords::new(model)),
            (None, Some(model)) => {
                Arc::new(CausalWords::new(model).with_right_words(self.right_words))
            }
            (None, None) => {
                let what = match self.model {
                    Source::Any => "a language model, causal or masked",
                    Source::Causal => "a causal language model",
                    Source::Masked => "a masked language model",
                };
                let how = "name a generator that runs on this machine with --lm, or a BertForMaskedLM folder with --masked";
                return Err(RecipeError::missing(what, how));
            }
        };
        Ok(Box::new(FillIns::new(source, self.how, self.top)))
    }
}

/// Changes a draft by words that a language model holds probable there: BERT-Attack's substitutes,
/// CLARE's replacements, insertions and merges.
///
/// # Reference
/// Li et al., "BERT-ATTACK" (2020); Li et al., "Contextualized perturbation for textual adversarial attack" (CLARE,
/// 2021). Theirs ask a masked model; a causal one is asked here by the left context and ranked with the right.
pub struct FillIns {
    source: Arc<dyn WordSource>,
    how: FillIn,
    top: usize,
}

impl FillIns {
    /// Proposes up to `top` words for each place.
    pub fn new(source: Arc<dyn WordSource>, how: FillIn, top: usize) -> Self {
        Self { source, how, top }
    }

    fn kind(&self) -> &'static str {
        match self.how {
            FillIn::Replace => "substitute",
            FillIn::Insert => "insert",
            FillIn::Merge => "merge",
        }
    }

    fn proposal(&self, draft: &Draft, site: &Site, case: Case, fill: Fill) -> Option<Proposal> {
        let edit = match self.how {
            FillIn::Insert => draft.insertion(site, &fill.word),
            FillIn::Replace | FillIn::Merge => Edit {
                site: site.clone(),
                text: case.write(&fill.word),
            },
        };
        let same = draft.at(&edit.site) == Some(edit.text.as_str());
        (!same).then(|| Proposal {
            edits: vec![edit],
            log_probability: Some(fill.log_probability),
            kind: self.kind(),
        })
    }
}

impl Transformation for FillIns {
    fn name(&self) -> &'static str {
        self.kind()
    }

    fn models(&self) -> Vec<String> {
        vec![self.source.id()]
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        let words = draft.words();
        match self.how {
            FillIn::Replace => words,
            FillIn::Insert => draft.gaps(),
            FillIn::Merge => words
                .windows(2)
                .filter_map(|two| merged(draft, two))
                .collect(),
        }
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        self.propose_for(draft, sites, &mut Proposing::default())
    }

    fn propose_for(
        &self,
        draft: &Draft,
        sites: &[Site],
        proposing: &mut Proposing,
    ) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let mut lists = Vec::with_capacity(sites.len());
        for site in sites {
            proposing.check()?;
            let Ok(around) = Surroundings::of(draft.text(), site) else {
                lists.push(Vec::new());
                continue;
            };
            let around = match self.how {
                FillIn::Insert => around.for_insertion(),
                FillIn::Replace | FillIn::Merge => around,
            };
            let case = Case::of(draft.at(site).unwrap_or_default());
            // One more, for the word that is there.
            let fills = self.source.words(&around, self.top + 1)?;
            let made = fills
                .into_iter()
                .filter_map(|fill| self.proposal(draft, site, case, fill));
            lists.push(made.take(self.top).collect());
        }
        Ok(lists)
    }
}

/// Joins two words of one half that only blanks part.
fn merged(draft: &Draft, two: &[Site]) -> Option<Site> {
    let [first, second] = two else { return None };
    let between = draft
        .part(first.part)
        .get(first.range.end..second.range.start)?;
    let joined = first.part == second.part && between.trim().is_empty();
    joined.then_some(Site {
        part: first.part,
        range: first.range.start..second.range.end,
    })
}

#[cfg(test)]
mod tests;
