//! What a generator proposes and what a filter answers.

use crate::score::Score;
use serde::{Deserialize, Serialize};

/// How completions are sampled. Part of the identity of a generation: other settings, other draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Divides the logits; 0 takes the likeliest token.
    pub temperature: f64,
    /// Keeps the smallest set of tokens with at least this probability; 1 keeps all.
    pub top_p: f64,
    /// Keeps this many likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Divides (multiplies when negative) the logits of tokens already seen; 1 changes nothing.
    pub repetition_penalty: f64,
    /// A completion has at most this many tokens.
    pub max_tokens: usize,
    /// Stop after the first sentence (quotes closed).
    pub one_sentence: bool,
    /// Keys the random stream, together with the prompt and the draw.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.9,
            top_p: 0.95,
            top_k: 0,
            repetition_penalty: 1.0,
            max_tokens: 60,
            one_sentence: true,
            seed: 0,
        }
    }
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// Its sentence ended.
    Sentence,
    /// The model ended its text.
    EndOfText,
    /// The token budget was spent: the sentence is unfinished.
    Budget,
}

impl Finish {
    /// Says whether the completion is whole; an unfinished one is marked and never passed off as
    /// finished.
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Budget)
    }

    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sentence => "sentence",
            Self::EndOfText => "end_of_text",
            Self::Budget => "budget",
        }
    }
}

/// One completion that a generator proposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// Which draw of its prompt this is, from 0.
    pub draw: u32,
    /// The text.
    pub completion: String,
    /// Why it ended.
    pub finish: Finish,
    /// How many tokens it took.
    pub tokens: usize,
}

/// What the filter says of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Ruling {
    /// Its score is below the threshold.
    Accepted {
        /// The score.
        score: Score,
    },
    /// Its score is not.
    Rejected {
        /// The score.
        score: Score,
    },
    /// It has no score (too long, empty, a model error, NaN) or is unfinished: never accepted.
    Unscoreable {
        /// Why.
        reason: String,
    },
}

impl Ruling {
    /// Says whether the candidate may be shown.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }

    /// Returns the score, where there is one.
    pub fn score(&self) -> Option<Score> {
        match self {
            Self::Accepted { score } | Self::Rejected { score } => Some(*score),
            Self::Unscoreable { .. } => None,
        }
    }
}
