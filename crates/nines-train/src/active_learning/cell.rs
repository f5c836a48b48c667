//! One training with so many labels, and what it leaves behind.

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::sweep::trial::{read_json, write_json};
use nines_domain::snippet::ContentHash;
use nines_kernels::Unit;
use nines_nn::precision::Precision;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that decides what comes of a comparison, but for strategy, seed and labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellIdentity {
    /// The recipe, without seed and with the fewest epochs.
    pub recipe: TrainConfig,
    /// Updates at least.
    pub steps: u64,
    /// The base model's name.
    pub base: String,
    /// The digest of its files.
    pub base_digest: String,
    /// The digest of all rows and of the parts that they play.
    pub data: String,
    /// Labels at each step.
    pub budgets: Vec<usize>,
    /// How much likelier high ranks are.
    pub focus: f64,
    /// Classifiers whose disagreement counts.
    pub committee: u32,
}

impl CellIdentity {
    /// Forgets which unit of the processor rounds products, as sweeps do.
    fn of_any_unit(mut self) -> Self {
        if let Precision::Bf16(_) = self.recipe.precision {
            self.recipe.precision = Precision::Bf16(Unit::ALL[0]);
        }
        self
    }
}

/// What one training leaves behind: enough to go on choosing, and to compute every number again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The strategy, or the mixture of them.
    pub strategy: String,
    /// The seed.
    pub seed: u64,
    /// What it is part of.
    pub identity: CellIdentity,
    /// The path by which scores were computed.
    pub path: String,
    /// Seconds of training and scoring, on the machine that it ran on, whatever else ran there.
    pub seconds: f64,
    /// The labels that it was trained on, in the order of their choice.
    pub labels: Vec<ContentHash>,
    /// How many of them are catastrophes.
    pub catastrophes: usize,
    /// The scores of the held-out rows, in their order.
    pub scores: Vec<f32>,
    /// The scores of all that can be chosen, in the data's order, where the strategy wanted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Vec<f32>>,
    /// What is labelled next.
    pub next: Vec<ContentHash>,
}

impl Cell {
    /// Returns where a cell lies in a folder of results. Strategies have words of letters, digits, `-`, `=`,
    /// `,` and `.`, of which names of files may be made.
    pub fn file(results: &Path, strategy: &str, seed: u64, labels: usize) -> PathBuf {
        let word = strategy.replace(['=', ','], "_");
        results.join(format!("{word}-{seed}-{labels}.json"))
    }

    /// Reads a cell, if it is there.
    ///
    /// # Errors
    /// [`TrainError::Read`], [`TrainError::Damaged`]; [`TrainError::OtherTrial`] where it is of another comparison.
    pub fn read(path: &Path, identity: &CellIdentity) -> Result<Option<Self>, TrainError> {
        let Some(found) = read_json::<Self>(path)? else {
            return Ok(None);
        };
        let (then, now) = (
            found.identity.clone().of_any_unit(),
            identity.clone().of_any_unit(),
        );
        let what = match () {
            () if then == now => return Ok(Some(found)),
            () if then.recipe != now.recipe || then.steps != now.steps => "another recipe",
            () if then.data != now.data => "other rows",
            () if then.budgets != now.budgets => "other budgets",
            () if then.base_digest != now.base_digest => "another base model",
            () => "another focus or committee",
        };
        Err(TrainError::OtherTrial {
            path: path.to_owned(),
            what,
        })
    }

    /// Writes the cell, whole or not at all.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        write_json(path, self)
    }
}
