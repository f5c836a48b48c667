//! One completion in the making.

use crate::rng::DrawStream;
use crate::sampling::Sampler;
use nines_domain::draw::{Draw, Finish, Sampling};
use nines_nn::llama::CpuSequence;
use nines_text::{Decoder, GeneratorTokenizer, SentenceStop};
use std::collections::BTreeSet;

/// One completion: its keys and values, its text so far, and where it ends.
///
/// The text is what the model writes after the prompt, without the blanks in front. A line break
/// ends a sentence, but those in front of the first word are blanks. A sentence counts as ended
/// once the text behind it has settled that; one that the budget cuts short in doubt is unfinished.
#[derive(Debug)]
pub(super) struct Completion {
    /// Which request it belongs to.
    pub(super) request: usize,
    pub(super) sequence: CpuSequence,
    /// The last token, which the model has not seen yet.
    pub(super) last: u32,
    draw: u32,
    stream: DrawStream,
    decoder: Decoder,
    stop: SentenceStop,
    tokens: usize,
    /// The tokens of the prompt and the completion, where a repetition penalty asks for them.
    seen: BTreeSet<u32>,
}

/// What a chosen token led to.
#[derive(Debug)]
pub(super) enum Next {
    /// More tokens are needed.
    Continue,
    /// The completion is done.
    Done(Draw),
    /// The model's logits are not numbers.
    NotNumbers,
}

impl Completion {
    pub(super) fn new(
        request: usize,
        draw: u32,
        stream: DrawStream,
        sequence: CpuSequence,
        decoder: Decoder,
        seen: BTreeSet<u32>,
    ) -> Self {
        Self {
            request,
            sequence,
            last: 0,
            draw,
            stream,
            decoder,
            stop: SentenceStop::default(),
            tokens: 0,
            seen,
        }
    }

    /// Returns the number of the draw.
    pub(super) fn draw(&self) -> u32 {
        self.draw
    }

    /// Chooses the next token and says whether the completion is done with it.
    pub(super) fn advance(
        &mut self,
        logits: &[f32],
        sampler: &mut Sampler,
        sampling: &Sampling,
        tokenizer: &GeneratorTokenizer,
    ) -> Next {
        let u = self.stream.uniform(self.tokens as u32);
        let seen = self.seen.iter().copied();
        let Some(token) = sampler.choose(logits, seen, sampling, u) else {
            return Next::NotNumbers;
        };
        // A control token that is not an end starts another turn or document: the text is over.
        if tokenizer.is_end(token) || tokenizer.is_control(token) {
            let is_sentence = sampling.one_sentence && self.sentence_end(true).is_some();
            let finish = if is_sentence {
                Finish::Sentence
            } else {
                Finish::EndOfText
            };
            return Next::Done(self.finish(finish));
        }
        self.last = token;
        self.tokens += 1;
        if sampling.repetition_penalty != 1.0 {
            self.seen.insert(token);
        }
        self.decoder.push(token);
        if sampling.one_sentence && self.sentence_end(false).is_some() {
            return Next::Done(self.finish(Finish::Sentence));
        }
        if self.tokens >= sampling.max_tokens {
            return Next::Done(self.finish(Finish::Budget));
        }
        Next::Continue
    }

    fn sentence_end(&mut self, is_final: bool) -> Option<usize> {
        self.stop.feed(self.decoder.text(), is_final)
    }

    fn finish(&mut self, finish: Finish) -> Draw {
        let end = match finish {
            Finish::Sentence => self.sentence_end(false),
            Finish::EndOfText | Finish::Budget => None,
        };
        let text = self.decoder.clone().finish();
        let text = end.map_or(text.as_str(), |end| &text[..end]);
        Draw {
            draw: self.draw,
            completion: text.trim().to_owned(),
            finish,
            tokens: self.tokens,
        }
    }
}
