//! Edits of a snippet under attack, as changes of byte ranges of its two strings.
//!
//! A [`Draft`] is what a search moves: it knows what it began as, what earlier edits put in, and what may
//! not be touched. Everything is an edit of a string, so the text that is shown is the text that is scored.

mod splice;

use crate::diff;
use crate::words;
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_stats::random::Stream;
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A place of a snippet that can be edited: a word, a token, or a gap (an empty range).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Place", from = "Place")]
pub struct Site {
    /// The half of the snippet.
    pub part: SnippetPart,
    /// Its bytes in that half, on character boundaries.
    pub range: Range<usize>,
}

/// A site as files and the wire write it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    part: Half,
    start: usize,
    end: usize,
}

impl From<Site> for Place {
    fn from(site: Site) -> Self {
        Self {
            part: site.part.into(),
            start: site.range.start,
            end: site.range.end,
        }
    }
}

impl From<Place> for Site {
    fn from(place: Place) -> Self {
        Self {
            part: place.part.into(),
            range: place.start..place.end,
        }
    }
}

impl Site {
    /// Returns what sites are ordered by: as the text is read.
    pub fn order(&self) -> (SnippetPart, usize, usize) {
        (self.part, self.range.start, self.range.end)
    }

    /// Says whether nothing stands there: a gap, where something can come in.
    pub fn is_gap(&self) -> bool {
        self.range.is_empty()
    }
}

/// Replaces the bytes of a site by a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edit {
    /// What is replaced.
    pub site: Site,
    /// What comes there, white space included.
    pub text: String,
}

/// An edit does not fit the text that it is made to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The range lies outside the text or inside a character.
    #[error("bytes {}..{} are no place of a text of {len} bytes", range.start, range.end)]
    NoSuchPlace {
        /// What was to be replaced.
        range: Range<usize>,
        /// Bytes of the text.
        len: usize,
    },
    /// Two edits that are to be made together share bytes, or come in at one place.
    #[error("two edits meet at bytes {}..{}; make one of them, or one after the other", range.start, range.end)]
    Overlap {
        /// What the second of them was to replace.
        range: Range<usize>,
    },
    /// It touches what may not be changed.
    #[error("bytes {}..{} are protected", range.start, range.end)]
    Protected {
        /// What was to be replaced.
        range: Range<usize>,
    },
    /// Nothing that a reader sees would be left of the completion.
    #[error("the edit empties the completion")]
    EmptiesCompletion,
    /// No text holds a NUL character.
    #[error("the text that comes in holds a NUL character, which no text has")]
    Nul,
}

/// A snippet under attack: what it was, what it is now, and what may not be touched.
///
/// Byte ranges always speak of the current text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub(crate) start: SnippetText,
    pub(crate) text: SnippetText,
    pub(crate) protected: Vec<Site>,
    /// What earlier edits put in: current ranges.
    pub(crate) changed: Vec<Site>,
    seed: u64,
}

/// The half that an edit of the wire or of a file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// The given text.
    Prompt,
    /// Its continuation.
    Completion,
}

/// Both halves, in the order in which a snippet is read.
pub const PARTS: [SnippetPart; 2] = [SnippetPart::Prompt, SnippetPart::Completion];

impl From<Half> for SnippetPart {
    fn from(half: Half) -> Self {
        match half {
            Half::Prompt => Self::Prompt,
            Half::Completion => Self::Completion,
        }
    }
}

impl From<SnippetPart> for Half {
    fn from(part: SnippetPart) -> Self {
        match part {
            SnippetPart::Prompt => Self::Prompt,
            SnippetPart::Completion => Self::Completion,
        }
    }
}

/// Returns one half of a snippet.
pub fn half_of(text: &SnippetText, part: SnippetPart) -> &str {
    match part {
        SnippetPart::Prompt => &text.prompt,
        SnippetPart::Completion => &text.completion,
    }
}

/// Counts the words of both halves of a snippet.
pub fn word_count(text: &SnippetText) -> usize {
    words::words(&text.prompt).len() + words::words(&text.completion).len()
}

/// Counts the words that differ between two snippets, half by half.
pub fn words_changed(old: &SnippetText, new: &SnippetText) -> usize {
    let count = |part| diff::words_changed(half_of(old, part), half_of(new, part));
    PARTS.into_iter().map(count).sum()
}

impl Draft {
    /// Begins with a snippet of which the given places may not be changed.
    pub fn new(start: SnippetText, protected: Vec<Site>) -> Self {
        Self {
            text: start.clone(),
            start,
            protected,
            changed: Vec::new(),
            seed: 0,
        }
    }

    /// Sets what keys the random numbers of whoever proposes edits of this draft.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the seed of the attempt.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Opens a stream of random numbers that depends on the seed, the current text and a purpose alone.
    pub fn random(&self, purpose: &str) -> Stream {
        let fields = [purpose, &self.text.prompt, &self.text.completion];
        Stream::new(
            self.seed,
            ContentHash::of_fields("draft", &fields).prefix_u64(),
        )
    }

    /// Returns the snippet as it was.
    pub fn start(&self) -> &SnippetText {
        &self.start
    }

    /// Returns the snippet as it is now.
    pub fn text(&self) -> &SnippetText {
        &self.text
    }

    /// Returns the current string of one half.
    pub fn part(&self, part: SnippetPart) -> &str {
        half_of(&self.text, part)
    }

    /// Returns what stands at a site; `None` where the site is no place of the text.
    pub fn at(&self, site: &Site) -> Option<&str> {
        self.part(site.part).get(site.range.clone())
    }

    /// Lists what may not be changed, in current bytes.
    pub fn protected(&self) -> &[Site] {
        &self.protected
    }

