//! What makes a snippet worth a label.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A way of choosing what is labelled next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// All alike.
    Random,
    /// The nearer the score lies to the threshold, in logits, the likelier.
    NearThreshold,
    /// The further the scores of several classifiers lie apart, the likelier.
    Disagreement,
    /// Far from everything that is labelled or chosen, in the classifier's hidden states: greedy k-centre,
    /// without chance.
    Diverse,
    /// Labelled snippets: the more the classifier is surprised by the label, or labellers disagree, the likelier.
    Relabel,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Random,
        Self::NearThreshold,
        Self::Disagreement,
        Self::Diverse,
        Self::Relabel,
    ];

    /// Returns the word used in commands, files and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::NearThreshold => "near-threshold",
            Self::Disagreement => "disagreement",
            Self::Diverse => "diverse",
            Self::Relabel => "relabel",
        }
    }

    /// Says whether every snippet has a known probability of being drawn.
    pub fn is_by_chance(self) -> bool {
        self != Self::Diverse
    }

    /// Says whether a classifier's view of a snippet decides how likely it is drawn.
    pub fn is_by_score(self) -> bool {
        self != Self::Random
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such strategy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no strategy {0:?}; there are random, near-threshold, disagreement, diverse and relabel"
)]
pub struct UnknownStrategy(pub String);

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL
            .into_iter()
            .find(|strategy| strategy.as_str() == word);
        found.ok_or_else(|| UnknownStrategy(word.chars().take(80).collect()))
    }
}

/// How surprised a classifier is by a label, in nats: −ln of the probability that it gives to it.
///
/// # Example
/// ```
/// use nines_measure::acquisition::surprise;
/// assert!((surprise(0.0, true) - 2f64.ln()).abs() < 1e-12);
/// assert!(surprise(-9.0, true) > 8.9 && surprise(-9.0, false) < 1e-3);
/// assert_eq!(surprise(800.0, false), 800.0);
/// ```
pub fn surprise(logit: f64, catastrophe: bool) -> f64 {
    let against = if catastrophe { -logit } else { logit };
    // ln(1 + e^x), without overflow.
    against.max(0.0) + (-against.abs()).exp().ln_1p()
}

/// How far scores of one snippet lie apart: their standard deviation, in logits. 0 for fewer than two.
///
/// # Example
/// ```
/// assert_eq!(nines_measure::acquisition::spread(&[-1.0, 1.0]), 1.0);
/// ```
pub fn spread(logits: &[f64]) -> f64 {
    let n = logits.len().max(1) as f64;
    let mean = logits.iter().sum::<f64>() / n;
    let squares: f64 = logits.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / n).sqrt()
}
