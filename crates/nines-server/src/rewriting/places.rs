//! Places in a text, as pages name them and as Rust slices.

use crate::error::Problem;
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use utoipa::ToSchema;

/// A half of a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SnippetHalf)]
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

/// A place of a half, in UTF-16 code units: what JavaScript slices by. An empty one is a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// Converts a place into the bytes of a text.
///
/// # Errors
/// 422 for a place that ends before it begins, lies outside the text, or cuts a character in two.
pub fn bytes_of(text: &str, place: Place) -> Result<Range<usize>, Problem> {
    if place.start > place.end {
        return Err(Problem::invalid(format!(
            "the place {} to {} ends before it begins",
            place.start, place.end
        )));
    }
    Ok(byte_at(text, place.start)?..byte_at(text, place.end)?)
}

fn byte_at(text: &str, wanted: usize) -> Result<usize, Problem> {
    let mut units = 0;
    for (byte, character) in text.char_indices() {
        if units == wanted {
            return Ok(byte);
        }
        units += character.len_utf16();
        if units > wanted {
            return Err(Problem::invalid(format!(
                "the place {wanted} lies within the character {character:?}; places count UTF-16 code units, \
                 and no character is cut"
            )));
        }
    }
    if units == wanted {
        return Ok(text.len());
    }
    Err(Problem::invalid(format!(
        "the place {wanted} lies outside a text of {units} UTF-16 code units"
    )))
}

/// Converts bytes of a text, on character boundaries, into a place. What lies outside the text is cut
/// to it.
pub fn place_of(text: &str, bytes: &Range<usize>) -> Place {
    let units = |to: usize| {
        text.char_indices()
            .take_while(|(byte, _)| *byte < to)
            .map(|(_, character)| character.len_utf16())
            .sum()
    };
    Place {
        start: units(bytes.start),
        end: units(bytes.end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An emoji of two code units, an e with a combining accent, a flag of two characters, plain text.
    const TEXT: &str = "a😀e\u{301}🇫🇷 ü.";

    #[test]
    fn every_boundary_of_a_character_goes_there_and_back() {
        let mut units = 0;
        for (byte, character) in TEXT.char_indices() {
            let next = byte + character.len_utf8();
            let place = Place {
                start: units,
                end: units + character.len_utf16(),
            };
            assert_eq!(bytes_of(TEXT, place).expect("a place"), byte..next);
            assert_eq!(place_of(TEXT, &(byte..next)), place);
            units = place.end;
        }
        assert_eq!(units, TEXT.encode_utf16().count());
        let end = Place {
            start: units,
            end: units,
        };
        assert_eq!(
            bytes_of(TEXT, end).expect("the end"),
            TEXT.len()..TEXT.len()
        );
        let empty = Place { start: 0, end: 0 };
        assert_eq!(bytes_of("", empty).expect("an empty text"), 0..0);
    }

    #[test]
    fn half_a_character_is_no_place() {
        // Between the two halves of the emoji.
        for place in [Place { start: 2, end: 3 }, Place { start: 0, end: 2 }] {
            let refused = bytes_of(TEXT, place).expect_err("refused");
            assert_eq!(refused.status, 422);
            assert!(refused.detail.contains("within"), "{refused}");
        }
        for place in [
            Place { start: 0, end: 99 },
            Place {
                start: usize::MAX,
                end: usize::MAX,
            },
            Place { start: 3, end: 1 },
        ] {
            assert_eq!(bytes_of(TEXT, place).expect_err("refused").status, 422);
        }
    }

    #[test]
    fn a_combining_mark_is_a_place_of_its_own() {
        // What a person sees as one letter is two characters, and models read both.
        let place = Place { start: 4, end: 5 };
        let bytes = bytes_of(TEXT, place).expect("a place");
        assert_eq!(&TEXT[bytes], "\u{301}");
    }
}
