//! The blocks of a plain-text book: paragraphs of prose, headings, and what is neither.

use std::ops::Range;

/// What a block of lines is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// A paragraph.
    Prose,
    /// The heading of a chapter or another part; what follows does not continue what came before.
    Heading,
    /// A row of asterisks or the like.
    SceneBreak,
    /// Short lines: verse, a table, a list, a title page.
    Verse,
    /// An illustration's caption, a transcriber's or publisher's note.
    Note,
}

/// Lines between blank lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub kind: BlockKind,
    /// The lines' bytes in the book, without indent and line end.
    pub lines: Vec<Range<usize>>,
}

/// Words that open a heading when a number follows, or nothing.
const PARTS: [&str; 12] = [
    "act", "book", "canto", "chapter", "episode", "letter", "part", "scene", "section", "stave",
    "tome", "volume",
];

/// Words that are a heading on their own.
const HEADINGS: [&str; 18] = [
    "afterword",
    "appendix",
    "conclusion",
    "contents",
    "dedication",
    "epilogue",
    "finis",
    "foreword",
    "glossary",
    "illustrations",
    "index",
    "introduction",
    "preface",
    "prologue",
    "the end",
    "table of contents",
    "footnotes",
    "notes",
];

const NUMBERS: [&str; 23] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    "tenth", "last",
];

/// Cuts a book into blocks, leaving out a Project Gutenberg licence before and after the text.
pub(crate) fn blocks(book: &str) -> Vec<Block> {
    let body = body(book);
    let lines = lines(book, &body);
    let width = wrap_width(&lines);
    let mut blocks = Vec::new();
    for group in lines.split(|line| line.is_empty()) {
        if !group.is_empty() {
            blocks.push(Block {
                kind: kind(book, group, width),
                lines: group.to_vec(),
            });
        }
    }
    blocks
}

/// Lists the lines inside the body, without indent and line end; a blank line is empty.
fn lines(book: &str, body: &Range<usize>) -> Vec<Range<usize>> {
    let mut at = body.start;
    book[body.clone()]
        .split_inclusive('\n')
        .map(|line| {
            let start = at + (line.len() - line.trim_start().len());
            at += line.len();
            let text = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            let start = start + line.trim_start().len()
                - line.trim_start().trim_start_matches('\u{feff}').len();
            start..start + text.len()
        })
        .collect()
}

/// Finds the book's own text between the licence's markers.
fn body(book: &str) -> Range<usize> {
    let (mut start, mut at) = (0, 0);
    for line in book.split_inclusive('\n') {
        let upper = line.trim().to_uppercase();
        let is_gutenberg = upper.contains("PROJECT GUTENBERG");
        let is_start = (is_gutenberg && upper.starts_with("***") && upper.contains("START OF"))
            || upper.starts_with("*END*THE SMALL PRINT")
            || upper.starts_with("*END THE SMALL PRINT");
        let is_end = is_gutenberg
            && ((upper.starts_with("***") && upper.contains("END OF"))
                || upper.starts_with("END OF"));
        if is_end && start < at {
            return start..at;
        }
        at += line.len();
        if is_start {
            start = at;
        }
    }
    start..book.len()
}

/// Returns the length that nine tenths of the lines stay within: where the book wraps its lines.
fn wrap_width(lines: &[Range<usize>]) -> usize {
    let mut lengths: Vec<_> = lines.iter().map(Range::len).filter(|&l| l > 0).collect();
    lengths.sort_unstable();
    lengths
        .get(lengths.len() * 9 / 10)
        .copied()
        .unwrap_or_default()
}

fn kind(book: &str, group: &[Range<usize>], width: usize) -> BlockKind {
    let line = |i: usize| &book[group[i].clone()];
    let first = line(0);
    let last = line(group.len() - 1);
    let all = &book[group[0].start..group[group.len() - 1].end];
    if !all.chars().any(char::is_alphanumeric) {
        return BlockKind::SceneBreak;
    }
    if is_note(first, last, all) {
        return BlockKind::Note;
    }
    if is_heading(first, all, group.len()) {
        return BlockKind::Heading;
    }
    let is_short = |line: &Range<usize>| line.len() * 4 < width.min(70) * 3;
    let unwrapped = &group[..group.len() - 1];
    if !unwrapped.is_empty() && unwrapped.iter().all(is_short) {
        return BlockKind::Verse;
    }
    BlockKind::Prose
}

