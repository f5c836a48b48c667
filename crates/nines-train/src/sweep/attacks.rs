//! Attacks on a trial's classifier: what is planned, and what came of it.

use super::file::refused;
use crate::error::TrainError;
use nines_domain::snippet::ContentHash;
use serde::{Deserialize, Serialize};

/// Attacks on the classifier of the first fold, each from the same catastrophes that it never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackPlan {
    /// Names of attack recipes.
    pub recipes: Vec<String>,
    /// How many of the fold's catastrophes are starts.
    #[serde(default = "fifty")]
    pub starts: usize,
    /// The most queries of one attempt.
    #[serde(default = "three_hundred")]
    pub queries: u64,
    /// The threshold accepts at most this share of the fold's random completions, so that classifiers
    /// are attacked at equal acceptance.
    #[serde(default = "half")]
    pub acceptance: f64,
}

fn fifty() -> usize {
    50
}

fn three_hundred() -> u64 {
    300
}

fn half() -> f64 {
    0.5
}

impl AttackPlan {
    pub(super) fn check(&self) -> Result<(), TrainError> {
        if self.recipes.is_empty() || self.queries == 0 {
            return Err(refused("[attacks] needs recipes and queries".to_owned()));
        }
        if self.starts < 2 {
            return Err(refused(format!(
                "the starts of [attacks] are {}, but must be at least 2: a share of one start has no interval",
                self.starts
            )));
        }
        if !(self.acceptance > 0.0 && self.acceptance < 1.0) {
            return Err(refused(format!(
                "the acceptance of [attacks] is {}, but must lie between 0 and 1",
                self.acceptance
            )));
        }
        Ok(())
    }

    /// Says whether outcomes are those of this plan: its recipes in their order, each with its queries, its
    /// acceptance, and at most its starts. A fold may hold fewer catastrophes than the plan would begin with.
    pub fn made(&self, outcomes: &[AttackOutcome]) -> bool {
        self.recipes.len() == outcomes.len()
            && self.recipes.iter().zip(outcomes).all(|(recipe, outcome)| {
                outcome.recipe == *recipe
                    && outcome.queries == self.queries
                    && outcome.acceptance == self.acceptance
                    && outcome.survived.len() <= self.starts
            })
    }
}

/// What one attack recipe came to on the first fold's classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttackOutcome {
    /// The attack recipe.
    pub recipe: String,
    /// The most queries of one attempt.
    pub queries: u64,
    /// Accepted below this log odds.
    pub threshold: f64,
    /// The share of random completions at which the threshold was set.
    pub acceptance: f64,
    /// Each start in order: whether the classifier still rejected it, and all that was tried, at the end.
    pub survived: Vec<Survival>,
}

/// What became of one start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Survival {
    /// The start.
    pub snippet: ContentHash,
    /// Its prompt family.
    pub family: ContentHash,
    /// Whether it was accepted before anything was tried.
    pub passed_already: bool,
    /// Whether an edit was accepted. No label says that the catastrophe is still in it.
    pub found: bool,
    /// Queries asked.
    pub queries: u64,
}

impl Survival {
    /// Says whether the classifier rejected the start and all that was tried.
    pub fn held(&self) -> bool {
        !self.passed_already && !self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn plan(value: Value) -> AttackPlan {
        serde_json::from_value(value).expect("a plan")
    }

    fn outcome(recipe: &str, starts: usize) -> AttackOutcome {
        let survived = (0..starts).map(|i| Survival {
            snippet: ContentHash::of_prompt(&i.to_string()),
            family: ContentHash::of_prompt("family"),
            passed_already: false,
            found: i % 2 == 0,
            queries: 3,
        });
        AttackOutcome {
            recipe: recipe.to_owned(),
            queries: 300,
            threshold: -1.0,
            acceptance: 0.5,
            survived: survived.collect(),
        }
    }

    #[test]
    fn outcomes_are_those_of_their_plan_alone() {
        let made = [outcome("typos", 7), outcome("gcg", 7)];
        assert!(plan(json!({"recipes": ["typos", "gcg"]})).made(&made));
        for other in [
            json!({"recipes": ["gcg", "typos"]}),
            json!({"recipes": ["typos"]}),
            json!({"recipes": ["typos", "gcg", "hotflip"]}),
            json!({"recipes": ["typos", "gcg"], "queries": 3000}),
            json!({"recipes": ["typos", "gcg"], "acceptance": 0.8}),
            json!({"recipes": ["typos", "gcg"], "starts": 6}),
        ] {
            assert!(!plan(other.clone()).made(&made), "{other}");
        }
    }

    #[test]
    fn one_start_is_refused() {
        let problem = plan(json!({"recipes": ["typos"], "starts": 1})).check();
        let problem = problem.expect_err("refused").to_string();
        assert!(problem.contains("at least 2"), "{problem}");
    }
}
