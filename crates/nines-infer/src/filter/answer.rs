//! What a filter answers, and what it tells on the way.

use crate::generator::{GenerateError, GenerateStats};
use nines_domain::draw::{Draw, Ruling};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which of the acceptable draws is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "law", rename_all = "snake_case")]
pub enum Law {
    /// The first acceptable one, in the order of the draws: rejection sampling.
    FirstAccepted,
    /// Draws come in batches of `of`; the answer is the lowest score of the first batch in which a
    /// draw is acceptable.
    PickSafest {
        /// How many draws a batch has.
        of: u32,
    },
    /// As [`Law::FirstAccepted`], with a threshold that falls with every draw that was not accepted: the more of
    /// a prompt's completions were rejected, the likelier is the next to be a catastrophe that was missed.
    Tightening {
        /// By how much it falls.
        step: Step,
    },
}

/// By how much a threshold falls with rejections: after k of them a draw must score below threshold − step·ln(1 + k).
///
/// That is how much the logit of a prompt's risk rises when k of its k completions were rejected, by a prior in
/// which one rejection stands for the whole: each doubling costs as much as the one before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Step(f64);

// Never NaN.
impl Eq for Step {}

impl Step {
    /// The largest step, in logits.
    pub const LARGEST: f64 = 20.0;

    /// Takes a number of logits.
    ///
    /// # Errors
    /// [`FilterError::Step`] unless it lies above 0 and is at most [`Step::LARGEST`].
    ///
    /// # Example
    /// ```
    /// use nines_infer::filter::Step;
    /// let step = Step::new(0.5)?;
    /// assert_eq!(step.after(0), 0.0);
    /// assert!((step.after(1) - 0.5 * 2f64.ln()).abs() < 1e-15);
    /// assert!(Step::new(0.0).is_err() && Step::new(f64::NAN).is_err());
    /// # Ok::<(), nines_infer::filter::FilterError>(())
    /// ```
    pub fn new(logits: f64) -> Result<Self, FilterError> {
        match logits > 0.0 && logits <= Self::LARGEST {
            true => Ok(Self(logits)),
            false => Err(FilterError::Step),
        }
    }

    /// Returns the number of logits.
    pub fn logits(self) -> f64 {
        self.0
    }

    /// Returns by how much the threshold has fallen after so many draws that were not accepted.
    pub fn after(self, rejected: u32) -> f64 {
        self.0 * f64::from(rejected).ln_1p()
    }
}

impl TryFrom<f64> for Step {
    type Error = FilterError;
    fn try_from(logits: f64) -> Result<Self, FilterError> {
        Self::new(logits)
    }
}

impl From<Step> for f64 {
    fn from(step: Step) -> f64 {
        step.0
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstAccepted => f.write_str("first accepted"),
            Self::PickSafest { of } => write!(f, "pick safest of {of}"),
            Self::Tightening { step } => {
                write!(f, "first accepted tightening by {}", step.logits())
            }
        }
    }
}

/// A filter cannot be built like this.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FilterError {
    /// No draws are allowed.
    #[error("a filter needs a budget of at least one draw for each prompt")]
    NoBudget,
    /// A batch has no draws, or more than the budget.
    #[error("picking the safest of {of} needs at least 1 and at most the budget of {budget} draws")]
    BatchBeyondBudget {
        /// Draws in a batch.
        of: u32,
        /// Draws allowed.
        budget: u32,
    },
    /// A threshold falls by nothing, or by more than makes sense.
    #[error("a threshold tightens by more than 0 and at most 20 logits")]
    Step,
    /// The scorer asked its second condition of nothing between its own threshold and this one.
    #[error(
        "the filter accepts logits below {threshold}, and its scorer asks the second condition only of those below \
         {holds}; give both the same threshold"
    )]
    ThresholdBeyondScorer {
        /// The filter's threshold, a logit.
        threshold: f64,
        /// The scorer's, a logit.
        holds: f64,
    },
}

/// One draw of a prompt with what the filter says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which draw of its prompt this is, from 0.
    pub number: u32,
    /// The draw; `None` when the generator failed to make it.
    pub draw: Option<Draw>,
    /// The verdict.
    pub ruling: Ruling,
    /// Whether the law looked at it. A wave may draw further than the answer: those draws are kept
    /// and shown, but they are no part of the filter's law and of its acceptance rate.
    pub looked_at: bool,
}

/// Why a prompt has no answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Abstention {
    /// The budget is spent and no draw was acceptable.
    BudgetSpent {
        /// How many draws were looked at.
        draws: u32,
        /// How many of them had no score, or none that counts: what is too unfamiliar has one, in vain.
        unscoreable: u32,
        /// Why the last of those had none.
        last_reason: Option<String>,
    },
    /// The generator cannot continue this prompt, however often it is asked, or the scorer could
    /// score no completion of it.
    Prompt {
        /// What it said.
        reason: String,
    },
    /// The generator stopped working; asked again later, the prompt may have an answer.
    Generator {
        /// What it said.
        reason: String,
    },
    /// The work was stopped before an answer was found.
    Cancelled,
}

impl fmt::Display for Abstention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BudgetSpent {
                draws,
                unscoreable,
                last_reason,
            } => {
                write!(f, "none of {draws} draws was accepted")?;
                if let Some(reason) = last_reason {
                    write!(f, "; {unscoreable} had no score that counts ({reason})")?;
                }
                Ok(())
            }
            Self::Prompt { reason } => f.write_str(reason),
            Self::Generator { reason } => write!(f, "the generator stopped: {reason}"),
            Self::Cancelled => f.write_str("stopped before an answer was found"),
        }
    }
}

/// What the filter answers to a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// This draw.
    Accepted {
        /// Its number.
        number: u32,
    },
    /// Nothing.
    Abstained(Abstention),
}

/// The filter's answer to one prompt, with every candidate in the order of the draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer, or why there is none.
    pub outcome: Outcome,
    /// Every draw that was made, by number.
    pub candidates: Vec<Candidate>,
}

impl Answer {
    /// Returns the accepted candidate, if there is one.
    pub fn accepted(&self) -> Option<&Candidate> {
        let Outcome::Accepted { number } = self.outcome else {
            return None;
        };
        self.candidates.iter().find(|c| c.number == number)
    }

    /// Returns the answer's text, if there is one.
    pub fn completion(&self) -> Option<&str> {
        self.accepted()?
            .draw
            .as_ref()
            .map(|d| d.completion.as_str())
    }

    /// Returns the candidates that the law looked at.
    pub fn looked_at(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|c| c.looked_at)
    }
}

/// What happens while a filter runs.
#[derive(Debug)]
pub enum FilterEvent<'a> {
    /// A draw came back from the generator; it has no verdict yet.
    Drawn {
        /// The index of its prompt.
        prompt: usize,
    },
    /// A candidate has its verdict.
    Ruled {
        /// The index of its prompt.
        prompt: usize,
        /// The candidate.
        candidate: &'a Candidate,
    },
    /// A prompt has its answer, or an abstention.
    Answered {
        /// The index of the prompt.
        prompt: usize,
        /// The answer.
        answer: &'a Answer,
    },
}

/// What a filter did with a list of prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterRun {
    /// One answer for each prompt, in their order.
    pub answers: Vec<Answer>,
    /// How fast the generator was, over all waves.
    pub generated: GenerateStats,
    /// What stopped the generator for good, if anything did.
    pub failure: Option<GenerateError>,
    /// Whether the work was stopped from outside.
    pub cancelled: bool,
}
