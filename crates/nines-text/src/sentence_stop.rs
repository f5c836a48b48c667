//! The end of the first sentence of a text that is still being written.
//!
//! A generator asks after every token whether the sentence is over. The answer must not change
//! when more text arrives, so a boundary is only called once the text behind it has settled it:
//! after `Mr.` or `"Stop!"` the next word decides, and never more than the next three.

use crate::abbreviations::{Abbreviation, abbreviation, is_speech, is_starter};

/// Watches a growing completion for the end of its first sentence.
///
/// A sentence ends at `.`, `!`, `?` or `…` with the quotation marks and brackets that close on it,
/// unless the stop belongs to an abbreviation, an initial or a number, a quotation is still open,
/// or the sentence goes on behind the quotation (`"Stop!" he said.`). A line break ends it too.
///
/// # Example
/// ```
/// use nines_text::SentenceStop;
/// let mut stop = SentenceStop::default();
/// assert_eq!(stop.feed(" \"Is it you, Mr.", false), None);
/// assert_eq!(stop.feed(" \"Is it you, Mr. Bell?\"", false), None); // she asked?
/// assert_eq!(stop.feed(" \"Is it you, Mr. Bell?\" The", false), None);
/// assert_eq!(stop.feed(" \"Is it you, Mr. Bell?\" The man", false), Some(23));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SentenceStop {
    end: Option<usize>,
}

impl SentenceStop {
    /// Takes the whole text so far and returns the byte behind the first sentence once that is
    /// certain. `is_final` says that no more text will come. Once it has found the end it gives
    /// the same answer for ever.
    pub fn feed(&mut self, text_so_far: &str, is_final: bool) -> Option<usize> {
        if self.end.is_none() {
            self.end = Scan::new(text_so_far, is_final).end();
        }
        self.end
    }
}

/// What comes behind a possible end.
enum Step {
    /// The sentence ends here.
    End,
    /// It goes on; reading continues at this character.
    Continue(usize),
    /// More text is needed to know.
    Wait,
}

/// One pass over the text so far.
struct Scan<'a> {
    text: &'a str,
    chars: Vec<(usize, char)>,
    is_final: bool,
    /// The first letter is a capital: sentences of this writer start with capitals.
    is_cased: bool,
    double_open: bool,
    curly_open: bool,
    single_open: bool,
}

/// Words that start with an apostrophe.
const CLIPPED: [&str; 12] = [
    "bout", "cause", "cept", "em", "fore", "neath", "round", "til", "tis", "tisn", "twas", "twere",
];

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽') || is_wide_terminator(c)
}

fn is_wide_terminator(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡')
}

