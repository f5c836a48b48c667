//! How much work a snippet is, before anything has cut it into tokens.

use nines_domain::snippet::SnippetText;

/// Tokens that the model adds of its own: the start, and an end for each half.
const SPECIAL: usize = 3;

/// Letters of a word that are counted as one token. Most English words are one token as a whole.
const LETTERS: usize = 3;

/// Estimates a snippet's tokens, rather too many than too few: a budget that is kept by this count
/// is kept.
pub(super) fn estimate(snippet: &SnippetText) -> usize {
    SPECIAL + of_text(&snippet.prompt) + of_text(&snippet.completion)
}

fn of_text(text: &str) -> usize {
    let (mut tokens, mut letters) = (0, 0usize);
    for character in text.chars() {
        if character.is_ascii_alphabetic() {
            letters += 1;
            continue;
        }
        tokens += letters.div_ceil(LETTERS);
        letters = 0;
        // Anything else may stand alone.
        tokens += usize::from(!character.is_whitespace());
    }
    tokens + letters.div_ceil(LETTERS)
}
