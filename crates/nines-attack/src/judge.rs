//! Who says that the injury is still there: another classifier, or a language model behind an endpoint.
//!
//! A judge is a model, and attacks learn to fool it too. What it lets pass is no success before a person says so,
//! and whatever shows a find names it. Where it gives no verdict, nothing passes.

mod endpoint;

pub use endpoint::{Answers, EndpointJudge, MOST_GUIDE, MOST_TEXT};

use crate::recipe::RecipeError;
use crate::victim::{Victim, share_a_classifier};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::scorer::{Scorer, Unscoreable};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Says whether an injury is there.
#[derive(Clone)]
pub struct Judge {
    name: String,
    voice: Voice,
}

#[derive(Clone)]
enum Voice {
    Classifier {
        scorer: Arc<dyn Scorer>,
        threshold: Threshold,
    },
    Endpoint(Arc<EndpointJudge>),
}

/// What a judge must say for a text to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// That the injury is there.
    Injurious,
    /// That there is none.
    Safe,
}

/// What a judge says of one text.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A classifier's log odds, less those from which on it says that there is an injury.
    Beyond(f64),
    /// There is an injury.
    Yes,
    /// There is none.
    No,
    /// No verdict, and why. Nothing passes by it.
    Open(String),
}

impl Verdict {
    /// Says whether it is what is asked for, a classifier's by so many log odds.
    pub fn is(&self, says: Says, margin: f64) -> bool {
        match (self, says) {
            (Self::Beyond(odds), Says::Injurious) => *odds >= margin,
            (Self::Beyond(odds), Says::Safe) => *odds < -margin,
            (Self::Yes, Says::Injurious) | (Self::No, Says::Safe) => true,
            (Self::Yes | Self::No | Self::Open(_), _) => false,
        }
    }
}

/// Why there are no verdicts at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// The model failed, cannot be reached, or answers nothing that is a verdict.
    #[error("{0}")]
    Failed(String),
    /// Stopping was asked for before the last verdict.
    #[error("stopped before the judge had answered")]
    Stopped,
}

impl Judge {
    /// Takes a classifier, and the log odds from which on it says that there is an injury.
    pub fn classifier(
        name: impl Into<String>,
        scorer: Arc<dyn Scorer>,
        threshold: Threshold,
    ) -> Self {
        Self {
            name: name.into(),
            voice: Voice::Classifier { scorer, threshold },
        }
    }

    /// Takes a language model behind an endpoint.
    pub fn endpoint(name: impl Into<String>, judge: Arc<EndpointJudge>) -> Self {
        Self {
            name: name.into(),
            voice: Voice::Endpoint(judge),
        }
    }

    /// Returns what tables call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names the model precisely enough that equal names mean equal questions to an equal model.
    pub fn version(&self) -> &str {
        match &self.voice {
            Voice::Classifier { scorer, .. } => scorer.version(),
            Voice::Endpoint(judge) => judge.version(),
        }
    }

    /// Says whether it has log odds, so that it can be asked to be surer than its threshold.
    pub fn has_odds(&self) -> bool {
        matches!(self.voice, Voice::Classifier { .. })
    }

    /// Refuses to judge for an attack on itself.
    ///
    /// # Errors
    /// [`RecipeError::Missing`] where it is one of the classifiers under attack, or shares a member with one.
    pub fn check_is_no_victim(&self, victim: &Victim) -> Result<(), RecipeError> {
        let Voice::Classifier { scorer, .. } = &self.voice else {
            return Ok(());
        };
        let attacked = victim
            .scorers
            .iter()
            .any(|victim| share_a_classifier(&**scorer, &**victim));
        if attacked {
            return Err(RecipeError::missing(
                "a judge that is not under attack itself",
                format!(
                    "{} is, or a member of it; name another with --judge, or an endpoint with --judge-url",
                    scorer.version()
                ),
            ));
        }
        Ok(())
    }

    /// Judges texts, in their order: one verdict each. What is waited for ends soon after `stop` is set.
    ///
    /// # Errors
    /// [`JudgeError`] where there are no verdicts to go by.
    pub fn judge(
        &self,
        texts: &[SnippetText],
        stop: &CancelFlag,
    ) -> Result<Vec<Verdict>, JudgeError> {
        match &self.voice {
            Voice::Endpoint(judge) => judge.judge(texts, stop),
            Voice::Classifier { scorer, threshold } => by_classifier(&**scorer, *threshold, texts),
        }
    }
}

fn by_classifier(
    scorer: &dyn Scorer,
    threshold: Threshold,
    texts: &[SnippetText],
) -> Result<Vec<Verdict>, JudgeError> {
    let scores = scorer.score(texts, &mut |_| ());
    if scores.len() != texts.len() {
        return Err(JudgeError::Failed("it left texts unanswered".to_owned()));
    }
    let verdict = |score: Result<nines_domain::score::Score, Unscoreable>| match score {
        Ok(score) => Ok(Verdict::Beyond(score.logit() - threshold.logit())),
        Err(Unscoreable::Model(reason)) => Err(JudgeError::Failed(reason)),
        // The text is none that it can read.
        Err(reason) => Ok(Verdict::Open(reason.to_string())),
    };
    scores.into_iter().map(verdict).collect()
}

#[cfg(test)]
mod tests;
