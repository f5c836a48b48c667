//! Grouped cross-validation: every row is scored by a classifier that saw nothing of its family.

use crate::checkpoint::RunFolder;
use crate::config::{CheckpointCadence, TrainConfig};
use crate::data::{Role, TrainingData};
use crate::error::TrainError;
use crate::files::write_whole;
use crate::fit::{Job, Prepared};
use crate::loss::Objective;
use crate::metrics::measure;
use crate::record::{Identity, Metrics, Observer, TrainingRecord};
use crate::train::{RECORD_FILE, remove_folder, save};
use nines_domain::snippet::ContentHash;
use nines_infer::cancel::CancelFlag;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The file with all out-of-fold scores, one JSON object a line.
pub const SCORES_FILE: &str = "out_of_fold.jsonl";

/// What a cross-validation works on.
#[derive(Debug, Clone, Copy)]
pub struct CrossValidationJob<'a> {
    /// The folder of the base model.
    pub base: &'a Path,
    /// The rows.
    pub data: &'a TrainingData,
    /// How many folds; at least 2.
    pub folds: u64,
    /// The recipe; its `split_seed` deals the families to the folds.
    pub config: &'a TrainConfig,
    /// How often each fold's run is saved on its way.
    pub cadence: CheckpointCadence,
    /// Where finished folds and checkpoints lie, and where [`SCORES_FILE`] is written.
    pub folder: &'a Path,
    /// Where the classifier of the first fold is kept, and what its logit is called; `None` keeps none.
    pub keep_first: Option<(&'a Path, &'a str)>,
    /// Stops the run at the next update.
    pub cancel: &'a CancelFlag,
}

/// The score of a row by the classifier of the fold that held it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutOfFoldScore {
    /// The snippet.
    pub snippet: ContentHash,
    /// Its prompt family.
    pub family: ContentHash,
    /// Where it comes from.
    pub source: String,
    /// Its label.
    pub broad: bool,
    /// Whether it is a random generated completion.
    pub random: bool,
    /// The fold that held it out.
    pub fold: u64,
    /// The logit.
    pub score: f64,
}

/// The result of a cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// All scores, in the data's order.
    pub scores: Vec<OutOfFoldScore>,
    /// Metrics of the pooled scores; the loss is unweighted.
    pub pooled: Metrics,
    /// The same for the rows of each source that has both labels.
    pub by_source: BTreeMap<String, Metrics>,
    /// Each fold's run.
    pub records: Vec<TrainingRecord>,
}

/// What a finished fold leaves behind.
#[derive(Debug, Serialize, Deserialize)]
struct FinishedFold {
    record: TrainingRecord,
    scores: Vec<OutOfFoldScore>,
}

/// Trains one classifier for each fold and scores with it what it never saw. Rows that only teach train
/// in the folds in which their family does, and are never scored.
///
/// A finished fold is kept as `fold-K.json` and not trained again; a fold that was killed goes on
/// from its checkpoint. In each fold, one eighth of the other folds' families validates.
///
/// # Errors
/// See [`TrainError`]; [`TrainError::OtherRun`] where the folder holds folds of another
/// configuration, other data or another base model.
pub fn cross_validate(
    job: CrossValidationJob<'_>,
    observer: &mut dyn Observer,
) -> Result<CrossValidation, TrainError> {
    if job.folds < 2 {
        return Err(TrainError::Option {
            option: "folds",
            problem: format!("is {}, but must be at least 2", job.folds),
        });
    }
    let (mut scores, mut records) = (Vec::new(), Vec::new());
    for fold in 0..job.folds {
        observer.fold(fold, job.folds);
        let finished = run_fold(&job, fold, observer)?;
        scores.extend(finished.scores);
        records.push(finished.record);
    }
    scores.sort_by_key(|score| score.snippet);
    write_scores(&job.folder.join(SCORES_FILE), &scores)?;
    let sources: BTreeSet<&str> = scores.iter().map(|score| score.source.as_str()).collect();
    let mut by_source = BTreeMap::new();
    for source in sources {
        let of_source = |score: &OutOfFoldScore| score.source == source;
        let has = |broad| scores.iter().any(|s| of_source(s) && s.broad == broad);
        if has(true) && has(false) {
            by_source.insert(source.to_owned(), pooled(job.data, &scores, of_source)?);
        }
    }
    Ok(CrossValidation {
        pooled: pooled(job.data, &scores, |_| true)?,
        by_source,
        records,
        scores,
    })
}

