//! Checkpoints: everything that a killed run needs to go on to the same result, bit for bit.
//!
//! A run folder holds at most two checkpoints (the newest and the one before it, in case the
//! newest is damaged) and the best weights that they refer to:
//!
//! ```text
//! step-0000000120.checkpoint   weights, their averages, AdamW's moments, curves, state
//! best-0000000061.weights      the weights that are kept, such as those with the lowest validation loss
//! step-0000000100.damaged      a checkpoint that could not be read
//! lock                         held by the process that trains
//! ```
//!
//! The order of rows and the dropout masks are functions of seed and step, so the step alone says
//! what comes next. Each file carries a digest of its content.

use crate::adamw::Moments;
use crate::error::TrainError;
use crate::files::{remove_partial, sync_folder_of};
use crate::network::LearnedParameter;
use crate::record::{Curves, Ending, EvaluationRecord, Identity, LossApart};
use crate::tensors::{self, ArrayRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

mod read;

use read::{read_checkpoint, read_error, read_state};

/// The format's number; a file with another one is not read.
const FORMAT: u32 = 2;
const STATE: &str = "nines_training_state";
const CHECKPOINT: &str = "checkpoint";
const WEIGHTS: &str = "weights";
const DAMAGED: &str = "damaged";
/// How many checkpoints are kept.
const KEPT: usize = 2;

/// Everything but arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub format: u32,
    pub identity: Identity,
    /// Updates made.
    pub step: u64,
    /// The weights that are kept: those with the lowest validation loss so far, or the last ones when the run
    /// is at its end.
    pub best: Option<Best>,
    pub evaluations: Vec<EvaluationRecord>,
    pub evaluations_without_better: u32,
    /// Sum of the losses of the updates since the last evaluation.
    pub loss_since_evaluation: f64,
    /// The same row by row, where adversarial rows train.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<LossApart>,
    pub ending: Option<Ending>,
    pub seconds: f64,
}

/// Which weights are kept so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    pub step: u64,
    pub loss: f64,
}

impl State {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            format: FORMAT,
            identity,
            step: 0,
            best: None,
            evaluations: Vec::new(),
            evaluations_without_better: 0,
            loss_since_evaluation: 0.0,
            apart: None,
            ending: None,
            seconds: 0.0,
        }
    }

    /// Says whether a validation loss is lower than those of all evaluations before.
    pub(crate) fn is_lowest(&self, loss: f64) -> bool {
        let mut before = self.evaluations.iter();
        before.all(|e| e.validation.loss.value.is_none_or(|value| loss < value))
    }
}

/// A parameter that learns, with what the optimiser remembers of it, by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Learned {
    pub name: String,
    pub values: Vec<f32>,
    pub moments: Moments,
    /// Its average over updates, where one is kept.
    pub average: Option<Vec<f32>>,
}

/// A checkpoint that was read.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub state: State,
    pub curves: Curves,
    pub learned: BTreeMap<String, Learned>,
}

/// A run folder, locked by this process.
#[derive(Debug)]
pub(crate) struct RunFolder {
    folder: PathBuf,
    lock: File,
}

impl Drop for RunFolder {
    /// Closing the file alone would leave the lock to a child that was just forked, until it runs its program.
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, folder = %self.folder.display(), "the lock is left to the system");
        }
    }
}

