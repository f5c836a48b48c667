//! What can be wrong with the settings of a world and its people.

/// Why a world, a filter or a person cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorldError {
    /// A setting lies outside its range.
    #[error("{what} is {value}, but must be {allowed}")]
    OutOfRange {
        /// Which setting.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// There are no prompts to compute from.
    #[error("there are no prompts: at least one is needed")]
    NoPrompts,
    /// The probability of a prompt is not a probability.
    #[error("prompt {index} has the probability {value}, but it must be between 0 and 1")]
    PromptProbability {
        /// Which prompt, from 0.
        index: usize,
        /// Its probability.
        value: f64,
    },
    /// A scorer returned NaN or an infinity instead of saying that it cannot score.
    #[error(
        "the scorer gave prompt {prompt} the score {score} for {completion:?}: a score must be finite; a scorer that cannot score must say so"
    )]
    ScoreNotFinite {
        /// Which prompt, from 0.
        prompt: usize,
        /// What was scored.
        completion: String,
        /// The score.
        score: f64,
    },
}

/// Checks a number against a range, NaN failing every check.
pub(crate) fn check(
    holds: bool,
    what: &'static str,
    value: f64,
    allowed: &'static str,
) -> Result<(), WorldError> {
    if holds {
        Ok(())
    } else {
        Err(WorldError::OutOfRange {
            what,
            value,
            allowed,
        })
    }
}

/// Checks a probability.
pub(crate) fn probability(what: &'static str, value: f64) -> Result<(), WorldError> {
    check((0.0..=1.0).contains(&value), what, value, "between 0 and 1")
}