fn is_line_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\'' | '’')
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, is_final: bool) -> Self {
        Self {
            text,
            chars: text.char_indices().collect(),
            is_final,
            is_cased: text
                .chars()
                .find(|c| c.is_alphabetic())
                .is_some_and(|c| !c.is_lowercase()),
            double_open: false,
            curly_open: false,
            single_open: false,
        }
    }

    fn at(&self, i: usize) -> Option<char> {
        self.chars.get(i).map(|&(_, c)| c)
    }

    /// Returns the byte at which a character starts; behind the last, the text's length.
    fn byte(&self, i: usize) -> usize {
        self.chars.get(i).map_or(self.text.len(), |&(byte, _)| byte)
    }

    fn end(mut self) -> Option<usize> {
        let mut i = self.chars.iter().position(|(_, c)| !c.is_whitespace())?;
        let first = i;
        let mut has_words = false;
        while let Some(c) = self.at(i) {
            if is_line_break(c) {
                return Some(self.text[..self.byte(i)].trim_end().len());
            }
            if is_terminator(c) && has_words {
                let run = i;
                let closed = self.close(&mut i)?;
                match self.behind(first, run, i, closed) {
                    Step::End => return Some(self.byte(i)),
                    Step::Continue(next) => i = next,
                    Step::Wait => return None,
                }
                continue;
            }
            has_words |= c.is_alphanumeric();
            if !self.quote(i, c) {
                return None;
            }
            i += 1;
        }
        None
    }

    /// Follows quotation marks that do not stand behind a terminator. Returns whether the text so
    /// far settles what the mark is.
    fn quote(&mut self, i: usize, c: char) -> bool {
        let before = i.checked_sub(1).and_then(|i| self.at(i));
        match c {
            '"' => self.double_open = !self.double_open,
            '“' | '«' => self.curly_open = true,
            '”' | '»' => self.curly_open = false,
            '\'' | '‘' | '’' => {
                let Some(after) = self.at(i + 1) else {
                    return self.is_final;
                };
                let opens = c != '’'
                    && before.is_none_or(|b| b.is_whitespace() || "([\"“—–-".contains(b))
                    && (after.is_alphabetic() || matches!(after, '"' | '“'));
                if opens && !self.single_open {
                    let Some(word) = self.word(i + 1) else {
                        return false;
                    };
                    let stem = word.split(['\'', '’']).next().unwrap_or(word);
                    self.single_open = !CLIPPED.contains(&stem.to_lowercase().as_str());
                } else if !after.is_alphanumeric() && before.is_some_and(|b| b != 's') {
                    self.single_open = false;
                }
            }
            _ => {}
        }
        true
    }

    /// Moves behind the terminators at `i` and the marks that close on them. Returns whether a
    /// quotation was closed; nothing when more text is needed.
    fn close(&mut self, i: &mut usize) -> Option<bool> {
        let mut closed = false;
        loop {
            let Some(c) = self.at(*i) else {
                return self.is_final.then_some(closed);
            };
            match c {
                c if is_terminator(c) => {}
                // Spaced dots are one ellipsis.
                ' ' if self.at(*i - 1) == Some('.') && self.at(*i + 1) == Some('.') => {}
                '"' if self.double_open => {
                    self.double_open = false;
                    closed = true;
                }
                '"' => match self.at(*i + 1) {
                    None if !self.is_final => return None,
                    // It closes a quotation that the prompt opened.
                    None => closed = true,
                    Some(next) if next.is_whitespace() => closed = true,
                    Some(_) => return Some(closed),
                },
                '”' | '»' => {
                    self.curly_open = false;
                    closed = true;
                }
                '\'' | '’' => match self.at(*i + 1) {
                    None if !self.is_final => return None,
                    Some(next) if next.is_alphanumeric() => return Some(closed),
                    _ => {
                        closed |= self.single_open;
                        self.single_open = false;
                    }
                },
                ')' | ']' | '*' | '_' => {}
                _ => return Some(closed),
            }
            *i += 1;
        }
    }

    /// Judges what follows a possible end: terminators from `run`, closing marks up to `i`.
    fn behind(&self, first: usize, run: usize, i: usize, closed: bool) -> Step {
        let in_quotation = self.double_open || self.curly_open || self.single_open;
        let last = self.chars[run..i]
            .iter()
            .rev()
            .map(|&(_, c)| c)
            .find(|&c| is_terminator(c))
            .unwrap_or('.');
        let is_plain_stop = i == run + 1 && last == '.';
        let before = if is_plain_stop {
            self.word_before(run)
        } else {
            ""
        };
        if in_quotation {
            return match self.at(i) {
                None => Step::Wait,
                Some(_) => Step::Continue(i),
            };
        }
        if is_wide_terminator(last) {
            return Step::End;
        }
        let Some(next) = self.at(i) else {
            let is_open = abbreviation(before, false) == Some(Abbreviation::Open);
            return if is_open { Step::Wait } else { Step::End };
        };
        if !next.is_whitespace() {
            return self.adjacent(run, i, next, closed, before);
        }
        let mut k = i;
        while let Some(c) = self.at(k).filter(|c| c.is_whitespace()) {
            if is_line_break(c) {
                return Step::End;
            }
            k += 1;
        }
        let Some(next) = self.at(k) else {
            if !self.is_final {
                return Step::Wait;
            }
            let is_open = abbreviation(before, false) == Some(Abbreviation::Open);
            return if is_open { Step::Wait } else { Step::End };
        };
        let is_list_number = is_plain_stop
            && before.chars().all(|c| c.is_ascii_digit())
            && run - before.len() == first;
        let abbreviation = abbreviation(before, next.is_numeric());
        if abbreviation == Some(Abbreviation::Open) || is_list_number || is_terminator(next) {
            return Step::Continue(k);
        }
        if next.is_lowercase() {
            let goes_on = closed || abbreviation.is_some() || self.is_cased;
            return if goes_on {
                Step::Continue(k)
            } else {
                Step::End
            };
        }
        if matches!(next, '—' | '–' | '-') && closed {
            return Step::Continue(k);
        }
        if next.is_numeric() && abbreviation.is_some() {
            return Step::Continue(k);
        }
        if !next.is_alphabetic() {
            return Step::End;
        }
        let is_ellipsis = last == '…' || (last == '.' && self.at(run + 1) == Some('.'));
        match (abbreviation, closed) {
            (Some(_), _) => self.decide(k, |word| !is_starter(word)),
            (None, true) if last != '.' || is_ellipsis => self.speaker(k),
            (None, false) if is_ellipsis => self.decide(k, |word| {
                word == "I" || word.starts_with("I'") || word.starts_with("I’")
            }),
            _ => Step::End,
        }
    }

    /// Judges a character that stands right behind a possible end.
    fn adjacent(&self, run: usize, i: usize, next: char, closed: bool, before: &str) -> Step {
        if !next.is_alphanumeric() {
            let opens = matches!(next, '"' | '“' | '«' | '‘' | '(' | '[');
            let joins = next.is_ascii_punctuation() || matches!(next, '—' | '–' | '\'' | '’');
            return if opens || !joins {
                Step::End
            } else {
                Step::Continue(i)
            };
        }
        let is_exclaimed = matches!(self.at(i - 1), Some('!' | '?')) && i > run;
        let is_run_on = before.chars().count() >= 3 && before.chars().all(char::is_lowercase);
        if next.is_uppercase() && (closed || is_exclaimed || is_run_on) {
            Step::End
        } else {
            Step::Continue(i)
        }
    }

    /// Returns the word that starts at `i`, once its end is in sight.
    fn word(&self, i: usize) -> Option<&'a str> {
        let mut end = i;
        while self.at(end).is_some_and(is_word) {
            end += 1;
        }
        (end < self.chars.len() || self.is_final).then(|| &self.text[self.byte(i)..self.byte(end)])
    }

    /// Returns the word in front of `i`, with the dots inside it.
    fn word_before(&self, i: usize) -> &'a str {
        let mut start = i;
        while start > 0
            && self
                .at(start - 1)
                .is_some_and(|c| c.is_alphanumeric() || c == '.')
        {
            start -= 1;
        }
        self.text[self.byte(start)..self.byte(i)].trim_start_matches('.')
    }

    /// Goes on if the word at `k` says so.
    fn decide(&self, k: usize, goes_on: impl Fn(&str) -> bool) -> Step {
        match self.word(k) {
            None => Step::Wait,
            Some(word) if goes_on(word) => Step::Continue(k),
            Some(_) => Step::End,
        }
    }

    /// Looks for a speaker behind a quotation: `"Stop!" Mr. Bell shouted.`
    fn speaker(&self, k: usize) -> Step {
        let mut at = k;
        for nth in 0..3 {
            let Some(word) = self.word(at) else {
                return Step::Wait;
            };
            if nth > 0 && is_speech(word) {
                return Step::Continue(k);
            }
            let is_name = word.chars().next().is_some_and(char::is_uppercase);
            if !is_name || (nth == 0 && word != "I" && is_starter(word)) {
                return Step::End;
            }
            at += word.chars().count();
            if self.at(at) == Some('.') && abbreviation(word, false).is_some() {
                at += 1;
            }
            if self.at(at).is_none() {
                return if self.is_final { Step::End } else { Step::Wait };
            }
            if self.at(at) != Some(' ') {
                return Step::End;
            }
            at += 1;
        }
        Step::End
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<&str> {
        SentenceStop::default()
            .feed(text, true)
            .map(|end| &text[..end])
    }

    #[test]
    fn ends_where_a_reader_would_end() {
        let cases = [
            ("She ran. He fell.", "She ran."),
            (" She ran.\nHe fell.", " She ran."),
            ("\n\nShe ran\n\nfast.", "\n\nShe ran"),
            (
                "Mr. Bell met Dr. J. R. Oake at 3.5 miles. He fell.",
                "Mr. Bell met Dr. J. R. Oake at 3.5 miles.",
            ),
            ("\"Run.\" He ran.", "\"Run.\""),
            (
                "\"Run. Now. Please,\" she said. He ran.",
                "\"Run. Now. Please,\" she said.",
            ),
            ("\"Run!\" she said. He ran.", "\"Run!\" she said."),
            (
                "\"Run!\" Mr. Bell shouted. He ran.",
                "\"Run!\" Mr. Bell shouted.",
            ),
            (
                "\"Run!\" Mary Ann cried. He ran.",
                "\"Run!\" Mary Ann cried.",
            ),
            ("\"Run!\" I said. He ran.", "\"Run!\" I said."),
            ("\"Run!\" She did.", "\"Run!\""),
            ("“Run!” She did.", "“Run!”"),
            ("'Run. Now,' he said. 'Go.'", "'Run. Now,' he said."),
            ("'Twas dark. He fell.", "'Twas dark."),
            ("He left?! Yes.", "He left?!"),
            ("Well... I fell. Yes.", "Well... I fell."),
            ("Well... The dog fell.", "Well..."),
            ("So . . . she fell. Yes.", "So . . . she fell."),
            ("\"And then...\" he said. Yes.", "\"And then...\" he said."),
            ("the end. she went on.", "the end."),
            ("He had No. 5. She won.", "He had No. 5."),
            (
                "\"No. It is mine,\" he said. Yes.",
                "\"No. It is mine,\" he said.",
            ),
            ("It was 5 p.m. He left.", "It was 5 p.m."),
            (
                "It was 5 p.m. Tuesday there. He left.",
                "It was 5 p.m. Tuesday there.",
            ),
            ("(He ran.) She fell.", "(He ran.)"),
            ("He left.She stayed.", "He left."),
            ("The file is main.rs now. Yes.", "The file is main.rs now."),
            ("The boys' room was dark. Yes.", "The boys' room was dark."),
            ("He said \"stop.\" \"Why?\" she asked.", "He said \"stop.\""),
            ("彼は走った。彼女は", "彼は走った。"),
            ("…and so he left. Yes.", "…and so he left."),
            ("I saw *him.* She fell.", "I saw *him.*"),
            ("1. He ran. She fell.", "1. He ran."),
        ];
        for (text, expected) in cases {
            assert_eq!(first(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn says_nothing_of_what_is_unfinished() {
        for text in [
            "",
            "  \n",
            "She ran",
            "She met Mr.",
            "\"Run. Now.",
            "\"Run,\" she",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
