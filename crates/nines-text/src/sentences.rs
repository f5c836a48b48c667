//! Sentence boundaries.

use std::ops::Range;

/// Cuts a text into sentences and returns their byte ranges, in order, without the white space
/// around them. Everything outside the ranges is white space.
///
/// Quotations and abbreviations stay whole; where a boundary is doubtful, none is drawn.
///
/// # Example
/// ```
/// let text = "Mr. Darcy bowed. \"Is it you?\" she asked.";
/// let sentences: Vec<_> = nines_text::sentences(text).into_iter().map(|r| &text[r]).collect();
/// assert_eq!(sentences, ["Mr. Darcy bowed.", "\"Is it you?\" she asked."]);
/// ```
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    let ends = sentencex::get_sentence_boundaries("en", text)
        .into_iter()
        .map(|boundary| boundary.end_byte)
        .chain([text.len()]);
    for end in ends {
        if end <= from || !text.is_char_boundary(end) {
            continue;
        }
        let sentence = &text[from..end];
        let start = from + (sentence.len() - sentence.trim_start().len());
        let stop = start + sentence.trim().len();
        if start < stop {
            ranges.push(start..stop);
        }
        from = end;
    }
    ranges
}
