//! Several classifiers as one scorer.
//!
//! Every member scores a snippet by itself, and the members' logits are combined in their order. What
//! one member cannot score has no score at all: an ensemble is never less careful than its members.
//!
//! The members must be on one scale for a combination to mean anything: logits of classifiers that were
//! trained on the same labels are. Nothing is rescaled here.

mod gradient;

use crate::gradients::Differentiable;
use crate::scorer::{Scorer, Unscoreable};
use nines_domain::ensemble::{Combine, MEMBERS};
use nines_domain::score::Score;
use nines_domain::snippet::{ContentHash, SnippetText};
use std::sync::{Arc, OnceLock};

/// Digits of the digest in an ensemble's version.
const DIGITS: usize = 16;

/// An ensemble cannot be made of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnsembleError {
    /// Too few members, or too many.
    #[error("an ensemble has {} to {} members, not {given}", MEMBERS.start(), MEMBERS.end())]
    Members {
        /// How many there are.
        given: usize,
    },
    /// One member is there twice.
    #[error("{version} is a member twice; name each classifier once")]
    Twice {
        /// The member's version.
        version: String,
    },
    /// A member is an ensemble itself.
    #[error("{version} is an ensemble itself; name its members")]
    Nested {
        /// The member's version.
        version: String,
    },
}

/// Two to sixteen scorers as one.
pub struct Ensemble {
    members: Vec<Arc<dyn Scorer>>,
    combine: Combine,
    version: String,
    /// Whether all members have gradients and read the same tokens, found out once.
    alike: OnceLock<bool>,
}

impl Ensemble {
    /// Makes one scorer of several. `name` and the members' versions make its version.
    ///
    /// # Errors
    /// [`EnsembleError`]: not 2 to 16 members, one that is there twice, one that is an ensemble.
    pub fn new(
        name: &str,
        members: Vec<Arc<dyn Scorer>>,
        combine: Combine,
    ) -> Result<Self, EnsembleError> {
        if !MEMBERS.contains(&members.len()) {
            let given = members.len();
            return Err(EnsembleError::Members { given });
        }
        let versions: Vec<&str> = members.iter().map(|member| member.version()).collect();
        for (index, member) in members.iter().enumerate() {
            let version = versions[index].to_owned();
            if versions[..index].contains(&versions[index]) {
                return Err(EnsembleError::Twice { version });
            }
            if member.ensemble().is_some() {
                return Err(EnsembleError::Nested { version });
            }
        }
        let fields: Vec<&str> = std::iter::once(combine.as_str()).chain(versions).collect();
        let digest = ContentHash::of_fields("ensemble", &fields).to_string();
        Ok(Self {
            version: format!("{name}@{}", &digest[..DIGITS]),
            members,
            combine,
            alike: OnceLock::new(),
        })
    }

    /// Returns the members in their order.
    pub fn members(&self) -> &[Arc<dyn Scorer>] {
        &self.members
    }

    /// Returns how their logits become one.
    pub fn combination(&self) -> Combine {
        self.combine
    }

    /// Combines the members' scores, in their order.
    ///
    /// # Errors
    /// [`Unscoreable::Model`] where they make no finite number.
    pub fn combined(&self, scores: &[Score]) -> Result<Score, Unscoreable> {
        let logits: Vec<f64> = scores.iter().map(|score| score.logit()).collect();
        Score::new(self.combine.of(&logits)).map_err(|error| Unscoreable::Model(error.to_string()))
    }

    /// Scores snippets by every member: for each snippet one score a member, in their order, or why the
    /// first member that has none has none. `progress` is told how many snippets are done, as a share
    /// of the members' work.
    pub fn each(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Vec<Score>, Unscoreable>> {
        let mut rows: Vec<Result<Vec<Score>, Unscoreable>> =
            snippets.iter().map(|_| Ok(Vec::new())).collect();
        let of = self.members.len();
        for (index, member) in self.members.iter().enumerate() {
            let mut told = |done: usize| progress((index * snippets.len() + done) / of);
            let mut scores = member.score(snippets, &mut told).into_iter();
            for row in &mut rows {
                let score = scores.next().unwrap_or_else(|| {
                    Err(Unscoreable::Model("a member gave no answer".to_owned()))
                });
                match (row.as_mut(), score) {
                    (Ok(scores), Ok(score)) => scores.push(score),
                    (Ok(_), Err(reason)) => *row = Err(reason),
                    (Err(_), _) => {}
                }
            }
        }
        rows
    }
}

impl Scorer for Ensemble {
    fn version(&self) -> &str {
        &self.version
    }

    fn ensemble(&self) -> Option<&Ensemble> {
        Some(self)
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.reads_alike().then_some(self as &dyn Differentiable)
    }

    fn refuses(&self, prompt: &str) -> Option<Unscoreable> {
        self.members
            .iter()
            .find_map(|member| member.refuses(prompt))
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        self.each(snippets, progress)
            .into_iter()
            .map(|scores| self.combined(&scores?))
            .collect()
    }
}

#[cfg(test)]
mod tests;
