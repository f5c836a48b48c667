//! A run's updates, evaluations and checkpoints, one after the other.

use super::Prepared;
use crate::adamw::{Update, clip_scale};
use crate::checkpoint::{Best, RunFolder, State};
use crate::config::Keep;
use crate::data::Role;
use crate::error::TrainError;
use crate::metrics::measure;
use crate::network::{Ask, Network};
use crate::record::{
    CheckpointRecord, Curves, Ending, EvaluationRecord, LossApart, Observer, StepRecord,
};
use std::time::Instant;

/// A run at work.
pub(super) struct Run<'r, 'a> {
    pub prepared: &'r mut Prepared<'a>,
    pub folder: &'r RunFolder,
    pub observer: &'r mut dyn Observer,
    pub state: State,
    pub curves: Curves,
    /// Adversarial rows train: their loss is told apart.
    pub has_adversarial: bool,
    pub saved_step: u64,
    pub saved_at: Instant,
    pub begun_at: Instant,
    pub seconds_before: f64,
}

impl Run<'_, '_> {
    /// Makes every update that is left.
    pub fn finish(&mut self) -> Result<Ending, TrainError> {
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
        let targets = self.prepared.targets(rows);
        let Prepared {
            job,
            network,
            encoded,
            objective,
            adamw,
            ..
        } = &mut *self.prepared;
        let ask = Ask {
            rows,
            encoded,
            targets: &targets,
            step,
            objective,
            config: job.config,
        };
        let answer = network.passes(&ask)?;
        let (gradients, loss) = (answer.gradients, answer.loss);
        let gradient_norm = Network::norm(&gradients);
        for (quantity, value) in [
            ("the training loss", loss),
            (
                "what techniques add to the loss",
                answer.penalty.unwrap_or(0.0),
            ),
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
        let apart = self.apart(rows, &answer.rows);
        let means = apart.unwrap_or_default().means();
        let record = StepRecord {
            step,
            epoch,
            loss,
            penalty: answer.penalty,
            adversarial_loss: means.adversarial,
            other_loss: means.others,
            learning_rate,
            gradient_norm,
            examples_per_second: rows.len() as f64 / started.elapsed().as_secs_f64(),
        };
        self.state.step = step;
        self.state.loss_since_evaluation += loss;
        if let Some(apart) = apart {
            self.state.apart.get_or_insert_default().add_all(&apart);
        }
        self.curves.push(&record);
        self.observer.step(&record);
        Ok(())
    }

    /// Sums the losses of a batch's adversarial rows and of its others, where adversarial rows train.
    fn apart(&self, rows: &[usize], losses: &[f64]) -> Option<LossApart> {
        if !self.has_adversarial {
            return None;
        }
        let mut apart = LossApart::default();
        for (&row, &loss) in rows.iter().zip(losses) {
            apart.add(self.prepared.data.rows()[row].adversarial, loss);
        }
        Some(apart)
    }

    fn evaluate(&mut self, epoch: u32, learning_rate: f64, last: bool) -> Result<(), TrainError> {
        let rows = self.prepared.roles.rows(Role::Validation);
        let observer = &mut *self.observer;
        // What is measured and kept are the averages, where there are any.
        self.prepared.network.swap_averages()?;
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
        let objective = &self.prepared.objective;
        let validation = measure(&self.prepared.data, &rows, &scores, objective)?;
        let loss = validation.loss.value.unwrap_or(f64::INFINITY);
        let config = self.prepared.job.config;
        let (best, kept) = match config.keep {
            Keep::Best => {
                let best = self.state.best.is_none_or(|best| loss < best.loss);
                (best, best)
            }
            Keep::Last => (self.state.is_lowest(loss), last),
        };
        let before = self
            .state
            .evaluations
            .last()
            .map_or(0, |evaluation| evaluation.step);
        let record = EvaluationRecord {
            step,
            epoch,
            training_loss: self.state.loss_since_evaluation / (step - before).max(1) as f64,
            training_loss_apart: self.state.apart.take().map(|apart| apart.means()),
            validation,
            best,
        };
        self.state.loss_since_evaluation = 0.0;
        self.observer.evaluation(&record);
        self.state.evaluations.push(record);
        self.state.evaluations_without_better = match best {
            true => 0,
            false => self.state.evaluations_without_better + 1,
        };
        if kept {
            self.state.best = Some(Best { step, loss });
            let learned = self.prepared.network.learned()?;
            let weights = learned
                .iter()
                .map(|learned| (learned.name, learned.values.as_slice()));
            self.folder.save_best(step, weights)?;
        }
        self.prepared.network.swap_averages()?;
        let patience = config.patience.filter(|_| config.keep == Keep::Best);
        if last {
            self.state.ending = Some(Ending::AllEpochs);
        } else if patience.is_some_and(|p| self.state.evaluations_without_better >= p) {
            self.state.ending = Some(Ending::EarlyStopping);
        }
        if kept || self.state.ending.is_some() {
            self.save()?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), TrainError> {
        let started = Instant::now();
        self.state.seconds = self.seconds_before + self.begun_at.elapsed().as_secs_f64();
        let learned = self.prepared.network.learned()?;
        let (path, bytes) = self.folder.save(&self.state, &self.curves, &learned)?;
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
