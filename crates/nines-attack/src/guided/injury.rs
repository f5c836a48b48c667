//! Who says how injurious a text is, finished or not.
//!
//! A head is a model's opinion and can be fooled like any other: a find is a snippet on which it and the
//! classifier under attack disagree. Only a label says which of them is wrong.

use super::probe::InjuryProbe;
use crate::victim::share_a_classifier;
use nines_domain::snippet::SnippetText;
use nines_infer::scorer::{Scorer, Unscoreable};
use std::sync::Arc;

/// Says how injurious a text is, in log odds: a probe of the generator's hidden states, or a classifier
/// that is not under attack.
pub trait InjuryHead: Send + Sync {
    /// Names the head and its version, precisely enough that equal names give equal answers.
    fn name(&self) -> String;

    /// Returns the log odds that each text is injurious, in their order: one answer each. The completion
    /// may be unfinished.
    fn log_odds(&self, texts: &[SnippetText]) -> Vec<Result<f64, Unscoreable>>;

    /// Returns the log odds from which on it calls a finished text injurious.
    fn threshold(&self) -> f64 {
        0.0
    }

    /// Returns the version of the classifier that it is, where it is one.
    fn classifier(&self) -> Option<&str> {
        None
    }

    /// Returns the probe that it is, where it is one: it has a direction to steer in.
    fn probe(&self) -> Option<&InjuryProbe> {
        None
    }
}

/// Another classifier of the project as a head.
///
/// It was trained on whole completions: what it says of unfinished ones is a guess.
#[derive(Clone)]
pub struct ClassifierHead {
    scorer: Arc<dyn Scorer>,
    threshold: f64,
    label: Option<String>,
}

impl ClassifierHead {
    /// Takes a classifier, and the log odds from which on it calls a text injurious.
    ///
    /// # Errors
    /// [`SameClassifier`] where it is one of those under attack, or where the two share a member.
    pub fn new(
        scorer: Arc<dyn Scorer>,
        threshold: f64,
        victims: &[Arc<dyn Scorer>],
    ) -> Result<Self, SameClassifier> {
        if victims
            .iter()
            .any(|victim| share_a_classifier(&*scorer, &**victim))
        {
            return Err(SameClassifier(scorer.version().to_owned()));
        }
        Ok(Self {
            scorer,
            threshold,
            label: None,
        })
    }

    /// Gives it the name by which the project knows it, beside its version.
    pub fn called(mut self, label: String) -> Self {
        self.label = Some(label);
        self
    }
}

/// The classifier under attack was to judge what is injurious.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is the classifier under attack and cannot also say what is injurious; name another classifier, or \
     let a probe of the generator be trained"
)]
pub struct SameClassifier(pub String);

impl InjuryHead for ClassifierHead {
    fn name(&self) -> String {
        match &self.label {
            Some(label) => format!("{label} ({})", self.scorer.version()),
            None => format!("classifier {}", self.scorer.version()),
        }
    }

    fn log_odds(&self, texts: &[SnippetText]) -> Vec<Result<f64, Unscoreable>> {
        self.scorer
            .score(texts, &mut |_| ())
            .into_iter()
            .map(|score| score.map(|score| score.logit()))
            .collect()
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }

    fn classifier(&self) -> Option<&str> {
        Some(self.scorer.version())
    }
}
