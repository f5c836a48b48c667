//! How a word is fitted into the place of another: white space, case, and what stands around.

use crate::edit::{EditError, Site, half_of};
use crate::words::{is_word_character, words};
use nines_domain::snippet::SnippetText;
use nines_text::SnippetPart;
use std::ops::Range;

/// Says whether a text is one single word, with nothing around it.
pub fn is_word(text: &str) -> bool {
    !text.is_empty() && words(text).first() == Some(&(0..text.len()))
}

/// Widens a range to the whole words that it cuts, so that no piece of a word is glued to another text.
///
/// An empty range between two letters becomes the word around it; one at a word's edge stays.
///
/// # Example
/// ```
/// use nines_attack::wording::widened;
/// assert_eq!(widened("unhappy man", 2..7), 0..7);
/// assert_eq!(widened("unhappy man", 7..7), 7..7);
/// ```
pub fn widened(text: &str, range: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (range.start, range.end);
    for word in words(text) {
        if word.start < range.start && range.start < word.end {
            start = start.min(word.start);
            end = end.max(if range.is_empty() { word.end } else { end });
        }
        if word.start < range.end && range.end < word.end {
            end = end.max(word.end);
        }
    }
    start..end
}

/// How a word is written: which letters are capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// No capital at the beginning.
    Lower,
    /// A capital at the beginning.
    Capitalised,
    /// Capitals throughout, and more than one.
    Upper,
}

impl Case {
    /// Reads the case of a word.
    pub fn of(word: &str) -> Self {
        let mut letters = word.chars().filter(|c| c.is_alphabetic());
        let Some(first) = letters.next() else {
            return Self::Lower;
        };
        let rest: Vec<char> = letters.collect();
        if !first.is_uppercase() {
            Self::Lower
        } else if !rest.is_empty() && rest.iter().all(|c| c.is_uppercase()) {
            Self::Upper
        } else {
            Self::Capitalised
        }
    }

    /// Writes a word in this case. [`Case::Lower`] leaves it as it is: names keep their capitals.
    pub fn write(self, word: &str) -> String {
        match self {
            Self::Lower => word.to_owned(),
            Self::Upper => word.to_uppercase(),
            Self::Capitalised => {
                let mut characters = word.chars();
                characters.next().map_or_else(String::new, |first| {
                    first.to_uppercase().chain(characters).collect()
                })
            }
        }
    }
}

/// What stands before and behind a place, as a language model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Prompt and completion up to the place, without the white space at its end.
    pub left: String,
    /// The white space between `left` and the place. A completion follows its prompt after a space.
    pub space: String,
    /// From the place to the end of its half, white space included.
    pub right: String,
}

impl Surroundings {
    /// Reads what stands around a place.
    ///
    /// # Errors
    /// [`EditError::NoSuchPlace`] where there is no such place.
    pub fn of(snippet: &SnippetText, site: &Site) -> Result<Self, EditError> {
        let text = half_of(snippet, site.part);
        if text.get(site.range.clone()).is_none() {
            return Err(EditError::NoSuchPlace {
                range: site.range.clone(),
                len: text.len(),
            });
        }
        let mut before = String::new();
        if site.part == SnippetPart::Completion {
            before.push_str(&snippet.prompt);
            let apart = before.ends_with(char::is_whitespace)
                || text.starts_with(char::is_whitespace)
                || before.is_empty();
            if !apart {
                before.push(' ');
            }
        }
        before.push_str(&text[..site.range.start]);
        let left = before.trim_end().to_owned();
        Ok(Self {
            space: before[left.len()..].to_owned(),
            left,
            right: text[site.range.end..].to_owned(),
        })
    }

