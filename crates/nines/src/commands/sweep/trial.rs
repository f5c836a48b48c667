//! One trial: cross-validated, and its first fold's classifier attacked.

use super::attacks;
use crate::models::{self, Base, ScorePath};
use crate::project::Project;
use anyhow::{Context, Result};
use nines_infer::cancel::CancelFlag;
use nines_infer::classifier::LongPolicy;
use nines_stats::ranking::{RankingMetric, RankingSample};
use nines_train::config::LongRows;
use nines_train::cross_validation::CrossValidationJob;
use nines_train::processor::processor_seconds;
use nines_train::record::{Observer, StepRecord};
use nines_train::sweep::trial::TrialIdentity;
use nines_train::sweep::{SweepFile, Trial, TrialResult};
use nines_train::{CheckpointCadence, TrainingData, cross_validate};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The attack plan, and what a project gives to every trial.
pub struct Ground {
    file: SweepFile,
    /// The rows that are scored.
    data: Arc<TrainingData>,
    /// The same with the finds that only teach.
    with_finds: Arc<TrainingData>,
    bases: BTreeMap<Option<String>, Base>,
    /// Where trials work.
    folder: PathBuf,
    split_seed: u64,
    label: String,
    /// Whether several trials run at once.
    shared: bool,
    cancel: CancelFlag,
}

impl Ground {
    /// Finds every base model that the trials need, and checks its files.
    pub fn new(
        project: &Project,
        file: &SweepFile,
        (data, with_finds): (Arc<TrainingData>, Arc<TrainingData>),
        folder: PathBuf,
        shared: bool,
        cancel: CancelFlag,
    ) -> Result<Self> {
        let mut bases = BTreeMap::new();
        let own = file.cells.iter().filter_map(|cell| cell.base.clone());
        let common = std::iter::once(file.base.clone());
        for name in own.map(Some).chain(common) {
            if let Entry::Vacant(place) = bases.entry(name) {
                let base = models::base(project, place.key().as_deref())?;
                place.insert(base);
            }
        }
        if let Some(plan) = &file.attacks {
            attacks::check(plan)?;
            attacks::check_fold(&data, file.folds, project.config.project.split_seed)?;
        }
        Ok(Self {
            file: file.clone(),
            data,
            with_finds,
            bases,
            folder,
            split_seed: project.config.project.split_seed,
            label: project.config.predicate.name.clone(),
            shared,
            cancel,
        })
    }

    /// Puts in what the project says.
    pub fn settle(&self, trial: &mut Trial) {
        trial.config.split_seed = self.split_seed;
    }

    fn base(&self, trial: &Trial) -> Result<&Base> {
        let base = self.bases.get(&trial.base);
        base.with_context(|| format!("the base of {} was not looked for", trial.name()))
    }

    fn taught(&self, trial: &Trial) -> &TrainingData {
        match trial.finds {
            true => &self.with_finds,
            false => &self.data,
        }
    }

    /// Everything that decides what comes of a trial.
    pub fn identity(&self, trial: &Trial) -> Result<TrialIdentity> {
        let base = self.base(trial)?;
        Ok(TrialIdentity {
            recipe: trial.config.clone(),
            base: base.name.clone(),
            base_digest: base.digest.clone(),
            data: self.data.digest().to_owned(),
            taught: self.taught(trial).digest().to_owned(),
            folds: self.file.folds,
            attacks: self.file.attacks.clone(),
        })
    }

    /// Cross-validates and attacks.
    pub fn run(&self, trial: &Trial) -> Result<TrialResult> {
        let folder = self.folder.join(trial.name());
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let kept = folder.join("classifier");
        let base = self.base(trial)?;
        let (mut steps, before) = (Steps(0), processor_seconds());
        let found = cross_validate(
            CrossValidationJob {
                base: &base.folder,
                data: self.taught(trial),
                folds: self.file.folds,
                config: &trial.config,
                cadence: CheckpointCadence::default(),
                folder: &folder,
                keep_first: self.file.attacks.is_some().then_some((&kept, &self.label)),
                cancel: &self.cancel,
            },
            &mut steps,
        )?;
        let long = match trial.config.long {
            LongRows::Refuse => LongPolicy::Refuse,
            LongRows::MaxWindow => LongPolicy::MaxWindow,
        };
        let path = ScorePath::new(trial.config.precision, long).for_folder(&base.folder);
        let mut result = TrialResult::new(trial, self.identity(trial)?, path.to_string(), &found);
        // Of a trial that went on here, the earlier steps ran in another process: they took as long.
        if let (Some(before), Some(after), false) = (before, processor_seconds(), self.shared) {
            let all: u64 = found.records.iter().map(|record| record.steps).sum();
            let share = all as f64 / steps.0 as f64;
            result.processor_seconds = (steps.0 > 0).then_some((after - before) * share);
        }
        if let Some(plan) = &self.file.attacks {
            let scorer = models::scorer_of_folder(&kept, path)?;
            result.attacks = attacks::run(plan, scorer, self.taught(trial), &found, &self.cancel)?;
        }
        Ok(result)
    }

    /// Removes a trial's folder once its result is kept.
    pub fn clear(&self, trial: &Trial) -> Result<()> {
        let folder = self.folder.join(trial.name());
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", folder.display()))
            }
            _ => Ok(()),
        }
    }

    /// Returns a result's out-of-fold AUROC.
    pub fn auroc(&self, result: &TrialResult) -> Option<f64> {
        let scores: Vec<f64> = result
            .scores
            .iter()
            .map(|&score| f64::from(score))
            .collect();
        let broad: Vec<bool> = self.data.rows().iter().map(|row| row.broad).collect();
        let families: Vec<u64> = self
            .data
            .rows()
            .iter()
            .map(|row| row.family.prefix_u64())
            .collect();
        let sample = RankingSample::new(&scores, &broad, &families).ok()?;
        Some(sample.value(RankingMetric::Auroc))
    }
}

/// Counts the updates that are made here; a sweep tells of whole trials.
struct Steps(u64);

impl Observer for Steps {
    fn step(&mut self, _step: &StepRecord) {
        self.0 += 1;
    }
}
