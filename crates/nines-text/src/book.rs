//! Prompts cut from plain-text books. (Work in progress.)

use crate::sentences::sentences;

/// A prompt cut from a book, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookPrompt {
    /// The sentences, with single spaces between.
    pub text: String,
    /// Where its first sentence starts in the book.
    pub start_byte: usize,
    /// The byte behind its last sentence in the book.
    pub end_byte: usize,
    /// The number of its first sentence, from 0, counted over the whole book.
    pub sentence_index: usize,
    /// The number of its chapter, from 0; what stands before the first heading is chapter 0.
    pub chapter: usize,
}

/// Cuts a book into prompts.
pub fn cut_prompts(book: &str, sentences_per_prompt: usize) -> Vec<BookPrompt> {
    let all = sentences(book);
    all.chunks_exact(sentences_per_prompt.max(1))
        .enumerate()
        .map(|(i, chunk)| BookPrompt {
            text: chunk
                .iter()
                .map(|r| {
                    book[r.clone()]
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect::<Vec<_>>()
                .join(" "),
            start_byte: chunk[0].start,
            end_byte: chunk[chunk.len() - 1].end,
            sentence_index: i * sentences_per_prompt,
            chapter: 0,
        })
        .collect()
}
