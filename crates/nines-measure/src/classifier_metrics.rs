//! How well a classifier ranks, on all labelled items of a split and on each kind of text apart:
//! authored examples and generated completions are different tasks, and a mean of both hides it.

use crate::error::MeasureError;
use crate::estimates::{chosen_percent, estimate};
use crate::items::{Columns, LabelledItem, NEVER, Provenance, RandomCompletion, Truth};
use nines_domain::estimate::Estimate;
use nines_domain::label::LabelMix;
use nines_domain::score::{Score, Threshold};
use nines_stats::StatsError;
use nines_stats::acceptance::recall_at_acceptance;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::ranking::{RankingMetric, RankingSample};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The acceptances at which recall is reported.
pub const ACCEPTANCES: [f64; 4] = [0.5, 0.8, 0.9, 0.95];

/// A kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subset {
    /// Everything.
    All,
    /// Written as examples.
    Authored,
    /// Written by the generator.
    Generated,
}

impl Subset {
    /// All three.
    pub const EACH: [Self; 3] = [Self::All, Self::Authored, Self::Generated];

    fn takes(self, provenance: Provenance) -> bool {
        match self {
            Self::All => true,
            Self::Authored => provenance == Provenance::Authored,
            Self::Generated => provenance != Provenance::Authored,
        }
    }

    /// Returns the word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Authored => "authored",
            Self::Generated => "generated",
        }
    }
}

/// Recall at the threshold that accepts a share of random completions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallAt {
    /// The acceptance asked for.
    pub asked: f64,
    /// The threshold; `None` where so many completions have no score that accepting all others
    /// stays below what was asked: nothing with a score is rejected.
    pub threshold: Option<Threshold>,
    /// The acceptance that the threshold has on the random completions.
    pub acceptance: Estimate,
    /// The share of catastrophes that it rejects.
    pub recall: Estimate,
}

/// The numbers of one kind of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubsetMetrics {
    /// Which.
    pub subset: Subset,
    /// Items with a score and a verdict.
    pub items: u64,
    /// How many of them are catastrophes.
    pub catastrophes: u64,
    /// Items without a score, left out.
    pub unscoreable: u64,
    /// Items that labellers left open, left out.
    pub undecided: u64,
    /// Whose labels they rest on.
    pub labels: LabelMix,
    /// The chance that a catastrophe outscores a safe item; `None` with one class only.
    pub auroc: Option<Estimate>,
    /// Average precision; depends on the share of catastrophes in this subset.
    pub auprc: Option<Estimate>,
    /// Recall at each of [`ACCEPTANCES`]; empty without catastrophes or random completions.
    pub recall_at: Vec<RecallAt>,
}

/// How well a classifier ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifierMetrics {
    /// The classifier's version.
    pub classifier: String,
    /// Which reading of the labels counted.
    pub truth: Truth,
    /// How many random completions acceptance rests on.
    pub random_completions: u64,
    /// One entry for each kind of text that has items.
    pub subsets: Vec<SubsetMetrics>,
}

/// Computes a classifier's metrics from labelled items, and from random completions for the
/// recall at given acceptances. The caller chooses the split, and says so beside the numbers.
///
/// # Errors
/// [`MeasureError::Stats`] for bootstrap settings out of range. A subset with one class only has no
/// AUROC, which is no error.
pub fn classifier_metrics(
    classifier: &str,
    items: &[LabelledItem],
    random: &[RandomCompletion],
    truth: Truth,
    bootstrap: &Bootstrap,
) -> Result<ClassifierMetrics, MeasureError> {
    let subsets = Subset::EACH
        .into_iter()
        .map(|subset| {
            let items: Vec<&LabelledItem> = items
                .iter()
                .filter(|item| subset.takes(item.provenance))
                .collect();
            one_subset(subset, &items, random, truth, bootstrap)
        })
        .filter(|metrics| !matches!(metrics, Ok(m) if m.items == 0))
        .collect::<Result<_, _>>()?;
    Ok(ClassifierMetrics {
        classifier: classifier.to_owned(),
        truth,
        random_completions: random.len() as u64,
        subsets,
    })
}

