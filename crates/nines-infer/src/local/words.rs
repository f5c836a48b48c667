//! Which whole words may come next.

use super::LocalGenerator;
use super::passes::{Job, Spread, not_numbers};
use crate::generator::GenerateError;
use crate::language_model::NextWord;
use nines_nn::llama::{CpuSequence, Wanted};
use nines_text::GeneratorTokenizer;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Tokens that a word may have; longer ones are left out.
const MOST_PIECES: usize = 8;

/// What a token can be to a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// No word begins with it: control tokens, white space alone, several words.
    None,
    /// A word, maybe to be continued; `blank` says whether a blank stands before it.
    Word {
        /// A blank stands before it.
        blank: bool,
    },
    /// Punctuation, whole.
    Punctuation {
        /// A blank stands before it.
        blank: bool,
    },
}

/// What each token of a vocabulary can be to a word.
#[derive(Debug)]
pub(super) struct WordPieces {
    beginnings: Vec<Beginning>,
    /// 1 for tokens that go on with the word before them, else 0.
    continues: Vec<f32>,
}

impl WordPieces {
    pub(super) fn of(tokenizer: &GeneratorTokenizer, vocabulary: usize) -> Self {
        let mut beginnings = Vec::with_capacity(vocabulary);
        let mut continues = Vec::with_capacity(vocabulary);
        for token in 0..vocabulary as u32 {
            let bytes = tokenizer.bytes(token).filter(|_| !tokenizer.is_end(token));
            beginnings.push(bytes.map_or(Beginning::None, beginning));
            continues.push(if bytes.is_some_and(goes_on) { 1.0 } else { 0.0 });
        }
        Self {
            beginnings,
            continues,
        }
    }

    /// The likeliest token that goes on with the word before it.
    fn likeliest(&self, logits: &[f32]) -> Option<u32> {
        let mut best: Option<(f32, u32)> = None;
        for (token, (&logit, &mark)) in logits.iter().zip(&self.continues).enumerate() {
            if mark > 0.0 && best.is_none_or(|(most, _)| logit > most) {
                best = Some((logit, token as u32));
            }
        }
        best.map(|(_, token)| token)
    }
}

/// The first character of some bytes, if it is whole.
fn first_character(bytes: &[u8]) -> Option<char> {
    let most = bytes.len().min(4);
    (1..=most)
        .find_map(|length| std::str::from_utf8(&bytes[..length]).ok())
        .and_then(|text| text.chars().next())
}

fn beginning(bytes: &[u8]) -> Beginning {
    let core = bytes.strip_prefix(b" ");
    let blank = core.is_some();
    let core = core.unwrap_or(bytes);
    if core.is_empty()
        || core
            .iter()
            .any(|&byte| byte.is_ascii_whitespace() || byte < b' ')
    {
        return Beginning::None;
    }
    match std::str::from_utf8(core) {
        Ok(text) if text.chars().any(|c| c.is_whitespace() || c.is_control()) => Beginning::None,
        Ok(text) if !text.chars().any(char::is_alphanumeric) => Beginning::Punctuation { blank },
        _ => Beginning::Word { blank },
    }
}

/// Says whether bytes go on with the word before them: they begin with a letter or digit, with part of a
/// character, or with an apostrophe and a letter.
fn goes_on(bytes: &[u8]) -> bool {
    match first_character(bytes) {
        None => !bytes.is_empty(),
        Some(apostrophe @ ('\'' | '\u{2019}')) => {
            first_character(&bytes[apostrophe.len_utf8()..]).is_some_and(char::is_alphabetic)
        }
        Some(first) => first.is_alphanumeric(),
    }
}

/// A word in the making.
struct Growing {
    sequence: CpuSequence,
    /// The last token, which the model has not seen yet.
    last: [u32; 1],
    bytes: Vec<u8>,
    log_probability: f64,
}

/// What the model says after a word's last token.
struct Ending {
    spread: Spread,
    /// The likeliest token that goes on, and its log probability.
    next: Option<(u32, f64)>,
}

impl LocalGenerator {
    /// See [`crate::language_model::LanguageModel::next_words`].
    pub(super) fn words_after(&self, left: &str, k: usize) -> Result<Vec<NextWord>, GenerateError> {
        if k == 0 {
            return Ok(Vec::new());
        }
        let tokens = self.tokens(left, MOST_PIECES)?;
        let mut prompt = [Job {
            sequence: CpuSequence::default(),
            tokens: &tokens,
            wanted: Wanted::Last,
        }];
        let after = self.run(&mut prompt, |_, _, logits| logits.to_vec())?;
        let [Job { sequence, .. }] = prompt;
        let logits = after.into_iter().flatten().next().unwrap_or_default();
        let spread = Spread::of(&logits, &[]).ok_or_else(not_numbers)?;

        let pieces = self.word_pieces();
        let mut words = BTreeMap::new();
        let mut growing = Vec::new();
        for token in beginnings(pieces, &self.tokenizer, left, &logits, k + k / 2 + 8) {
            let log_probability = spread.log_probability(&logits, token);
            let bytes = self.tokenizer.bytes(token).unwrap_or_default().to_vec();
            if matches!(
                pieces.beginnings[token as usize],
                Beginning::Punctuation { .. }
            ) {
                keep(&mut words, bytes, log_probability);
                continue;
            }
            growing.push(Growing {
                sequence: sequence.clone(),
                last: [token],
                bytes,
                log_probability,
            });
        }
        for _ in 0..MOST_PIECES {
            // A word only becomes less probable as it grows.
            if let Some(bound) = kth(&words, k) {
                growing.retain(|word| word.log_probability > bound);
            }
            if growing.is_empty() {
                break;
            }
            growing = self.grow(pieces, growing, &mut words)?;
        }
        let mut words: Vec<NextWord> = words
            .into_iter()
            .map(|(word, log_probability)| NextWord {
                word,
                log_probability,
            })
            .collect();
        words.sort_by(|a, b| {
            let by_probability = b.log_probability.total_cmp(&a.log_probability);
            by_probability.then_with(|| a.word.cmp(&b.word))
        });
        words.truncate(k);
        Ok(words)
    }

