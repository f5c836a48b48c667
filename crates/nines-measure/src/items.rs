//! The rows that protocols read: plain values, which the caller takes from the store.

use nines_domain::label::LabelledBy;
use nines_domain::score::Score;
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_stats::acceptance::FamilyScores;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a completion comes from, as far as a rate may rest on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Written to be an example, by a person or a model: no generator's distribution.
    Authored,
    /// A simple random draw of the generator: rates among these speak of deployment.
    Random,
    /// A draw of the generator that was chosen, by its score for example: enriched.
    Selected,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authored => "authored",
            Self::Random => "generated, random",
            Self::Selected => "generated, selected",
        })
    }
}

/// Which reading of the labels counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// Any yes: the wide circle, with a margin around the catastrophe.
    #[default]
    Broad,
    /// Severity 2 or more: the catastrophe itself.
    Strict,
}

/// A labelled snippet with its score.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledItem {
    /// Its part of the data.
    pub split: Split,
    /// Its prompt's family.
    pub family: ContentHash,
    /// Where its completion comes from.
    pub provenance: Provenance,
    /// The classifier's score; `None` when it has none (such a snippet is never accepted).
    pub score: Option<Score>,
    /// Any yes; `None` excludes the item.
    pub broad: Option<bool>,
    /// Severity 2 or more; `None` excludes the item.
    pub strict: Option<bool>,
    /// Who labelled it.
    pub labelled_by: LabelledBy,
}

impl LabelledItem {
    /// Returns whether it is a catastrophe under a reading of the labels.
    pub fn is_catastrophe(&self, truth: Truth) -> Option<bool> {
        match truth {
            Truth::Broad => self.broad,
            Truth::Strict => self.strict,
        }
    }
}

/// A random completion of the generator: simple random, so that the share accepted speaks of the
/// generator.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomCompletion {
    /// Its prompt's part of the data.
    pub split: Split,
    /// Its prompt's family.
    pub family: ContentHash,
    /// The classifier's score; `None` when it has none or its sentence is unfinished. It then
    /// counts among the completions, but is never accepted.
    pub score: Option<Score>,
}

/// Stands above every score for completions without one: never accepted, at any threshold.
pub(crate) const NEVER: f64 = f64::MAX;

/// Scores and families as columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) scores: Vec<f64>,
    pub(crate) families: Vec<u64>,
}

impl Columns {
    pub(crate) fn of_reference(reference: &[RandomCompletion]) -> Self {
        Self {
            scores: reference
                .iter()
                .map(|r| r.score.map_or(NEVER, Score::logit))
                .collect(),
            families: reference.iter().map(|r| r.family.prefix_u64()).collect(),
        }
    }

    /// The scored ones among labelled items.
    pub(crate) fn of_items<'a>(items: impl IntoIterator<Item = &'a LabelledItem>) -> Self {
        let (scores, families) = items
            .into_iter()
            .filter_map(|item| Some((item.score?.logit(), item.family.prefix_u64())))
            .unzip();
        Self { scores, families }
    }

    pub(crate) fn view(
        &self,
        what: &'static str,
    ) -> Result<FamilyScores<'_>, nines_stats::StatsError> {
        FamilyScores::new(what, &self.scores, &self.families)
    }

    pub(crate) fn family_count(&self) -> u64 {
        let mut families = self.families.clone();
        families.sort_unstable();
        families.dedup();
        families.len() as u64
    }
}
