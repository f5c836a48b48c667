//! One run: from a base model and rows to the best weights.

use crate::adamw::AdamW;
use crate::batches::BatchPlan;
use crate::checkpoint::{Loaded, RunFolder, State};
use crate::config::{CheckpointCadence, LabelNoise, TrainConfig};
use crate::data::{Role, Roles, TrainingData};
use crate::encoded::EncodedRows;
use crate::error::TrainError;
use crate::loss::{Objective, Target};
use crate::network::Network;
use crate::record::{
    AdversarialFit, Curves, FitCounts, Identity, Observer, RoleCounts, RunPlan, TrainingRecord,
};
use crate::schedule::Schedule;
use nines_infer::cancel::CancelFlag;
use nines_text::SnippetTokenizer;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

mod identity;
mod run;

use identity::{base_digest, data_digest};
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
    /// The job's rows, mislabelled where the recipe says so.
    data: Cow<'a, TrainingData>,
    /// The job's parts, within the recipe's budget of labels.
    roles: Cow<'a, Roles>,
    /// How many labels were flipped.
    flipped: usize,
    network: Network,
    tokenizer: SnippetTokenizer,
    encoded: EncodedRows,
    identity: Identity,
    plan: BatchPlan,
    objective: Objective,
    adamw: AdamW,
}

