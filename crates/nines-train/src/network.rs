//! The one place that touches tensors: logits out, gradients in, parameters moved.

use crate::adamw::{AdamW, Moments, Update, sum_of_squares};
use crate::checkpoint::Learned;
use crate::config::TrainConfig;
use crate::encoded::{EncodedRows, Window};
use crate::error::TrainError;
use crate::tensors;
use burn::tensor::Tensor;
use nines_nn::batch::TokenBatch;
use nines_nn::encoder::{Classifier, HeadConfig, Mode, NamedGradients, ParameterPlace, Trainable};
use std::collections::BTreeMap;
use std::path::Path;

mod average;
mod passes;

pub(crate) use average::Averages;
pub(crate) use passes::Ask;

/// Tokens of one scoring batch: enough to keep all cores busy, little enough memory.
const SCORING_TOKENS: usize = 4096;

/// A parameter that learns, as a checkpoint keeps it.
pub(crate) struct LearnedParameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its values after the last update.
    pub values: Vec<f32>,
    /// What the optimiser remembers.
    pub moments: &'a Moments,
    /// Its average, where one is kept.
    pub average: Option<&'a [f32]>,
}

/// A classifier in training, with what the optimiser remembers.
pub(crate) struct Network {
    model: Classifier,
    moments: BTreeMap<String, Moments>,
    averages: Averages,
    seed: u64,
}

impl Network {
    /// Puts the head that the recipe asks for on a base model and chooses what learns.
    pub(crate) fn new(base: &Path, config: &TrainConfig) -> Result<Self, TrainError> {
        let head = HeadConfig {
            pooling: config.pooling,
            classifier_dropout: config.dropout,
            hidden_dropout: config.dropout,
            attention_dropout: config.dropout,
            seed: config.seed,
        };
        let mut model = Classifier::from_base(base, &head, &nines_nn::device::cpu())?;
        model.set_precision(config.precision);
        let layers = model.config().layers;
        if config.from_layer > layers {
            return Err(TrainError::Option {
                option: "from_layer",
                problem: format!(
                    "is {}, but the model has {layers} layers: 0 trains all, {layers} the head alone",
                    config.from_layer
                ),
            });
        }
        if let Some(latent) = config.latent
            && latent.layer > layers
        {
            return Err(TrainError::Option {
                option: "latent.layer",
                problem: format!("is {}, but the model has {layers} layers", latent.layer),
            });
        }
        model.set_trainable(match config.from_layer {
            0 if !config.freeze_embeddings => Trainable::All,
            layer if layer == layers => Trainable::Head,
            layer => Trainable::FromLayer(layer),
        });
        let mut moments = BTreeMap::new();
        for info in model.parameters() {
            if model.is_trainable(&info.name)? {
                moments.insert(info.name.clone(), Moments::zeros(info.len()));
            }
        }
        Ok(Self {
            model,
            moments,
            averages: Averages::new(config.averaging),
            seed: config.seed,
        })
    }

    /// Says how many updates the run has, for averages over its last part.
    pub(crate) fn plan(&mut self, steps: u64) {
        self.averages.over(steps);
    }

    /// Returns the longest row that the model reads, in tokens.
    pub(crate) fn window(&self) -> usize {
        self.model.config().max_positions
    }