    /// Asks of each word whether it ends here: more likely than not, it is one; else it takes the
    /// likeliest token that goes on.
    fn grow(
        &self,
        pieces: &WordPieces,
        growing: Vec<Growing>,
        words: &mut BTreeMap<String, f64>,
    ) -> Result<Vec<Growing>, GenerateError> {
        let lasts: Vec<[u32; 1]> = growing.iter().map(|word| word.last).collect();
        let mut jobs: Vec<Job<'_>> = growing
            .iter()
            .zip(&lasts)
            .map(|(word, last)| Job {
                sequence: word.sequence.clone(),
                tokens: last,
                wanted: Wanted::Last,
            })
            .collect();
        let endings = self.run(&mut jobs, |_, _, logits| {
            let spread = Spread::of(logits, &pieces.continues)?;
            let next = pieces.likeliest(logits);
            let next = next.map(|token| (token, spread.log_probability(logits, token)));
            Some(Ending { spread, next })
        })?;
        let mut left = Vec::new();
        for ((mut word, job), ending) in growing.into_iter().zip(jobs).zip(endings) {
            let ending = ending
                .into_iter()
                .next()
                .flatten()
                .ok_or_else(not_numbers)?;
            let is_whole = std::str::from_utf8(&word.bytes).is_ok();
            let ends = 1.0 - ending.spread.share;
            if is_whole && ends >= 0.5 {
                keep(words, word.bytes, word.log_probability + ends.ln());
                continue;
            }
            let Some((token, log_probability)) = ending.next else {
                continue;
            };
            word.bytes
                .extend_from_slice(self.tokenizer.bytes(token).unwrap_or_default());
            word.log_probability += log_probability;
            word.last = [token];
            word.sequence = job.sequence;
            left.push(word);
        }
        Ok(left)
    }
}

/// The likeliest tokens that a word can begin with behind `left`, best first.
fn beginnings(
    pieces: &WordPieces,
    tokenizer: &GeneratorTokenizer,
    left: &str,
    logits: &[f32],
    count: usize,
) -> Vec<u32> {
    let text = left.trim_end_matches([' ', '\t']);
    let after_blank = text.len() < left.len();
    let behind_word = text.ends_with(char::is_alphanumeric);
    let fits = |token: u32| {
        let (Beginning::Word { blank } | Beginning::Punctuation { blank }) =
            pieces.beginnings[token as usize]
        else {
            return false;
        };
        if after_blank && !text.is_empty() {
            return blank;
        }
        blank || !behind_word || !tokenizer.bytes(token).is_some_and(goes_on)
    };
    let mut tokens: Vec<u32> = (0..logits.len().min(pieces.beginnings.len()) as u32)
        .filter(|&token| fits(token))
        .collect();
    let order = |a: &u32, b: &u32| -> Ordering {
        let by_logit = logits[*b as usize].total_cmp(&logits[*a as usize]);
        by_logit.then(a.cmp(b))
    };
    if tokens.len() > count {
        tokens.select_nth_unstable_by(count, order);
        tokens.truncate(count);
    }
    tokens.sort_unstable_by(order);
    tokens
}

/// Keeps a word, under the most probable of its ways.
fn keep(words: &mut BTreeMap<String, f64>, bytes: Vec<u8>, log_probability: f64) {
    let Ok(word) = String::from_utf8(bytes) else {
        return;
    };
    let kept = words.entry(word).or_insert(f64::NEG_INFINITY);
    *kept = kept.max(log_probability);
}

/// The log probability of the `k`th best word, if there are as many.
fn kth(words: &BTreeMap<String, f64>, k: usize) -> Option<f64> {
    let mut all: Vec<f64> = words.values().copied().collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all.get(k - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_begin_words_or_go_on_with_them() {
        let blank = true;
        for (bytes, expected, on) in [
            (" walk", Beginning::Word { blank }, false),
            ("ed", Beginning::Word { blank: false }, true),
            ("7", Beginning::Word { blank: false }, true),
            ("'s", Beginning::Word { blank: false }, true),
            (",", Beginning::Punctuation { blank: false }, false),
            (" \"", Beginning::Punctuation { blank }, false),
            ("'", Beginning::Punctuation { blank: false }, false),
            (" ", Beginning::None, false),
            ("\n", Beginning::None, false),
            ("  ", Beginning::None, false),
            (" of the", Beginning::None, false),
        ] {
            let bytes = bytes.as_bytes();
            assert_eq!(
                (beginning(bytes), goes_on(bytes)),
                (expected, on),
                "{bytes:?}"
            );
        }
        // Half a character, and its other half.
        let (first, second) = ("é".as_bytes()[..1].to_vec(), "é".as_bytes()[1..].to_vec());
        assert!(goes_on(&first) && goes_on(&second));
    }
}
