//! Passes to which something is added on the way: what an adversary may change.

use super::super::model::{Classifier, Mode};
use super::super::parameters::values_of;
use super::Pass;
use crate::batch::TokenBatch;
use crate::error::NnError;
use crate::ops::{self, EmbeddingTables, Norm, PackedRows};
use burn::tensor::{Tensor, TensorData};
use nines_kernels::rng::DropoutKey;
use std::cell::Cell;

/// Added to the variance where embeddings are normalised before something is added to them.
const NORMALISED_EPSILON: f64 = 1e-7;

/// Where a perturbation is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PerturbationPlace {
    /// To the word embeddings, before positions, segments and their normalisation, so that its size
    /// counts against theirs. All parameters may learn.
    Words,
    /// To the sum of the three embeddings, normalised to mean 0 and variance 1 without gain and bias;
    /// the model's own normalisation, with its gain and bias, comes after it. Its size thus means the
    /// same for every token and every base. No gradient reaches the three tables.
    Normalised,
    /// To a hidden state: 0 is the output of the embeddings, k that of the k-th layer.
    Hidden(usize),
}

/// A batch that passes with different perturbations can be made of.
pub struct PerturbedPass<'a> {
    pass: Pass<'a>,
    place: PerturbationPlace,
    /// What the perturbation is added to: nothing for the words, where it is not known before.
    below: Option<Tensor<2>>,
    /// Whether a hidden state whose layers learn was handed out: one backward pass uses its graph up.
    is_used: Cell<bool>,
}

/// The logits of one perturbed pass.
#[derive(Debug, Clone)]
pub struct PerturbedLogits {
    /// Each row's logit, `[batch]`.
    pub logits: Tensor<1>,
    /// What was added, a leaf of the graph: `[tokens, hidden]`.
    pub delta: Tensor<2>,
}

impl<'a> PerturbedPass<'a> {
    /// Checks the batch and the place, and runs what lies below the place.
    pub(in crate::encoder) fn new(
        model: &'a Classifier,
        batch: &TokenBatch,
        key: Option<DropoutKey>,
        place: PerturbationPlace,
        learning: bool,
    ) -> Result<Self, NnError> {
        let layers = model.config.layers;
        if let PerturbationPlace::Hidden(index) = place
            && index > layers
        {
            return Err(NnError::Perturbation {
                reason: format!("there is no output of layer {index} in a model of {layers}"),
            });
        }
        let mode = key.map_or(Mode::Differentiate, Mode::Train);
        let pass = Pass {
            frozen: !learning,
            ..Pass::new(model, batch, mode)?
        };
        let below = match place {
            PerturbationPlace::Words => None,
            PerturbationPlace::Normalised => Some(pass.normalised_sum()),
            PerturbationPlace::Hidden(index) => Some(pass.up_to(index)),
        };
        Ok(Self {
            pass,
            place,
            below,
            is_used: Cell::new(false),
        })
    }

    /// Returns the real tokens of each row; their states lie end to end, without padding.
    pub fn lengths(&self) -> &[usize] {
        &self.pass.rows.lengths
    }

    /// Returns the numbers of one token's state.
    pub fn hidden_size(&self) -> usize {
        self.pass.model.config.hidden_size
    }

    /// Returns what the perturbation is added to, `[tokens, hidden]`: for a scale to measure it by.
    /// Empty for [`PerturbationPlace::Words`].
    pub fn below(&self) -> Vec<f32> {
        let values = |below: &Tensor<2>| values_of(below.clone().flatten(0, 1));
        self.below.as_ref().map(values).unwrap_or_default()
    }

    /// Runs the rest of the way with `delta` `[tokens, hidden]` added. What lies below is not run
    /// again, unless it learns: then each call has a graph of its own, since going back through one uses it up.
    ///
    /// # Errors
    /// [`NnError::Perturbation`] when it has another size.
    pub fn logits(&self, delta: Vec<f32>) -> Result<PerturbedLogits, NnError> {
        let shape = [self.pass.rows.ids.len(), self.hidden_size()];
        if delta.len() != shape[0] * shape[1] {
            return Err(NnError::Perturbation {
                reason: format!(
                    "it has {} numbers, where {} tokens have {} each",
                    delta.len(),
                    shape[0],
                    shape[1]
                ),
            });
        }
        let data = TensorData::new(delta, shape);
        let delta = Tensor::<2>::from_data(data, &self.pass.model.device)
            .autodiff()
            .require_grad();
        let pass = &self.pass;
        let (first, hidden) = match (self.place, &self.below) {
            (PerturbationPlace::Hidden(index), Some(below)) => {
                let is_again = !pass.frozen && self.is_used.replace(true);
                let below = match is_again {
                    true => pass.up_to(index),
                    false => below.clone(),
                };
                (index, below + delta.clone())
            }
            (PerturbationPlace::Normalised, Some(below)) => {
                (0, pass.embeddings_of_normalised(below, &delta))
            }
            _ => (
                0,
                pass.embeddings_of(&pass.tables(), &pass.rows, Some(&delta)),
            ),
        };
        let hidden = pass.through(first, hidden);
        Ok(PerturbedLogits {
            logits: pass.tracked_head(hidden),
            delta,
        })
    }
}

impl Pass<'_> {
    /// The output of the embeddings (0) or of so many layers, `[tokens, hidden]`.
    fn up_to(&self, layers: usize) -> Tensor<2> {
        let embedded = self.embeddings();
        (0..layers).fold(embedded, |hidden, layer| self.layer(layer, &hidden))
    }

    /// The sum of the three embeddings of each token, normalised without gain and bias; nothing
    /// tracks it.
    fn normalised_sum(&self) -> Tensor<2> {
        let device = &self.model.device;
        let hidden = [self.model.config.hidden_size];
        let tables = self.tables();
        let tables = EmbeddingTables {
            words: tables.words.inner(),
            positions: tables.positions.inner(),
            types: tables.types.inner(),
        };
        let norm = Norm {
            gamma: Tensor::ones(hidden, device),
            beta: Tensor::zeros(hidden, device),
            epsilon: NORMALISED_EPSILON,
        };
        let pool = &self.model.pool;
        ops::embed(&tables, &norm, &self.rows, None, None, pool).autodiff()
    }

    /// The embeddings of sums that are normalised already, with something added: each token has an
    /// entry of its own.
    fn embeddings_of_normalised(&self, sums: &Tensor<2>, delta: &Tensor<2>) -> Tensor<2> {
        let tokens = self.rows.ids.len();
        let nothing = || {
            let shape = [1, self.model.config.hidden_size];
            Tensor::<2>::zeros(shape, &self.model.device).autodiff()
        };
        let tables = EmbeddingTables {
            words: sums.clone(),
            positions: nothing(),
            types: nothing(),
        };
        let rows = PackedRows {
            ids: (0..tokens as u32).collect(),
            types: vec![0; tokens],
            positions: vec![0; tokens],
            lengths: self.rows.lengths.clone(),
        };
        self.embeddings_of(&tables, &rows, Some(delta))
    }
}

#[cfg(test)]
mod tests;
