//! The words of a text: one rule, for transformations, constraints, counts and people alike.
//!
//! A word is a run of letters, digits and combining marks; one apostrophe, hyphen, underscore, asterisk or
//! at sign between two of them belongs to it (`don't`, `half-open`). An ideograph is a word of its own.
//! Everything else stands between words. Tokens of a model are something else, and are never words.

use std::ops::Range;

/// Characters that belong to a word when a single one stands inside it.
const JOINERS: [char; 7] = ['\'', '\u{2019}', '-', '\u{2010}', '_', '*', '@'];

/// Says whether a character can begin a word.
pub fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c)
}

/// Says whether a character joins to the letter before it.
fn is_mark(c: char) -> bool {
    matches!(
        u32::from(c),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x0591..=0x05BD | 0x064B..=0x065F | 0x093A..=0x094F
            | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F
    )
}

/// Says whether a character is a word by itself: scripts that put no spaces between words.
fn is_ideograph(c: char) -> bool {
    matches!(
        u32::from(c),
        0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3134F
    )
}

/// Says whether a reader sees anything of a character: neither white space, nor control, nor of no width.
pub fn is_visible(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(
            u32::from(c),
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
                | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
                | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF
        )
}

/// Lists the words of a text as byte ranges, in their order.
///
/// # Example
/// ```
/// use nines_attack::words::words;
/// let text = " He didn't--quite--see 'it'.";
/// let found: Vec<&str> = words(text).into_iter().map(|range| &text[range]).collect();
/// assert_eq!(found, ["He", "didn't", "quite", "see", "it"]);
/// ```
pub fn words(text: &str) -> Vec<Range<usize>> {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let (start, first) = characters[at];
        if !is_word_character(first) {
            at += 1;
            continue;
        }
        at += 1;
        if is_ideograph(first) {
            while at < characters.len() && is_mark(characters[at].1) {
                at += 1;
            }
        } else {
            while at < characters.len() {
                let c = characters[at].1;
                let next = characters.get(at + 1).map(|&(_, c)| c);
                let inside = |c: char| is_word_character(c) && !is_ideograph(c);
                if inside(c) {
                    at += 1;
                } else if JOINERS.contains(&c) && next.is_some_and(inside) {
                    at += 2;
                } else {
                    break;
                }
            }
        }
        let end = characters.get(at).map_or(text.len(), |&(end, _)| end);
        found.push(start..end);
    }
    found
}

/// Lists the places between words where one can come in, as empty ranges: before the first word, and
/// directly after each. A text without words has one place, its end.
pub fn gaps(text: &str) -> Vec<Range<usize>> {
    let words = words(text);
    let Some(first) = words.first() else {
        let end = text.len();
        return std::iter::once(end..end).collect();
    };
    let first = first.start..first.start;
    std::iter::once(first)
        .chain(words.iter().map(|word| word.end..word.end))
        .collect()
}

/// Cuts a text into pieces that together are the text: words, and single characters between them.
pub fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let between = |from: usize, to: usize, pieces: &mut Vec<Range<usize>>| {
        for (offset, c) in text[from..to].char_indices() {
            pieces.push(from + offset..from + offset + c.len_utf8());
        }
    };
    for word in words(text) {
        between(at, word.start, &mut pieces);
        at = word.end;
        pieces.push(word);
    }
    between(at, text.len(), &mut pieces);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn contractions_and_compounds_are_one_word() {
        assert_eq!(of("rock-'n'-roll"), ["rock", "n", "roll"]);
        assert_eq!(of("don\u{2019}t f*ck x@y.z"), ["don\u{2019}t", "f*ck", "x@y", "z"]);
        assert_eq!(of("'twas -- 'so' 1,5"), ["twas", "so", "1", "5"]);
        assert_eq!(of("naïve cafe\u{301} Straße"), ["naïve", "cafe\u{301}", "Straße"]);
        assert_eq!(of("他走了"), ["他", "走", "了"]);
        assert!(of(" \u{200b}… ").is_empty());
    }

    proptest! {
        #[test]
        fn pieces_are_the_text(text in ".{0,60}") {
            let joined: String = pieces(&text).into_iter().map(|range| &text[range]).collect();
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn words_and_gaps_lie_on_characters(text in ".{0,60}") {
            for range in words(&text).into_iter().chain(gaps(&text)) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
