//! A scorer that gives no score to what is too unfamiliar.
//!
//! A filter with such a scorer accepts a completion only where its score lies below the threshold *and* its
//! unfamiliarity below the limit. It fails closed: what has no unfamiliarity has no score either.

use super::Unfamiliarity;
use super::spread::spread_of;
use crate::ensemble::Ensemble;
use crate::gradients::Differentiable;
use crate::scorer::{Scorer, Unscoreable};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use std::sync::Arc;

/// How unfamiliarity is measured for a cautious scorer.
#[derive(Clone)]
pub enum Measure {
    /// By the spread of the scorer's own members, which it has asked already.
    OwnSpread,
    /// By something else.
    Other(Arc<dyn Unfamiliarity>),
}

/// The second condition of a filter: unfamiliarity below a limit.
#[derive(Clone)]
pub struct Caution {
    /// How unfamiliarity is measured.
    pub measure: Measure,
    /// What is this unfamiliar, or more, has no score.
    pub limit: f64,
}

/// A caution cannot be exercised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CautionError {
    /// The limit is no number.
    #[error("the limit of unfamiliarity is {0}; it must be a finite number")]
    Limit(f64),
    /// The members of what is no ensemble.
    #[error("{0} is one classifier, and only members of an ensemble disagree")]
    NoEnsemble(String),
}

/// A scorer with a caution.
pub struct Cautious {
    scorer: Arc<dyn Scorer>,
    caution: Caution,
    /// Snippets whose score is not below it are rejected as it is, so that nothing more is asked of them.
    threshold: Option<Threshold>,
    version: String,
}

impl Cautious {
    /// Adds a caution to a scorer. Where a threshold is given, only what scores below it is measured, and no filter
    /// that accepts above it takes this scorer.
    ///
    /// # Errors
    /// [`CautionError`]: a limit that is no number, the spread of a single classifier.
    pub fn new(
        scorer: Arc<dyn Scorer>,
        caution: Caution,
        threshold: Option<Threshold>,
    ) -> Result<Self, CautionError> {
        if !caution.limit.is_finite() {
            return Err(CautionError::Limit(caution.limit));
        }
        let by = match &caution.measure {
            Measure::OwnSpread if scorer.ensemble().is_none() => {
                return Err(CautionError::NoEnsemble(scorer.version().to_owned()));
            }
            Measure::OwnSpread => "own spread",
            Measure::Other(measure) => measure.version(),
        };
        // What scores above the threshold has another answer without it.
        let asked = threshold.map_or_else(String::new, |threshold| {
            format!(" below logit {}", threshold.logit())
        });
        Ok(Self {
            version: format!("{} where {by} < {}{asked}", scorer.version(), caution.limit),
            scorer,
            caution,
            threshold,
        })
    }

    /// Gives the score where the unfamiliarity is below the limit.
    fn ruled(
        &self,
        score: Score,
        unfamiliarity: Result<f64, Unscoreable>,
    ) -> Result<Score, Unscoreable> {
        match unfamiliarity {
            // Negative infinity is below every limit, and no number.
            Ok(value) if value.is_finite() && value < self.caution.limit => Ok(score),
            Ok(value) => Err(Unscoreable::Unfamiliar {
                value,
                limit: self.caution.limit,
                score,
            }),
            Err(why) => Err(why),
        }
    }

    fn is_rejected_anyway(&self, score: Score) -> bool {
        self.threshold
            .is_some_and(|threshold| !threshold.accepts(score))
    }

    /// Scores by an ensemble whose members' spread is the measure.
    fn by_members(
        &self,
        ensemble: &Ensemble,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let each = ensemble.each(snippets, progress).into_iter();
        let one = |scores: Result<Vec<Score>, Unscoreable>| {
            let scores = scores?;
            let score = ensemble.combined(&scores)?;
            if self.is_rejected_anyway(score) {
                return Ok(score);
            }
            self.ruled(score, spread_of(&scores))
        };
        each.map(one).collect()
    }

    /// Scores, and measures what has a score that counts.
    fn by_other(
        &self,
        measure: &dyn Unfamiliarity,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let scores = self.scorer.score(snippets, &mut |done| progress(done / 2));
        let counts = |score: &Result<Score, Unscoreable>| {
            score
                .as_ref()
                .is_ok_and(|&score| !self.is_rejected_anyway(score))
        };
        let asked = snippets
            .iter()
            .zip(&scores)
            .filter(|(_, score)| counts(score));
        let asked: Vec<SnippetText> = asked.map(|(snippet, _)| snippet.clone()).collect();
        let of_all =
            |done: usize| (snippets.len() + done * snippets.len() / asked.len().max(1)) / 2;
        let measured = match asked.is_empty() {
            true => Vec::new(),
            false => measure.of(&asked, &mut |done| progress(of_all(done))),
        };
        let mut measured = measured.into_iter();
        let no_answer = || {
            Err(Unscoreable::Model(
                "its unfamiliarity was not told".to_owned(),
            ))
        };
        let ruled = scores.into_iter().map(|score| {
            if !counts(&score) {
                return score;
            }
            self.ruled(score?, measured.next().unwrap_or_else(no_answer))
        });
        let ruled = ruled.collect();
        progress(snippets.len());
        ruled
    }
}

impl Scorer for Cautious {
    fn version(&self) -> &str {
        &self.version
    }

    fn ensemble(&self) -> Option<&Ensemble> {
        self.scorer.ensemble()
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.scorer.differentiable()
    }

    fn holds_below(&self) -> Option<Threshold> {
        self.threshold
    }

    fn refuses(&self, prompt: &str) -> Option<Unscoreable> {
        self.scorer.refuses(prompt)
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        match (&self.caution.measure, self.scorer.ensemble()) {
            (Measure::OwnSpread, Some(ensemble)) => self.by_members(ensemble, snippets, progress),
            (Measure::OwnSpread, None) => {
                let why = format!("{} is no ensemble", self.scorer.version());
                vec![Err(Unscoreable::Model(why)); snippets.len()]
            }
            (Measure::Other(measure), _) => self.by_other(&**measure, snippets, progress),
        }
    }
}

#[cfg(test)]
mod tests;
