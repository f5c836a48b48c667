//! Prompts cut from plain-text books.
//!
//! A book is paragraphs of wrapped lines between blank lines, with headings and, from Project
//! Gutenberg, a licence around it. A prompt is a few consecutive sentences of one chapter. It
//! runs over the end of a paragraph only where one side is dialogue, since speakers take turns in
//! paragraphs; elsewhere a new paragraph is a new thought.

use crate::book_blocks::{Block, BlockKind, blocks};
use crate::sentences::sentences;
use std::collections::BTreeMap;

/// A prompt cut from a book, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookPrompt {
    /// The sentences on one line, with single spaces between words.
    pub text: String,
    /// Where its first sentence starts in the book.
    pub start_byte: usize,
    /// The byte behind its last sentence in the book.
    pub end_byte: usize,
    /// The number of its first sentence, from 0, counted over the prose of the whole book.
    pub sentence_index: usize,
    /// The number of its chapter: how many headings stand before it.
    pub chapter: usize,
}

/// Why part of a book is in no prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BookSkip {
    /// A heading (counted in blocks).
    Heading,
    /// Verse, a table or a title page (counted in blocks).
    Verse,
    /// A caption or a publisher's note (counted in blocks).
    Note,
    /// A sentence without an end, or without words.
    Unfinished,
    /// A sentence of more than [`LONGEST_SENTENCE_BYTES`].
    TooLong,
    /// A sentence at which every prompt would begin or end inside a quotation.
    OpenQuotation,
    /// A sentence with too few others around it.
    TooFew,
}

impl BookSkip {
    /// Says in words what was skipped.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heading => "headings",
            Self::Verse => "blocks of verse, tables or title pages",
            Self::Note => "captions and publishers' notes",
            Self::Unfinished => "sentences without an end or without words",
            Self::TooLong => "sentences that are too long",
            Self::OpenQuotation => "sentences inside a quotation left open",
            Self::TooFew => "sentences with too few others around them",
        }
    }
}

/// The prompts of a book, and what is in none of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BookCut {
    /// The prompts, in the order of the book; none overlap.
    pub prompts: Vec<BookPrompt>,
    /// How many sentences of prose the book has.
    pub sentences: usize,
    /// What was left out, and how many of it.
    pub skipped: BTreeMap<BookSkip, usize>,
}

/// A longer sentence is hardly one: lists and run-on dialogue.
pub const LONGEST_SENTENCE_BYTES: usize = 800;

/// A sentence of prose on one line, with its place in the book.
struct Sentence {
    text: String,
    start: usize,
    end: usize,
    index: usize,
}

/// Cuts a book into prompts of `sentences_per_prompt` sentences.
///
/// # Example
/// ```
/// let book = "CHAPTER I\n\nIt rained. The river\nrose. Nobody slept.\n";
/// let prompts = nines_text::cut_prompts(book, 3);
/// assert_eq!(prompts[0].text, "It rained. The river rose. Nobody slept.");
/// assert_eq!(&book[prompts[0].start_byte..prompts[0].end_byte], "It rained. The river\nrose. Nobody slept.");
/// ```
pub fn cut_prompts(book: &str, sentences_per_prompt: usize) -> Vec<BookPrompt> {
    cut_book(book, sentences_per_prompt).prompts
}

/// Cuts a book into prompts and counts what is in none of them.
pub fn cut_book(book: &str, sentences_per_prompt: usize) -> BookCut {
    let mut cut = BookCut::default();
    let mut run = Vec::new();
    let mut chapter = 0;
    let mut after_dialogue = false;
    for block in blocks(book) {
        let skip = match block.kind {
            BlockKind::Prose => {
                let paragraph = paragraph(book, &block, &mut cut.sentences);
                let is_dialogue = paragraph
                    .first()
                    .is_some_and(|s| s.text.starts_with(['"', '“', '\'', '‘', '«', '„']));
                if !is_dialogue && !after_dialogue {
                    cut.close(&mut run, sentences_per_prompt, chapter);
                }
                after_dialogue = is_dialogue;
                run.extend(paragraph);
                continue;
            }
            BlockKind::SceneBreak => None,
            BlockKind::Heading => Some(BookSkip::Heading),
            BlockKind::Verse => Some(BookSkip::Verse),
            BlockKind::Note => Some(BookSkip::Note),
        };
        cut.close(&mut run, sentences_per_prompt, chapter);
        after_dialogue = false;
        chapter += usize::from(skip == Some(BookSkip::Heading));
        if let Some(skip) = skip {
            cut.skip(skip, 1);
        }
    }
    cut.close(&mut run, sentences_per_prompt, chapter);
    cut
}

impl BookCut {
    fn skip(&mut self, reason: BookSkip, count: usize) {
        if count > 0 {
            *self.skipped.entry(reason).or_default() += count;
        }
    }

    /// Ends a run of sentences that belong together and cuts it into prompts.
    fn close(&mut self, run: &mut Vec<Sentence>, size: usize, chapter: usize) {
        let size = size.max(1);
        let usable = |reason: Option<BookSkip>| reason.is_none();
        let reasons: Vec<_> = run.iter().map(|s| unusable(&s.text)).collect();
        for reason in reasons.iter().flatten() {
            self.skip(*reason, 1);
        }
        let mut at = 0;
        while at < run.len() {
            let good = reasons[at..].iter().take_while(|r| usable(**r)).count();
            let until = at + good;
            let mut passed = None;
            while until - at >= size {
                let text = join(&run[at..at + size]);
                if quotations_close(&text) {
                    self.skip(BookSkip::OpenQuotation, passed.take().unwrap_or(0));
                    self.prompts.push(BookPrompt {
                        text,
                        start_byte: run[at].start,
                        end_byte: run[at + size - 1].end,
                        sentence_index: run[at].index,
                        chapter,
                    });
                    at += size;
                } else {
                    passed = Some(passed.unwrap_or(0) + 1);
                    at += 1;
                }
            }
            self.skip(BookSkip::OpenQuotation, passed.unwrap_or(0));
            self.skip(BookSkip::TooFew, until - at);
            at = until + 1;
        }
        run.clear();
    }
}

