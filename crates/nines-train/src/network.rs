//! The one place that touches tensors: logits out, gradients in, parameters moved.

use crate::adamw::{AdamW, Moments, Update, sum_of_squares};
use crate::config::TrainConfig;
use crate::encoded::{EncodedRows, Window};
use crate::error::TrainError;
use crate::tensors;
use burn::tensor::{Tensor, TensorData};
use nines_nn::batch::TokenBatch;
use nines_nn::bert::{BertClassifier, HeadConfig, Mode, NamedGradients, Trainable};
use nines_nn::rng::DropoutKey;
use std::collections::BTreeMap;
use std::path::Path;

/// Tokens of one scoring batch: enough to keep all cores busy, little enough memory.
const SCORING_TOKENS: usize = 4096;

/// A parameter's name, values and moments.
type LearnedParameter<'a> = (&'a str, Vec<f32>, &'a Moments);

/// A classifier in training, with what the optimiser remembers.
pub(crate) struct Network {
    model: BertClassifier,
    moments: BTreeMap<String, Moments>,
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
        let mut model = BertClassifier::from_base(base, &head, &nines_nn::device::cpu())?;
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
        model.set_trainable(match config.from_layer {
            0 => Trainable::All,
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
            seed: config.seed,
        })
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
    pub(crate) fn model(&self) -> &BertClassifier {
        &self.model
    }

