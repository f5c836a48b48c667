//! The masked-language-model head: which tokens fit at a place.

use super::bare::Encoder;
use super::config;
use super::family::Family;
use super::head::Linear;
use crate::batch::TokenBatch;
use crate::error::NnError;
use crate::weights::safetensors::FolderWeights;
use burn::tensor::Device;
use nines_kernels::{gelu_in_place, standardise, stretch};
use std::path::Path;

/// A BERT encoder with the head that predicts hidden tokens, as `BertForMaskedLM` of `transformers`
/// has it: a layer with GELU and normalisation, then one logit for each token of the vocabulary.
#[derive(Debug)]
pub struct BertMaskedModel {
    encoder: Encoder,
    transform: Linear,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    epsilon: f32,
    decoder: Linear,
}

impl BertMaskedModel {
    /// Loads a folder as `BertForMaskedLM` is saved. A decoder that the weights do not have is the
    /// table of word embeddings.
    ///
    /// # Errors
    /// [`NnError`] when the folder is not a whole BERT encoder with such a head.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, NnError> {
        let encoder = Encoder::load(folder, device)?;
        let config = encoder.config();
        if config.family != Family::Bert {
            return Err(NnError::Config {
                path: folder.join(config::FILE_NAME),
                reason: format!(
                    "its model_type is {:?}; hidden tokens are predicted here by \"bert\" alone",
                    config.family.model_type()
                ),
            });
        }
        let (hidden, vocabulary) = (config.hidden_size, config.vocab_size);
        let weights = FolderWeights::open(folder)?;
        let read =
            |name: &str, shape: &[usize]| weights.read(&format!("cls.predictions.{name}"), shape);
        let has = |name: &str| weights.shape(&format!("cls.predictions.{name}")).is_some();
        let bias = if has("bias") { "bias" } else { "decoder.bias" };
        let bias = read(bias, &[vocabulary])?;
        let decoder = if has("decoder.weight") {
            Linear::new(&read("decoder.weight", &[vocabulary, hidden])?, bias)
        } else {
            Linear::new(encoder.word_embeddings(), bias)
        };
        let dense = read("transform.dense.weight", &[hidden, hidden])?;
        Ok(Self {
            transform: Linear::new(&dense, read("transform.dense.bias", &[hidden])?),
            gamma: read("transform.LayerNorm.weight", &[hidden])?,
            beta: read("transform.LayerNorm.bias", &[hidden])?,
            epsilon: config.layer_norm_eps as f32,
            decoder,
            encoder,
        })
    }

    /// Returns the encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Computes the logits of the tokens at one place of each row, `[rows, vocabulary]`. No bit of a
    /// row's logits depends on the rows beside it.
    ///
    /// # Errors
    /// [`NnError::Batch`] for a row that the model cannot read or that has no such place,
    /// [`NnError::EmptyBatch`].
    pub fn logits(&self, batch: &TokenBatch, places: &[usize]) -> Result<Vec<f32>, NnError> {
        let hidden = self.encoder.config().hidden_size;
        if places.len() != batch.len() {
            return Err(NnError::Batch {
                row: places.len().min(batch.len()),
                reason: format!("{} places for {} rows", places.len(), batch.len()),
            });
        }
        let states = self.encoder.states(batch)?;
        let mut rows = Vec::with_capacity(places.len() * hidden);
        let mut start = 0;
        for (row, (&place, &length)) in places.iter().zip(&batch.lengths).enumerate() {
            if place >= length {
                return Err(NnError::Batch {
                    row,
                    reason: format!("it has {length} tokens and none at place {place}"),
                });
            }
            let at = (start + place) * hidden;
            rows.extend_from_slice(&states[at..at + hidden]);
            start += length;
        }
        let mut rows = self.transform.of(&rows);
        gelu_in_place(&mut rows);
        let mut normalised = vec![0.0; rows.len()];
        for (row, out) in rows
            .chunks_exact_mut(hidden)
            .zip(normalised.chunks_exact_mut(hidden))
        {
            standardise(row, self.epsilon);
            stretch(row, &self.gamma, &self.beta, out);
        }
        Ok(self.decoder.of(&normalised))
    }
}
