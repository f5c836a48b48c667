//! Checkpoints: everything that a killed run needs to go on to the same result, bit for bit.
//!
//! A run folder holds at most two checkpoints (the newest and the one before it, in case the
//! newest is damaged) and the best weights that they refer to:
//!
//! ```text
//! step-0000000120.checkpoint   weights, AdamW's moments, curves, state
//! best-0000000061.weights      the weights with the lowest validation loss
//! lock                         held by the process that trains
//! ```
//!
//! The order of rows and the dropout masks are functions of seed and step, so the step alone says
//! what comes next. Each file carries a digest of its content.

use crate::adamw::Moments;
use crate::error::TrainError;
use crate::files::{remove_partial, sync_folder_of};
use crate::record::{Curves, Ending, EvaluationRecord, Identity};
use crate::tensors::{self, ArrayRef, ReadError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// The format's number; a file with another one is not read.
const FORMAT: u32 = 1;
const STATE: &str = "nines_training_state";
const CHECKPOINT: &str = "checkpoint";
const WEIGHTS: &str = "weights";
/// How many checkpoints are kept.
const KEPT: usize = 2;

/// Everything but arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub format: u32,
    pub identity: Identity,
    /// Updates made.
    pub step: u64,
    /// The lowest validation loss so far.
    pub best: Option<Best>,
    pub evaluations: Vec<EvaluationRecord>,
    pub evaluations_without_better: u32,
    /// Sum of the losses of the updates since the last evaluation.
    pub loss_since_evaluation: f64,
    pub ending: Option<Ending>,
    pub seconds: f64,
}

/// Which weights are the best so far.
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
            ending: None,
            seconds: 0.0,
        }
    }
}

