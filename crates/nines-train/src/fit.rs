//! One run: from a base model and rows to the best weights.

use crate::adamw::{AdamW, Update, clip_scale};
use crate::batches::BatchPlan;
use crate::checkpoint::{Best, Loaded, RunFolder, State};
use crate::config::{CheckpointCadence, TrainConfig};
use crate::data::{Role, Roles, TrainingData};
use crate::encoded::EncodedRows;
use crate::error::TrainError;
use crate::loss::weighted_bce;
use crate::metrics::measure;
use crate::network::Network;
use crate::record::{
    CheckpointRecord, Curves, Ending, EvaluationRecord, Identity, Observer, RoleCounts, RunPlan,
    StepRecord, TrainingRecord,
};
use crate::schedule::Schedule;
use crate::tensors;
use nines_domain::snippet::ContentHash;
use nines_infer::cancel::CancelFlag;
use nines_text::SnippetTokenizer;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

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

/// A run at work.
struct Run<'r, 'a> {
    prepared: &'r mut Prepared<'a>,
    folder: &'r RunFolder,
    observer: &'r mut dyn Observer,
    state: State,
    curves: Curves,
    saved_step: u64,
    saved_at: Instant,
    begun_at: Instant,
    seconds_before: f64,
}

impl Run<'_, '_> {
    fn finish(&mut self) -> Result<Ending, TrainError> {
        let steps = self.prepared.steps();
        let per_epoch = self.prepared.steps_per_epoch();
        let schedule = self.prepared.schedule();
        let mut order: Option<(u32, Vec<Vec<usize>>)> = None;
        while self.state.ending.is_none() {
            if self.prepared.job.cancel.is_cancelled() {
                return Err(self.cancelled(steps)?);
            }
            let step = self.state.step + 1;
            let epoch = ((step - 1) / per_epoch) as u32;
            let place = ((step - 1) % per_epoch) as usize;
            let batches = match order.take() {
                Some((of, batches)) if of == epoch => batches,
                _ => self.prepared.plan.epoch(epoch),
            };
            self.update(step, epoch, &batches[place], schedule.learning_rate(step))?;
            order = Some((epoch, batches));
            if self.prepared.evaluates_after(step) {
                self.evaluate(epoch, schedule.learning_rate(step), step == steps)?;
            } else {
                let (since, seconds) = (step - self.saved_step, self.saved_at.elapsed());
                if self
                    .prepared
                    .job
                    .cadence
                    .is_due(since, seconds.as_secs_f64())
                {
                    self.save()?;
                }
            }
        }
        Ok(self.state.ending.unwrap_or(Ending::AllEpochs))
    }

    fn update(
        &mut self,
        step: u64,
        epoch: u32,
        rows: &[usize],
        learning_rate: f64,
    ) -> Result<(), TrainError> {
        let started = Instant::now();
        let Prepared {
            job,
            network,
            encoded,
            positive_weight,
            adamw,
            ..
        } = &mut *self.prepared;
        let broad: Vec<bool> = rows.iter().map(|&row| job.data.rows()[row].broad).collect();
        let mut loss = f64::NAN;
        let gradients = network.gradients(rows, encoded, step, |logits| {
            let batch = weighted_bce(logits, &broad, *positive_weight);
            loss = batch.mean;
            batch.gradient
        })?;
        let gradient_norm = Network::norm(&gradients);
        for (quantity, value) in [
            ("the training loss", loss),
            ("the gradient norm", gradient_norm),
        ] {
            if !value.is_finite() {
                return Err(self.diverged(quantity, value, step, learning_rate));
            }
        }
        let scale = clip_scale(gradient_norm, job.config.clip_norm);
        network.update(
            adamw,
            &gradients,
            Update {
                step,
                learning_rate,
                scale,
            },
        );
        drop(gradients);
        let record = StepRecord {
            step,
            epoch,
            loss,
            learning_rate,
            gradient_norm,
            examples_per_second: rows.len() as f64 / started.elapsed().as_secs_f64(),
        };
        self.state.step = step;
        self.state.loss_since_evaluation += loss;
        self.curves.push(&record);
        self.observer.step(&record);
        Ok(())
    }

    fn evaluate(&mut self, epoch: u32, learning_rate: f64, last: bool) -> Result<(), TrainError> {
        let rows = self.prepared.job.roles.rows(Role::Validation);
        let observer = &mut *self.observer;
        let scores = self
            .prepared
            .network
            .scores(&rows, &self.prepared.encoded, &mut |done| {
                observer.evaluating(done, rows.len());
            })?;
        let step = self.state.step;
        if let Some(&value) = scores.iter().find(|score| !score.is_finite()) {
            return Err(self.diverged("a validation score", value, step, learning_rate));
        }
        let weight = self.prepared.positive_weight;
        let validation = measure(self.prepared.job.data, &rows, &scores, weight)?;
        let loss = validation.loss.value.unwrap_or(f64::INFINITY);
        let best = self.state.best.is_none_or(|best| loss < best.loss);
        let before = self
            .state
            .evaluations
            .last()
            .map_or(0, |evaluation| evaluation.step);
        let record = EvaluationRecord {
            step,
            epoch,
            training_loss: self.state.loss_since_evaluation / (step - before).max(1) as f64,
            validation,
            best,
        };
        self.state.loss_since_evaluation = 0.0;
        self.observer.evaluation(&record);
        self.state.evaluations.push(record);
        if best {
            self.state.best = Some(Best { step, loss });
            self.state.evaluations_without_better = 0;
            let learned = self.prepared.network.learned()?;
            let weights = learned
                .iter()
                .map(|(name, values, _)| (*name, values.as_slice()));
            self.folder.save_best(step, weights)?;
        } else {
            self.state.evaluations_without_better += 1;
        }
        let patience = self.prepared.job.config.patience;
        if last {
            self.state.ending = Some(Ending::AllEpochs);
        } else if patience.is_some_and(|p| self.state.evaluations_without_better >= p) {
            self.state.ending = Some(Ending::EarlyStopping);
        }
        if best || self.state.ending.is_some() {
            self.save()?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), TrainError> {
        let started = Instant::now();
        self.state.seconds = self.seconds_before + self.begun_at.elapsed().as_secs_f64();
        let learned = self.prepared.network.learned()?;
        let arrays = learned
            .iter()
            .map(|(name, values, moments)| (*name, values.as_slice(), *moments));
        let (path, bytes) = self.folder.save(&self.state, &self.curves, arrays)?;
        self.saved_step = self.state.step;
        self.saved_at = Instant::now();
        self.observer.checkpoint(&CheckpointRecord {
            step: self.state.step,
            path,
            bytes,
            seconds: started.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    fn cancelled(&mut self, steps: u64) -> Result<TrainError, TrainError> {
        if self.state.step > self.saved_step {
            self.save()?;
        }
        Ok(TrainError::Cancelled {
            step: self.state.step,
            steps,
            checkpoint: self.folder.newest(),
        })
    }

    fn diverged(
        &self,
        quantity: &'static str,
        value: f64,
        step: u64,
        learning_rate: f64,
    ) -> TrainError {
        let checkpoint = self.folder.newest();
        TrainError::Diverged {
            quantity,
            value,
            step,
            learning_rate,
            checkpoint,
        }
    }
}
