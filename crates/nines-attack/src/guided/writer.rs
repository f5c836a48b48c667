//! One completion in the making, token by token as the plain generator makes it.

use nines_domain::draw::{Draw, Finish, Sampling};
use nines_infer::generator::GenerateError;
use nines_infer::local::{Decoding, LocalGenerator, Step};
use nines_infer::rng::DrawStream;
use nines_infer::sampling::Sampler;
use nines_text::{Decoder, SentenceStop};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Texts that are fed together.
const BATCH: usize = 64;

thread_local! {
    static SAMPLER: RefCell<Sampler> = RefCell::default();
}

/// A completion in the making. Its text, its end and its tokens are those of
/// [`nines_infer::generator::Generator::generate`] where the same tokens are chosen.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    decoding: Decoding,
    decoder: Decoder,
    stop: SentenceStop,
    /// The tokens of prompt and completion, where a repetition penalty asks for them.
    seen: BTreeSet<u32>,
    /// The last token, which the model has not seen yet.
    pending: Option<u32>,
    tokens: usize,
    draw: u32,
    ended: Option<Draw>,
}

impl Writer {
    /// Begins a draw behind a prompt that has been run.
    pub(super) fn new(
        generator: &LocalGenerator,
        prompt: &str,
        begun: &Decoding,
        draw: u32,
        sampling: &Sampling,
    ) -> Result<Self, GenerateError> {
        let mut seen = BTreeSet::new();
        if sampling.repetition_penalty != 1.0 {
            let tokens = generator
                .tokenizer()
                .encode(prompt.trim_end_matches([' ', '\t']))
                .map_err(|error| GenerateError::Model(error.to_string()))?;
            seen.extend(tokens);
        }
        Ok(Self {
            decoding: begun.fork(),
            decoder: generator.tokenizer().decoder(),
            stop: SentenceStop::default(),
            seen,
            pending: None,
            tokens: 0,
            draw,
            ended: None,
        })
    }

    /// Returns the finished draw.
    pub(super) fn ended(&self) -> Option<&Draw> {
        self.ended.as_ref()
    }

    /// Returns the number of the draw.
    pub(super) fn number(&self) -> u32 {
        self.draw
    }

    /// Returns how many tokens were chosen.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Returns the text as far as it is written, trimmed as a finished completion is.
    pub(super) fn text(&self) -> &str {
        match &self.ended {
            Some(draw) => &draw.completion,
            None => self.decoder.text().trim(),
        }
    }

    /// Chooses the next token as the plain generator does.
    pub(super) fn choose(&self, sampling: &Sampling, u: f64) -> Result<u32, GenerateError> {
        let seen = self.seen.iter().copied();
        SAMPLER
            .with_borrow_mut(|sampler| sampler.choose(self.decoding.logits(), seen, sampling, u))
            .ok_or_else(|| self.damaged())
    }

    /// Lists the `k` likeliest next tokens with their probabilities.
    pub(super) fn likeliest(
        &self,
        sampling: &Sampling,
        k: usize,
    ) -> Result<Vec<(u32, f64)>, GenerateError> {
        let seen = self.seen.iter().copied();
        SAMPLER
            .with_borrow_mut(|sampler| sampler.likeliest(self.decoding.logits(), seen, sampling, k))
            .ok_or_else(|| self.damaged())
    }

    fn damaged(&self) -> GenerateError {
        GenerateError::Model(format!(
            "draw {}: the model's logits are not numbers; its weights are damaged",
            self.draw
        ))
    }

    /// Takes a chosen token.
    pub(super) fn take(&mut self, token: u32, generator: &LocalGenerator, sampling: &Sampling) {
        let tokenizer = generator.tokenizer();
        // A control token that is not an end starts another turn or document: the text is over.
        if tokenizer.is_end(token) || tokenizer.is_control(token) {
            let is_sentence = sampling.one_sentence && self.sentence_end(true).is_some();
            self.end(if is_sentence {
                Finish::Sentence
            } else {
                Finish::EndOfText
            });
            return;
        }
        self.pending = Some(token);
        self.tokens += 1;
        if sampling.repetition_penalty != 1.0 {
            self.seen.insert(token);
        }
        self.decoder.push(token);
        if sampling.one_sentence && self.sentence_end(false).is_some() {
            self.end(Finish::Sentence);
        } else if self.tokens >= sampling.max_tokens {
            self.end(Finish::Budget);
        }
    }

    fn sentence_end(&mut self, is_final: bool) -> Option<usize> {
        self.stop.feed(self.decoder.text(), is_final)
    }

    fn end(&mut self, finish: Finish) {
        let end = match finish {
            Finish::Sentence => self.sentence_end(false),
            Finish::EndOfText | Finish::Budget => None,
        };
        let text = self.decoder.clone().finish();
        let text = end.map_or(text.as_str(), |end| &text[..end]);
        self.pending = None;
        self.ended = Some(Draw {
            draw: self.draw,
            completion: text.trim().to_owned(),
            finish,
            tokens: self.tokens,
        });
    }
}

/// Lets the model read the tokens that it has not seen yet.
pub(super) fn catch_up(
    generator: &LocalGenerator,
    writers: &mut [Writer],
) -> Result<(), GenerateError> {
    for batch in writers.chunks_mut(BATCH) {
        let mut steps: Vec<Step<'_>> = batch
            .iter_mut()
            .filter_map(|writer| {
                let token = writer.pending.take()?;
                Some(Step {
                    decoding: &mut writer.decoding,
                    token,
                })
            })
            .collect();
        if !steps.is_empty() {
            generator.feed(&mut steps)?;
        }
    }
    Ok(())
}

/// Writes each text on by some tokens, each drawn by its own stream, until it ends.
pub(super) fn write_on(
    generator: &LocalGenerator,
    writers: &mut [Writer],
    streams: &[DrawStream],
    sampling: &Sampling,
    tokens: usize,
    is_over: &dyn Fn() -> bool,
) -> Result<(), GenerateError> {
    for _ in 0..tokens {
        if is_over() || writers.iter().all(|writer| writer.ended.is_some()) {
            break;
        }
        catch_up(generator, writers)?;
        writers
            .par_iter_mut()
            .zip(streams)
            .filter(|(writer, _)| writer.ended.is_none())
            .try_for_each(|(writer, stream)| {
                let u = stream.uniform(writer.tokens as u32);
                let token = writer.choose(sampling, u)?;
                writer.take(token, generator, sampling);
                Ok(())
            })?;
    }
    Ok(())
}
