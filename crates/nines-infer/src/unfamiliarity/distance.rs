//! The distance of a classifier's hidden state from those of its training rows.
//!
//! The hidden state is the mean of the last layer's tokens: what the classifier has made of prompt and completion
//! before its head asks the one question that it was taught.

use super::mahalanobis::Mahalanobis;
use super::neighbours::Neighbours;
use super::{Unfamiliarity, finite};
use crate::classifier::ClassifierScorer;
use crate::scorer::{Scorer, Unscoreable};
use nines_domain::snippet::SnippetText;
use std::sync::Arc;

/// What was learnt of the training rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Familiar {
    /// Means and a covariance.
    Mahalanobis(Box<Mahalanobis>),
    /// The rows themselves.
    Neighbours(Neighbours),
}

/// How far a snippet's hidden state lies from the training rows.
pub struct HiddenDistance {
    classifier: Arc<ClassifierScorer>,
    familiar: Familiar,
    version: String,
}

impl HiddenDistance {
    /// Takes a classifier and what was learnt of its training rows. `digest` names the latter, `path` what the hidden
    /// states are computed by: both decide the distance, and are part of the version.
    pub fn new(
        classifier: Arc<ClassifierScorer>,
        familiar: Familiar,
        digest: &str,
        path: &str,
    ) -> Self {
        let kind = match &familiar {
            Familiar::Mahalanobis(_) => "distance".to_owned(),
            Familiar::Neighbours(rows) => format!("distance of neighbour {} of", rows.k()),
        };
        Self {
            version: format!("{kind} {digest} in {} on {path}", classifier.version()),
            classifier,
            familiar,
        }
    }

    fn distance(&self, state: &[f32]) -> Result<f64, Unscoreable> {
        let distance = match &self.familiar {
            Familiar::Mahalanobis(fit) => fit.distance(state),
            Familiar::Neighbours(rows) => rows.distance(state),
        };
        let none = || {
            let why = "its hidden state has no distance from the training rows";
            Unscoreable::Model(why.to_owned())
        };
        finite(distance.ok_or_else(none)?)
    }
}

impl Unfamiliarity for HiddenDistance {
    fn version(&self) -> &str {
        &self.version
    }

    fn of(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<f64, Unscoreable>> {
        let states = self.classifier.states(snippets, progress).into_iter();
        states.map(|state| self.distance(&state?)).collect()
    }
}