/// A parameter that learns, with what the optimiser remembers of it, by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Learned {
    pub name: String,
    pub values: Vec<f32>,
    pub moments: Moments,
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
    _lock: File,
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
            _lock: lock,
        })
    }

    /// Returns the newest checkpoint's file.
    pub(crate) fn newest(&self) -> Option<PathBuf> {
        self.files(CHECKPOINT).ok()?.pop().map(|(_, path)| path)
    }

    /// Reads the newest checkpoint that is whole. A damaged newer one is told to `notice`.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`] when it belongs to another run; [`TrainError::Damaged`] when none
    /// of the checkpoints is whole.
    pub(crate) fn load(
        &self,
        identity: &Identity,
        notice: &mut dyn FnMut(&str),
    ) -> Result<Option<Loaded>, TrainError> {
        let mut damaged = None;
        for (_, path) in self.files(CHECKPOINT)?.into_iter().rev() {
            match read_checkpoint(&path) {
                Ok(loaded) => {
                    loaded.state.identity.check(identity, &self.folder)?;
                    if let Some(error) = damaged {
                        notice(&format!("{error}; going on from {}", path.display()));
                    }
                    return Ok(Some(loaded));
                }
                Err(error @ TrainError::Damaged { .. }) => damaged = damaged.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    /// Writes a checkpoint, then removes the oldest ones and best weights that nothing refers to.
    /// Returns its file and size.
    pub(crate) fn save<'a>(
        &self,
        state: &State,
        curves: &Curves,
        learned: impl IntoIterator<Item = (&'a str, &'a [f32], &'a Moments)>,
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
        for (name, values, moments) in learned {
            arrays.push((format!("weight/{name}"), ArrayRef::F32(values)));
            arrays.push((format!("first/{name}"), ArrayRef::F32(&moments.first)));
            arrays.push((format!("second/{name}"), ArrayRef::F32(&moments.second)));
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
        for ending in [CHECKPOINT, WEIGHTS] {
            for (_, path) in self.files(ending)? {
                remove(&path)?;
            }
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

fn read_error(path: &Path, error: ReadError) -> TrainError {
    let path = path.to_owned();
    match error {
        ReadError::Io(source) => TrainError::Read { path, source },
        ReadError::Damaged(problem) => TrainError::Damaged { path, problem },
    }
}

fn parse_state(path: &Path, json: Option<&String>) -> Result<State, TrainError> {
    let damaged = |problem| TrainError::Damaged {
        path: path.to_owned(),
        problem,
    };
    let json = json.ok_or_else(|| damaged("it holds no training state".to_owned()))?;
    let value: serde_json::Value =
        serde_json::from_str(json).map_err(|e| damaged(e.to_string()))?;
    if value["format"] != FORMAT {
        return Err(damaged(format!(
            "it has format {}, this program reads format {FORMAT}",
            value["format"]
        )));
    }
    serde_json::from_value(value).map_err(|e| damaged(e.to_string()))
}

fn read_state(path: &Path) -> Result<State, TrainError> {
    let fields = tensors::read_fields(path).map_err(|error| read_error(path, error))?;
    parse_state(path, fields.get(STATE))
}

fn read_checkpoint(path: &Path) -> Result<Loaded, TrainError> {
    let mut arrays = tensors::read(path).map_err(|error| read_error(path, error))?;
    let state = parse_state(path, arrays.fields.get(STATE))?;
    let missing = |name: &str| TrainError::Damaged {
        path: path.to_owned(),
        problem: format!("array {name} is missing"),
    };
    let mut curve = |name: &str| arrays.f64s.remove(name).ok_or_else(|| missing(name));
    let curves = Curves {
        loss: curve("curve/loss")?,
        learning_rate: curve("curve/learning_rate")?,
        gradient_norm: curve("curve/gradient_norm")?,
        examples_per_second: curve("curve/examples_per_second")?,
    };
    let names: Vec<String> = arrays
        .f32s
        .keys()
        .filter_map(|name| name.strip_prefix("weight/").map(str::to_owned))
        .collect();
    let mut learned = BTreeMap::new();
    for name in names {
        let mut take = |kind: &str| {
            let full = format!("{kind}/{name}");
            arrays.f32s.remove(&full).ok_or_else(|| missing(&full))
        };
        let (values, first, second) = (take("weight")?, take("first")?, take("second")?);
        if first.len() != values.len() || second.len() != values.len() {
            return Err(missing(&name));
        }
        let moments = Moments { first, second };
        learned.insert(
            name.clone(),
            Learned {
                name,
                values,
                moments,
            },
        );
    }
    Ok(Loaded {
        state,
        curves,
        learned,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainConfig;

    fn identity(seed: u64, data: &str) -> Identity {
        let config = TrainConfig {
            seed,
            ..TrainConfig::default()
        };
        Identity {
            config_digest: config.digest(),
            config,
            data_digest: data.into(),
            base_digest: "base".into(),
        }
    }

    fn save(run: &RunFolder, step: u64, best: Option<u64>) -> Result<(PathBuf, u64), TrainError> {
        let mut state = State::new(identity(1, "data"));
        state.step = step;
        state.best = best.map(|step| Best { step, loss: 0.1 });
        let moments = Moments {
            first: vec![step as f32],
            second: vec![0.25],
        };
        let values = [0.1f32];
        run.save(&state, &Curves::default(), [("w", &values[..], &moments)])
    }

    #[test]
    fn at_most_two_are_kept_with_the_best_that_they_need() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder::open(folder.path()).expect("opened");
        for (step, best) in [
            (1, None),
            (2, Some(2)),
            (3, Some(2)),
            (4, Some(4)),
            (5, Some(4)),
        ] {
            if best == Some(step) {
                run.save_best(step, [("w", &[step as f32][..])])
                    .expect("saved");
            }
            save(&run, step, best).expect("saved");
        }
        let steps = |ending| -> Vec<u64> {
            run.files(ending)
                .expect("listed")
                .into_iter()
                .map(|(step, _)| step)
                .collect()
        };
        assert_eq!((steps(CHECKPOINT), steps(WEIGHTS)), (vec![4, 5], vec![4]));
        assert_eq!(run.load_best(4).expect("read")["w"], [4.0]);
        let loaded = run
            .load(&identity(1, "data"), &mut |_| {})
            .expect("read")
            .expect("there is one");
        assert_eq!(
            (loaded.state.step, &loaded.learned["w"].moments.first[..]),
            (5, &[5.0f32][..])
        );
        run.clear().expect("cleared");
        assert!(run.newest().is_none());
    }

    #[test]
    fn a_damaged_newest_falls_back_to_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder::open(folder.path()).expect("opened");
        save(&run, 1, None).expect("saved");
        let (newest, _) = save(&run, 2, None).expect("saved");
        let bytes = fs::read(&newest).expect("readable");
        fs::write(&newest, &bytes[..bytes.len() - 1]).expect("written");
        let mut notices = Vec::new();
        let loaded = run
            .load(&identity(1, "data"), &mut |text| {
                notices.push(text.to_owned())
            })
            .expect("read")
            .expect("there is one");
        assert_eq!(loaded.state.step, 1);
        assert!(notices[0].contains("is damaged"), "{notices:?}");
    }

    #[test]
    fn another_run_is_refused_and_the_difference_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder::open(folder.path()).expect("opened");
        save(&run, 1, None).expect("saved");
        let refused = |given: Identity| {
            run.load(&given, &mut |_| {})
                .expect_err("refused")
                .to_string()
        };
        let message = refused(identity(2, "data"));
        assert!(
            message.contains("another configuration (seed = 1 there, seed = 2 now)"),
            "{message}"
        );
        assert!(refused(identity(1, "other")).contains("another training data"));
    }

    #[test]
    fn two_processes_cannot_share_a_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder::open(folder.path()).expect("opened");
        assert!(matches!(
            RunFolder::open(folder.path()),
            Err(TrainError::Busy { .. })
        ));
        drop(run);
        RunFolder::open(folder.path()).expect("free again");
    }
}
