//! The generator made of a local model.
//!
//! - [`LocalGenerator`]: a GGUF file or a Hugging Face folder of the Llama architecture.
//! - `schedule`: keeps the batch full; a finished completion makes room for the next.
//! - `completion`: one completion in the making, and where it ends.
//! - `vocabulary`: from GGUF metadata to a tokenizer.

mod completion;
mod decoding;
mod identity;
mod likelihood;
mod schedule;
mod steering;
mod vocabulary;

use crate::cancel::CancelFlag;
use crate::generator::{GenerateError, GenerateStats, Generator, PromptRequest};
use crate::sampling;
use nines_domain::draw::{Draw, Sampling};
use nines_nn::gguf::GgufError;
use nines_nn::llama::{CpuLlama, LlamaError, LlamaWeights};
use nines_nn::precision::Precision;
use nines_text::{GeneratorTokenizer, TextError};
use schedule::Schedule;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use decoding::{Decoding, Step};
pub use steering::{Steering, SteeringError};
pub use vocabulary::gguf_vocabulary;

/// How many completions are made together, unless told otherwise: enough that reading the weights
/// costs little for each, few enough that their keys and values stay small. A quarter as many prompts
/// may wait with theirs.
pub const DEFAULT_BATCH: usize = 64;

/// A local model cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadGeneratorError {
    /// The model's files cannot be used.
    #[error(transparent)]
    Model(#[from] LlamaError),
    /// The GGUF file's metadata cannot be used.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The tokenizer cannot be used.
    #[error("{path}: {source}")]
    Tokenizer {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        source: TextError,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The tokenizer and the model do not belong together.
    #[error(
        "{path}: the tokenizer has {tokens} tokens, the model {vocabulary}; take both from one model"
    )]
    Vocabulary {
        /// The file or folder.
        path: PathBuf,
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Tokens of the model.
        vocabulary: usize,
    },
}

/// A generator that runs on this machine's processor.
///
/// A draw depends on the model, its precision, the prompt, the sampling settings and its number
/// alone: not on the batch, the other prompts, or the number of cores. A clone shares the model in memory.
#[derive(Debug, Clone)]
pub struct LocalGenerator {
    model: Arc<CpuLlama>,
    tokenizer: Arc<GeneratorTokenizer>,
    id: String,
    batch: usize,
}

impl LocalGenerator {
    /// Loads a GGUF file, or a Hugging Face folder with config.json, safetensors and
    /// tokenizer.json, to be run in a precision that this CPU has.
    ///
    /// # Errors
    /// [`LoadGeneratorError`] where a file is missing, broken, or of another architecture.
    pub fn open(path: &Path, precision: Precision) -> Result<Self, LoadGeneratorError> {
        let weights = LlamaWeights::open(path)?;
        let with_path = |source| LoadGeneratorError::Tokenizer {
            path: path.to_owned(),
            source,
        };
        let tokenizer = match weights.gguf() {
            Some(file) => GeneratorTokenizer::from_gguf(gguf_vocabulary(file)?),
            None => GeneratorTokenizer::from_folder(path),
        }
        .map_err(with_path)?;
        let vocabulary = weights.config().vocabulary;
        if tokenizer.vocabulary_len() > vocabulary {
            return Err(LoadGeneratorError::Vocabulary {
                path: path.to_owned(),
                tokens: tokenizer.vocabulary_len(),
                vocabulary,
            });
        }
        let id = identity::of(path, weights.gguf(), precision)?;
        Ok(Self {
            model: Arc::new(CpuLlama::new(weights, precision)?),
            tokenizer: Arc::new(tokenizer),
            id,
            batch: DEFAULT_BATCH,
        })
    }

    /// Sets how many completions are made together. The texts are the same with any.
    pub fn with_batch(mut self, batch: usize) -> Self {
        self.batch = batch.max(1);
        self
    }

    /// Returns the model.
    pub fn model(&self) -> &CpuLlama {
        &self.model
    }

    /// Returns the tokenizer.
    pub fn tokenizer(&self) -> &GeneratorTokenizer {
        &self.tokenizer
    }

    /// Cuts a prompt into tokens and checks that a completion fits behind it.
    ///
    /// Spaces at its end are left out: the model puts them in front of its first word, and after a
    /// lone space it would not find one.
    fn tokens(&self, prompt: &str, sampling: &Sampling) -> Result<Vec<u32>, GenerateError> {
        let text = prompt.trim_end_matches([' ', '\t']);
        let mut tokens = self
            .tokenizer
            .encode(text)
            .map_err(|error| GenerateError::Model(error.to_string()))?;
        if tokens.is_empty() {
            let start = self.tokenizer.bos().or(self.tokenizer.eos());
            tokens.extend(start);
        }
        let window = self.model.config().context;
        let needed = tokens.len().saturating_add(sampling.max_tokens);
        if tokens.is_empty() || needed > window {
            return Err(GenerateError::PromptTooLong {
                tokens: tokens.len(),
                max_tokens: sampling.max_tokens,
                window,
            });
        }
        Ok(tokens)
    }
}

impl Generator for LocalGenerator {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn context_window(&self) -> Option<usize> {
        Some(self.model.config().context)
    }

    fn generate(
        &self,
        requests: &[PromptRequest],
        sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        sampling::check(sampling)?;
        Schedule::new(self, requests, sampling).run(on_draw, cancel)
    }
}