fn one_subset(
    subset: Subset,
    items: &[&LabelledItem],
    random: &[RandomCompletion],
    truth: Truth,
    bootstrap: &Bootstrap,
) -> Result<SubsetMetrics, MeasureError> {
    let decided: Vec<(&LabelledItem, bool)> = items
        .iter()
        .filter_map(|&item| Some((item, item.is_catastrophe(truth)?)))
        .collect();
    let scored: Vec<(&LabelledItem, Score, bool)> = decided
        .iter()
        .filter_map(|&(item, catastrophe)| Some((item, item.score?, catastrophe)))
        .collect();
    let ranking = ranking(&scored)?;
    let metric = |metric| -> Result<Option<Estimate>, StatsError> {
        ranking
            .as_ref()
            .map(|sample| sample.estimate(metric, bootstrap).map(estimate))
            .transpose()
    };
    let catastrophes = Columns::of_items(
        scored
            .iter()
            .filter(|(_, _, catastrophe)| *catastrophe)
            .map(|&(item, _, _)| item),
    );
    Ok(SubsetMetrics {
        subset,
        items: scored.len() as u64,
        catastrophes: catastrophes.scores.len() as u64,
        unscoreable: (decided.len() - scored.len()) as u64,
        undecided: (items.len() - decided.len()) as u64,
        labels: LabelMix::of(scored.iter().map(|&(item, _, _)| item.labelled_by)),
        auroc: metric(RankingMetric::Auroc)?,
        auprc: metric(RankingMetric::AveragePrecision)?,
        recall_at: recall_at(&catastrophes, random, bootstrap)?,
    })
}

fn ranking(scored: &[(&LabelledItem, Score, bool)]) -> Result<Option<RankingSample>, StatsError> {
    let scores: Vec<f64> = scored.iter().map(|(_, score, _)| score.logit()).collect();
    let catastrophe: Vec<bool> = scored
        .iter()
        .map(|&(_, _, catastrophe)| catastrophe)
        .collect();
    let families: Vec<u64> = scored
        .iter()
        .map(|(item, _, _)| item.family.prefix_u64())
        .collect();
    match RankingSample::new(&scores, &catastrophe, &families) {
        Ok(sample) => Ok(Some(sample)),
        Err(StatsError::OneClass { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn recall_at(
    catastrophes: &Columns,
    random: &[RandomCompletion],
    bootstrap: &Bootstrap,
) -> Result<Vec<RecallAt>, MeasureError> {
    if catastrophes.scores.is_empty() || random.is_empty() {
        return Ok(Vec::new());
    }
    let random = Columns::of_reference(random);
    let catastrophes = catastrophes.view("scores of catastrophes")?;
    let random = random.view("scores of random completions")?;
    ACCEPTANCES
        .into_iter()
        .map(|asked| {
            let at = recall_at_acceptance(&catastrophes, &random, asked, bootstrap)?;
            Ok(RecallAt {
                asked,
                threshold: (at.threshold < NEVER)
                    .then(|| Threshold::new(at.threshold))
                    .transpose()?,
                acceptance: estimate(at.acceptance),
                recall: estimate(at.recall),
            })
        })
        .collect()
}

impl fmt::Display for ClassifierMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |e: &Option<Estimate>| {
            e.as_ref()
                .map_or_else(|| "- (one class only)".to_owned(), Estimate::to_string)
        };
        for (index, m) in self.subsets.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(
                f,
                "{}: {} items, {} catastrophes; labelled {}",
                m.subset.as_str(),
                m.items,
                m.catastrophes,
                m.labels
            )?;
            if m.unscoreable + m.undecided > 0 {
                writeln!(
                    f,
                    "  left out: {} without a score, {} undecided",
                    m.unscoreable, m.undecided
                )?;
            }
            writeln!(f, "  AUROC {}", shown(&m.auroc))?;
            write!(f, "  AUPRC {}", shown(&m.auprc))?;
            for at in &m.recall_at {
                write!(
                    f,
                    "\n  recall when {} % of random completions are accepted: {}",
                    chosen_percent(at.asked),
                    at.recall
                )?;
            }
        }
        Ok(())
    }
}
