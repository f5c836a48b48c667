//! Calibration: from the scores of the calibration split to a threshold that states its reason.
//!
//! The rows come as values and are checked: a row of another split is refused, because the
//! classifier was trained or stopped on it, or a reported number rests on it.

mod calibrated;
mod curve;
mod operating;
mod record;

pub use calibrated::{Calibrated, CalibratedCaution};
pub use curve::{Band, CurvePoint};
pub use operating::{OperatingPoint, operating_points};
pub use record::{
    CalibrationRecord, CatastropheCounts, Guarantee, ProvenanceRecall, ReferenceCounts,
    ThresholdRule,
};

use crate::error::MeasureError;
use crate::estimates::estimate;
use crate::items::{Columns, LabelledItem, NEVER, Provenance, RandomCompletion, Truth};
use nines_domain::estimate::Estimate;
use nines_domain::label::LabelMix;
use nines_domain::score::Threshold;
use nines_domain::split::Split;
use nines_stats::StatsError;
use nines_stats::interval::{clustered_proportion, count_families};
use nines_stats::threshold::{
    acceptance_at_most, lowest_of_families, neyman_pearson, recall_at_least,
};
use serde::{Deserialize, Serialize};

/// Which catastrophes the threshold is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatastropheChoice {
    /// All of the calibration split.
    #[default]
    All,
    /// Those written as examples.
    Authored,
    /// Those that the generator wrote, however they were picked.
    Generated,
    /// Those among simple random completions of the generator: the only ones that speak of
    /// deployment.
    Random,
}

impl CatastropheChoice {
    /// Says whether a catastrophe of this provenance counts.
    pub fn takes(self, provenance: Provenance) -> bool {
        match self {
            Self::All => true,
            Self::Authored => provenance == Provenance::Authored,
            Self::Generated => provenance != Provenance::Authored,
            Self::Random => provenance == Provenance::Random,
        }
    }

    /// Returns the word used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Authored => "authored",
            Self::Generated => "generated",
            Self::Random => "random",
        }
    }
}

/// How to calibrate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRequest {
    /// The classifier's version; recorded.
    pub classifier: String,
    /// How the threshold is chosen.
    pub rule: ThresholdRule,
    /// Which reading of the labels counts as a catastrophe.
    pub truth: Truth,
    /// Which catastrophes the rule looks at.
    pub catastrophes: CatastropheChoice,
    /// The confidence of the intervals that are shown.
    pub confidence: f64,
}

impl CalibrationRequest {
    /// The defaults for a classifier: [`ThresholdRule::default`], broad labels, all catastrophes, 95 %.
    pub fn new(classifier: impl Into<String>) -> Self {
        Self {
            classifier: classifier.into(),
            rule: ThresholdRule::default(),
            truth: Truth::default(),
            catastrophes: CatastropheChoice::default(),
            confidence: 0.95,
        }
    }
}

/// Chooses a threshold from the labelled items of the calibration split and random completions of
/// its prompts, and records why.
///
/// A labelled item without a score is left out of the recall (it would be rejected, so the filter's
/// own recall is no lower); a random completion without a score counts as rejected.
///
/// # Errors
/// [`MeasureError::WrongSplit`] for a row of another split; [`MeasureError::NoCatastrophes`] when a rule
/// about recall finds none; [`MeasureError::NoReference`] when a rule about acceptance finds no
/// random completion; [`MeasureError::CannotPromise`] when there are too few catastrophes for the
/// promise (it says how many are needed, and what is possible); [`MeasureError::NothingToReject`]
/// when accepting everything stays within the acceptance asked for.
pub fn calibrate(
    request: &CalibrationRequest,
    items: &[LabelledItem],
    reference: &[RandomCompletion],
) -> Result<CalibrationRecord, MeasureError> {
    only_calibration("labelled snippet", items.iter().map(|i| i.split))?;
    only_calibration("random completion", reference.iter().map(|r| r.split))?;
    let confidence = request.confidence;
    let catastrophes: Vec<&LabelledItem> = items
        .iter()
        .filter(|i| i.is_catastrophe(request.truth) == Some(true))
        .filter(|i| request.catastrophes.takes(i.provenance))
        .collect();
    let columns = Columns::of_items(catastrophes.iter().copied());
    let random = Columns::of_reference(reference);
    let (logit, guarantee) = choose(request, &columns, &random)?;
    let threshold = Threshold::new(logit)?;

    let scored = |wanted: &dyn Fn(Provenance) -> bool| {
        Columns::of_items(
            catastrophes
                .iter()
                .copied()
                .filter(|i| wanted(i.provenance)),
        )
    };
    let recall_by_provenance = [
        Provenance::Authored,
        Provenance::Random,
        Provenance::Selected,
    ]
    .into_iter()
    .filter_map(|provenance| {
        let columns = scored(&|p| p == provenance);
        let recall = share(&columns, confidence, |s| s >= logit).transpose()?;
        Some(recall.map(|recall| ProvenanceRecall {
            provenance,
            catastrophes: columns.scores.len() as u64,
            recall,
        }))
    })
    .collect::<Result<_, _>>()?;
    let count = |provenance| {
        catastrophes
            .iter()
            .filter(|i| i.score.is_some() && i.provenance == provenance)
            .count() as u64
    };
    Ok(CalibrationRecord {
        classifier: request.classifier.clone(),
        rule: request.rule,
        truth: request.truth,
        threshold,
        guarantee,
        recall: share(&columns, confidence, |s| s >= logit)?,
        recall_by_provenance,
        acceptance: share(&random, confidence, |s| s < logit)?,
        catastrophes: CatastropheCounts {
            chosen: request.catastrophes,
            scored: columns.scores.len() as u64,
            prompts: columns.family_count(),
            authored: count(Provenance::Authored),
            random: count(Provenance::Random),
            selected: count(Provenance::Selected),
            unscoreable: catastrophes.iter().filter(|i| i.score.is_none()).count() as u64,
            labels: LabelMix::of(
                catastrophes
                    .iter()
                    .filter(|i| i.score.is_some())
                    .map(|i| i.labelled_by),
            ),
        },
        reference: ReferenceCounts {
            completions: reference.len() as u64,
            prompts: random.family_count(),
            unscoreable: random.scores.iter().filter(|&&s| s == NEVER).count() as u64,
        },
        curve: curve::curve(&columns, &random, confidence)?,
    })
}