    /// Scores rows: the highest logit of each row's windows, dropout off. Rows of about the same
    /// length go through together; the answers are in the given order.
    pub(crate) fn scores(
        &self,
        rows: &[usize],
        encoded: &EncodedRows,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<f64>, TrainError> {
        let mut scores = vec![f64::NEG_INFINITY; rows.len()];
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
                // A NaN must survive the maximum: it is no score, and the caller stops at it.
                let logit = f64::from(logit);
                if logit.is_nan() || logit > scores[place] {
                    scores[place] = logit;
                }
            }
            done += batch.len();
            progress(done * rows.len() / all);
        }
        Ok(scores)
    }

    fn logits(&self, windows: &[&Window]) -> Result<Vec<f32>, TrainError> {
        let logits = self.model.logits(&batch_of(windows), Mode::Evaluate)?;
        Ok(host(logits))
    }

    /// Runs rows forward with dropout and back: `loss` turns logits into d loss / d logit.
    ///
    /// A row with several windows is read through all of them with dropout off, and the one with
    /// the highest logit stands for it.
    pub(crate) fn gradients(
        &self,
        rows: &[usize],
        encoded: &EncodedRows,
        step: u64,
        loss: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Result<NamedGradients, TrainError> {
        let mut windows = Vec::with_capacity(rows.len());
        for &row in rows {
            windows.push(self.worst(encoded.windows(row))?);
        }
        let key = DropoutKey {
            seed: self.seed,
            step,
        };
        let logits = self.model.logits(&batch_of(&windows), Mode::Train(key))?;
        let slopes = loss(&host(logits.clone()));
        let count = slopes.len();
        let slopes = Tensor::<1>::from_data(TensorData::new(slopes, [count]), &logits.device());
        Ok(self.model.gradients((logits * slopes).sum())?)
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

    /// Moves all parameters that learn.
    pub(crate) fn update(&mut self, adamw: &AdamW, gradients: &NamedGradients, update: Update) {
        let moments = &mut self.moments;
        self.model.update(|info, values| {
            let moments = moments.get_mut(&info.name);
            if let (Some(gradient), Some(moments)) = (gradients.get(&info.name), moments) {
                adamw.update(values, gradient, moments, info.decays, update);
            }
        });
    }

    /// Returns every parameter that learns, with its moments.
    pub(crate) fn learned(&self) -> Result<Vec<LearnedParameter<'_>>, TrainError> {
        self.moments
            .iter()
            .map(|(name, moments)| Ok((name.as_str(), self.model.values(name)?, moments)))
            .collect()
    }

    /// Replaces a parameter and what the optimiser remembers of it.
    pub(crate) fn restore(
        &mut self,
        name: &str,
        values: Vec<f32>,
        moments: Option<Moments>,
    ) -> Result<(), TrainError> {
        self.model.set_values(name, values)?;
        if let Some(moments) = moments {
            self.moments.insert(name.to_owned(), moments);
        }
        Ok(())
    }

    /// Says whether these are exactly the parameters that learn.
    pub(crate) fn learns<'a>(&self, names: impl Iterator<Item = &'a String>) -> bool {
        names.eq(self.moments.keys())
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
mod tests {
    use super::*;
    use crate::loss::{row_loss, weighted_bce};

    const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 30, "hidden_size": 16,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "max_position_embeddings": 20, "type_vocab_size": 2}"#;

    fn network() -> Network {
        let head = HeadConfig {
            hidden_dropout: Some(0.0),
            attention_dropout: Some(0.0),
            classifier_dropout: Some(0.0),
            ..HeadConfig::default()
        };
        let mut model =
            BertClassifier::random(CONFIG, &head, &nines_nn::device::cpu()).expect("a tiny model");
        model.set_trainable(Trainable::All);
        let names: Vec<(String, bool)> = model
            .parameters()
            .map(|info| (info.name.clone(), info.decays))
            .collect();
        for (name, weight) in &names {
            // Far from zero, so that every parameter has a gradient well above rounding.
            let values = model.values(name).expect("values");
            let values = values.iter().enumerate().map(|(i, x)| match weight {
                true => x * 12.0,
                false => x + ((i * 7) % 5) as f32 * 0.05,
            });
            let values = values.collect();
            model.set_values(name, values).expect("replaced");
        }
        let moments = model
            .parameters()
            .map(|i| (i.name.clone(), Moments::zeros(i.len())))
            .collect();
        Network {
            model,
            moments,
            seed: 3,
        }
    }

    fn encoded() -> EncodedRows {
        let window = |length: usize, first: u32| Window {
            ids: (0..length as u32).map(|i| (first + i * 5) % 30).collect(),
            type_ids: (0..length).map(|i| u8::from(i > length / 2)).collect(),
        };
        EncodedRows::of(vec![
            vec![window(7, 1)],
            vec![window(12, 4)],
            vec![window(9, 11), window(9, 2), window(5, 20)],
        ])
    }

    /// The loss of all rows, dropout off: the worst window counts.
    fn loss(network: &Network, encoded: &EncodedRows, broad: &[bool]) -> f64 {
        let scores = network
            .scores(&[0, 1, 2], encoded, &mut |_| {})
            .expect("scores");
        let sum: f64 = scores
            .iter()
            .zip(broad)
            .map(|(&z, &b)| row_loss(z, b, 2.5))
            .sum();
        sum / 3.0
    }

    #[test]
    fn gradients_of_the_loss_are_finite_differences() {
        let (mut network, encoded, broad) = (network(), encoded(), [true, false, true]);
        let mut mean = 0.0;
        let gradients = network
            .gradients(&[0, 1, 2], &encoded, 1, |logits| {
                let loss = weighted_bce(logits, &broad, 2.5);
                mean = loss.mean;
                loss.gradient
            })
            .expect("gradients");
        assert!((mean - loss(&network, &encoded, &broad)).abs() < 1e-5);
        assert_eq!(
            gradients.len(),
            network.moments.len(),
            "every parameter has a gradient"
        );
        for (info, gradient) in gradients.iter() {
            let norm = sum_of_squares(gradient).sqrt();
            assert!(norm > 1e-4, "{} has the gradient norm {norm}", info.name);
            // Along the gradient itself the slope is the gradient's norm.
            let values = network.model.values(&info.name).expect("values");
            let mut at = |h: f64| {
                let moved = values
                    .iter()
                    .zip(gradient)
                    .map(|(&v, &g)| (f64::from(v) + h * f64::from(g) / norm) as f32)
                    .collect();
                network
                    .model
                    .set_values(&info.name, moved)
                    .expect("replaced");
                loss(&network, &encoded, &broad)
            };
            let h = 4e-3;
            let slope = (at(h) - at(-h)) / (2.0 * h);
            network
                .model
                .set_values(&info.name, values)
                .expect("replaced");
            let allowed = 0.02 * norm + 2e-4;
            assert!(
                (slope - norm).abs() < allowed,
                "{}: {slope} for {norm}",
                info.name
            );
        }
    }

    #[test]
    fn long_rows_count_by_their_worst_window() {
        let (network, encoded) = (network(), encoded());
        let each: Vec<f32> = encoded
            .windows(2)
            .iter()
            .map(|window| network.logits(&[window]).expect("a logit")[0])
            .collect();
        let worst = each.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let score = network
            .scores(&[2, 0], &encoded, &mut |_| {})
            .expect("scores")[0];
        assert!((score - f64::from(worst)).abs() < 1e-5);
        let chosen = network.worst(encoded.windows(2)).expect("a window");
        let index = each.iter().position(|&z| z == worst).expect("it is there");
        assert_eq!(chosen, &encoded.windows(2)[index]);
    }

    #[test]
    fn scoring_batches_are_bounded_and_whole() {
        let window = |length: usize| Window {
            ids: vec![0; length],
            type_ids: vec![0; length],
        };
        let windows: Vec<Window> = (1..400).map(window).collect();
        let listed: Vec<(usize, &Window)> = windows.iter().enumerate().collect();
        let batches = by_tokens(&listed);
        assert_eq!(batches.iter().map(|b| b.len()).sum::<usize>(), listed.len());
        for batch in batches {
            let widest = batch[batch.len() - 1].1.ids.len();
            assert!(batch.len() * widest <= SCORING_TOKENS || batch.len() == 1);
        }
    }
}
