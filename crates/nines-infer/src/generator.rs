//! What every generator promises.

use crate::cancel::CancelFlag;
use nines_domain::draw::{Draw, Sampling};
use std::ops::Range;

/// Asks for some draws of one prompt. Draw numbers key the random stream, so draws 0..4 followed
/// by 4..8 are the draws 0..8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptRequest {
    /// The text to continue.
    pub prompt: String,
    /// Which of its draws to make.
    pub draws: Range<u32>,
}

/// How fast a generation went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GenerateStats {
    /// Tokens generated (prompts not counted).
    pub tokens: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// Why a draw, or a whole generation, failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GenerateError {
    /// The prompt leaves no room in the model's context for a completion.
    #[error(
        "the prompt has {tokens} tokens and at most {max_tokens} more were asked for, but the generator's context is {window}; shorten the prompt"
    )]
    PromptTooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens the completion may have.
        max_tokens: usize,
        /// Tokens of context.
        window: usize,
    },
    /// The sampling settings make no sense.
    #[error("sampling: {0}")]
    Sampling(String),
    /// The model or its files failed.
    #[error("the generator failed: {0}")]
    Model(String),
    /// The endpoint refused, or its answer cannot be used.
    #[error("the endpoint {url} failed: {reason}")]
    Endpoint {
        /// Where the request went.
        url: String,
        /// What came back.
        reason: String,
    },
    /// The endpoint could not be reached, or was overloaded to the last repetition: nothing is said
    /// about the prompt, which may be asked again later.
    #[error("the endpoint {url} could not be reached: {reason}")]
    Unreached {
        /// Where the request went.
        url: String,
        /// What happened.
        reason: String,
    },
}

/// Refuses a draw that no database can hold.
///
/// # Errors
/// [`GenerateError::Model`] for a completion with a NUL character.
pub fn storable(draw: Draw) -> Result<Draw, GenerateError> {
    if draw.completion.contains('\0') {
        return Err(GenerateError::Model(
            "the completion holds a NUL character, which no text has".to_owned(),
        ));
    }
    Ok(draw)
}

/// Proposes completions.
pub trait Generator: Send + Sync {
    /// Names the model, precisely enough that equal names give equal draws.
    fn id(&self) -> String;

    /// Returns how many tokens of context the model has, where known.
    fn context_window(&self) -> Option<usize>;

    /// Makes every requested draw, telling `on_draw` each one (with the index of its request) as
    /// soon as it ends, in no particular order. A prompt that cannot be continued fails alone: its
    /// error is told once for each of its draws. Stops early, and returns what is done, when
    /// `cancel` is set.
    ///
    /// # Errors
    /// Only what stops everything: impossible settings, a model that cannot run.
    fn generate(
        &self,
        requests: &[PromptRequest],
        sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError>;
}
