//! Words that a language model puts into a place.

use crate::transformation::ProposeError;
use crate::wording::{Surroundings, is_word};
use nines_infer::language_model::{Continuation, LanguageModel};
use nines_infer::masked_language_model::MaskedLanguageModel;
use std::sync::Arc;

/// Characters of left context that a model reads: the end of a story, not a book.
pub const LEFT_CHARACTERS: usize = 600;

/// Words of right context that a causal model reads: more of them say little, and cost as much.
pub const RIGHT_WORDS: usize = 4;

/// A word for a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Fill {
    /// The word, without white space.
    pub word: String,
    /// How probable it is there, natural logarithm: the word alone, or with what stands behind it, as
    /// the source says. Comparable within one answer only.
    pub log_probability: f64,
}

/// Knows words for places.
pub trait WordSource: Send + Sync {
    /// Names the model with its version.
    fn id(&self) -> String;

    /// Lists up to `k` distinct words that fit, the likeliest first. The word that is there may be
    /// among them.
    ///
    /// # Errors
    /// [`ProposeError`] where the model fails or the text does not fit it.
    fn words(&self, around: &Surroundings, k: usize) -> Result<Vec<Fill>, ProposeError>;
}

/// Asks a causal language model for words by their left context, and ranks them by what follows too.
#[derive(Clone)]
pub struct CausalWords {
    model: Arc<dyn LanguageModel>,
    right_words: usize,
}

impl CausalWords {
    /// Uses a model with [`RIGHT_WORDS`] words of right context.
    pub fn new(model: Arc<dyn LanguageModel>) -> Self {
        Self {
            model,
            right_words: RIGHT_WORDS,
        }
    }

    /// Sets how many words of right context rank the proposals; 0 ranks by the left context alone.
    pub fn with_right_words(mut self, count: usize) -> Self {
        self.right_words = count;
        self
    }
}

/// Lists words that a causal model expects after the left context, the likeliest first.
///
/// # Errors
/// [`ProposeError`] where the model fails or the text does not fit it.
pub fn expected_words(
    model: &dyn LanguageModel,
    around: &Surroundings,
    k: usize,
) -> Result<Vec<Fill>, ProposeError> {
    // Some of a model's next words are punctuation, or have other white space.
    let asked = k.saturating_add(k / 4).saturating_add(8);
    let left = format!("{}{}", around.near_left(LEFT_CHARACTERS), around.space);
    let found = model
        .next_words(&left, asked)
        .map_err(|error| ProposeError::Model(error.to_string()))?;
    let mut fills: Vec<Fill> = Vec::with_capacity(k);
    for next in found {
        let word = next.word.trim_start();
        let spaced = word.len() < next.word.len();
        let fits = spaced != around.space.is_empty() || around.left.is_empty();
        if fits && is_word(word) && fills.iter().all(|fill| fill.word != word) {
            fills.push(Fill {
                word: word.to_owned(),
                log_probability: next.log_probability,
            });
        }
    }
    fills.truncate(k);
    Ok(fills)
}

/// Says how probable each of some texts is at a place, together with the next words behind it: natural
/// logarithms, `None` where the model cannot say.
pub fn log_probabilities_around(
    model: &dyn LanguageModel,
    texts: &[(&Surroundings, &str)],
    right_words: usize,
) -> Vec<Option<f64>> {
    let after: Vec<String> = texts
        .iter()
        .map(|(around, text)| format!("{}{text}{}", around.space, around.near_right(right_words)))
        .collect();
    let asked: Vec<Continuation<'_>> = texts
        .iter()
        .zip(&after)
        .map(|((around, _), text)| Continuation {
            context: around.near_left(LEFT_CHARACTERS),
            text,
        })
        .collect();
    let found = model.log_probabilities(&asked);
    found
        .into_iter()
        .map(|probability| Some(probability.ok()?.log_probability))
        .collect()
}

impl WordSource for CausalWords {
    fn id(&self) -> String {
        self.model.id()
    }

    fn words(&self, around: &Surroundings, k: usize) -> Result<Vec<Fill>, ProposeError> {
        if self.right_words == 0 || around.right.trim().is_empty() {
            return expected_words(&*self.model, around, k);
        }
        let fills = expected_words(&*self.model, around, k.saturating_mul(2))?;
        let texts: Vec<_> = fills
            .iter()
            .map(|fill| (around, fill.word.as_str()))
            .collect();
        let scored = log_probabilities_around(&*self.model, &texts, self.right_words);
        let mut fills: Vec<Fill> = fills
            .into_iter()
            .zip(scored)
            .filter_map(|(fill, log_probability)| {
                Some(Fill {
                    log_probability: log_probability?,
                    ..fill
                })
            })
            .collect();
        fills.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
        fills.truncate(k);
        Ok(fills)
    }
}

/// Asks a masked language model, which reads both sides at once.
#[derive(Clone)]
pub struct MaskedWords {
    model: Arc<MaskedLanguageModel>,
}

impl MaskedWords {
    /// Uses a model.
    pub fn new(model: Arc<MaskedLanguageModel>) -> Self {
        Self { model }
    }
}

/// Lists words that a masked model puts into a place, the likeliest first.
///
/// # Errors
/// [`ProposeError`] where the model fails or the text does not fit it.
pub fn filled_words(
    model: &MaskedLanguageModel,
    around: &Surroundings,
    k: usize,
) -> Result<Vec<Fill>, ProposeError> {
    let left = format!("{}{}", around.near_left(LEFT_CHARACTERS), around.space);
    let found = model
        .fill(&left, &around.right, k.saturating_add(8))
        .map_err(|error| ProposeError::Model(error.to_string()))?;
    Ok(found
        .into_iter()
        .filter(|next| is_word(next.word.trim()))
        .map(|next| Fill {
            word: next.word.trim().to_owned(),
            log_probability: next.log_probability,
        })
        .take(k)
        .collect())
}

impl WordSource for MaskedWords {
    fn id(&self) -> String {
        self.model.id().to_owned()
    }

    fn words(&self, around: &Surroundings, k: usize) -> Result<Vec<Fill>, ProposeError> {
        filled_words(&self.model, around, k)
    }
}
