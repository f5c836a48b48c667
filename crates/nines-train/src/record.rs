//! What a run tells while it works, and what it leaves behind.

use crate::config::TrainConfig;
use crate::data::Role;
use crate::error::TrainError;
use nines_domain::estimate::Estimate;
use nines_domain::score::Threshold;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

mod apart;

pub(crate) use apart::LossApart;
pub use apart::{AdversarialFit, FitCounts, MeansApart};

/// Listens to a run: shows bars, stores metrics. Every method has an empty default.
///
/// A run that was killed goes on from its last checkpoint, so steps after it are told a second
/// time, with the same numbers (but for speed). [`RunPlan::first_step`] says from where: what was
/// stored of that step and later ones is to be replaced.
pub trait Observer {
    /// Training is about to begin or to go on.
    fn planned(&mut self, plan: &RunPlan) {
        let _ = plan;
    }
    /// An update was made.
    fn step(&mut self, step: &StepRecord) {
        let _ = step;
    }
    /// `done` of `rows` validation rows are scored.
    fn evaluating(&mut self, done: usize, rows: usize) {
        let _ = (done, rows);
    }
    /// An evaluation was made.
    fn evaluation(&mut self, evaluation: &EvaluationRecord) {
        let _ = evaluation;
    }
    /// A checkpoint was written.
    fn checkpoint(&mut self, checkpoint: &CheckpointRecord) {
        let _ = checkpoint;
    }
    /// Something that the user should read, but that does not stop the run.
    fn notice(&mut self, text: &str) {
        tracing::warn!("{text}");
    }
    /// A fold of a cross-validation begins (from 0).
    fn fold(&mut self, fold: u64, folds: u64) {
        let _ = (fold, folds);
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// How many rows of each label a part of the data has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleCounts {
    /// The part.
    pub role: Role,
    /// Prompt families.
    pub families: usize,
    /// Rows.
    pub rows: usize,
    /// Catastrophes (broad yes) among them.
    pub catastrophes: usize,
    /// Random generated completions among them.
    pub random: usize,
}

/// What a run is going to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// The next update; 1 in a new run, later in one that goes on.
    pub first_step: u64,
    /// Updates of a full run.
    pub steps: u64,
    /// Updates of one epoch.
    pub steps_per_epoch: u64,
    /// What each part of the data holds.
    pub counts: Vec<RoleCounts>,
    /// The weight of a catastrophe in the loss.
    pub positive_weight: f64,
    /// Numbers that learn.
    pub trainable: usize,
    /// Numbers that are frozen.
    pub frozen: usize,
}

/// One update.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The update; the first is 1.
    pub step: u64,
    /// The epoch; the first is 0.
    pub epoch: u32,
    /// The batch's mean weighted loss, dropout on; without what techniques add.
    pub loss: f64,
    /// What techniques add to it, where one does: disagreements, the loss of changed rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<f64>,
    /// The mean loss of the batch's adversarial rows, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial_loss: Option<f64>,
    /// The mean loss of its other rows, where some rows of the run are adversarial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_loss: Option<f64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// The gradient's global norm before clipping.
    pub gradient_norm: f64,
    /// Rows a second.
    pub examples_per_second: f64,
}

/// Recall at the threshold that accepts a given share of random generated completions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallAtAcceptance {
    /// The share of random generated completions that was asked for.
    pub asked: f64,
    /// The threshold that accepts at most this share.
    pub threshold: Threshold,
    /// The share that it accepts; below the one asked for where scores tie or rows are few.
    pub acceptance: Estimate,
    /// The share of catastrophes that it rejects.
    pub recall: Estimate,
}

/// How well scores tell catastrophes from safe snippets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean weighted loss.
    pub loss: Estimate,
    /// Area under the ROC curve.
    pub auroc: Estimate,
    /// Area under the precision-recall curve (average precision).
    pub auprc: Estimate,
    /// Recall at the thresholds that accept 50, 80, 90 and 95 % of random generated completions;
    /// empty where there is no such completion.
    pub recall_at_acceptance: Vec<RecallAtAcceptance>,
}

/// One evaluation on the validation split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// Updates made before it.
    pub step: u64,
    /// The epoch it fell into; the first is 0.
    pub epoch: u32,
    /// Mean training loss (dropout on) of the updates since the evaluation before.
    pub training_loss: f64,
    /// The same for adversarial rows alone and for the others, where there are adversarial ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_loss_apart: Option<MeansApart>,
    /// The metrics on the validation split, dropout off.
    pub validation: Metrics,
    /// Whether the validation loss is the lowest so far.
    pub best: bool,
}

/// A checkpoint was written.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointRecord {
    /// Updates that it holds.
    pub step: u64,
    /// Its file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How long writing took.
    pub seconds: f64,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All epochs were done.
    AllEpochs,
    /// The validation loss had not improved for the configured number of evaluations.
    EarlyStopping,
}

