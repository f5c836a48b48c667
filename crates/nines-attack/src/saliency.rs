//! How much each word-piece of a snippet matters to its score.
//!
//! Three answers to the same question, which often disagree: compare them before trusting one.
//!
//! **The gradient's norm can say nothing at all.** In a linear model over the mean of the embeddings the
//! gradient of every token is the same vector, so every norm is the same whatever the tokens are. There, and to a
//! degree in every mean-pooled model, ask [`Method::GradientXInput`] or [`Method::LeaveOneOut`].
//!
//! # Reference
//! Li et al., "Visualizing and understanding neural models in NLP" (2016) for the norm; Denil et al. (2014) and
//! Shrikumar et al. (2017) for gradient × input; Li, Monroe & Jurafsky, "Understanding neural networks through
//! representation erasure" (2016) for leaving one out.

use crate::edit::half_of;
use nines_domain::snippet::SnippetText;
use nines_infer::gradients::{Differentiable, SnippetGradient};
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_text::{SnippetPart, TokenSpan};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How saliency is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The length of the gradient of the score with respect to the token's embedding: how fast the
    /// score can change there. A magnitude: it does not say in which direction.
    GradientNorm,
    /// The gradient times the embedding itself: a first guess at what the token adds to the score.
    GradientXInput,
    /// The score less the score without the token's characters: what it does add. One query a token.
    LeaveOneOut,
}

impl Method {
    /// Says whether the classifier must give gradients.
    pub fn needs_gradients(self) -> bool {
        !matches!(self, Self::LeaveOneOut)
    }
}

/// What one word-piece means to the score.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenSaliency {
    /// The half of the snippet.
    pub part: SnippetPart,
    /// Its bytes in that half.
    pub range: Range<usize>,
    /// The characters there.
    pub text: String,
    /// In log odds; positive where it pushes the score up. For [`Method::GradientNorm`] a magnitude,
    /// in log odds per unit of embedding.
    pub value: f64,
}

/// Saliency cannot be told.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SaliencyError {
    /// The snippet itself has no score, or no gradient.
    #[error(transparent)]
    Unscoreable(#[from] Unscoreable),
    /// The scorer is a black box.
    #[error("{version} gives no gradients; use leave-one-out, which only needs scores")]
    NoGradients {
        /// The scorer's version.
        version: String,
    },
    /// The scorer does not say which word-pieces it reads.
    #[error("{version} does not say which word-pieces it reads, so none can be left out")]
    NoTokens {
        /// The scorer's version.
        version: String,
    },
}

/// Measures the saliency of each word-piece that the model reads, in the order of the text.
///
/// [`Method::LeaveOneOut`] leaves a piece out of the list where nothing scoreable would remain, such as
/// the only word of a completion.
///
/// # Errors
/// [`SaliencyError`]: a snippet without a score, a text over the model's window, a scorer without gradients.
pub fn saliency(
    method: Method,
    scorer: &dyn Scorer,
    snippet: &SnippetText,
) -> Result<Vec<TokenSaliency>, SaliencyError> {
    let version = || scorer.version().to_owned();
    match (method, scorer.differentiable()) {
        (Method::LeaveOneOut, Some(model)) => leave_one_out(scorer, model, snippet),
        (Method::LeaveOneOut, None) => Err(SaliencyError::NoTokens { version: version() }),
        (_, None) => Err(SaliencyError::NoGradients { version: version() }),
        (Method::GradientNorm, Some(model)) => {
            let norm = |gradient: &[f32], _: &[f32]| dot(gradient, gradient).sqrt();
            by_gradient(model, snippet, norm)
        }
        (Method::GradientXInput, Some(model)) => by_gradient(model, snippet, dot),
    }
}

/// Multiplies two vectors, summing in double precision.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

/// Returns the gradient of one snippet.
pub(crate) fn gradient_of(
    model: &dyn Differentiable,
    snippet: &SnippetText,
) -> Result<SnippetGradient, Unscoreable> {
    let nothing = || Unscoreable::Model("the model gave no gradient".to_owned());
    let mut gradients = model.gradients(std::slice::from_ref(snippet));
    gradients.pop().unwrap_or_else(|| Err(nothing()))
}

/// Makes a value of each token's gradient and embedding.
fn by_gradient(
    model: &dyn Differentiable,
    snippet: &SnippetText,
    value: impl Fn(&[f32], &[f32]) -> f64,
) -> Result<Vec<TokenSaliency>, SaliencyError> {
    let found = gradient_of(model, snippet)?;
    let embeddings = model.embeddings();
    let tokens = found.encoded.offsets.iter().zip(&found.encoded.ids);
    Ok(tokens
        .zip(found.gradient.chunks_exact(found.hidden.max(1)))
        .filter_map(|((span, id), gradient)| {
            let span = (*span)?;
            Some(told(snippet, span, value(gradient, &embeddings.row(*id)?)))
        })
        .collect())
}

fn told(snippet: &SnippetText, span: TokenSpan, value: f64) -> TokenSaliency {
    TokenSaliency {
        part: span.part,
        range: span.range(),
        text: half_of(snippet, span.part)[span.range()].to_owned(),
        value,
    }
}

/// Scores the snippet without each of its word-pieces, all in one go.
fn leave_one_out(
    scorer: &dyn Scorer,
    model: &dyn Differentiable,
    snippet: &SnippetText,
) -> Result<Vec<TokenSaliency>, SaliencyError> {
    let encoded = model
        .tokenizer()
        .encode(&snippet.prompt, &snippet.completion)
        .map_err(|error| Unscoreable::Tokens(error.to_string()))?;
    let mut spans: Vec<TokenSpan> = encoded.offsets.into_iter().flatten().collect();
    // Byte-level vocabularies may spell one character by several tokens.
    spans.dedup();
    spans.retain(|span| span.start < span.end);
    let mut texts = vec![snippet.clone()];
    texts.extend(spans.iter().map(|span| without(snippet, *span)));
    let mut scores = scorer.score(&texts, &mut |_| ()).into_iter();
    let missing = || Unscoreable::Model("the classifier left out a text".to_owned());
    let whole = scores.next().unwrap_or_else(|| Err(missing()))?.logit();
    Ok(spans
        .into_iter()
        .zip(scores)
        .filter_map(|(span, score)| Some(told(snippet, span, whole - score.ok()?.logit())))
        .collect())
}

/// Returns a snippet without the characters of one word-piece, and without a doubled space. A mark
/// between two words leaves a space, so that they are not glued into one.
fn without(snippet: &SnippetText, span: TokenSpan) -> SnippetText {
    let text = half_of(snippet, span.part);
    let (before, piece, behind) = (&text[..span.start], &text[span.range()], &text[span.end..]);
    let left = before.chars().next_back();
    let right = behind.chars().next();
    let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mark = !piece.chars().any(char::is_alphanumeric);
    let changed = if is_space(left) && is_space(right) {
        format!("{before}{}", behind.trim_start())
    } else if mark && is_letter(left) && is_letter(right) {
        format!("{before} {behind}")
    } else {
        format!("{before}{behind}")
    };
    match span.part {
        SnippetPart::Prompt => SnippetText::new(changed, snippet.completion.clone()),
        SnippetPart::Completion => SnippetText::new(snippet.prompt.clone(), changed),
    }
}

#[cfg(test)]
mod tests;
