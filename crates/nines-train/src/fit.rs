//! One run: from a base model and rows to the best weights.

use crate::adamw::AdamW;
use crate::batches::BatchPlan;
use crate::checkpoint::{Loaded, RunFolder, State};
use crate::config::{CheckpointCadence, TrainConfig};
use crate::data::{Role, Roles, TrainingData};
use crate::encoded::EncodedRows;
use crate::error::TrainError;
use crate::network::Network;
use crate::record::{Curves, Identity, Observer, RoleCounts, RunPlan, TrainingRecord};
use crate::schedule::Schedule;
use crate::tensors;
use nines_domain::snippet::ContentHash;
use nines_infer::cancel::CancelFlag;
use nines_text::SnippetTokenizer;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

mod run;

use run::Run;

/// What a run works on.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The folder of the base model: config.json, model.safetensors, tokenizer.json.
    pub base: &'a Path,
    /// The rows.
    pub data: &'a TrainingData,
    /// Which part each row plays.
    pub roles: &'a Roles,
    /// The recipe.
    pub config: &'a TrainConfig,
    /// How often the run is saved on its way.
    pub cadence: CheckpointCadence,
    /// Where checkpoints lie while the run works.
    pub run_folder: &'a Path,
    /// Stops the run at the next update.
    pub cancel: &'a CancelFlag,
}

/// The best weights of a finished run, with everything that is needed to save or to score.
pub(crate) struct Fitted {
    pub network: Network,
    pub tokenizer: SnippetTokenizer,
    pub encoded: EncodedRows,
    pub record: TrainingRecord,
    pub run_folder: RunFolder,
}

/// A run with everything loaded and checked.
pub(crate) struct Prepared<'a> {
    job: Job<'a>,
    network: Network,
    tokenizer: SnippetTokenizer,
    encoded: EncodedRows,
    identity: Identity,
    plan: BatchPlan,
    positive_weight: f64,
    adamw: AdamW,
}

