//! The passes of one update: what the recipe's techniques make of a batch.

use super::{Network, batch_of, host};
use crate::config::{FreeLb, Latent, LatentRows, Sift, TrainConfig};
use crate::encoded::{EncodedRows, Window};
use crate::error::TrainError;
use crate::loss::consistency::{symmetric_cross_entropy, symmetric_divergence};
use crate::loss::{BatchLoss, Objective, Target};
use crate::perturbation::{self, Draws};
use burn::tensor::{Tensor, TensorData};
use nines_kernels::rng::DropoutKey;
use nines_nn::encoder::{Mode, NamedGradients, PerturbationPlace};

/// What one update is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The batch's rows.
    pub rows: &'a [usize],
    /// All rows' tokens.
    pub encoded: &'a EncodedRows,
    /// The batch's targets, in the rows' order.
    pub targets: &'a [Target],
    /// The update's number.
    pub step: u64,
    /// What is minimised.
    pub objective: &'a Objective,
    /// The recipe.
    pub config: &'a TrainConfig,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Of everything that is minimised.
    pub gradients: NamedGradients,
    /// The batch's mean loss.
    pub loss: f64,
    /// Each row's loss.
    pub rows: Vec<f64>,
    /// What the techniques add to the loss, where one adds something.
    pub penalty: Option<f64>,
}

/// The passes of one update, each with dropout masks of its own.
#[derive(Debug, Clone, Copy)]
enum Masks {
    Clean = 0,
    SiftInner = 1,
    SiftOuter = 2,
    Latent = 3,
}

/// What random numbers are for.
const SIFT: u32 = 1;
const FREELB: u32 = 2;
const LATENT: u32 = 3;

impl Network {
    /// Computes the gradients of one update by all its passes, dropout on.
    ///
    /// A row with several windows is read through all of them with dropout off, and the one with
    /// the highest logit stands for it.
    pub(crate) fn passes(&self, ask: &Ask<'_>) -> Result<Answer, TrainError> {
        let mut windows = Vec::with_capacity(ask.rows.len());
        for &row in ask.rows {
            windows.push(self.worst(ask.encoded.windows(row))?);
        }
        let mut answer = match &ask.config.freelb {
            Some(freelb) => self.freelb(ask, &windows, freelb)?,
            None => self.clean(ask, &windows)?,
        };
        if let Some(latent) = &ask.config.latent
            && let Some((gradients, penalty)) = self.latent(ask, &windows, latent)?
        {
            answer.gradients.add(gradients);
            answer.penalty = Some(answer.penalty.unwrap_or(0.0) + penalty);
        }
        Ok(answer)
    }

    fn masks(&self, step: u64, masks: Masks) -> DropoutKey {
        DropoutKey {
            seed: self.seed,
            step: step | (masks as u64) << 32,
        }
    }

    fn draws(&self, step: u64, purpose: u32) -> Draws {
        Draws {
            seed: self.seed,
            step,
            purpose,
        }
    }

    /// The rows as they are: once, or twice for R-Drop, under one mask of the head or several.
    fn clean(&self, ask: &Ask<'_>, windows: &[&Window]) -> Result<Answer, TrainError> {
        let (n, samples) = (windows.len(), ask.config.multi_sample_dropout);
        let twice = ask.config.r_drop > 0.0;
        // Masks differ from row to row, so that a row that comes twice has two.
        let all = if twice {
            [windows, windows].concat()
        } else {
            windows.to_vec()
        };
        let (batch, key) = (batch_of(&all), self.masks(ask.step, Masks::Clean));
        let logits = if samples > 1 {
            self.model.sampled_logits(&batch, key, samples)?
        } else {
            self.model.logits(&batch, Mode::Train(key))?
        };
        let values = host(logits.clone());
        let BatchLoss {
            mean,
            gradient: mut slopes,
            rows,
        } = ask.objective.batch(&values, ask.targets);
        let passes = Passes {
            values: &values,
            rows: all.len(),
        };
        let mut penalty = None;
        if twice {
            let means = passes.means();
            let apart = symmetric_divergence(&means[..n], &means[n..]);
            let both = [apart.first, apart.second].concat();
            passes.spread(&both, ask.config.r_drop, &mut slopes);
            penalty = Some(ask.config.r_drop * apart.mean);
        }
        let mut outer = None;
        if let Some(sift) = &ask.config.sift {
            let teacher = &passes.means()[..n];
            let perturbed = self.sift(ask, windows, sift, teacher)?;
            let student: Vec<f64> = host(perturbed.clone()).into_iter().map(f64::from).collect();
            let apart = symmetric_cross_entropy(&student, teacher);
            let mut both = apart.second;
            both.resize(all.len(), 0.0);
            passes.spread(&both, sift.weight, &mut slopes);
            let of_student = apart.first.iter();
            let of_student = of_student.map(|slope| (sift.weight * slope) as f32);
            outer = Some((perturbed, of_student.collect()));
            penalty = Some(penalty.unwrap_or(0.0) + sift.weight * apart.mean);
        }
        let mut gradients = self.model.gradients(weighed(logits, slopes))?;
        if let Some((logits, slopes)) = outer {
            gradients.add(self.model.gradients(weighed(logits, slopes))?);
        }
        Ok(Answer {
            gradients,
            loss: mean,
            rows,
            penalty,
        })
    }

