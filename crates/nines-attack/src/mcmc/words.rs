//! Which words a move draws, each with its exact probability.

use crate::fill::{Fill, expected_words};
use crate::transformation::ProposeError;
use crate::wording::Surroundings;
use nines_infer::language_model::LanguageModel;
use nines_stats::random::Stream;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often a word comes from the start's own, or from the lexicon, where the language model has others.
const SHARE_OF_LISTS: f64 = 0.05;

/// Draws words for places: mostly what a language model expects there, sometimes any word of two fixed lists.
///
/// The probabilities depend on what stands left of the place and on nothing that stands in it, so that
/// those of the way back are known exactly. The lists make every one of their words possible everywhere.
pub struct WordLaw {
    model: Arc<dyn LanguageModel>,
    pool: usize,
    lists: Vec<BTreeSet<String>>,
    ordered: Vec<Vec<String>>,
}

/// The words for one place.
pub(super) struct WordsAt<'a> {
    expected: Vec<(String, f64)>,
    lists: &'a WordLaw,
    share_of_expected: f64,
}

impl WordLaw {
    /// Draws among `pool` expected words, the words of the start, and those of a lexicon, which may be empty.
    pub fn new(
        model: Arc<dyn LanguageModel>,
        pool: usize,
        start: impl IntoIterator<Item = String>,
        lexicon: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut lists: Vec<BTreeSet<String>> =
            vec![start.into_iter().collect(), lexicon.into_iter().collect()];
        lists.retain(|list| !list.is_empty());
        let ordered = lists.iter().map(|list| list.iter().cloned().collect());
        Self {
            model,
            pool,
            ordered: ordered.collect(),
            lists,
        }
    }

    /// Returns the language model.
    pub fn model(&self) -> &dyn LanguageModel {
        &*self.model
    }

    /// Asks for the words of a place; what stands in the place or behind it plays no part.
    pub(super) fn at(&self, left: &str, space: &str) -> Result<WordsAt<'_>, ProposeError> {
        let around = Surroundings {
            left: left.to_owned(),
            space: space.to_owned(),
            right: String::new(),
        };
        let found: Vec<Fill> = expected_words(&*self.model, &around, self.pool)?;
        let sum: f64 = found.iter().map(|fill| fill.log_probability.exp()).sum();
        let expected: Vec<(String, f64)> = if sum > 0.0 {
            let share = |fill: Fill| (fill.word, fill.log_probability.exp() / sum);
            found.into_iter().map(share).collect()
        } else {
            Vec::new()
        };
        let share_of_expected = match (expected.is_empty(), self.lists.is_empty()) {
            (true, _) => 0.0,
            (false, true) => 1.0,
            (false, false) => 1.0 - SHARE_OF_LISTS * self.lists.len() as f64,
        };
        Ok(WordsAt {
            expected,
            lists: self,
            share_of_expected,
        })
    }
}

impl WordsAt<'_> {
    /// Draws a word; `None` where there is none at all.
    pub(super) fn draw(&self, random: &mut Stream) -> Option<&str> {
        let mut left = random.unit();
        if left < self.share_of_expected {
            left /= self.share_of_expected;
            for (word, share) in &self.expected {
                left -= share;
                if left < 0.0 {
                    return Some(word);
                }
            }
            // Rounding may leave a crumb at the end.
            return self.expected.last().map(|(word, _)| word.as_str());
        }
        let lists = &self.lists.ordered;
        if lists.is_empty() {
            return None;
        }
        let list = &lists[random.below(lists.len())];
        Some(&list[random.below(list.len())])
    }

    /// Returns the probability that a word is drawn.
    pub(super) fn probability(&self, word: &str) -> f64 {
        let expected = self.expected.iter().find(|(known, _)| known == word);
        let expected = expected.map_or(0.0, |(_, share)| share * self.share_of_expected);
        let lists = &self.lists.lists;
        let each = (1.0 - self.share_of_expected) / lists.len().max(1) as f64;
        let listed = lists.iter().filter(|list| list.contains(word));
        expected + listed.map(|list| each / list.len() as f64).sum::<f64>()
    }
}
