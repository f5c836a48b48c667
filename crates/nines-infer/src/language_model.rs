//! What every language model promises: how probable a text is, and which words may come next.

use crate::generator::GenerateError;

/// A text and what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuation<'a> {
    /// What stands before it; may be empty.
    pub context: &'a str,
    /// The text.
    pub text: &'a str,
}

/// How probable a text is after its context.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextProbability {
    /// Natural logarithm of the probability of the counted tokens. It says nothing of where the text
    /// ends: more may follow.
    pub log_probability: f64,
    /// Tokens counted: those that hold at least one byte of the text.
    pub tokens: usize,
}

impl TextProbability {
    /// Returns the perplexity: the inverse geometric mean of the tokens' probabilities, 1 for no token.
    pub fn perplexity(&self) -> f64 {
        if self.tokens == 0 {
            return 1.0;
        }
        (-self.log_probability / self.tokens as f64).exp()
    }
}

/// A word that may come next.
#[derive(Debug, Clone, PartialEq)]
pub struct NextWord {
    /// The word, with the white space before it that the model gives.
    pub word: String,
    /// Natural logarithm of the probability that it comes next and ends there.
    pub log_probability: f64,
}

impl NextWord {
    /// Says whether it is punctuation: no letter and no digit is in it.
    pub fn is_punctuation(&self) -> bool {
        !self.word.chars().any(char::is_alphanumeric)
    }
}

/// Knows how probable texts are.
///
/// An answer does not depend, to the last bit, on what else is asked in the same call.
pub trait LanguageModel: Send + Sync {
    /// Names the model, precisely enough that equal names give equal answers.
    fn id(&self) -> String;

    /// Says how probable each text is after its context, in their order. Contexts that texts share are
    /// run once.
    ///
    /// Context and text are cut into tokens as one string, as the model would meet them. Tokens that
    /// hold at least one byte of the text are counted, also one that begins in the context, such as
    /// the word of `"He "` + `"ran"`: of texts that share a context nothing is left out.
    fn log_probabilities(
        &self,
        texts: &[Continuation<'_>],
    ) -> Vec<Result<TextProbability, GenerateError>>;

    /// Lists the `k` words that most probably come next, best first; fewer where the model knows fewer.
    ///
    /// They are whole and distinct; punctuation counts as a word. Blanks at the end of `left` are not
    /// read: the words bring theirs, and after a blank only words that do are listed. Directly behind
    /// a letter no word begins with a letter, which would lengthen the one that is there.
    ///
    /// # Errors
    /// [`GenerateError`] where `left` does not fit the model or it fails.
    fn next_words(&self, left: &str, k: usize) -> Result<Vec<NextWord>, GenerateError>;
}
