//! The tokens of one snippet, and windows over them.
//!
//! Nothing is cut here unless windows are asked for, and then every token is in at least one.

use crate::error::TextError;
use std::ops::Range;

/// Which half of a snippet a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SnippetPart {
    /// The given text.
    Prompt,
    /// Its continuation.
    Completion,
}

/// Where a token stands in the text it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenSpan {
    /// The half of the snippet.
    pub part: SnippetPart,
    /// First byte, on a character boundary of that half.
    pub start: usize,
    /// The byte after the last, on a character boundary of that half.
    pub end: usize,
}

impl TokenSpan {
    /// Returns the bytes as a range, to slice the text with.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A snippet as a classifier reads it: special tokens, prompt, completion.
///
/// The three lists have one entry for each token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedSnippet {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Segment of each token: 0 for the prompt, 1 for the completion in BERT's scheme.
    pub type_ids: Vec<u8>,
    /// Where each token stands in the snippet; `None` for the special tokens.
    pub offsets: Vec<Option<TokenSpan>>,
}

impl EncodedSnippet {
    /// Returns the number of tokens, special ones included.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Says whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Counts the tokens of one half.
    pub fn part_len(&self, part: SnippetPart) -> usize {
        self.offsets
            .iter()
            .flatten()
            .filter(|span| span.part == part)
            .count()
    }

    /// Returns windows of at most `max_len` tokens that together hold every token, each with its
    /// special tokens. A snippet that fits is its own single window.
    ///
    /// As long as at least an eighth of the room (or the whole prompt, if it is shorter) is left
    /// for the prompt, every window has the whole completion, and half-overlapping stretches of
    /// the prompt. A completion longer than that is itself covered by half-overlapping stretches,
    /// each after the last quarter-window of the prompt; earlier stretches of the prompt then
    /// stand before the beginning of the completion.
    ///
    /// # Errors
    /// [`TextError::WindowTooSmall`] when `max_len` leaves no room for one token of each half.
    pub fn windows(&self, max_len: usize) -> Result<Vec<Self>, TextError> {
        if self.len() <= max_len {
            return Ok(vec![self.clone()]);
        }
        let prompt = self.part_len(SnippetPart::Prompt);
        let completion = self.part_len(SnippetPart::Completion);
        let special = self.len() - prompt - completion;
        let needed = special + usize::from(prompt > 0) + usize::from(completion > 0);
        if max_len < needed {
            return Err(TextError::WindowTooSmall { max_len, needed });
        }
        let room = max_len - special;
        if completion + prompt.min((room / 8).max(1)) <= room {
            return Ok(stretches(prompt, room - completion)
                .into_iter()
                .map(|stretch| self.select(stretch, 0..completion))
                .collect());
        }
        let context = prompt.min((room / 4).max(1)).min(room - 1);
        let size = room - context;
        let earlier = stretches(prompt, context.max(1))
            .into_iter()
            .filter(|stretch| stretch.end < prompt)
            .map(|stretch| self.select(stretch, 0..completion.min(size)));
        let along = stretches(completion, size)
            .into_iter()
            .map(|stretch| self.select(prompt - context..prompt, stretch));
        Ok(earlier.chain(along).collect())
    }

    /// Keeps the special tokens and the given stretches of both halves, counted in tokens.
    fn select(&self, prompt: Range<usize>, completion: Range<usize>) -> Self {
        let mut window = Self::default();
        let (mut in_prompt, mut in_completion) = (0, 0);
        for (i, span) in self.offsets.iter().enumerate() {
            let wanted = match span.map(|span| span.part) {
                None => true,
                Some(SnippetPart::Prompt) => {
                    in_prompt += 1;
                    prompt.contains(&(in_prompt - 1))
                }
                Some(SnippetPart::Completion) => {
                    in_completion += 1;
                    completion.contains(&(in_completion - 1))
                }
            };
            if wanted {
                window.ids.push(self.ids[i]);
                window.type_ids.push(self.type_ids[i]);
                window.offsets.push(*span);
            }
        }
        window
    }
}

/// Covers `0..len` with ranges of at most `size`, each half over the one before; the last ends
/// at `len`.
fn stretches(len: usize, size: usize) -> Vec<Range<usize>> {
    if len <= size {
        return std::iter::once(0..len).collect();
    }
    let stride = size.div_ceil(2).max(1);
    let mut ranges: Vec<_> = (0..len - size)
        .step_by(stride)
        .map(|start| start..start + size)
        .collect();
    ranges.push(len - size..len);
    ranges
}
