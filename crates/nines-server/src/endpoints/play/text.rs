//! What the endpoints of Play take and answer: text with its limits, scores with their reasons.

use crate::error::Problem;
use crate::scoring::Scored;
use nines_domain::draw::Sampling;
use nines_infer::sampling;
use serde::Serialize;
use utoipa::ToSchema;

/// Bytes of the longest prompt or completion: far beyond any model's window.
const LONGEST: usize = 32 * 1024;

/// Checks a prompt or a completion.
pub fn check(what: &str, text: &str) -> Result<(), Problem> {
    if text.len() > LONGEST {
        return Err(Problem::invalid(format!(
            "the {what} has {} bytes; at most {LONGEST} are taken",
            text.len()
        )));
    }
    if text.contains('\0') {
        return Err(Problem::invalid(format!(
            "the {what} holds a NUL character, which no text has"
        )));
    }
    Ok(())
}

/// The project's sampling with what a request changes.
pub fn sampled(
    base: Sampling,
    seed: u64,
    temperature: Option<f64>,
    top_p: Option<f64>,
) -> Result<Sampling, Problem> {
    let sampling = Sampling {
        seed,
        temperature: temperature.unwrap_or(base.temperature),
        top_p: top_p.unwrap_or(base.top_p),
        ..base
    };
    sampling::check(&sampling).map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(sampling)
}

/// A score, or the reason why there is none; what has no score is never accepted.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ScoreOrReason {
    /// There is one.
    Score {
        /// The logit of the catastrophe.
        score: f64,
    },
    /// There is none.
    Reason {
        /// Why.
        reason: String,
    },
}

impl ScoreOrReason {
    /// A reason why there is no score.
    pub fn none(reason: impl Into<String>) -> Self {
        Self::Reason {
            reason: reason.into(),
        }
    }
}

impl From<Scored> for ScoreOrReason {
    fn from(scored: Scored) -> Self {
        match scored {
            Ok(score) => Self::Score {
                score: score.logit(),
            },
            Err(reason) => Self::none(reason.to_string()),
        }
    }
}