    /// The logits under SiFT's perturbation: one step up from noise, parameters standing still, then
    /// a pass in which they learn. Each pass has dropout masks of its own, as published.
    fn sift(
        &self,
        ask: &Ask<'_>,
        windows: &[&Window],
        sift: &Sift,
        teacher: &[f64],
    ) -> Result<Tensor<1>, TrainError> {
        let batch = batch_of(windows);
        let place = PerturbationPlace::Normalised;
        let key = self.masks(ask.step, Masks::SiftInner);
        let inner = self.model.perturbed(&batch, Some(key), place, false)?;
        let hidden = inner.hidden_size();
        let count = inner.lengths().iter().sum::<usize>() * hidden;
        let mut delta = self.draws(ask.step, SIFT).clipped_normals(sift.init, count);
        let found = inner.logits(delta.clone())?;
        let student: Vec<f64> = host(found.logits.clone())
            .into_iter()
            .map(f64::from)
            .collect();
        // The published step is up the sum over rows; the teacher's side has no part in it.
        let apart = symmetric_cross_entropy(&student, teacher);
        let rows = student.len() as f64;
        let slopes = apart.first.iter().map(|slope| (slope * rows) as f32);
        let loss = weighed(found.logits, slopes.collect());
        let (_, gradient) = self.model.perturbed_gradients(loss, &found.delta)?;
        if gradient.iter().all(|g| g.is_finite()) {
            perturbation::ascend_by_largest(&mut delta, &gradient, hidden, sift.step);
        }
        let key = self.masks(ask.step, Masks::SiftOuter);
        let outer = self.model.perturbed(&batch, Some(key), place, true)?;
        Ok(outer.logits(delta)?.logits)
    }

    /// FreeLB: the mean gradient over the steps of an adversary, dropout masks staying the same.
    fn freelb(
        &self,
        ask: &Ask<'_>,
        windows: &[&Window],
        freelb: &FreeLb,
    ) -> Result<Answer, TrainError> {
        let key = self.masks(ask.step, Masks::Clean);
        let batch = batch_of(windows);
        let place = PerturbationPlace::Words;
        let pass = self.model.perturbed(&batch, Some(key), place, true)?;
        let (lengths, hidden) = (pass.lengths(), pass.hidden_size());
        let count = lengths.iter().sum::<usize>() * hidden;
        let mut delta = self.draws(ask.step, FREELB).even(count);
        perturbation::start_rows(&mut delta, lengths, hidden, freelb.init.min(freelb.radius));
        let steps = f64::from(freelb.steps);
        let mut answer: Option<Answer> = None;
        for step in 1..=freelb.steps {
            let found = pass.logits(delta.clone())?;
            let loss = ask
                .objective
                .batch(&host(found.logits.clone()), ask.targets);
            let slopes = loss.gradient.iter();
            let slopes = slopes.map(|slope| (f64::from(*slope) / steps) as f32);
            let total = weighed(found.logits, slopes.collect());
            let (gradients, upwards) = self.model.perturbed_gradients(total, &found.delta)?;
            answer = Some(match answer {
                None => Answer {
                    gradients,
                    loss: loss.mean / steps,
                    rows: loss.rows.iter().map(|row| row / steps).collect(),
                    penalty: None,
                },
                Some(mut sum) => {
                    sum.gradients.add(gradients);
                    sum.loss += loss.mean / steps;
                    let rows = sum.rows.iter_mut().zip(&loss.rows);
                    rows.for_each(|(sum, row)| *sum += row / steps);
                    sum
                }
            });
            if step < freelb.steps {
                let (rate, radius) = (freelb.rate, freelb.radius);
                perturbation::ascend_rows(&mut delta, &upwards, lengths, hidden, rate, radius);
            }
        }
        answer.ok_or(TrainError::Option {
            option: "freelb.steps",
            problem: "is 0, but must be at least 1".to_owned(),
        })
    }