    /// Lists what earlier edits put in, in current bytes.
    pub fn changed(&self) -> &[Site] {
        &self.changed
    }

    /// Says whether an edit of a site would touch what is protected.
    pub fn is_protected(&self, site: &Site) -> bool {
        self.protected
            .iter()
            .any(|held| held.part == site.part && splice::touches(&site.range, &held.range))
    }

    /// Says whether a site holds something that an earlier edit put in.
    pub fn is_changed(&self, site: &Site) -> bool {
        self.changed
            .iter()
            .any(|put| put.part == site.part && splice::touches(&site.range, &put.range))
    }

    /// Lists the words of both halves, in the order of the text.
    pub fn words(&self) -> Vec<Site> {
        self.sites(words::words)
    }

    /// Lists the places of both halves where a word can come in, as [`words::gaps`].
    pub fn gaps(&self) -> Vec<Site> {
        self.sites(words::gaps)
    }

    fn sites(&self, list: impl Fn(&str) -> Vec<Range<usize>>) -> Vec<Site> {
        let of = |part| {
            let ranges = list(self.part(part)).into_iter();
            ranges.map(move |range| Site { part, range })
        };
        PARTS.into_iter().flat_map(of).collect()
    }

    /// Counts the words that differ from the start, as few as possible.
    pub fn words_changed(&self) -> usize {
        words_changed(&self.start, &self.text)
    }

    /// Makes the edit that takes out a word with one space beside it: the one before it, or after the
    /// first word of a half the one that follows.
    pub fn deletion(&self, site: &Site) -> Edit {
        let text = self.part(site.part);
        let mut range = site.range.clone();
        let before = text.get(..range.start).unwrap_or_default();
        if words::words(before).is_empty() {
            if text.get(range.end..).is_some_and(|rest| rest.starts_with(' ')) {
                range.end += 1;
            }
        } else if before.ends_with(' ') {
            range.start -= 1;
        }
        Edit {
            site: Site {
                part: site.part,
                range,
            },
            text: String::new(),
        }
    }

    /// Makes the edit that puts words into a gap, with the space that they need.
    pub fn insertion(&self, gap: &Site, words: &str) -> Edit {
        let text = self.part(gap.part);
        let at = gap.range.start;
        let (before, after) = (
            text.get(..at).and_then(|text| text.chars().next_back()),
            text.get(at..).and_then(|text| text.chars().next()),
        );
        let word = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
        let opened = |c: Option<char>| c.is_some_and(|c| "\"'([{\u{201C}\u{2018}".contains(c));
        let lead = if word(before) && !opened(before) { " " } else { "" };
        let trail = match after {
            Some(c) if words::is_word_character(c) => " ",
            _ => "",
        };
        Edit {
            site: gap.clone(),
            text: format!("{lead}{}{trail}", words.trim()),
        }
    }

    /// Makes edits, all at once: their places speak of the text before any of them.
    ///
    /// # Errors
    /// [`EditError`] where a place is none, two edits meet, something protected would change or become
    /// part of another word, or nothing visible would be left of the completion. The draft stays as it is.
    pub fn apply(&self, edits: &[Edit]) -> Result<Self, EditError> {
        let mut draft = self.clone();
        for part in PARTS {
            let mut here: Vec<&Edit> = edits.iter().filter(|edit| edit.site.part == part).collect();
            if here.is_empty() {
                continue;
            }
            here.sort_by_key(|edit| edit.site.order());
            let text = splice::splice(self.part(part), &here)?;
            splice::check_protected(&self.protected, part, &here, (self.part(part), &text))?;
            draft.changed.retain(|site| site.part != part);
            draft.changed.extend(splice::carry(&self.changed, part, &here));
            match part {
                SnippetPart::Prompt => draft.text.prompt = text,
                SnippetPart::Completion => draft.text.completion = text,
            }
        }
        draft.protected = self
            .protected
            .iter()
            .filter_map(|held| shifted(held, edits))
            .collect();
        draft.changed.sort_by_key(Site::order);
        if draft.text.completion.chars().any(words::is_visible) {
            Ok(draft)
        } else {
            Err(EditError::EmptiesCompletion)
        }
    }

    /// Lists the edits that make another text of the current one: whole words and the characters between
    /// them, as few as possible.
    pub fn edits_towards(&self, text: &SnippetText) -> Vec<Edit> {
        let of = |part| {
            let new = half_of(text, part);
            let changes = diff::changes(self.part(part), new).into_iter();
            changes.map(move |change| Edit {
                site: Site {
                    part,
                    range: change.old,
                },
                text: new[change.new].to_owned(),
            })
        };
        PARTS.into_iter().flat_map(of).collect()
    }

    /// Makes the draft of a whole new text, such as a paraphrase.
    ///
    /// # Errors
    /// As [`Self::apply`]: what is protected must come through unchanged.
    pub fn rewritten(&self, text: &SnippetText) -> Result<Self, EditError> {
        self.apply(&self.edits_towards(text))
    }
}

/// Returns where a site lies after edits; `None` where one of them took part of it.
///
/// What comes in directly before a site moves it; what comes in directly after does not.
pub fn shifted(site: &Site, edits: &[Edit]) -> Option<Site> {
    let mut range = site.range.clone();
    for edit in edits.iter().filter(|edit| edit.site.part == site.part) {
        let gone = &edit.site.range;
        if gone.end <= site.range.start {
            range.start = range.start - gone.len() + edit.text.len();
            range.end = range.end - gone.len() + edit.text.len();
        } else if gone.start < site.range.end {
            return None;
        }
    }
    Some(Site {
        part: site.part,
        range,
    })
}

#[cfg(test)]
mod tests;
