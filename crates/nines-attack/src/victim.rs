//! What is attacked: one or more scorers, with every query counted.

use nines_domain::snippet::SnippetText;
use nines_infer::scorer::{Scorer, Unscoreable};
use std::sync::Arc;

/// The scores of one snippet, one for each scorer of the victim, as log odds.
pub type Scores = Result<Vec<f64>, Unscoreable>;

/// How much an attempt may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Snippets that may be scored, repeated ones included.
    pub queries: u64,
    /// Seconds.
    pub seconds: f64,
}

/// One or more scorers under attack.
pub struct Victim {
    /// The scorers; most goals look at the first alone.
    pub scorers: Vec<Arc<dyn Scorer>>,
}

/// What asking the victim came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Snippets asked for, as the literature counts them: those remembered from before included.
    pub queries: u64,
    /// Snippets that a model had to score.
    pub scored: u64,
}

impl Victim {
    /// Scores snippets by every scorer, in their order.
    pub fn score(&self, snippets: &[SnippetText]) -> Vec<Scores> {
        let mut rows: Vec<Scores> = snippets.iter().map(|_| Ok(Vec::new())).collect();
        for scorer in &self.scorers {
            for (row, score) in rows.iter_mut().zip(scorer.score(snippets, &mut |_| ())) {
                match (row.as_mut(), score) {
                    (Ok(scores), Ok(score)) => scores.push(score.logit()),
                    (Ok(_), Err(reason)) => *row = Err(reason),
                    (Err(_), _) => {}
                }
            }
        }
        rows
    }
}