impl<'a> Prepared<'a> {
    /// Checks options and rows, loads the base model and cuts every row into tokens.
    pub(crate) fn new(job: Job<'a>) -> Result<Self, TrainError> {
        let (config, data, roles) = (job.config, job.data, job.roles);
        config.check()?;
        roles.check(data)?;
        let network = Network::new(job.base, config)?;
        let tokenizer = SnippetTokenizer::from_folder(job.base).map_err(TrainError::Tokenizer)?;
        let encoded = EncodedRows::encode(data, &tokenizer, network.window(), config.long)?;
        let train = roles.rows(Role::Train);
        let catastrophes = train.iter().filter(|&&row| data.rows()[row].broad).count();
        let identity = Identity {
            config: config.clone(),
            config_digest: config.digest(),
            data_digest: ContentHash::of_fields("run data", &[data.digest(), &roles.digest()])
                .to_string(),
            base_digest: base_digest(job.base, &network)?,
        };
        Ok(Self {
            positive_weight: config
                .positive_weight
                .resolve(train.len() - catastrophes, catastrophes),
            plan: BatchPlan::new(
                encoded.with_tokens(&train),
                config.batch_size,
                config.pool_batches,
                config.seed,
            ),
            adamw: AdamW {
                betas: config.betas,
                epsilon: config.epsilon,
                weight_decay: config.weight_decay,
                head_rate: config.head_rate,
            },
            job,
            network,
            tokenizer,
            encoded,
            identity,
        })
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn tokenizer(&self) -> &SnippetTokenizer {
        &self.tokenizer
    }

    pub(crate) fn plan(&self) -> &BatchPlan {
        &self.plan
    }

    pub(crate) fn positive_weight(&self) -> f64 {
        self.positive_weight
    }

    pub(crate) fn steps_per_epoch(&self) -> u64 {
        self.plan.batches_per_epoch() as u64
    }

    /// Returns the updates of a full run.
    pub(crate) fn steps(&self) -> u64 {
        self.steps_per_epoch() * u64::from(self.job.config.epochs)
    }

    pub(crate) fn schedule(&self) -> Schedule {
        Schedule::new(
            self.job.config.learning_rate,
            self.job.config.warmup,
            self.steps(),
        )
    }

    /// Says whether the validation split is scored after an update: at the end of each epoch, and
    /// at equal distances before it.
    pub(crate) fn evaluates_after(&self, step: u64) -> bool {
        let per_epoch = self.steps_per_epoch();
        let done = (step - 1) % per_epoch + 1;
        let parts = u64::from(self.job.config.evaluations_per_epoch).min(per_epoch);
        (1..=parts).any(|part| (per_epoch * part).div_ceil(parts) == done)
    }

    fn counts(&self) -> Vec<RoleCounts> {
        [Role::Train, Role::Validation, Role::HeldOut]
            .into_iter()
            .map(|role| {
                let rows = self.job.roles.rows(role);
                let of = |row: &usize| &self.job.data.rows()[*row];
                let families: BTreeSet<_> = rows.iter().map(|row| of(row).family).collect();
                RoleCounts {
                    role,
                    families: families.len(),
                    rows: rows.len(),
                    catastrophes: rows.iter().filter(|row| of(row).broad).count(),
                    random: rows.iter().filter(|row| of(row).random).count(),
                }
            })
            .collect()
    }

    /// Trains, from the newest checkpoint where there is one, to the end; then takes the best
    /// weights. Checkpoints are left in place until the caller has saved what it wants.
    pub(crate) fn fit(mut self, observer: &mut dyn Observer) -> Result<Fitted, TrainError> {
        let run_folder = RunFolder::open(self.job.run_folder)?;
        let loaded = run_folder.load(&self.identity, &mut |text| observer.notice(text))?;
        let (state, curves) = match loaded {
            Some(loaded) => self.restore(loaded)?,
            None => (State::new(self.identity.clone()), Curves::default()),
        };
        let (trainable, frozen) = self.network.sizes();
        observer.planned(&RunPlan {
            first_step: state.step + 1,
            steps: self.steps(),
            steps_per_epoch: self.steps_per_epoch(),
            counts: self.counts(),
            positive_weight: self.positive_weight,
            trainable,
            frozen,
        });
        let mut run = Run {
            saved_step: state.step,
            saved_at: Instant::now(),
            begun_at: Instant::now(),
            seconds_before: state.seconds,
            prepared: &mut self,
            folder: &run_folder,
            observer,
            state,
            curves,
        };
        let ending = run.finish()?;
        let (state, curves) = (run.state, run.curves);
        let best = state.best.ok_or_else(|| no_evaluation(&run_folder))?;
        for (name, values) in run_folder.load_best(best.step)? {
            self.network.restore(&name, values, None)?;
        }
        let evaluation = state.evaluations.iter().find(|e| e.step == best.step);
        let record = TrainingRecord {
            counts: self.counts(),
            identity: self.identity,
            positive_weight: self.positive_weight,
            ending,
            steps: state.step,
            best_step: best.step,
            best: evaluation
                .ok_or_else(|| no_evaluation(&run_folder))?
                .validation
                .clone(),
            evaluations: state.evaluations,
            curves,
            weights_digest: self.network.digest()?,
            seconds: state.seconds,
        };
        Ok(Fitted {
            network: self.network,
            tokenizer: self.tokenizer,
            encoded: self.encoded,
            record,
            run_folder,
        })
    }

    fn restore(&mut self, loaded: Loaded) -> Result<(State, Curves), TrainError> {
        if !self.network.learns(loaded.learned.keys()) {
            return Err(TrainError::Damaged {
                path: self.job.run_folder.to_owned(),
                problem: "it holds other parameters than those that learn".to_owned(),
            });
        }
        for (name, learned) in loaded.learned {
            self.network
                .restore(&name, learned.values, Some(learned.moments))?;
        }
        Ok((loaded.state, loaded.curves))
    }
}

/// The files that a tokenizer is made of. What the weights and the configuration say is digested
/// as the network has it.
const TOKENIZER_FILES: [&str; 7] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
];

/// Returns a digest of all that a run takes from its base: weights, configuration, tokenizer.
fn base_digest(base: &Path, network: &Network) -> Result<String, TrainError> {
    let mut parts = vec![
        ("weights", network.digest()?.into_bytes()),
        (
            "configuration",
            network.model().config().to_json("").into_bytes(),
        ),
    ];
    for name in TOKENIZER_FILES {
        let path = base.join(name);
        if path.is_file() {
            let bytes = fs::read(&path).map_err(|source| TrainError::Read { path, source })?;
            parts.push((name, bytes));
        }
    }
    Ok(tensors::digest(
        parts.iter().map(|(name, bytes)| (*name, bytes.as_slice())),
    ))
}

fn no_evaluation(folder: &RunFolder) -> TrainError {
    TrainError::Damaged {
        path: folder.newest().unwrap_or_default(),
        problem: "it has no evaluation of its best weights".to_owned(),
    }
}
