//! What changed between two texts, counted in words and listed as edits.

use crate::words::{pieces, words};
use std::ops::Range;

/// A stretch that two texts do not share: bytes of the one, and of the other in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Bytes of the first text.
    pub old: Range<usize>,
    /// Bytes of the second text that stand there instead.
    pub new: Range<usize>,
}

/// Counts the words that are replaced, put in and taken out between two texts, as few as possible.
///
/// White space and punctuation do not count; the case of letters does.
///
/// # Reference
/// Levenshtein 1966, over words.
pub fn words_changed(old: &str, new: &str) -> usize {
    let old: Vec<&str> = words(old).into_iter().map(|range| &old[range]).collect();
    let new: Vec<&str> = words(new).into_iter().map(|range| &new[range]).collect();
    distance(&old, &new)
}

/// Counts the characters that are replaced, put in and taken out between two texts, as few as possible.
pub fn characters_changed(old: &str, new: &str) -> usize {
    let old: Vec<char> = old.chars().collect();
    let new: Vec<char> = new.chars().collect();
    distance(&old, &new)
}

/// Returns the Levenshtein distance of two lists.
fn distance<T: PartialEq>(old: &[T], new: &[T]) -> usize {
    let (old, new, _) = without_shared_ends(old, new);
    let mut row: Vec<usize> = (0..=new.len()).collect();
    for (i, a) in old.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in new.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[new.len()]
}

/// Cuts off what two lists share at both ends; also tells how much at the beginning.
fn without_shared_ends<'a, T: PartialEq>(old: &'a [T], new: &'a [T]) -> (&'a [T], &'a [T], usize) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let pairs = old.iter().rev().zip(new.iter().rev());
    let tail = pairs.take_while(|(a, b)| a == b).count();
    (&old[..old.len() - tail], &new[..new.len() - tail], head)
}

/// Cells of the table that compares two texts; what is larger counts as one change.
const CELLS: usize = 4_000_000;

/// Lists what changed between two texts: stretches of whole words and of the characters between them,
/// in order, never touching one another.
pub fn changes(old: &str, new: &str) -> Vec<Change> {
    let (old_pieces, new_pieces) = (pieces(old), pieces(new));
    let old_texts: Vec<&str> = old_pieces.iter().map(|range| &old[range.clone()]).collect();
    let new_texts: Vec<&str> = new_pieces.iter().map(|range| &new[range.clone()]).collect();
    let (a, b, head) = without_shared_ends(&old_texts, &new_texts);
    let at = |pieces: &[Range<usize>], index: usize, len: usize| {
        pieces.get(index).map_or(len, |range| range.start)
    };
    let change = |i: Range<usize>, j: Range<usize>| Change {
        old: at(&old_pieces, head + i.start, old.len())..at(&old_pieces, head + i.end, old.len()),
        new: at(&new_pieces, head + j.start, new.len())..at(&new_pieces, head + j.end, new.len()),
    };
    if a.is_empty() && b.is_empty() {
        return Vec::new();
    }
    if a.is_empty() || b.is_empty() || (a.len() + 1).saturating_mul(b.len() + 1) > CELLS {
        return vec![change(0..a.len(), 0..b.len())];
    }
    let mut found = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (si, sj) in shared(a, b) {
        if si > i || sj > j {
            found.push(change(i..si, j..sj));
        }
        (i, j) = (si + 1, sj + 1);
    }
    if i < a.len() || j < b.len() {
        found.push(change(i..a.len(), j..b.len()));
    }
    found
}

/// Pairs up what two lists share, in order; words weigh more than what stands between them.
fn shared(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let weight = |text: &str| {
        let word = text.chars().next().is_some_and(crate::words::is_word_character);
        if word { 4u32 } else { 1 }
    };
    let width = b.len() + 1;
    let mut best = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let skip = best[(i + 1) * width + j].max(best[i * width + j + 1]);
            let both = if a[i] == b[j] {
                best[(i + 1) * width + j + 1] + weight(a[i])
            } else {
                0
            };
            best[i * width + j] = skip.max(both);
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < a.len() && j < b.len() {
        let here = best[i * width + j];
        if a[i] == b[j] && here == best[(i + 1) * width + j + 1] + weight(a[i]) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if here == best[(i + 1) * width + j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_counted_however_the_rest_moves() {
        assert_eq!(words_changed("He fell down.", "He fell, down!"), 0);
        assert_eq!(words_changed("He fell down.", "Then he sat down."), 3);
        assert_eq!(words_changed("", "one two"), 2);
        assert_eq!(words_changed("a b c d", "b c d a"), 2);
        assert_eq!(characters_changed("kitten", "sitting"), 3);
    }

    #[test]
    fn changes_are_stretches_of_words() {
        let (old, new) = ("He fell down the stairs.", "He sat down on the stairs.");
        let texts: Vec<_> = changes(old, new)
            .into_iter()
            .map(|change| (&old[change.old], &new[change.new]))
            .collect();
        assert_eq!(texts, [("fell", "sat"), ("", "on ")]);
        assert!(changes("same", "same").is_empty());
    }

    proptest! {
        #[test]
        fn changes_lead_from_one_text_to_the_other(old in "[a-c é,]{0,30}", new in "[a-c é,]{0,30}") {
            let mut made = String::new();
            let mut at = 0;
            for change in changes(&old, &new) {
                made.push_str(&old[at..change.old.start]);
                made.push_str(&new[change.new]);
                at = change.old.end;
            }
            made.push_str(&old[at..]);
            prop_assert_eq!(made, new);
        }
    }
}
