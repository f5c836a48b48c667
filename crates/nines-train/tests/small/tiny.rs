//! A task and a model small enough to train in a second: sentences of a few dozen words, of which
//! some hurt.

use crate::tiny_base::{HURTING, PLAIN};
pub use crate::tiny_base::{WINDOW, base};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::cancel::CancelFlag;
use nines_train::config::{CheckpointCadence, TrainConfig};
use nines_train::data::Role;
use nines_train::fit::Job;
use nines_train::record::{Observer, Silent, StepRecord, TrainingRecord};
use nines_train::{Roles, TrainError, TrainingData, TrainingRow};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The words of one text; which ones depends on the number alone.
fn words(number: usize, count: usize) -> Vec<&'static str> {
    let hash = ContentHash::of_fields("words", &[&number.to_string()]);
    (0..count)
        .map(|i| PLAIN[usize::from(hash.bytes()[i % 32]) % PLAIN.len()])
        .collect()
}

/// Makes `prompts` families with one safe and one hurting completion each, and a random draw for
/// every second family.
pub fn rows(prompts: usize) -> Vec<TrainingRow> {
    let mut rows = Vec::new();
    for family in 0..prompts {
        let prompt = words(family, 4 + family % 6).join(" ");
        let mut add = |variant: usize, broad: bool, random: bool| {
            let number = 1000 + family * 10 + variant;
            let mut completion = words(number, 3 + (family + variant) % 5);
            if broad {
                completion.insert(number % 3, HURTING[number % HURTING.len()]);
            }
            rows.push(TrainingRow {
                family: ContentHash::of_prompt(&prompt),
                text: SnippetText::new(prompt.clone(), completion.join(" ")),
                broad,
                random,
                source: if random { "generated" } else { "authored" }.into(),
                severity: None,
                adversarial: false,
                training_only: false,
                soft: None,
            });
        };
        add(0, false, false);
        add(1, true, false);
        if family % 2 == 0 {
            add(2, false, true);
        }
    }
    rows
}

/// Checked rows.
pub fn data(prompts: usize) -> TrainingData {
    TrainingData::new(rows(prompts)).expect("good rows")
}

/// A recipe that learns the task in a few epochs.
pub fn config() -> TrainConfig {
    TrainConfig {
        seed: 5,
        epochs: 3,
        batch_size: 8,
        learning_rate: 5e-3,
        head_rate: 1.0,
        pool_batches: 3,
        patience: None,
        ..TrainConfig::default()
    }
}

/// Asks a run to stop after a step.
pub struct StopAfter(pub u64, pub CancelFlag);

impl Observer for StopAfter {
    fn step(&mut self, step: &StepRecord) {
        if step.step == self.0 {
            self.1.cancel();
        }
    }
}

/// Everything that a run needs, in a temporary folder.
pub struct Bench {
    folder: tempfile::TempDir,
    pub base: PathBuf,
    pub data: TrainingData,
    pub roles: Roles,
    pub config: TrainConfig,
    pub cadence: CheckpointCadence,
    pub cancel: CancelFlag,
}

impl Bench {
    pub fn new(prompts: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = data(prompts);
        Self {
            base: base(folder.path()),
            roles: data.split(1),
            data,
            config: config(),
            cadence: CheckpointCadence {
                every_steps: Some(4),
                every_seconds: None,
            },
            cancel: CancelFlag::default(),
            folder,
        }
    }

    /// Leaves eight families to train on, which fill one batch, and a recipe that can learn them by heart.
    pub fn one_batch(&mut self) {
        let rows = self.data.rows();
        let train = self.roles.rows(Role::Train);
        let families: BTreeSet<_> = train.iter().map(|&row| rows[row].family).collect();
        let first: BTreeSet<_> = families.iter().take(8).collect();
        self.roles = Roles::of(&self.data, |family| {
            match (first.contains(family), families.contains(family)) {
                (true, _) => Role::Train,
                (false, true) => Role::HeldOut,
                (false, false) => Role::Validation,
            }
        });
        self.config.epochs = 250;
        self.config.evaluations_per_epoch = 1;
        self.config.batch_size = 64;
        self.config.warmup = 0.05;
        self.config.dropout = Some(0.0);
        self.config.weight_decay = 0.0;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn train_in(
        &self,
        run: &str,
        observer: &mut dyn Observer,
    ) -> Result<TrainingRecord, TrainError> {
        let run_folder = self.path(run);
        let job = Job {
            base: &self.base,
            data: &self.data,
            roles: &self.roles,
            config: &self.config,
            cadence: self.cadence,
            run_folder: &run_folder,
            cancel: &self.cancel,
        };
        nines_train::train(
            job,
            &self.path(&format!("{run}-out")),
            "an injury",
            observer,
        )
    }

    pub fn train(&self, run: &str) -> TrainingRecord {
        self.train_in(run, &mut Silent).expect("trained")
    }
}