/// Curves of every update, one entry each.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curves {
    /// The batch's loss.
    pub loss: Vec<f64>,
    /// The learning rate.
    pub learning_rate: Vec<f64>,
    /// The gradient's norm before clipping.
    pub gradient_norm: Vec<f64>,
    /// Rows a second.
    pub examples_per_second: Vec<f64>,
    /// What techniques add to the loss; left out where none does.
    #[serde(default, skip_serializing_if = "is_untold")]
    pub penalty: Vec<Option<f64>>,
    /// The mean loss of the batch's adversarial rows; left out where there are none.
    #[serde(default, skip_serializing_if = "is_untold")]
    pub adversarial_loss: Vec<Option<f64>>,
    /// That of its other rows, likewise.
    #[serde(default, skip_serializing_if = "is_untold")]
    pub other_loss: Vec<Option<f64>>,
}

fn is_untold(curve: &[Option<f64>]) -> bool {
    curve.iter().all(Option::is_none)
}

impl Curves {
    /// Adds an update.
    pub(crate) fn push(&mut self, step: &StepRecord) {
        self.loss.push(step.loss);
        self.learning_rate.push(step.learning_rate);
        self.gradient_norm.push(step.gradient_norm);
        self.examples_per_second.push(step.examples_per_second);
        self.penalty.push(step.penalty);
        self.adversarial_loss.push(step.adversarial_loss);
        self.other_loss.push(step.other_loss);
    }

    /// The curves that a run has only with certain rows or techniques, by name.
    pub(crate) fn optional(&self) -> [(&'static str, &[Option<f64>]); 3] {
        [
            ("penalty", &self.penalty),
            ("adversarial_loss", &self.adversarial_loss),
            ("other_loss", &self.other_loss),
        ]
    }

    /// Lets go of curves that nothing was told for.
    pub(crate) fn told(mut self) -> Self {
        for (_, curve) in self.optional_mut() {
            if is_untold(curve) {
                curve.clear();
            }
        }
        self
    }

    /// The same, to be read in.
    pub(crate) fn optional_mut(&mut self) -> [(&'static str, &mut Vec<Option<f64>>); 3] {
        [
            ("penalty", &mut self.penalty),
            ("adversarial_loss", &mut self.adversarial_loss),
            ("other_loss", &mut self.other_loss),
        ]
    }
}

/// Everything that must be equal for a run to be resumed, and that a result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The recipe.
    pub config: TrainConfig,
    /// Its digest.
    pub config_digest: String,
    /// The digest of texts, families, labels and of the part that each row plays.
    pub data_digest: String,
    /// The digest of the base model: its weights and configuration with the new head, and its
    /// tokenizer's files.
    pub base_digest: String,
}

impl Identity {
    /// Compares the identity of a stored run with that of the one that is asked for.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`] names what differs.
    pub(crate) fn check(&self, given: &Self, folder: &Path) -> Result<(), TrainError> {
        let pairs = [
            ("configuration", &self.config_digest, &given.config_digest),
            ("training data", &self.data_digest, &given.data_digest),
            ("base model", &self.base_digest, &given.base_digest),
        ];
        for (what, stored, now) in pairs {
            if stored == now {
                continue;
            }
            let short = |digest: &str| format!("digest {}", digest.get(..12).unwrap_or(digest));
            let (stored, given) = (what == "configuration")
                .then(|| self.config_difference(given))
                .flatten()
                .unwrap_or_else(|| (short(stored), short(now)));
            return Err(TrainError::OtherRun {
                folder: folder.to_owned(),
                what,
                stored,
                given,
            });
        }
        Ok(())
    }

    /// Names the first option in which two configurations differ, with both values.
    fn config_difference(&self, given: &Self) -> Option<(String, String)> {
        let stored = serde_json::to_value(&self.config).ok()?;
        let given = serde_json::to_value(&given.config).ok()?;
        // What is off is left out, so that either may have options that the other has not.
        let options = given.as_object()?.keys().chain(stored.as_object()?.keys());
        let said = |option: &str, value: &serde_json::Value| match value {
            serde_json::Value::Null => format!("{option} as by default"),
            value => format!("{option} = {value}"),
        };
        options.into_iter().find_map(|option| {
            let (old, new) = (&stored[option], &given[option]);
            (old != new).then(|| (said(option, old), said(option, new)))
        })
    }
}

/// The record of a finished run; saved beside the classifier as `training.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// What the run was given.
    pub identity: Identity,
    /// What each part of the data held.
    pub counts: Vec<RoleCounts>,
    /// The weight of a catastrophe in the loss (of severity 2, where severities change it).
    pub positive_weight: f64,
    /// Why it ended.
    pub ending: Ending,
    /// Updates made.
    pub steps: u64,
    /// The update after which the kept weights were taken.
    pub best_step: u64,
    /// The validation metrics of the kept weights.
    pub best: Metrics,
    /// All evaluations.
    pub evaluations: Vec<EvaluationRecord>,
    /// Curves of every update.
    pub curves: Curves,
    /// Whether the adversarial training rows are fitted, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial_fit: Option<AdversarialFit>,
    /// The digest of the kept weights; two runs with one seed have the same.
    pub weights_digest: String,
    /// Seconds of work, over all resumptions, evaluations and checkpoints included.
    pub seconds: f64,
}
