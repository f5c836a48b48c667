//! Sentences as vectors: near ones mean nearly the same.

use crate::classifier::{LoadClassifierError, check_vocabulary, version_of};
use nines_nn::batch::TokenBatch;
use nines_nn::encoder::{Encoder, Family};
use nines_nn::error::NnError;
use nines_text::{EncodedSnippet, SnippetTokenizer, TextError};
use rayon::prelude::*;
use std::path::Path;

/// Tokens of one batch.
const BATCH_TOKENS: usize = 4096;

/// A sentence encoder cannot be loaded, or a text cannot be encoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// The model or its tokenizer cannot be read.
    #[error("{0}")]
    Load(String),
    /// The model was never taught that near vectors mean the same.
    #[error(
        "{folder} is no sentence encoder: nobody taught it that near vectors mean the same, and by it all texts are \
         alike; use minilm-l6 or mpnet-base"
    )]
    NoSentences {
        /// The model's folder.
        folder: String,
    },
    /// The text does not fit the model's window. It is never cut.
    #[error(
        "{tokens} tokens do not fit the sentence encoder's window of {window}; shorten the text"
    )]
    TooLong {
        /// Tokens of the text, special tokens included.
        tokens: usize,
        /// Tokens that fit.
        window: usize,
    },
    /// The text has no tokens.
    #[error("the text is empty")]
    Empty,
    /// The text could not be cut into tokens.
    #[error("cannot be tokenised: {0}")]
    Tokens(String),
    /// The model failed.
    #[error("the sentence encoder failed: {0}")]
    Model(String),
}

impl From<NnError> for EncodeError {
    fn from(error: NnError) -> Self {
        Self::Load(error.to_string())
    }
}

impl From<LoadClassifierError> for EncodeError {
    fn from(error: LoadClassifierError) -> Self {
        Self::Load(error.to_string())
    }
}

impl From<TextError> for EncodeError {
    fn from(error: TextError) -> Self {
        Self::Load(error.to_string())
    }
}

/// Says whether models of a family are published that were taught sentences by mean-pooling. Their files do not tell
/// them from others of the family, and of DeBERTa there is none in use.
fn has_sentence_encoders(family: Family) -> bool {
    match family {
        Family::Bert | Family::Mpnet => true,
        Family::Deberta => false,
    }
}

/// A mean-pooled encoder, such as all-MiniLM-L6-v2: a text becomes a vector of length 1, and the dot
/// product of two is their cosine similarity.
pub struct SentenceEncoder {
    model: Encoder,
    tokenizer: SnippetTokenizer,
    id: String,
}

impl SentenceEncoder {
    /// Loads a folder: config.json, model.safetensors, tokenizer.json.
    ///
    /// # Errors
    /// [`EncodeError::Load`]: a missing or damaged file, another architecture, wrong shapes.
    /// [`EncodeError::NoSentences`]: a model of a family without any.
    pub fn load(folder: &Path) -> Result<Self, EncodeError> {
        let tokenizer = SnippetTokenizer::from_folder(folder)?;
        let model = Encoder::load(folder, &nines_nn::device::cpu())?;
        if !has_sentence_encoders(model.config().family) {
            return Err(EncodeError::NoSentences {
                folder: folder.display().to_string(),
            });
        }
        check_vocabulary(folder, &tokenizer, model.config().vocab_size)?;
        Ok(Self {
            model,
            tokenizer,
            id: version_of(folder, "encoder")?,
        })
    }

    /// Names the model by its folder and content.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encodes each text as a vector of length 1, in their order. What stands beside a text changes no bit of it.
    pub fn embed(&self, texts: &[&str]) -> Vec<Result<Vec<f32>, EncodeError>> {
        let cut: Vec<_> = texts.par_iter().map(|text| self.cut(text)).collect();
        let mut found = Vec::with_capacity(texts.len());
        let mut rest = cut.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(fitting(rest, BATCH_TOKENS));
            found.extend(self.embed_batch(batch));
            rest = later;
        }
        found
    }

    fn cut(&self, text: &str) -> Result<EncodedSnippet, EncodeError> {
        let encoded = self
            .tokenizer
            .encode_text(text)
            .map_err(|error| EncodeError::Tokens(error.to_string()))?;
        let (tokens, window) = (encoded.len(), self.model.config().max_positions);
        match () {
            () if encoded.offsets.iter().all(Option::is_none) => Err(EncodeError::Empty),
            () if tokens > window => Err(EncodeError::TooLong { tokens, window }),
            () => Ok(encoded),
        }
    }

    fn embed_batch(
        &self,
        cut: &[Result<EncodedSnippet, EncodeError>],
    ) -> Vec<Result<Vec<f32>, EncodeError>> {
        let rows: Vec<(&[u32], &[u8])> = cut
            .iter()
            .flatten()
            .map(|encoded| (encoded.ids.as_slice(), encoded.type_ids.as_slice()))
            .collect();
        let means = match rows.is_empty() {
            true => Ok(Vec::new()),
            false => self.model.means(&TokenBatch::from_rows(&rows)),
        };
        let means = means.map_err(|error| EncodeError::Model(error.to_string()));
        let mut row = 0;
        cut.iter()
            .map(|encoded| {
                encoded.as_ref().map_err(Clone::clone)?;
                let hidden = self.model.config().hidden_size;
                let mean = means.as_ref().map_err(Clone::clone)?;
                let mean = &mean[row * hidden..(row + 1) * hidden];
                row += 1;
                unit(mean)
            })
            .collect()
    }
}

/// Counts how many of the next rows make one batch of at most `most` tokens; at least one.
pub(crate) fn fitting<E>(rows: &[Result<EncodedSnippet, E>], most: usize) -> usize {
    let mut tokens = 0;
    let fitting = rows.iter().take_while(|row| {
        tokens += row.as_ref().map_or(0, EncodedSnippet::len);
        tokens <= most
    });
    fitting.count().max(1)
}

/// Scales a vector to length 1.
fn unit(vector: &[f32]) -> Result<Vec<f32>, EncodeError> {
    let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let length = squares.sqrt();
    if !(length.is_finite() && length > 0.0) {
        return Err(EncodeError::Model("its vector has no direction".to_owned()));
    }
    Ok(vector
        .iter()
        .map(|&x| (f64::from(x) / length) as f32)
        .collect())
}