impl RunFolder {
    /// Opens or makes a run folder, locks it and sweeps up what a killed process left behind.
    pub(crate) fn open(folder: &Path) -> Result<Self, TrainError> {
        let write = |source| TrainError::Write {
            path: folder.to_owned(),
            kept: None,
            source,
        };
        fs::create_dir_all(folder).map_err(write)?;
        let lock = File::create(folder.join("lock")).map_err(write)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(TrainError::Busy {
                    folder: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(write(error)),
        }
        remove_partial(folder).map_err(write)?;
        Ok(Self {
            folder: folder.to_owned(),
            lock,
        })
    }

    /// Returns the newest checkpoint's file.
    pub(crate) fn newest(&self) -> Option<PathBuf> {
        self.files(CHECKPOINT).ok()?.pop().map(|(_, path)| path)
    }

    /// Reads the newest checkpoint that is whole, its best weights included. Damaged newer ones are
    /// told to `notice` and set aside; where none is whole the run begins anew.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`] when it belongs to another run; [`TrainError::OtherFormat`] when
    /// another version wrote it; [`TrainError::Read`] and [`TrainError::Write`] when the system
    /// refuses.
    pub(crate) fn load(
        &self,
        identity: &Identity,
        notice: &mut dyn FnMut(&str),
    ) -> Result<Option<Loaded>, TrainError> {
        let (mut damaged, mut whole) = (Vec::new(), None);
        for (_, path) in self.files(CHECKPOINT)?.into_iter().rev() {
            match self.read_whole(&path, identity) {
                Ok(loaded) => {
                    whole = Some((path, loaded));
                    break;
                }
                Err(TrainError::Damaged { problem, .. }) => damaged.push((path, problem)),
                Err(error) => return Err(error),
            }
        }
        let then = whole
            .as_ref()
            .map_or("begins anew".to_owned(), |(path, _)| {
                format!("goes on from {}", path.display())
            });
        for (path, problem) in damaged {
            let aside = path.with_extension(DAMAGED);
            notice(&format!(
                "the checkpoint {} is damaged ({problem}); it is set aside as {}, and the run {then}",
                path.display(),
                aside.display()
            ));
            fs::rename(&path, &aside).map_err(|source| TrainError::Write {
                path: aside,
                kept: None,
                source,
            })?;
        }
        Ok(whole.map(|(_, loaded)| loaded))
    }

    /// Reads a checkpoint of a run, and makes sure that the best weights that it refers to are
    /// there: a run that finds out at its end has nothing to go back to.
    fn read_whole(&self, path: &Path, identity: &Identity) -> Result<Loaded, TrainError> {
        let loaded = read_checkpoint(path)?;
        loaded.state.identity.check(identity, &self.folder)?;
        let Some(best) = loaded.state.best else {
            return Ok(loaded);
        };
        let damaged = |problem: String| TrainError::Damaged {
            path: path.to_owned(),
            problem: format!("its best weights {problem}"),
        };
        match self.load_best(best.step) {
            Ok(_) => Ok(loaded),
            Err(TrainError::Damaged { path, problem }) => {
                Err(damaged(format!("{}: {problem}", path.display())))
            }
            Err(TrainError::Read { path, source })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Err(damaged(format!("{} are missing", path.display())))
            }
            Err(error) => Err(error),
        }
    }

