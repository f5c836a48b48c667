//! Sentences as vectors: near ones mean nearly the same.

use nines_nn::error::NnError;
use nines_text::TextError;
use std::path::Path;

/// A sentence encoder cannot be loaded, or a text cannot be encoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// The model or its tokenizer cannot be read.
    #[error("{0}")]
    Load(String),
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

impl From<TextError> for EncodeError {
    fn from(error: TextError) -> Self {
        Self::Load(error.to_string())
    }
}

/// A mean-pooled encoder, such as all-MiniLM-L6-v2: a text becomes a vector of length 1, and the dot
/// product of two is their cosine similarity.
pub struct SentenceEncoder {
    id: String,
}

impl SentenceEncoder {
    /// Loads a folder: config.json, model.safetensors, tokenizer.json.
    ///
    /// # Errors
    /// [`EncodeError::Load`]: a missing or damaged file, another architecture, wrong shapes.
    pub fn load(folder: &Path) -> Result<Self, EncodeError> {
        let _ = folder;
        Err(EncodeError::Load(
            "sentence encoders cannot be loaded yet".to_owned(),
        ))
    }

    /// Names the model by its folder and content.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encodes each text as a vector of length 1, in their order. What stands beside a text changes no bit of it.
    pub fn embed(&self, texts: &[&str]) -> Vec<Result<Vec<f32>, EncodeError>> {
        texts
            .iter()
            .map(|_| Err(EncodeError::Model("nothing is loaded".to_owned())))
            .collect()
    }
}
