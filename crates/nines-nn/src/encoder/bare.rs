//! An encoder without a classifier: its last hidden states and their means.

use super::config::{EncoderConfig, HeadConfig, Pooling};
use super::forward::Pass;
use super::model::{Classifier, Mode};
use crate::batch::TokenBatch;
use crate::error::NnError;
use crate::precision::Precision;
use burn::tensor::Device;
use std::path::Path;

/// An encoder for reading only: nothing is dropped, and no bit of a row's states depends on the rows
/// beside it.
#[derive(Debug, Clone)]
pub struct Encoder {
    /// The classifier on it is never asked.
    model: Classifier,
}

impl Encoder {
    /// Loads the encoder of a model folder, whatever head the folder has.
    ///
    /// # Errors
    /// [`NnError`] when the folder is not a whole encoder of a known family.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, NnError> {
        let head = HeadConfig {
            pooling: Pooling::Mean,
            ..HeadConfig::default()
        };
        let model = Classifier::from_base(folder, &head, device)?;
        Ok(Self { model })
    }

    /// Chooses what passes multiply in; 32 bits until then.
    pub fn set_precision(&mut self, precision: Precision) {
        self.model.set_precision(precision);
    }

    /// Returns the configuration.
    pub fn config(&self) -> &EncoderConfig {
        self.model.config()
    }

    /// Returns the word embeddings, `[vocabulary, hidden]`.
    pub fn word_embeddings(&self) -> &[f32] {
        self.model.word_embeddings()
    }

    /// Computes the last hidden states of all real tokens, row after row: `[tokens, hidden]`.
    ///
    /// # Errors
    /// [`NnError::Batch`] for a row that the model cannot read, [`NnError::EmptyBatch`].
    pub fn states(&self, batch: &TokenBatch) -> Result<Vec<f32>, NnError> {
        Ok(Pass::new(&self.model, batch, Mode::Evaluate)?.last_states())
    }

    /// Computes the mean of each row's last hidden states: `[rows, hidden]`.
    ///
    /// # Errors
    /// As [`Self::states`].
    pub fn means(&self, batch: &TokenBatch) -> Result<Vec<f32>, NnError> {
        self.model.mean_states(batch)
    }
}