impl<'a> Prepared<'a> {
    /// Checks options and rows, loads the base model and cuts every row into tokens.
    pub(crate) fn new(job: Job<'a>) -> Result<Self, TrainError> {
        let config = job.config;
        config.check()?;
        let mut roles = Cow::Borrowed(job.roles);
        if config.adversarial_share == Some(0.0) {
            roles = Cow::Owned(roles.without_adversarial(job.data));
        }
        if let Some(budget) = config.label_budget {
            roles = Cow::Owned(roles.within(job.data, budget, config.seed));
        }
        let (data, flipped) = if config.label_noise == LabelNoise::default() {
            (Cow::Borrowed(job.data), 0)
        } else {
            let (data, flipped) = job
                .data
                .mislabelled(&roles, config.label_noise, config.seed);
            (Cow::Owned(data), flipped)
        };
        roles.check(&data)?;
        if config.teacher.is_some() && data.rows().iter().all(|row| row.soft.is_none()) {
            return Err(TrainError::Option {
                option: "teacher",
                problem:
                    "is on, but no row says what a teacher said of it: name one with --teacher"
                        .to_owned(),
            });
        }
        let mut network = Network::new(job.base, config)?;
        let tokenizer = SnippetTokenizer::from_folder(job.base).map_err(TrainError::Tokenizer)?;
        let encoded = EncodedRows::encode(&data, &tokenizer, network.window(), config.long)?;
        let train = roles.rows(Role::Train);
        let plan = batch_plan(config, &data, &train, &encoded)?;
        // Of the rows as they are drawn: a share of adversarial ones changes how many come.
        let mut drawn = plan.epoch(0).concat();
        // A teacher's verdicts are no labels, whose rarity the weights speak of.
        drawn.retain(|&row| data.rows()[row].is_labelled());
        let catastrophes = drawn.iter().filter(|&&row| data.rows()[row].broad).count();
        let objective = Objective::new(config, drawn.len() - catastrophes, catastrophes);
        let identity = Identity {
            config: config.clone(),
            config_digest: config.digest(),
            data_digest: data_digest(&job),
            base_digest: base_digest(job.base, &network)?,
        };
        network.plan(plan.batches_per_epoch() as u64 * u64::from(config.epochs));
        Ok(Self {
            objective,
            plan,
            adamw: AdamW {
                betas: config.betas,
                epsilon: config.epsilon,
                weight_decay: config.weight_decay,
                head_rate: config.head_rate,
                layer_decay: config.layer_decay,
            },
            job,
            data,
            roles,
            flipped,
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
        self.objective.positive_weight()
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
        [Role::Train, Role::Validation, Role::HeldOut, Role::LeftOut]
            .into_iter()
            // Only a recipe or rows that leave something out speak of it.
            .filter(|&role| role != Role::LeftOut || !self.roles.rows(role).is_empty())
            .map(|role| {
                let rows = self.roles.rows(role);
                let of = |row: &usize| &self.data.rows()[*row];
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
        if self.flipped > 0 {
            observer.notice(&format!(
                "label noise flipped {} labels of training and validation rows; those held out are as they were",
                self.flipped
            ));
        }
        observer.planned(&RunPlan {
            first_step: state.step + 1,
            steps: self.steps(),
            steps_per_epoch: self.steps_per_epoch(),
            counts: self.counts(),
            positive_weight: self.positive_weight(),
            trainable,
            frozen,
        });
        let mut run = Run {
            saved_step: state.step,
            saved_at: Instant::now(),
            begun_at: Instant::now(),
            seconds_before: state.seconds,
            has_adversarial: self.has_adversarial(),
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
            self.network.restore(&name, values)?;
        }
        let adversarial_fit = self.adversarial_fit()?;
        let evaluation = state.evaluations.iter().find(|e| e.step == best.step);
        let record = TrainingRecord {
            counts: self.counts(),
            positive_weight: self.positive_weight(),
            identity: self.identity,
            ending,
            steps: state.step,
            best_step: best.step,
            best: evaluation
                .ok_or_else(|| no_evaluation(&run_folder))?
                .validation
                .clone(),
            evaluations: state.evaluations,
            curves: curves.told(),
            adversarial_fit,
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
        for learned in loaded.learned.into_values() {
            self.network.resume(learned)?;
        }
        Ok((loaded.state, loaded.curves))
    }

    /// Says whether adversarial rows train.
    fn has_adversarial(&self) -> bool {
        let rows = self.data.rows().iter().enumerate();
        let mut rows = rows.filter(|(row, _)| self.roles.role(*row) == Role::Train);
        rows.any(|(_, row)| row.adversarial)
    }

    /// Scores the training rows with the kept weights where some are adversarial: were they learnt?
    fn adversarial_fit(&self) -> Result<Option<AdversarialFit>, TrainError> {
        if !self.has_adversarial() {
            return Ok(None);
        }
        let counts = |adversarial: bool| -> Result<FitCounts, TrainError> {
            let of = |row: usize| &self.data.rows()[row];
            let mut rows = self.roles.rows(Role::Train);
            rows.retain(|&row| of(row).adversarial == adversarial);
            let scores = self.network.scores(&rows, &self.encoded, &mut |_| {})?;
            let pairs = || rows.iter().zip(&scores);
            let is_fitted = |(row, score): &(&usize, &f64)| match of(**row).broad {
                true => **score > 0.0,
                false => **score < 0.0,
            };
            let losses = pairs().map(|(row, score)| self.objective.row(*score, of(*row).target()));
            Ok(FitCounts {
                rows: rows.len(),
                fitted: pairs().filter(is_fitted).count(),
                loss: losses.sum::<f64>() / rows.len().max(1) as f64,
            })
        };
        Ok(Some(AdversarialFit {
            adversarial: counts(true)?,
            others: counts(false)?,
        }))
    }

    /// Returns what the scores of a batch's rows are to be.
    fn targets(&self, rows: &[usize]) -> Vec<Target> {
        let targets = rows.iter().map(|&row| self.data.rows()[row].target());
        targets.collect()
    }
}

/// Plans the order of the training rows.
fn batch_plan(
    config: &TrainConfig,
    data: &TrainingData,
    train: &[usize],
    encoded: &EncodedRows,
) -> Result<BatchPlan, TrainError> {
    let plan = BatchPlan::new(
        encoded.with_tokens(train),
        config.batch_size,
        config.pool_batches,
        config.seed,
    );
    // A share of 0 left them out before.
    let Some(share) = config.adversarial_share.filter(|&share| share > 0.0) else {
        return Ok(plan);
    };
    let is_adversarial = |row: usize| data.rows()[row].adversarial;
    let adversarial = train.iter().filter(|&&row| is_adversarial(row)).count();
    if adversarial == 0 || adversarial == train.len() {
        return Err(TrainError::NoMixture {
            share,
            adversarial,
            rows: train.len(),
        });
    }
    Ok(plan.mixed(is_adversarial, share))
}

fn no_evaluation(folder: &RunFolder) -> TrainError {
    TrainError::Damaged {
        path: folder.newest().unwrap_or_default(),
        problem: "it has no evaluation of its best weights".to_owned(),
    }
}