    /// The loss of the chosen rows under the worst change of a hidden state that was found, and its
    /// gradients; nothing, where no row of the batch is chosen.
    ///
    /// The climb and the pass that learns have the same dropout masks: the adversary meets the very
    /// network that learns from it.
    fn latent(
        &self,
        ask: &Ask<'_>,
        windows: &[&Window],
        latent: &Latent,
    ) -> Result<Option<(NamedGradients, f64)>, TrainError> {
        let chosen = |target: &Target| target.broad || latent.rows == LatentRows::All;
        let (windows, targets): (Vec<&Window>, Vec<Target>) = windows
            .iter()
            .zip(ask.targets)
            .filter(|(_, target)| chosen(target))
            .map(|(window, target)| (*window, *target))
            .unzip();
        if windows.is_empty() {
            return Ok(None);
        }
        let batch = batch_of(&windows);
        let key = Some(self.masks(ask.step, Masks::Latent));
        let place = PerturbationPlace::Hidden(latent.layer);
        let inner = self.model.perturbed(&batch, key, place, false)?;
        let states = inner.below();
        let hidden = inner.hidden_size();
        let scale = perturbation::mean_length(&states, hidden);
        let (rate, radius) = (latent.rate * scale, latent.radius * scale);
        let mut delta = self.draws(ask.step, LATENT).even(states.len());
        perturbation::start_tokens(&mut delta, hidden, radius);
        for _ in 0..latent.steps {
            let found = inner.logits(delta.clone())?;
            let loss = ask.objective.batch(&host(found.logits.clone()), &targets);
            let total = weighed(found.logits, loss.gradient);
            let (_, upwards) = self.model.perturbed_gradients(total, &found.delta)?;
            perturbation::ascend_tokens(&mut delta, &upwards, hidden, rate, radius);
        }
        drop(inner);
        let outer = self.model.perturbed(&batch, key, place, true)?;
        let logits = outer.logits(delta)?.logits;
        let loss = ask.objective.batch(&host(logits.clone()), &targets);
        // A changed row counts `weight` times as much as the row itself, which is one of the batch.
        let share = latent.weight * targets.len() as f64 / ask.rows.len() as f64;
        let slopes = loss.gradient.iter();
        let slopes = slopes.map(|slope| (f64::from(*slope) * share) as f32);
        let gradients = self.model.gradients(weighed(logits, slopes.collect()))?;
        Ok(Some((gradients, share * loss.mean)))
    }
}

/// Logits of the same rows under several masks of the head, mask after mask.
struct Passes<'a> {
    values: &'a [f32],
    rows: usize,
}

impl Passes<'_> {
    /// Each row's mean logit.
    fn means(&self) -> Vec<f64> {
        let masks = (self.values.len() / self.rows) as f64;
        let mut means = vec![0.0; self.rows];
        for (index, &value) in self.values.iter().enumerate() {
            means[index % self.rows] += f64::from(value) / masks;
        }
        means
    }

    /// Adds the slopes by mean logits, times a weight, to those by the logits themselves.
    fn spread(&self, by_means: &[f64], weight: f64, slopes: &mut [f32]) {
        let masks = (self.values.len() / self.rows) as f64;
        for (index, slope) in slopes.iter_mut().enumerate() {
            *slope += (weight * by_means[index % self.rows] / masks) as f32;
        }
    }
}

/// The sum of logits times their slopes: its gradient is that of the loss whose slopes they are.
fn weighed(logits: Tensor<1>, slopes: Vec<f32>) -> Tensor<1> {
    let count = slopes.len();
    let slopes = Tensor::<1>::from_data(TensorData::new(slopes, [count]), &logits.device());
    (logits * slopes).sum()
}
