//! The local generator as a language model: how probable texts are.

use super::LocalGenerator;
use super::passes::{Job, Spread, not_numbers};
use crate::generator::{GenerateError, Generator};
use crate::language_model::{Continuation, LanguageModel, NextWord, TextProbability};
use nines_nn::llama::{CpuSequence, Wanted};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A text after its context, in tokens.
pub(super) struct Cut {
    pub(super) tokens: Vec<u32>,
    /// The first token that holds a byte of the text; at least one stands before it.
    pub(super) first: usize,
}

/// Texts with one context.
struct Group {
    texts: Vec<usize>,
    /// Tokens that all of them begin with, none of them counted.
    shared: usize,
}

impl LanguageModel for LocalGenerator {
    fn id(&self) -> String {
        Generator::id(self)
    }

    fn log_probabilities(
        &self,
        texts: &[Continuation<'_>],
    ) -> Vec<Result<TextProbability, GenerateError>> {
        let cuts: Vec<_> = texts.par_iter().map(|text| self.cut(text)).collect();
        let probabilities = self.probabilities(texts, &cuts);
        let mut found = match probabilities {
            Ok(found) => found,
            Err(error) => return texts.iter().map(|_| Err(error.clone())).collect(),
        };
        cuts.into_iter()
            .enumerate()
            .map(|(index, cut)| {
                let counted = cut.map(|cut| cut.tokens.len() - cut.first)?;
                if counted == 0 {
                    return Ok(TextProbability {
                        log_probability: 0.0,
                        tokens: 0,
                    });
                }
                let log_probability = found.remove(&index).unwrap_or(f64::NAN);
                if !log_probability.is_finite() {
                    return Err(not_numbers());
                }
                Ok(TextProbability {
                    log_probability,
                    tokens: counted,
                })
            })
            .collect()
    }

    fn next_words(&self, left: &str, k: usize) -> Result<Vec<NextWord>, GenerateError> {
        self.words_after(left, k)
    }
}

impl LocalGenerator {
    /// Cuts context and text into tokens as one string. Where no token of a context stands before the
    /// text, the token that begins texts does.
    pub(super) fn cut(&self, text: &Continuation<'_>) -> Result<Cut, GenerateError> {
        let whole = [text.context, text.text].concat();
        let tokens = self
            .tokenizer
            .encode_with_ends(&whole)
            .map_err(|error| GenerateError::Model(error.to_string()))?;
        let boundary = text.context.len();
        let counted = tokens.iter().position(|&(_, end)| end > boundary);
        let mut first = counted.unwrap_or(tokens.len());
        let mut tokens: Vec<u32> = tokens.into_iter().map(|(token, _)| token).collect();
        if first == 0 {
            tokens.insert(0, self.start()?);
            first = 1;
        }
        let window = self.model.config().context;
        if tokens.len() > window {
            return Err(GenerateError::PromptTooLong {
                tokens: tokens.len(),
                max_tokens: 0,
                window,
            });
        }
        Ok(Cut { tokens, first })
    }

    /// The token that stands before a text without context.
    fn start(&self) -> Result<u32, GenerateError> {
        let start = self.tokenizer.bos().or(self.tokenizer.eos());
        start.ok_or_else(|| {
            GenerateError::Model(
                "the generator has no token that begins a text; give the text a context".to_owned(),
            )
        })
    }

    /// The log probability of each text that has tokens to count, by its index.
    fn probabilities(
        &self,
        texts: &[Continuation<'_>],
        cuts: &[Result<Cut, GenerateError>],
    ) -> Result<BTreeMap<usize, f64>, GenerateError> {
        let groups = groups(texts, cuts);
        let cut = |index: usize| {
            cuts[index]
                .as_ref()
                .unwrap_or_else(|_| unreachable!("only texts that could be cut are in groups"))
        };
        let mut shared: Vec<Job<'_>> = groups
            .iter()
            .map(|group| Job {
                sequence: CpuSequence::default(),
                tokens: &cut(group.texts[0]).tokens[..group.shared],
                wanted: Wanted::Last,
            })
            .collect();
        let mut after_shared = self.run(&mut shared, |_, _, logits| logits.to_vec())?;
        let mut jobs = Vec::new();
        let mut owners = Vec::new();
        let mut sums = BTreeMap::new();
        for ((group, job), logits) in groups.iter().zip(shared).zip(&mut after_shared) {
            let logits = logits.pop();
            let spread = logits.as_ref().and_then(|logits| Spread::of(logits, &[]));
            for &index in &group.texts {
                let cut = cut(index);
                // The first counted token may come right after what is shared.
                let first = match (&logits, spread) {
                    _ if cut.first > group.shared => 0.0,
                    (Some(logits), Some(spread)) => {
                        spread.log_probability(logits, cut.tokens[cut.first])
                    }
                    _ => f64::NAN,
                };
                sums.insert(index, first);
                owners.push((index, group.shared));
                jobs.push(Job {
                    sequence: job.sequence.clone(),
                    tokens: &cut.tokens[group.shared..cut.tokens.len() - 1],
                    wanted: Wanted::All,
                });
            }
        }
        let found = self.run(&mut jobs, |job, place, logits| {
            let (index, shared) = owners[job];
            let (cut, next) = (cut(index), shared + place + 1);
            if next < cut.first {
                return 0.0;
            }
            Spread::of(logits, &[]).map_or(f64::NAN, |spread| {
                spread.log_probability(logits, cut.tokens[next])
            })
        })?;
        for ((index, _), found) in owners.into_iter().zip(found) {
            if let Some(sum) = sums.get_mut(&index) {
                for probability in found {
                    *sum += probability;
                }
            }
        }
        Ok(sums)
    }
}

/// Puts texts with one context together, and finds what their tokens share.
fn groups(texts: &[Continuation<'_>], cuts: &[Result<Cut, GenerateError>]) -> Vec<Group> {
    let mut by_context: BTreeMap<&str, Group> = BTreeMap::new();
    let mut begins: BTreeMap<&str, &[u32]> = BTreeMap::new();
    for (index, (text, cut)) in texts.iter().zip(cuts).enumerate() {
        let Ok(cut) = cut else { continue };
        if cut.first == cut.tokens.len() {
            continue;
        }
        let before = &cut.tokens[..cut.first];
        let begin = begins.entry(text.context).or_insert(before);
        let same = begin.iter().zip(before).take_while(|(a, b)| a == b).count();
        *begin = &begin[..same];
        let group = by_context.entry(text.context).or_insert(Group {
            texts: Vec::new(),
            shared: 0,
        });
        group.texts.push(index);
        group.shared = same;
    }
    by_context.into_values().collect()
}