    /// Parts a word that comes into a gap from its neighbours, as [`crate::edit::Draft::insertion`] does.
    pub fn for_insertion(mut self) -> Self {
        let opened = |c: char| "\"'([{\u{201C}\u{2018}".contains(c);
        let last = self.left.chars().next_back();
        if self.space.is_empty() && last.is_some_and(|c| !opened(c)) {
            self.space.push(' ');
        }
        if self.right.starts_with(is_word_character) {
            self.right.insert(0, ' ');
        }
        self
    }

    /// Returns the end of `left`, of at most about `characters`, cut before a word.
    pub fn near_left(&self, characters: usize) -> &str {
        let excess = self.left.chars().count().saturating_sub(characters);
        if excess == 0 {
            return &self.left;
        }
        let cut = self.left.char_indices().nth(excess).map_or(0, |(at, _)| at);
        let space = self.left[cut..].find(char::is_whitespace);
        self.left[cut + space.unwrap_or(0)..].trim_start()
    }

    /// Returns the beginning of `right`: up to and with its `count`-th word and what closes it.
    pub fn near_right(&self, count: usize) -> &str {
        let words = words(&self.right);
        match words.get(count) {
            None => &self.right,
            Some(next) => self.right[..next.start].trim_end(),
        }
    }
}

/// Returns a completion as it is read behind its prompt: with a space before it, where neither has one.
pub(crate) fn behind_prompt(text: &SnippetText) -> String {
    let apart = text.prompt.is_empty()
        || text.prompt.ends_with(char::is_whitespace)
        || text.completion.starts_with(char::is_whitespace);
    let space = if apart { "" } else { " " };
    format!("{space}{}", text.completion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(part: SnippetPart, range: Range<usize>) -> Site {
        Site { part, range }
    }

    #[test]
    fn a_word_is_a_word_alone() {
        assert!(is_word("well-known") && !is_word("-known") && !is_word("two words"));
        assert!(!is_word("") && !is_word("."));
    }

    #[test]
    fn a_cut_word_is_taken_whole_and_a_gap_stays_a_gap() {
        let text = "He was unhappy.";
        assert_eq!(widened(text, 7..9), 7..14);
        assert_eq!(widened(text, 9..14), 7..14);
        assert_eq!(widened(text, 9..9), 7..14);
        assert_eq!(widened(text, 14..14), 14..14);
        assert_eq!(widened(text, 6..6), 6..6);
        assert_eq!(widened(text, 4..9), 3..14);
    }

    #[test]
    fn case_is_kept() {
        for (from, word, to) in [
            ("He", "she", "She"),
            ("HELP", "run", "RUN"),
            ("he", "Mary", "Mary"),
            ("I", "you", "You"),
            ("éa", "b", "b"),
            ("Éa", "été", "Été"),
        ] {
            assert_eq!(Case::of(from).write(word), to);
        }
    }

    #[test]
    fn what_stands_around_a_place_is_read_over_both_halves() {
        let snippet = SnippetText::new("She ran.", "He fell, hurt.");
        let around =
            Surroundings::of(&snippet, &site(SnippetPart::Completion, 3..7)).expect("a place");
        assert_eq!(around.left, "She ran. He");
        assert_eq!(around.space, " ");
        assert_eq!(around.right, ", hurt.");
        assert_eq!(around.near_right(1), ", hurt.");
        assert_eq!(around.near_left(6), "He");
        let first =
            Surroundings::of(&snippet, &site(SnippetPart::Completion, 0..2)).expect("a place");
        assert_eq!(
            (first.left.as_str(), first.space.as_str()),
            ("She ran.", " ")
        );
        assert_eq!(first.near_right(1), " fell,");
        assert!(Surroundings::of(&snippet, &site(SnippetPart::Completion, 3..99)).is_err());
        for at in [2..2, 3..3] {
            let gap = Surroundings::of(&snippet, &site(SnippetPart::Completion, at));
            let gap = gap.expect("a place").for_insertion();
            assert_eq!(
                (gap.space.as_str(), gap.right.as_str()),
                (" ", " fell, hurt.")
            );
        }
    }
}
