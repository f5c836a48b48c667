//! What all searches that generate share: the sampling, and how finds reach the attempt.

use super::decode::Written;
use super::guide::Opinion;
use crate::recipe::RecipeError;
use crate::trial::{Candidate, Stop, Trial};
use nines_domain::draw::Sampling;
use nines_domain::snippet::SnippetText;
use nines_infer::scorer::Unscoreable;
use serde::{Deserialize, Serialize};

/// What a find is called that ended at a look and was not taken: it has no weight.
pub(super) const NOT_TAKEN: &str = "guided, not taken";

/// How completions are sampled; the seed is the attempt's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingSettings {
    /// Divides the logits.
    pub temperature: f64,
    /// Keeps the smallest set of tokens with at least this probability.
    pub top_p: f64,
    /// Tokens of a completion at most.
    pub max_tokens: usize,
}

impl Default for SamplingSettings {
    fn default() -> Self {
        let Sampling {
            temperature,
            top_p,
            max_tokens,
            ..
        } = Sampling::default();
        Self {
            temperature,
            top_p,
            max_tokens,
        }
    }
}

impl SamplingSettings {
    /// Returns the sampling under a seed.
    pub fn with_seed(self, seed: u64) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            max_tokens: self.max_tokens,
            seed,
            ..Sampling::default()
        }
    }

    /// Refuses settings without sense.
    pub(super) fn check(self) -> Result<(), RecipeError> {
        if self.max_tokens > 1024 {
            return Err(RecipeError::field(
                "sampling.max_tokens",
                format!("takes a number from 1 to 1024, not {}", self.max_tokens),
            ));
        }
        nines_infer::sampling::check(&self.with_seed(0))
            .map_err(|error| RecipeError::field("sampling", format!("({error})")))
    }
}

/// Refuses a number outside its range.
pub(super) fn within(
    field: &str,
    value: usize,
    range: std::ops::RangeInclusive<usize>,
) -> Result<(), RecipeError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (low, high) = (range.start(), range.end());
    Err(RecipeError::field(
        field,
        format!("takes a number from {low} to {high}, not {value}"),
    ))
}

/// Refuses a weight that is none.
pub(super) fn weight(field: &str, value: f64) -> Result<(), RecipeError> {
    if value.is_finite() && (0.0..=100.0).contains(&value) {
        return Ok(());
    }
    Err(RecipeError::field(
        field,
        format!("takes a number from 0 to 100, not {value}"),
    ))
}

/// Ends the attempt where a model failed on every finished completion.
pub(super) fn refuse_dead(written: &[Written]) -> Result<(), Stop> {
    let judged: Vec<&Opinion> = written
        .iter()
        .filter(|one| one.draw.finish.is_finished())
        .map(|one| &one.opinion)
        .collect();
    fn failed<T>(answer: Option<&Result<T, Unscoreable>>) -> Option<&str> {
        match answer {
            Some(Err(Unscoreable::Model(reason))) => Some(reason),
            _ => None,
        }
    }
    let Some(first) = judged.first() else {
        return Ok(());
    };
    let dead = |who: &str, reason: Option<&str>, all: bool| match reason {
        Some(reason) if all => Err(Stop::Broken(format!("{who} failed: {reason}"))),
        _ => Ok(()),
    };
    dead(
        "the classifier under attack",
        failed(first.scores.as_ref()),
        judged.iter().all(|o| failed(o.scores.as_ref()).is_some()),
    )?;
    dead(
        "the head that says what is injurious",
        failed(first.injury.as_ref()),
        judged.iter().all(|o| failed(o.injury.as_ref()).is_some()),
    )
}

/// Keeps what was found, where the recipe's constraints let it pass and it was not found before; returns
/// whether it was kept.
pub(super) fn keep(
    trial: &mut Trial<'_>,
    text: &SnippetText,
    scores: Vec<f64>,
    kind: &'static str,
    log_weight: Option<f64>,
) -> Result<bool, Stop> {
    if trial.finds.iter().any(|find| find.text == *text) {
        return Ok(false);
    }
    let start = trial.start().draft.clone();
    let Ok(draft) = start.rewritten(text) else {
        trial.note("finds that change what is protected were left out");
        return Ok(false);
    };
    let candidate = Candidate {
        edits: start.edits_towards(text),
        draft,
        kind,
        log_probability: None,
    };
    let kept = trial.keep(&start, vec![candidate])?;
    let Some(candidate) = kept.into_iter().next() else {
        return Ok(false);
    };
    trial.discover(candidate, scores, log_weight);
    Ok(true)
}