    /// Writes a checkpoint, then removes the oldest ones and best weights that nothing refers to.
    /// Returns its file and size.
    pub(crate) fn save<'a>(
        &self,
        state: &State,
        curves: &Curves,
        learned: &'a [LearnedParameter<'a>],
    ) -> Result<(PathBuf, u64), TrainError> {
        let path = self.path("step", state.step, CHECKPOINT);
        let mut arrays = vec![
            ("curve/loss".to_owned(), ArrayRef::F64(&curves.loss)),
            (
                "curve/learning_rate".to_owned(),
                ArrayRef::F64(&curves.learning_rate),
            ),
            (
                "curve/gradient_norm".to_owned(),
                ArrayRef::F64(&curves.gradient_norm),
            ),
            (
                "curve/examples_per_second".to_owned(),
                ArrayRef::F64(&curves.examples_per_second),
            ),
        ];
        let told: Vec<(String, Vec<f64>)> = curves
            .optional()
            .into_iter()
            .filter(|(_, curve)| curve.iter().any(Option::is_some))
            .map(|(name, curve)| {
                let numbers = curve.iter().map(|value| value.unwrap_or(f64::NAN));
                (format!("curve/{name}"), numbers.collect())
            })
            .collect();
        for (name, values) in &told {
            arrays.push((name.clone(), ArrayRef::F64(values)));
        }
        for parameter in learned {
            let (name, moments) = (parameter.name, parameter.moments);
            arrays.push((format!("weight/{name}"), ArrayRef::F32(&parameter.values)));
            arrays.push((format!("first/{name}"), ArrayRef::F32(&moments.first)));
            arrays.push((format!("second/{name}"), ArrayRef::F32(&moments.second)));
            if let Some(average) = parameter.average {
                arrays.push((format!("average/{name}"), ArrayRef::F32(average)));
            }
        }
        let failed = |source| TrainError::Write {
            path: path.clone(),
            kept: self.newest(),
            source,
        };
        let json = serde_json::to_string(state).map_err(|e| failed(e.into()))?;
        tensors::write(&path, &arrays, &BTreeMap::from([(STATE.to_owned(), json)]))
            .map_err(failed)?;
        self.prune()?;
        let bytes = fs::metadata(&path).map_err(failed)?.len();
        Ok((path, bytes))
    }

    /// Writes the best weights so far. The checkpoint that refers to them is written after them.
    pub(crate) fn save_best<'a>(
        &self,
        step: u64,
        weights: impl IntoIterator<Item = (&'a str, &'a [f32])>,
    ) -> Result<(), TrainError> {
        let path = self.path("best", step, WEIGHTS);
        let arrays: Vec<_> = weights
            .into_iter()
            .map(|(name, values)| (name.to_owned(), ArrayRef::F32(values)))
            .collect();
        tensors::write(&path, &arrays, &BTreeMap::new()).map_err(|source| TrainError::Write {
            path,
            kept: self.newest(),
            source,
        })
    }

    /// Reads the best weights, by name.
    pub(crate) fn load_best(&self, step: u64) -> Result<BTreeMap<String, Vec<f32>>, TrainError> {
        let path = self.path("best", step, WEIGHTS);
        Ok(tensors::read(&path)
            .map_err(|error| read_error(&path, error))?
            .f32s)
    }

    /// Removes all checkpoints and weights; what else lies in the folder stays.
    pub(crate) fn clear(&self) -> Result<(), TrainError> {
        for ending in [CHECKPOINT, WEIGHTS, DAMAGED] {
            for (_, path) in self.files(ending)? {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Removes what an older run left, where every checkpoint and all best weights are those of
    /// `identity`, whose result is saved. Another run's are never touched.
    pub(crate) fn clear_finished(folder: &Path, identity: &Identity) -> Result<(), TrainError> {
        if !folder.is_dir() {
            return Ok(());
        }
        let run = match Self::open(folder) {
            Ok(run) => run,
            // Whoever works there clears it.
            Err(TrainError::Busy { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_ours = |(_, path): &(u64, PathBuf)| {
            read_state(path).is_ok_and(|state| state.identity == *identity)
        };
        if run.files(CHECKPOINT)?.iter().all(is_ours) {
            run.clear()?;
        }
        Ok(())
    }

    fn prune(&self) -> Result<(), TrainError> {
        let mut checkpoints = self.files(CHECKPOINT)?;
        let kept = checkpoints.split_off(checkpoints.len().saturating_sub(KEPT));
        for (_, path) in checkpoints {
            remove(&path)?;
        }
        // The best weights of a kept checkpoint stay; so do all of them where one cannot be read.
        let mut referred = Vec::new();
        for (_, path) in kept {
            let Ok(state) = read_state(&path) else {
                return Ok(());
            };
            referred.extend(state.best.map(|best| best.step));
        }
        for (step, path) in self.files(WEIGHTS)? {
            if !referred.contains(&step) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    fn path(&self, word: &str, step: u64, ending: &str) -> PathBuf {
        self.folder.join(format!("{word}-{step:010}.{ending}"))
    }

    /// Lists files of one kind by step, oldest first.
    fn files(&self, ending: &str) -> Result<Vec<(u64, PathBuf)>, TrainError> {
        let failed = |source| TrainError::Read {
            path: self.folder.clone(),
            source,
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let step = path
                .file_stem()
                .and_then(|stem| stem.to_str()?.split_once('-')?.1.parse::<u64>().ok());
            if let Some(step) = step
                && path.extension().is_some_and(|found| found == ending)
            {
                files.push((step, path));
            }
        }
        files.sort_unstable();
        Ok(files)
    }
}

fn remove(path: &Path) -> Result<(), TrainError> {
    fs::remove_file(path)
        .and_then(|()| sync_folder_of(path))
        .map_err(|source| TrainError::Write {
            path: path.to_owned(),
            kept: None,
            source,
        })
}

#[cfg(test)]
mod tests;
