//! From tokens back to text, as they arrive.
//!
//! A token can hold half a character. The decoder keeps such bytes back until the character is
//! whole, so the text it shows is valid at every moment and never changes its mind.

use std::sync::Arc;

/// What a token adds to the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// These bytes.
    Bytes(Box<[u8]>),
    /// Nothing: a control token.
    Silent,
}

/// Turns a growing list of tokens into a growing text.
#[derive(Debug, Clone)]
pub struct Decoder {
    pieces: Arc<[Piece]>,
    text: String,
    pending: Vec<u8>,
}

impl Decoder {
    pub(crate) fn new(pieces: Arc<[Piece]>) -> Self {
        Self {
            pieces,
            text: String::new(),
            pending: Vec::new(),
        }
    }

    /// Takes one more token and returns the text so far. Control tokens and ids outside the
    /// vocabulary add nothing; bytes that cannot become a character become U+FFFD.
    pub fn push(&mut self, token: u32) -> &str {
        if let Some(Piece::Bytes(bytes)) = self.pieces.get(token as usize) {
            self.pending.extend_from_slice(bytes);
            self.settle();
        }
        &self.text
    }

    /// Returns the text so far: whole characters only.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Says whether the last token ended inside a character.
    pub fn is_inside_character(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Ends the text; a character that never became whole is U+FFFD.
    pub fn finish(mut self) -> String {
        if !self.pending.is_empty() {
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        self.text
    }

    /// Moves what is whole from the pending bytes to the text.
    fn settle(&mut self) {
        let mut rest = self.pending.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    self.text.push_str(valid);
                    rest = &[];
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    self.text.push_str(&String::from_utf8_lossy(valid));
                    rest = after;
                    let Some(wrong) = error.error_len() else {
                        break;
                    };
                    self.text.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[wrong..];
                }
            }
        }
        self.pending = rest.to_vec();
    }
}
