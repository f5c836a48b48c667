//! From what a model said to a completion, or to the reason why it is none.

use nines_domain::draw::Draw;
use std::fmt;

/// Why an answer is no paraphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Nothing was said.
    Empty,
    /// It was cut off.
    Unfinished,
    /// It is the text itself.
    Unchanged,
    /// It came before.
    Repeated,
    /// It is far longer than the text.
    TooLong,
}

impl Dropped {
    pub(super) const ALL: [Self; 5] = [
        Self::Empty,
        Self::Unfinished,
        Self::Unchanged,
        Self::Repeated,
        Self::TooLong,
    ];
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Unfinished => "unfinished",
            Self::Unchanged => "unchanged",
            Self::Repeated => "repeated",
            Self::TooLong => "far too long",
        })
    }
}

/// Words that models put before what they were asked for.
const LABELS: [&str; 5] = [
    "in other words:",
    "paraphrase:",
    "rewritten:",
    "rewrite:",
    "sentence:",
];

/// Makes a completion of an answer: its first line that says something, or all of them where the text
/// has several sentences, without labels and without quotation marks around the whole.
///
/// # Errors
/// [`Dropped`] where the answer is no paraphrase.
pub fn cleaned(draw: &Draw, text: &str, several: bool) -> Result<String, Dropped> {
    let said = &draw.completion;
    // The model goes on with an example of its own.
    let end = said.find("\nSentence:").unwrap_or(said.len());
    let whole = draw.finish.is_finished() || end < said.len();
    let lines = said[..end].lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    let Some(first) = lines.first() else {
        return Err(Dropped::Empty);
    };
    if !whole && lines.len() < 2 {
        return Err(Dropped::Unfinished);
    }
    let joined = if several && whole {
        lines.join(" ")
    } else {
        (*first).to_owned()
    };
    let unlabelled = without_label(&joined);
    let bare = without_quotes(unlabelled, text).trim();
    if !bare.chars().any(char::is_alphanumeric) || bare.contains('\0') {
        return Err(Dropped::Empty);
    }
    if bare.chars().count() > text.chars().count() * 3 + 200 {
        return Err(Dropped::TooLong);
    }
    if letters(bare) == letters(text) {
        return Err(Dropped::Unchanged);
    }
    Ok(bare.to_owned())
}

fn without_label(text: &str) -> &str {
    for label in LABELS {
        let head = text.get(..label.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(label)) {
            return text[label.len()..].trim_start();
        }
    }
    text
}

/// Takes away quotation marks around the whole, unless the text has them too.
fn without_quotes<'a>(said: &'a str, text: &str) -> &'a str {
    for (open, close) in [('"', '"'), ('“', '”')] {
        let inner = said.strip_prefix(open).and_then(|s| s.strip_suffix(close));
        if let Some(inner) = inner
            && !text.trim().starts_with(open)
            && !inner.contains(open)
        {
            return inner;
        }
    }
    said
}

/// Returns what two texts must share to be the same: letters and digits, in lower case.
fn letters(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_domain::draw::Finish;

    fn said(completion: &str, finish: Finish) -> Draw {
        Draw {
            draw: 0,
            completion: completion.to_owned(),
            finish,
            tokens: 1,
        }
    }

    #[test]
    fn answers_are_cleaned_into_completions() {
        let text = "He fell hard.";
        let clean = |completion: &str| cleaned(&said(completion, Finish::Sentence), text, false);
        assert_eq!(clean(" He went down. "), Ok("He went down.".to_owned()));
        assert_eq!(clean("\"Down he went.\""), Ok("Down he went.".to_owned()));
        assert_eq!(
            clean("\"Down!\" he said, \"down!\""),
            Ok("\"Down!\" he said, \"down!\"".to_owned())
        );
        assert_eq!(
            clean("In other words: Down he went.\nSentence: More."),
            Ok("Down he went.".to_owned())
        );
        assert_eq!(clean("  \n "), Err(Dropped::Empty));
        assert_eq!(clean("..."), Err(Dropped::Empty));
        assert_eq!(clean("he FELL, hard"), Err(Dropped::Unchanged));
        assert_eq!(clean(&"long ".repeat(100)), Err(Dropped::TooLong));
    }

    #[test]
    fn a_cut_answer_is_none_unless_its_line_ended() {
        let text = "He fell hard.";
        let cut = |completion: &str| cleaned(&said(completion, Finish::Budget), text, false);
        assert_eq!(cut("He went"), Err(Dropped::Unfinished));
        assert_eq!(cut("He went down.\nThen he"), Ok("He went down.".to_owned()));
        let both = cleaned(&said("Down.\nUp.", Finish::EndOfText), "Fell. Rose.", true);
        assert_eq!(both, Ok("Down. Up.".to_owned()));
    }
}
