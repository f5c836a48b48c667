//! Texts that grow token by token, each token chosen by the caller.

use super::LocalGenerator;
use crate::generator::GenerateError;
use nines_nn::llama::CpuSequence;
use nines_text::Decoder;

/// A text in the making, and the model's opinion of its next token. A clone is a fork: both go on from
/// here, and share what has been run.
#[derive(Debug, Clone)]
pub struct Decoding {
    pub(super) sequence: CpuSequence,
    pub(super) decoder: Decoder,
    pub(super) tokens: Vec<u32>,
    pub(super) logits: Vec<f32>,
}

impl Decoding {
    /// Forks the text: both go on from here.
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Returns the logits of the next token, `[vocabulary]`.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Returns the tokens that were fed after the prompt.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Returns the text after the prompt, as far as its characters are whole, with the white space in
    /// front that the model gave.
    pub fn text(&self) -> &str {
        self.decoder.text()
    }

    /// Says whether the last token ended inside a character.
    pub fn is_inside_character(&self) -> bool {
        self.decoder.is_inside_character()
    }
}

/// A token for one text.
#[derive(Debug)]
pub struct Step<'a> {
    /// The text.
    pub decoding: &'a mut Decoding,
    /// The token that comes next in it.
    pub token: u32,
}

impl LocalGenerator {
    /// Begins texts after a prompt, cut into tokens as for generating; up to `room` tokens may be fed.
    ///
    /// # Errors
    /// [`GenerateError::PromptTooLong`], or [`GenerateError::Model`] where the prompt cannot be read.
    pub fn begin(&self, prompt: &str, room: usize) -> Result<Decoding, GenerateError> {
        let mut begun = self.begin_each(&[prompt], room);
        begun
            .pop()
            .unwrap_or_else(|| Err(GenerateError::Model("no prompt".to_owned())))
    }

    /// Begins texts after each of several prompts, as [`Self::begin`] does, together.
    pub fn begin_each(
        &self,
        prompts: &[&str],
        _room: usize,
    ) -> Vec<Result<Decoding, GenerateError>> {
        prompts
            .iter()
            .map(|_| Err(GenerateError::Model("not yet".to_owned())))
            .collect()
    }

    /// Feeds each text its next token, all in one batch. A text must belong to this generator. What a
    /// text gets does not depend, to the last bit, on the others.
    ///
    /// # Errors
    /// [`GenerateError`] for a token outside the vocabulary or a full context; the texts are then as before.
    pub fn feed(&self, _steps: &mut [Step<'_>]) -> Result<(), GenerateError> {
        Err(GenerateError::Model("not yet".to_owned()))
    }
}