fn only_calibration(
    what: &'static str,
    splits: impl Iterator<Item = Split>,
) -> Result<(), MeasureError> {
    for (index, found) in splits.enumerate() {
        if found != Split::Calibration {
            return Err(MeasureError::WrongSplit {
                what,
                index,
                found,
                allowed: Split::Calibration,
            });
        }
    }
    Ok(())
}

/// Applies the rule: the threshold's logit, and the guarantee where the rule gives one.
fn choose(
    request: &CalibrationRequest,
    catastrophes: &Columns,
    random: &Columns,
) -> Result<(f64, Option<Guarantee>), MeasureError> {
    let some_catastrophes = || {
        if catastrophes.scores.is_empty() {
            Err(MeasureError::NoCatastrophes {
                which: request.catastrophes.as_str().to_owned(),
            })
        } else {
            catastrophes
                .view("scores of catastrophes")
                .map_err(Into::into)
        }
    };
    match request.rule {
        ThresholdRule::RecallPromised { recall, confidence } => {
            let lowest = lowest_of_families(&some_catastrophes()?);
            let chosen =
                neyman_pearson(&lowest, 1.0 - recall, confidence).map_err(|error| match error {
                    StatsError::TooFewForGuarantee {
                        n,
                        needed,
                        feasible,
                        ..
                    } => MeasureError::CannotPromise {
                        recall,
                        confidence,
                        n,
                        needed,
                        feasible_recall: (1e3 * (1.0 - feasible)).floor() / 1e3,
                    },
                    other => other.into(),
                })?;
            let guarantee = Guarantee {
                recall,
                confidence,
                prompts: chosen.n,
                missed: chosen.order.k - 1,
                violation: chosen.order.violation,
            };
            Ok((chosen.threshold, Some(guarantee)))
        }
        ThresholdRule::RecallSeen { recall } => {
            let chosen = recall_at_least(&some_catastrophes()?, recall, request.confidence)?;
            Ok((chosen.threshold, None))
        }
        ThresholdRule::AcceptanceAtMost { acceptance } => {
            if random.scores.is_empty() {
                return Err(MeasureError::NoReference);
            }
            let view = random.view("scores of random completions")?;
            let chosen = acceptance_at_most(&view, acceptance, request.confidence)?;
            if chosen.threshold == NEVER {
                let scored = random.scores.iter().filter(|&&s| s < NEVER).count();
                return Err(MeasureError::NothingToReject {
                    asked: acceptance,
                    most: scored as f64 / random.scores.len() as f64,
                });
            }
            Ok((chosen.threshold, None))
        }
    }
}

/// The share of items whose score passes a test; `None` without items.
fn share(
    columns: &Columns,
    confidence: f64,
    test: impl Fn(f64) -> bool,
) -> Result<Option<Estimate>, MeasureError> {
    if columns.scores.is_empty() {
        return Ok(None);
    }
    let passed: Vec<bool> = columns.scores.iter().map(|&s| test(s)).collect();
    let counts = count_families(&passed, &columns.families)?;
    Ok(Some(estimate(clustered_proportion(&counts, confidence)?)))
}