fn join(sentences: &[Sentence]) -> String {
    let texts: Vec<_> = sentences.iter().map(|s| s.text.as_str()).collect();
    texts.join(" ")
}

/// Says why a sentence cannot be part of a prompt.
fn unusable(sentence: &str) -> Option<BookSkip> {
    let closing = |c: char| matches!(c, '"' | '”' | '\'' | '’' | ')' | ']' | '»' | '“' | '*');
    let has_end = sentence
        .trim_end_matches(closing)
        .ends_with(['.', '!', '?', '…', '—', '-']);
    let letters = sentence.chars().filter(|c| c.is_alphabetic()).count();
    if !has_end || letters < 2 {
        Some(BookSkip::Unfinished)
    } else if sentence.len() > LONGEST_SENTENCE_BYTES {
        Some(BookSkip::TooLong)
    } else {
        None
    }
}

/// Says whether every double quotation mark of a text has its partner.
fn quotations_close(text: &str) -> bool {
    let count = |mark: char| text.chars().filter(|&c| c == mark).count();
    count('"').is_multiple_of(2)
        && count('“') + count('„') == count('”')
        && count('«') == count('»')
}

/// Joins the lines of a paragraph and cuts it into sentences.
fn paragraph(book: &str, block: &Block, index: &mut usize) -> Vec<Sentence> {
    let (text, places) = unwrap_lines(book, block);
    sentences(&text)
        .into_iter()
        .map(|range| {
            let sentence = Sentence {
                start: places[range.start],
                end: places[range.end - 1] + 1,
                text: text[range].to_owned(),
                index: *index,
            };
            *index += 1;
            sentence
        })
        .collect()
}

/// Writes a paragraph on one line: single spaces, no `_italics_` marks, no `[12]` note marks.
/// Returns the text and, for each of its bytes, where that byte stands in the book.
fn unwrap_lines(book: &str, block: &Block) -> (String, Vec<usize>) {
    let (mut text, mut places) = (String::new(), Vec::new());
    let underscores: usize = block
        .lines
        .iter()
        .map(|line| book[line.clone()].matches('_').count())
        .sum();
    for line in &block.lines {
        let mut at = line.start;
        if text.ends_with("--") || text.ends_with('—') {
            // A dash at the end of a line joins the words on both sides.
        } else if !text.is_empty() {
            text.push(' ');
            places.push(line.start);
        }
        while at < line.end {
            let rest = &book[at..line.end];
            let Some(c) = rest.chars().next() else { break };
            let note = note_mark(rest);
            if note > 0 {
                at += note;
                continue;
            }
            let is_mark = c == '_' && underscores.is_multiple_of(2);
            let is_repeated_space = c.is_whitespace() && text.ends_with(' ');
            if !is_mark && !is_repeated_space {
                let c = if c.is_whitespace() { ' ' } else { c };
                text.push(c);
                places.extend(at..at + c.len_utf8());
            }
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    (text, places)
}

/// Returns the length of the note mark, such as `[12]`, that a text starts with.
fn note_mark(text: &str) -> usize {
    let Some(inside) = text.strip_prefix('[') else {
        return 0;
    };
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && inside[digits..].starts_with(']') {
        digits + 2
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(book: &str) -> Vec<String> {
        cut_prompts(book, 3).into_iter().map(|p| p.text).collect()
    }

    #[test]
    fn a_prompt_stays_in_its_chapter() {
        let book =
            "CHAPTER I\n\nOne came. Two came.\n\nCHAPTER II\n\nThree came. Four came. Five came.\n";
        let prompts = cut_prompts(book, 3);
        assert_eq!(prompts.len(), 1);
        assert_eq!(prompts[0].text, "Three came. Four came. Five came.");
        assert_eq!((prompts[0].chapter, prompts[0].sentence_index), (2, 2));
    }

    #[test]
    fn paragraphs_join_where_somebody_speaks() {
        let narrated = "It rained all day. The river rose.\n\nNobody slept. The dog barked.\n";
        assert!(texts(narrated).is_empty());
        let spoken = "It rained all day. The river rose.\n\n\"Run!\" cried Mr. Bell.\n";
        assert_eq!(
            texts(spoken),
            ["It rained all day. The river rose. \"Run!\" cried Mr. Bell."]
        );
    }

    #[test]
    fn italics_and_note_marks_go() {
        let book = "It was _her_ lantern.[12] Nobody\n    knew it. She ran--\nfast--home again.";
        assert_eq!(
            texts(book),
            ["It was her lantern. Nobody knew it. She ran--fast--home again."]
        );
    }

    #[test]
    fn an_open_quotation_is_no_prompt() {
        let book = "\"It began in May. We had no boat. The river was high. We walked on.\n\n\"Then it rained. We slept. Nobody came,\" he said. He ate.";
        for text in texts(book) {
            assert!(quotations_close(&text), "{text}");
        }
        let cut = cut_book(book, 3);
        assert!(cut.skipped.contains_key(&BookSkip::OpenQuotation));
    }
}
