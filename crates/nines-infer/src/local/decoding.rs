//! Texts that grow token by token, each token chosen by the caller.

use super::LocalGenerator;
use super::passes::{Job, not_numbers};
use crate::generator::GenerateError;
use nines_nn::llama::{CpuSequence, Feed, Wanted, Workspace};
use nines_text::Decoder;
use rayon::prelude::*;

/// A text in the making, and the model's opinion of its next token. A clone is a fork: both go on from
/// here, and share what has been run. Trailing blanks of a prompt are not read: words bring theirs.
#[derive(Debug, Clone)]
pub struct Decoding {
    sequence: CpuSequence,
    decoder: Decoder,
    tokens: Vec<u32>,
    logits: Vec<f32>,
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
        room: usize,
    ) -> Vec<Result<Decoding, GenerateError>> {
        let cut: Vec<_> = prompts
            .par_iter()
            .map(|prompt| self.tokens(prompt, room))
            .collect();
        let mut jobs: Vec<Job<'_>> = cut
            .iter()
            .flatten()
            .map(|tokens| Job {
                sequence: CpuSequence::default(),
                tokens,
                wanted: Wanted::Last,
            })
            .collect();
        let logits = match self.run(&mut jobs, |_, _, logits| logits.to_vec()) {
            Ok(logits) => logits,
            Err(error) => return prompts.iter().map(|_| Err(error.clone())).collect(),
        };
        let sequences: Vec<CpuSequence> = jobs.into_iter().map(|job| job.sequence).collect();
        let mut begun = sequences.into_iter().zip(logits);
        cut.into_iter()
            .map(|tokens| {
                tokens?;
                let (sequence, logits) = begun.next().ok_or_else(not_numbers)?;
                let logits = logits.into_iter().next().ok_or_else(not_numbers)?;
                Ok(Decoding {
                    sequence,
                    decoder: self.tokenizer.decoder(),
                    tokens: Vec::new(),
                    logits,
                })
            })
            .collect()
    }

    /// Feeds each text its next token, all in one batch. A text must belong to this generator. What a
    /// text gets does not depend, to the last bit, on the others.
    ///
    /// # Errors
    /// [`GenerateError`] for a token outside the vocabulary or a full context; the texts are then as before.
    pub fn feed(&self, steps: &mut [Step<'_>]) -> Result<(), GenerateError> {
        if steps.is_empty() {
            return Ok(());
        }
        let tokens: Vec<[u32; 1]> = steps.iter().map(|step| [step.token]).collect();
        let mut feeds: Vec<Feed<'_>> = steps
            .iter_mut()
            .zip(&tokens)
            .map(|(step, token)| Feed {
                sequence: &mut step.decoding.sequence,
                tokens: token,
                wanted: Wanted::Last,
            })
            .collect();
        let mut workspace = Workspace::default();
        let logits = self.pass(&mut feeds, &mut workspace, None)?;
        drop(feeds);
        for (step, logits) in steps.iter_mut().zip(logits.rows()) {
            let decoding = &mut *step.decoding;
            decoding.logits.copy_from_slice(logits);
            decoding.tokens.push(step.token);
            decoding.decoder.push(step.token);
        }
        Ok(())
    }
}
