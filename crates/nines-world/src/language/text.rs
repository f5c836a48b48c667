//! Text as sentences of words.

use super::Mood;
use super::role::Role;
use super::words::lookup;

/// A word of a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token {
    /// What it does.
    pub role: Role,
    /// Whether it ends in `'s` or `s'`.
    pub possessive: bool,
    /// The mood it sets, when it stands in a prompt.
    pub cue: Option<Mood>,
    /// The word of the vocabulary, a plural as its singular; empty for a word that is not in it.
    pub word: &'static str,
}

impl Token {
    const BREAK: Self = Self {
        role: Role::Break,
        possessive: false,
        cue: None,
        word: "",
    };
}

/// A sentence: its words, with a [`Role::Break`] where punctuation ends a clause.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sentence {
    /// The words in their order.
    pub tokens: Vec<Token>,
    /// Whether it ends in a question mark.
    pub question: bool,
}

/// Reads any text as sentences. A sentence without words is left out.
///
/// # Example
/// ```
/// use nines_world::language::{Role, read};
/// let sentences = read("The dog slept. Why?");
/// assert_eq!(sentences.len(), 2);
/// assert_eq!(sentences[0].tokens[1].role, Role::Being);
/// assert!(sentences[1].question);
/// assert!(read("…").is_empty());
/// ```
pub fn read(text: &str) -> Vec<Sentence> {
    let text = plain(text);
    let mut sentences = Vec::new();
    let mut sentence = Sentence::default();
    let mut word_start: Option<usize> = None;
    // Once there is no closing mark of a kind, there is none further on.
    let mut no_close = ['\0'; 2];
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        if c.is_alphanumeric() || c == '\'' {
            word_start = word_start.or(Some(at));
            continue;
        }
        if let Some(start) = word_start.take() {
            push_word(&mut sentence.tokens, &text[start..at]);
        }
        let close = match c {
            '"' => Some('"'),
            '“' => Some('”'),
            _ => None,
        };
        if let Some(close) = close.filter(|close| !no_close.contains(close)) {
            let after = rest.as_str();
            if let Some(found) = after.find(close) {
                // Leaves the closing mark behind as well.
                rest.nth(after[..found].chars().count());
                sentence.tokens.push(Token::BREAK);
                continue;
            }
            no_close[usize::from(close == '”')] = close;
        }
        match c {
            '.' | '!' | '?' | '\n' | '…' => {
                sentence.question = c == '?';
                end(&mut sentences, &mut sentence);
            }
            ',' | ';' | ':' | '—' | '–' | '(' | ')' | '[' | ']' => {
                sentence.tokens.push(Token::BREAK);
            }
            _ => {}
        }
    }
    if let Some(start) = word_start {
        push_word(&mut sentence.tokens, &text[start..]);
    }
    end(&mut sentences, &mut sentence);
    sentences
}

fn end(sentences: &mut Vec<Sentence>, sentence: &mut Sentence) {
    let ended = std::mem::take(sentence);
    if ended.tokens.iter().any(|t| t.role != Role::Break) {
        sentences.push(ended);
    } else if ended.question
        && let Some(last) = sentences.last_mut()
    {
        // "Really!?" asks.
        last.question = true;
    }
}

/// Lower case, one kind of apostrophe, nothing invisible, no marks on top of letters.
fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .filter(|c| {
            !matches!(
                c,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
            )
        })
        .filter(|c| !matches!(c, '\u{300}'..='\u{36f}'))
        .flat_map(char::to_lowercase)
        .map(|c| {
            if matches!(c, '’' | '‘' | 'ʼ') {
                '\''
            } else {
                c
            }
        })
        .collect()
}

fn push_word(tokens: &mut Vec<Token>, written: &str) {
    let possessive_plural = written.ends_with("s'");
    let written = written.trim_matches('\'');
    if written.is_empty() {
        return;
    }
    let (word, possessive) = match written.strip_suffix("'s") {
        Some(owner) => (owner, true),
        None => (written, possessive_plural),
    };
    let (entry, word) = lookup(word);
    // "For good" is one word in two.
    if word == "good" && tokens.last().is_some_and(|t| t.word == "for") {
        tokens.pop();
        tokens.push(Token {
            role: Role::Lethal,
            possessive: false,
            cue: None,
            word,
        });
        return;
    }
    tokens.push(Token {
        role: entry.role,
        possessive: possessive && entry.role.is_noun(),
        cue: entry.cue,
        word,
    });
}