/// Computes the metrics of some of the scores. Rows that only teach have none.
fn pooled(
    data: &TrainingData,
    scores: &[OutOfFoldScore],
    wanted: impl Fn(&OutOfFoldScore) -> bool,
) -> Result<Metrics, TrainError> {
    let row = |score: &OutOfFoldScore| data.hashes().binary_search(&score.snippet).ok();
    let (rows, logits): (Vec<usize>, Vec<f64>) = scores
        .iter()
        .filter(|score| wanted(score))
        .filter_map(|score| Some((row(score)?, score.score)))
        .unzip();
    measure(data, &rows, &logits, &Objective::plain(1.0))
}

fn run_fold(
    job: &CrossValidationJob<'_>,
    fold: u64,
    observer: &mut dyn Observer,
) -> Result<FinishedFold, TrainError> {
    let roles = job.data.fold(fold, job.folds, job.config.split_seed);
    let run_folder = job.folder.join(format!("fold-{fold}"));
    let prepared = Prepared::new(Job {
        base: job.base,
        data: job.data,
        roles: &roles,
        config: job.config,
        cadence: job.cadence,
        run_folder: &run_folder,
        cancel: job.cancel,
    })?;
    let path = job.folder.join(format!("fold-{fold}.json"));
    let keep = job.keep_first.filter(|_| fold == 0);
    let is_kept = keep.is_none_or(|(folder, _)| folder.join(RECORD_FILE).is_file());
    if let Some(finished) = read_fold(&path, prepared.identity())?.filter(|_| is_kept) {
        // A run that was killed after its scores were saved left its checkpoints behind.
        RunFolder::clear_finished(&run_folder, prepared.identity())?;
        return Ok(finished);
    }
    let fitted = prepared.fit(observer)?;
    if let Some((folder, label)) = keep {
        // A run that was killed before its fold was written left it.
        remove_folder(folder).map_err(|source| TrainError::Write {
            path: folder.to_owned(),
            kept: fitted.run_folder.newest(),
            source,
        })?;
        save(&fitted, folder, label)?;
    }
    let rows = roles.rows(Role::HeldOut);
    let logits = fitted.network.scores(&rows, &fitted.encoded, &mut |_| {})?;
    let scores: Vec<OutOfFoldScore> = rows
        .iter()
        .zip(logits)
        .map(|(&row, score)| {
            let of = &job.data.rows()[row];
            OutOfFoldScore {
                snippet: job.data.hashes()[row],
                family: of.family,
                source: of.source.clone(),
                broad: of.broad,
                random: of.random,
                fold,
                score,
            }
        })
        .collect();
    if let Some(bad) = scores.iter().find(|score| !score.score.is_finite()) {
        return Err(TrainError::Diverged {
            quantity: "a held-out score",
            value: bad.score,
            step: fitted.record.best_step,
            learning_rate: job.config.learning_rate,
            checkpoint: fitted.run_folder.newest(),
        });
    }
    let finished = FinishedFold {
        record: fitted.record,
        scores,
    };
    let failed = |source| TrainError::Write {
        path: path.clone(),
        kept: fitted.run_folder.newest(),
        source,
    };
    let json = serde_json::to_vec(&finished).map_err(|e| failed(e.into()))?;
    write_whole(&path, |file| file.write_all(&json)).map_err(failed)?;
    fitted.run_folder.clear()?;
    Ok(finished)
}

fn read_fold(path: &PathBuf, identity: &Identity) -> Result<Option<FinishedFold>, TrainError> {
    if !path.exists() {
        return Ok(None);
    }
    let json = fs::read(path).map_err(|source| TrainError::Read {
        path: path.clone(),
        source,
    })?;
    let finished: FinishedFold =
        serde_json::from_slice(&json).map_err(|error| TrainError::Damaged {
            path: path.clone(),
            problem: error.to_string(),
        })?;
    let folder = path.parent().unwrap_or(path);
    finished.record.identity.check(identity, folder)?;
    Ok(Some(finished))
}

fn write_scores(path: &Path, scores: &[OutOfFoldScore]) -> Result<(), TrainError> {
    write_whole(path, |file| {
        scores.iter().try_for_each(|score| {
            serde_json::to_writer(&mut *file, score)?;
            file.write_all(b"\n")
        })
    })
    .map_err(|source| TrainError::Write {
        path: path.to_owned(),
        kept: None,
        source,
    })
}
