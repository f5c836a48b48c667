//! The arithmetic of edits: one string, ranges of it, and where they lie afterwards.

use super::{Edit, EditError, Site, shifted};
use crate::words::words;
use nines_text::SnippetPart;
use std::ops::Range;

/// Says whether a change of one range changes something of another: they share bytes, or the first is a
/// gap inside the second.
pub(super) fn touches(range: &Range<usize>, held: &Range<usize>) -> bool {
    range.start < held.end && held.start < range.end
}

/// Makes edits of one string, which are in the order of its bytes.
///
/// # Errors
/// [`EditError::NoSuchPlace`], [`EditError::Overlap`], [`EditError::Nul`].
pub(super) fn splice(text: &str, edits: &[&Edit]) -> Result<String, EditError> {
    let mut made = String::with_capacity(text.len() + 32);
    let (mut at, mut last) = (0, None);
    for edit in edits {
        let range = edit.site.range.clone();
        if edit.text.contains('\0') {
            return Err(EditError::Nul);
        }
        if text.get(range.clone()).is_none() {
            let len = text.len();
            return Err(EditError::NoSuchPlace { range, len });
        }
        if range.start < at || last.as_ref() == Some(&range) {
            return Err(EditError::Overlap { range });
        }
        made.push_str(&text[at..range.start]);
        made.push_str(&edit.text);
        at = range.end;
        last = Some(range);
    }
    made.push_str(&text[at..]);
    Ok(made)
}

/// Makes sure that what is protected in one half comes through: its text, and the words that it is
/// part of.
///
/// # Errors
/// [`EditError::Protected`].
pub(super) fn check_protected(
    protected: &[Site],
    part: SnippetPart,
    edits: &[&Edit],
    (before, after): (&str, &str),
) -> Result<(), EditError> {
    let owned: Vec<Edit> = edits.iter().map(|&edit| edit.clone()).collect();
    for held in protected.iter().filter(|held| held.part == part) {
        let close = |edit: &&&Edit| {
            edit.site.range.start <= held.range.end && held.range.start <= edit.site.range.end
        };
        let Some(edit) = edits.iter().find(close) else {
            continue;
        };
        let refused = || EditError::Protected {
            range: edit.site.range.clone(),
        };
        let moved = shifted(held, &owned).ok_or_else(refused)?;
        if words_in(before, &held.range) != words_in(after, &moved.range) {
            return Err(refused());
        }
    }
    Ok(())
}

/// Lists the words that lie in a range, or begin or end in it.
fn words_in<'a>(text: &'a str, range: &Range<usize>) -> Vec<&'a str> {
    words(text)
        .into_iter()
        .filter(|word| touches(word, range))
        .map(|word| &text[word])
        .collect()
}

/// Returns what edits of one half have put in, now and before, in bytes of the new text.
pub(super) fn carry(changed: &[Site], part: SnippetPart, edits: &[&Edit]) -> Vec<Site> {
    let mut put: Vec<Range<usize>> = Vec::new();
    let (mut removed, mut added) = (0, 0);
    for edit in edits {
        let start = edit.site.range.start - removed + added;
        put.push(start..start + edit.text.len());
        removed += edit.site.range.len();
        added += edit.text.len();
    }
    // An end inside an edit goes to the near end of what came there.
    let moved = |at: usize, is_end: bool| {
        let (mut removed, mut added) = (0, 0);
        for edit in edits {
            let range = &edit.site.range;
            if range.end < at || (range.end == at && (!is_end || !range.is_empty())) {
                removed += range.len();
                added += edit.text.len();
            } else if range.start < at {
                let start = range.start - removed + added;
                return if is_end { start + edit.text.len() } else { start };
            }
        }
        at - removed + added
    };
    for site in changed.iter().filter(|site| site.part == part) {
        put.push(moved(site.range.start, false)..moved(site.range.end, true));
    }
    put.retain(|range| !range.is_empty());
    put.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in put {
        match joined.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    let site = |range| Site { part, range };
    joined.into_iter().map(site).collect()
}
