//! Texts: sentences, prompts cut from books, and tokenizers with byte offsets.
//!
//! - [`snippet_tokenizer`]: cuts a prompt and its completion into the tokens of a classifier, with
//!   offsets into both texts; never truncates.
//! - [`encoded_snippet`]: those tokens, and windows over them where a model is too short for them.
//! - [`generator_tokenizer`]: tokens of a generator, from GGUF metadata ([`gguf_vocabulary`]) or a
//!   folder, and back to text as they arrive ([`decoder`]).
//! - [`sentences`](mod@sentences): sentence boundaries; [`sentence_stop`]: the end of the first
//!   sentence of a text that is still growing.
//! - [`book`]: three-sentence prompts from plain-text books.
//!
//! It knows no tensors, no models' weights and no database.

mod abbreviations;
pub mod book;
mod book_blocks;
pub mod decoder;
pub mod encoded_snippet;
pub mod error;
pub mod generator_tokenizer;
pub mod gguf_vocabulary;
pub mod sentence_stop;
pub mod sentences;
pub mod snippet_tokenizer;
mod tokenizer_file;

pub use book::{BookCut, BookPrompt, BookSkip, cut_book, cut_prompts};
pub use decoder::Decoder;
pub use encoded_snippet::{EncodedSnippet, SnippetPart, TokenSpan};
pub use error::TextError;
pub use generator_tokenizer::GeneratorTokenizer;
pub use gguf_vocabulary::GgufVocabulary;
pub use sentence_stop::SentenceStop;
pub use sentences::sentences;
pub use snippet_tokenizer::SnippetTokenizer;
