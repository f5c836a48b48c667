//! Edits of a snippet under attack, as changes of byte ranges of its two strings.

use nines_domain::snippet::SnippetText;
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A place of a snippet that can be edited: a word, a token, or a gap (an empty range).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Site {
    /// The half of the snippet.
    pub part: SnippetPart,
    /// Its bytes in that half, on character boundaries.
    pub range: Range<usize>,
}

/// Replaces the bytes of a site by a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// It touches what may not be changed.
    #[error("bytes {}..{} are protected", range.start, range.end)]
    Protected {
        /// What was to be replaced.
        range: Range<usize>,
    },
    /// Nothing would be left of the completion.
    #[error("the edit empties the completion")]
    EmptiesCompletion,
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

impl Draft {
    /// Begins with a snippet of which the given places may not be changed.
    pub fn new(start: SnippetText, protected: Vec<Site>) -> Self {
        Self {
            text: start.clone(),
            start,
            protected,
            changed: Vec::new(),
        }
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
        match part {
            SnippetPart::Prompt => &self.text.prompt,
            SnippetPart::Completion => &self.text.completion,
        }
    }
}
