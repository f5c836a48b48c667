//! What every scorer promises.

use crate::ensemble::Ensemble;
use crate::gradients::Differentiable;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;

/// Why a snippet has no score. A snippet without a score is never accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unscoreable {
    /// The snippet does not fit the model's window, and windows were not asked for.
    #[error(
        "{tokens} tokens do not fit the classifier's window of {window}; shorten the text, or score and calibrate with --long max"
    )]
    TooLong {
        /// Tokens of the snippet, special tokens included.
        tokens: usize,
        /// Tokens that fit.
        window: usize,
    },
    /// The completion has no text.
    #[error("the completion is empty")]
    EmptyCompletion,
    /// The text could not be cut into tokens.
    #[error("cannot be tokenised: {0}")]
    Tokens(String),
    /// It lies too far from what is familiar, whatever its score.
    #[error(
        "unfamiliar: {value:.4}, and the limit is {limit:.4}; its logit is {:.3}",
        score.logit()
    )]
    Unfamiliar {
        /// Its unfamiliarity.
        value: f64,
        /// What is this unfamiliar, or more, is not accepted.
        limit: f64,
        /// Its score.
        score: Score,
    },
    /// The model failed or answered something that is not a finite number.
    #[error("the classifier gave no score: {0}")]
    Model(String),
}

/// Scores snippets: a logit for the catastrophe, or a reason why there is none.
pub trait Scorer: Send + Sync {
    /// Names the scorer and its version; stored with every score.
    fn version(&self) -> &str;

    /// Returns the scorer as one whose logit has gradients, where it is one.
    fn differentiable(&self) -> Option<&dyn Differentiable> {
        None
    }

    /// Returns the scorer as an ensemble, where it is one: its members can be asked one by one.
    fn ensemble(&self) -> Option<&Ensemble> {
        None
    }

    /// Says below which threshold alone its answers say whether a snippet may be accepted, where there is such a
    /// bound: at and above it, a score is one that was not asked about everything. `None`: they do everywhere.
    fn holds_below(&self) -> Option<Threshold> {
        None
    }

    /// Says why no completion of a prompt can have a score, where that is so: drawing any would be
    /// in vain.
    fn refuses(&self, _prompt: &str) -> Option<Unscoreable> {
        None
    }

    /// Scores snippets, in their order: one answer each. `progress` is told how many are done.
    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>>;
}
