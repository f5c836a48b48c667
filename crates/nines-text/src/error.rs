//! What can go wrong with texts and tokenizers.

use std::path::PathBuf;

/// Why a text could not be cut into tokens, or a tokenizer not read or written.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The folder holds no tokenizer that can be read.
    #[error(
        "{folder} has no tokenizer.json; take a model folder saved with a fast tokenizer (AutoTokenizer.from_pretrained(...).save_pretrained(...) writes one)"
    )]
    NoTokenizer {
        /// The model folder.
        folder: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A tokenizer's file does not say what it must.
    #[error("{path} is not a usable tokenizer: {reason}")]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A GGUF vocabulary is damaged or contradicts itself.
    #[error("the GGUF vocabulary is damaged: {0}")]
    BadVocabulary(String),
    /// A GGUF vocabulary is of a kind that this crate does not know.
    #[error(
        "GGUF vocabularies of model {model:?} with pre-tokenizer {pre:?} are not supported; supported: {supported}. Use the model's safetensors folder with its tokenizer.json"
    )]
    UnsupportedVocabulary {
        /// `tokenizer.ggml.model`.
        model: String,
        /// `tokenizer.ggml.pre`.
        pre: String,
        /// What is supported.
        supported: String,
    },
    /// The tokenizer refused a text.
    #[error("the tokenizer refused the text: {0}")]
    Encode(String),
    /// User text came out of the tokenizer as one of the model's control tokens.
    #[error(
        "the text contains {surface:?}, which this tokenizer cannot tell from its control token {id}; remove it from the text"
    )]
    ControlTokenInText {
        /// The words in the text.
        surface: String,
        /// The control token.
        id: u32,
    },
    /// A gap was to be filled with a vocabulary that has no token for one.
    #[error("this tokenizer has no mask token; take the folder of a masked language model")]
    NoMask,
    /// A window is too small to hold anything beside the special tokens.
    #[error("a window of {max_len} tokens has no room for text: {needed} are needed at least")]
    WindowTooSmall {
        /// Tokens that a window may have.
        max_len: usize,
        /// Tokens that the smallest window has.
        needed: usize,
    },
}

impl TextError {
    /// Builds the error of a file that could not be read or written.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