fn is_note(first: &str, last: &str, all: &str) -> bool {
    let lower = first.to_lowercase();
    let bracketed = lower.strip_prefix(['[', '{']).unwrap_or_default();
    let noted = [
        "illustration",
        "transcriber",
        "note",
        "footnote",
        "pg ",
        "page ",
        "frontispiece",
    ]
    .iter()
    .any(|word| bracketed.starts_with(word));
    let produced = [
        "produced by",
        "e-text prepared by",
        "this etext",
        "transcribed from",
        "transcriber",
    ]
    .iter()
    .any(|words| lower.starts_with(words));
    let is_whole = bracketed.starts_with("footnote") || last.ends_with([']', '}']);
    (noted && is_whole) || produced || all.contains("://") || all.contains("www.")
}

fn is_heading(first: &str, all: &str, lines: usize) -> bool {
    if lines > 3 || all.len() > 160 {
        return false;
    }
    let lower = first.to_lowercase();
    let bare = lower.trim_end_matches(['.', ':', '-', '—']).trim();
    if is_number(bare) || (HEADINGS.contains(&bare) && lines == 1) {
        return true;
    }
    let mut words = bare.split_whitespace();
    if words.next().is_some_and(|word| PARTS.contains(&word)) {
        let next = words.next().unwrap_or("1");
        let next = next.trim_matches(|c: char| c.is_ascii_punctuation() || c == '—');
        if is_number(next) || next == "the" && words.next().is_some_and(is_number) {
            return true;
        }
    }
    let quoted = all.starts_with(['"', '“', '\'', '‘']);
    let exclaimed = all.ends_with(['!', '?', '"', '”', '’', '\'']);
    let is_capitals = !all.chars().any(char::is_lowercase) && all.chars().any(char::is_alphabetic);
    if is_capitals && !quoted && !exclaimed {
        return true;
    }
    lines == 1 && all.len() <= 60 && !all.ends_with(|c: char| !c.is_alphanumeric())
}

/// Says whether a word is a number: digits, a Roman numeral or a number's name.
fn is_number(word: &str) -> bool {
    let lower = word.to_lowercase();
    let roman = !lower.is_empty() && lower.chars().all(|c| "ivxlcdm".contains(c));
    let digits = !lower.is_empty() && lower.chars().all(|c| c.is_ascii_digit());
    let name = lower.split('-').next().unwrap_or_default();
    digits || (roman && lower != "mild" && lower != "dim") || NUMBERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(book: &str) -> Vec<BlockKind> {
        blocks(book).into_iter().map(|block| block.kind).collect()
    }

    #[test]
    fn tells_headings_from_prose() {
        use BlockKind::{Heading, Prose};
        let cases = [
            ("CHAPTER IV.", Heading),
            ("Chapter the First", Heading),
            ("Chapter 12: The Red Room", Heading),
            ("XIV.", Heading),
            ("THE RED ROOM", Heading),
            ("The Red Room", Heading),
            ("Prologue", Heading),
            ("Part of her wanted to stay.", Prose),
            ("I.", Heading),
            ("\"STOP!\"", Prose),
            ("STOP!", Prose),
            ("\"Never,\" he said.", Prose),
            ("He left.", Prose),
        ];
        for (text, kind) in cases {
            assert_eq!(kinds(text), [kind], "{text}");
        }
    }

    #[test]
    fn leaves_the_licence_out() {
        let book = "\u{feff}The Project Gutenberg eBook\n\nRights.\n\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\n\
            He ran.\n\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\n\nMore rights.\n";
        let blocks = blocks(book);
        assert_eq!(blocks.len(), 1);
        assert_eq!(&book[blocks[0].lines[0].clone()], "He ran.");
    }

    #[test]
    fn verse_and_notes_are_no_prose() {
        let prose =
            "She walked along the river for an hour without meeting anybody at all, and\nsat down.";
        let book = format!(
            "{prose}\n\n{prose}\n\nThe rain is on the river,\n  The river's on the sea,\nAnd none shall say.\n\n* * * * *\n\n[Illustration: A river]\n\n{prose}"
        );
        use BlockKind::{Note, Prose, SceneBreak, Verse};
        assert_eq!(kinds(&book), [Prose, Prose, Verse, SceneBreak, Note, Prose]);
    }
}
