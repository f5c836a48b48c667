//! One training cross-validated with one seed, and what it leaves behind.

use super::attacks::{AttackOutcome, AttackPlan};
use crate::config::TrainConfig;
use crate::cross_validation::CrossValidation;
use crate::data::TrainingData;
use crate::error::TrainError;
use crate::files::write_whole;
use nines_domain::snippet::ContentHash;
use nines_kernels::Unit;
use nines_nn::precision::Precision;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The file of a results folder that says what each score is of.
pub const ROWS_FILE: &str = "rows.json";

/// A training to be cross-validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The cell that it belongs to.
    pub cell: String,
    /// Its seed.
    pub seed: u64,
    /// Its base model; `None` is the project's.
    pub base: Option<String>,
    /// Whether finds of attacks and edits teach.
    pub finds: bool,
    /// The recipe, the seed included.
    pub config: TrainConfig,
}

impl Trial {
    /// Returns its name, which also names its files.
    pub fn name(&self) -> String {
        format!("{}-{}", self.cell, self.seed)
    }

    /// Returns where its result lies in a results folder.
    pub fn file(&self, results: &Path) -> PathBuf {
        results.join(format!("{}.json", self.name()))
    }
}

/// Everything that decides what comes of a trial. A result of another identity is of another trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialIdentity {
    /// The recipe.
    pub recipe: TrainConfig,
    /// The base model's name.
    pub base: String,
    /// The digest of its files.
    pub base_digest: String,
    /// The digest of the rows that are scored.
    pub data: String,
    /// The digest of all rows, those that only teach included.
    pub taught: String,
    /// Folds.
    pub folds: u64,
    /// The attacks. A result of a time when identities did not name them has none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attacks: Option<AttackPlan>,
}

impl TrialIdentity {
    /// Forgets which unit of the processor rounds products: a sweep that takes days goes on on another
    /// machine, and results say their path.
    fn of_any_unit(mut self) -> Self {
        if let Precision::Bf16(_) = self.recipe.precision {
            self.recipe.precision = Precision::Bf16(Unit::ALL[0]);
        }
        self
    }
}

/// What a trial leaves behind: enough to compute every number of the table again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The cell.
    pub cell: String,
    /// The seed.
    pub seed: u64,
    /// What it was.
    pub identity: TrialIdentity,
    /// The path by which scores were computed, such as `cpu/bf16/amx`.
    pub path: String,
    /// Seconds of training, all folds together, on the machine that it ran on, whatever else ran there.
    pub seconds: f64,
    /// Seconds that the processor's cores spent on it, all together: what a busy machine does not change much.
    /// `None` where several trials ran at once.
    pub processor_seconds: Option<f64>,
    /// Out-of-fold scores in the order of the data's rows.
    pub scores: Vec<f32>,
    /// Attacks on the first fold's classifier.
    #[serde(default)]
    pub attacks: Vec<AttackOutcome>,
}

impl TrialResult {
    /// Takes the scores of a cross-validation.
    pub fn new(
        trial: &Trial,
        identity: TrialIdentity,
        path: String,
        found: &CrossValidation,
    ) -> Self {
        Self {
            cell: trial.cell.clone(),
            seed: trial.seed,
            identity,
            path,
            seconds: found.records.iter().map(|record| record.seconds).sum(),
            processor_seconds: None,
            scores: found
                .scores
                .iter()
                .map(|score| score.score as f32)
                .collect(),
            attacks: Vec::new(),
        }
    }

    /// Reads a trial's result, if it is there.
    ///
    /// # Errors
    /// [`TrainError::Read`]; [`TrainError::Damaged`] for a file that is no result;
    /// [`TrainError::OtherTrial`] where it is one of another recipe, base, other rows or attacks.
    pub fn read(path: &Path, identity: &TrialIdentity) -> Result<Option<Self>, TrainError> {
        let Some(found) = Self::at(path)? else {
            return Ok(None);
        };
        match found.differs(identity) {
            None => Ok(Some(found)),
            Some(what) => Err(TrainError::OtherTrial {
                path: path.to_owned(),
                what,
            }),
        }
    }

    /// Says in what this is the result of another trial than the one of an identity, if it is.
    pub fn differs(&self, identity: &TrialIdentity) -> Option<&'static str> {
        let (mut then, now) = (
            self.identity.clone().of_any_unit(),
            identity.clone().of_any_unit(),
        );
        if let (None, Some(plan)) = (&then.attacks, &now.attacks)
            && plan.made(&self.attacks)
        {
            then.attacks = now.attacks.clone();
        }
        // The attacks of a time when identities did not name them are still attacks.
        let unplanned = then.attacks.is_none() && !self.attacks.is_empty();
        match () {
            () if then == now && !unplanned => None,
            () if then.recipe != now.recipe => Some("another recipe"),
            () if then.data != now.data || then.taught != now.taught => Some("other rows"),
            () if then.folds != now.folds => Some("another number of folds"),
            () if then.attacks != now.attacks || unplanned => Some("other attacks"),
            () => Some("another base model"),
        }
    }

    /// Reads whatever result lies at a path.
    ///
    /// # Errors
    /// [`TrainError::Read`], [`TrainError::Damaged`].
    pub fn at(path: &Path) -> Result<Option<Self>, TrainError> {
        read_json(path)
    }

    /// Writes the result, whole or not at all.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        write_json(path, self)
    }
}

/// What each score of a result is of. The texts are not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// The digest of the rows, as results name it.
    pub data: String,
    /// Each row, in the order of the scores.
    pub rows: Vec<Row>,
}

/// A row without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The snippet.
    pub snippet: ContentHash,
    /// Its prompt family.
    pub family: ContentHash,
    /// Whether it counts as a catastrophe.
    pub broad: bool,
    /// Whether it is a random generated completion.
    pub random: bool,
    /// Where it comes from.
    pub source: String,
}

impl Rows {
    /// Describes the rows that are scored: data without any that only teaches.
    pub fn of(data: &TrainingData) -> Self {
        let rows = data.rows().iter().zip(data.hashes());
        Self {
            data: data.digest().to_owned(),
            rows: rows
                .map(|(row, hash)| Row {
                    snippet: *hash,
                    family: row.family,
                    broad: row.broad,
                    random: row.random,
                    source: row.source.clone(),
                })
                .collect(),
        }
    }

    /// Reads the rows of a results folder, if they are there.
    ///
    /// # Errors
    /// [`TrainError::Read`], [`TrainError::Damaged`].
    pub fn read(results: &Path) -> Result<Option<Self>, TrainError> {
        read_json(&results.join(ROWS_FILE))
    }

    /// Writes them into a results folder.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn write(&self, results: &Path) -> Result<(), TrainError> {
        write_json(&results.join(ROWS_FILE), self)
    }
}

pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(
    path: &Path,
) -> Result<Option<T>, TrainError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(TrainError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| TrainError::Damaged {
            path: path.to_owned(),
            problem: error.to_string(),
        })
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainError> {
    let failed = |source| TrainError::Write {
        path: path.to_owned(),
        kept: None,
        source,
    };
    let mut json = serde_json::to_vec(value).map_err(|error| failed(error.into()))?;
    json.push(b'\n');
    write_whole(path, |file| file.write_all(&json)).map_err(failed)
}