    /// Counts the numbers that learn and those that are frozen.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let all: usize = self.model.parameters().map(|info| info.len()).sum();
        let trainable = self.moments.values().map(|m| m.first.len()).sum();
        (trainable, all - trainable)
    }

    /// Returns a digest of all weights.
    pub(crate) fn digest(&self) -> Result<String, TrainError> {
        let mut weights = Vec::new();
        for info in self.model.parameters() {
            weights.push((info.name.as_str(), self.model.values(&info.name)?));
        }
        let bytes = weights
            .iter()
            .map(|(name, values)| (*name, bytemuck::cast_slice(values.as_slice())));
        Ok(tensors::digest(bytes))
    }

    /// Returns the model, to be saved.
    pub(crate) fn model(&self) -> &Classifier {
        &self.model
    }

    /// Scores rows: the highest logit of each row's windows, dropout off; one that is not finite,
    /// where there is any: the row then has no score, and the caller stops at it. Rows of about the same
    /// length go through together; the answers are in the given order.
    pub(crate) fn scores(
        &self,
        rows: &[usize],
        encoded: &EncodedRows,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<f64>, TrainError> {
        let mut scores = vec![None; rows.len()];
        let mut windows: Vec<(usize, &Window)> = rows
            .iter()
            .enumerate()
            .flat_map(|(place, &row)| encoded.windows(row).iter().map(move |w| (place, w)))
            .collect();
        windows.sort_by_key(|(_, window)| window.ids.len());
        let (all, mut done) = (windows.len().max(1), 0);
        for batch in by_tokens(&windows) {
            let logits =
                self.logits(&batch.iter().map(|(_, window)| *window).collect::<Vec<_>>())?;
            for (&(place, _), logit) in batch.iter().zip(logits) {
                let score: &mut Option<f64> = &mut scores[place];
                *score = Some(score.map_or(f64::from(logit), |s| worse(s, f64::from(logit))));
            }
            done += batch.len();
            progress(done * rows.len() / all);
        }
        Ok(scores
            .into_iter()
            .map(|score| score.unwrap_or(f64::NAN))
            .collect())
    }

    fn logits(&self, windows: &[&Window]) -> Result<Vec<f32>, TrainError> {
        let logits = self.model.logits(&batch_of(windows), Mode::Evaluate)?;
        Ok(host(logits))
    }

    /// Returns the window with the highest logit.
    fn worst<'a>(&self, windows: &'a [Window]) -> Result<&'a Window, TrainError> {
        if let [only] = windows {
            return Ok(only);
        }
        let mut worst = (0, f32::NEG_INFINITY);
        for (first, part) in (0..)
            .step_by(WINDOWS_AT_ONCE)
            .zip(windows.chunks(WINDOWS_AT_ONCE))
        {
            let logits = self.logits(&part.iter().collect::<Vec<_>>())?;
            for (index, logit) in (first..).zip(logits) {
                // A network that gives such a logit is lost: the run is to see it.
                if !logit.is_finite() {
                    return Ok(&windows[index]);
                }
                if logit > worst.1 {
                    worst = (index, logit);
                }
            }
        }
        Ok(&windows[worst.0])
    }

    /// Returns the gradients' global norm.
    pub(crate) fn norm(gradients: &NamedGradients) -> f64 {
        gradients
            .iter()
            .map(|(_, values)| sum_of_squares(values))
            .sum::<f64>()
            .sqrt()
    }

    /// Moves all parameters that learn, and their averages.
    pub(crate) fn update(&mut self, adamw: &AdamW, gradients: &NamedGradients, update: Update) {
        let (moments, averages) = (&mut self.moments, &mut self.averages);
        let layers = self.model.config().layers;
        self.model.update(|info, values| {
            let moments = moments.get_mut(&info.name);
            if let (Some(gradient), Some(moments)) = (gradients.get(&info.name), moments) {
                averages.before(&info.name, values);
                let update = match info.place {
                    ParameterPlace::Head => update.faster(adamw.head_rate),
                    ParameterPlace::Layer(layer) => update.faster(adamw.below_head(layers - layer)),
                    ParameterPlace::Embeddings => update.faster(adamw.below_head(layers + 1)),
                };
                adamw.update(values, gradient, moments, info.decays, update);
                averages.after(&info.name, values, update.step);
            }
        });
    }

    /// Exchanges the weights with their averages, where there are any; the same again undoes it, bit
    /// for bit.
    pub(crate) fn swap_averages(&mut self) -> Result<(), TrainError> {
        for name in self.averages.names() {
            let values = self.model.values(&name)?;
            let average = self.averages.get(&name).unwrap_or(&values).to_vec();
            self.model.set_values(&name, average)?;
            self.averages.set(&name, values);
        }
        Ok(())
    }

    /// Returns every parameter that learns, with its moments and its average.
    pub(crate) fn learned(&self) -> Result<Vec<LearnedParameter<'_>>, TrainError> {
        self.moments
            .iter()
            .map(|(name, moments)| {
                Ok(LearnedParameter {
                    name,
                    values: self.model.values(name)?,
                    moments,
                    average: self.averages.get(name),
                })
            })
            .collect()
    }

    /// Replaces a parameter's values.
    pub(crate) fn restore(&mut self, name: &str, values: Vec<f32>) -> Result<(), TrainError> {
        Ok(self.model.set_values(name, values)?)
    }

    /// Takes up what a checkpoint has of a parameter.
    pub(crate) fn resume(&mut self, learned: Learned) -> Result<(), TrainError> {
        self.model.set_values(&learned.name, learned.values)?;
        if let Some(average) = learned.average {
            self.averages.set(&learned.name, average);
        }
        self.moments.insert(learned.name, learned.moments);
        Ok(())
    }

    /// Says whether these are exactly the parameters that learn.
    pub(crate) fn learns<'a>(&self, names: impl Iterator<Item = &'a String>) -> bool {
        names.eq(self.moments.keys())
    }
}

/// Returns the higher of two logits, or the first that is not finite.
fn worse(a: f64, b: f64) -> f64 {
    match (a.is_finite(), b.is_finite()) {
        (true, true) => a.max(b),
        (true, false) => b,
        (false, _) => a,
    }
}

/// Windows of one long row that are read at once.
const WINDOWS_AT_ONCE: usize = 8;

/// Cuts windows, sorted by length, into batches of a bounded number of tokens.
fn by_tokens<'a, 'b>(windows: &'b [(usize, &'a Window)]) -> Vec<&'b [(usize, &'a Window)]> {
    let (mut batches, mut start) = (Vec::new(), 0);
    for end in 1..=windows.len() {
        let full = windows
            .get(end)
            .is_none_or(|(_, next)| (end + 1 - start) * next.ids.len() > SCORING_TOKENS);
        if full {
            batches.push(&windows[start..end]);
            start = end;
        }
    }
    batches
}

fn batch_of(windows: &[&Window]) -> TokenBatch {
    let rows: Vec<(&[u32], &[u8])> = windows
        .iter()
        .map(|w| (w.ids.as_slice(), w.type_ids.as_slice()))
        .collect();
    TokenBatch::from_rows(&rows)
}

/// Copies logits to the host, `[batch]`.
fn host(logits: Tensor<1>) -> Vec<f32> {
    logits.into_data().iter::<f32>().collect()
}

#[cfg(test)]
mod tests;
