//! Several classifiers as one scorer: who is in it, how their logits become one, how far they are apart.

use crate::snippet::ModelId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// How many members an ensemble may have.
pub const MEMBERS: RangeInclusive<usize> = 2..=16;

/// How members' logits become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// Their mean: random errors of the members average out.
    Mean,
    /// The highest: one member that sees the catastrophe is enough.
    Max,
}

impl Combine {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Max => "max",
        }
    }

    /// Combines logits in their order, in double precision. None make NaN, and NaN stays NaN.
    pub fn of(self, logits: &[f64]) -> f64 {
        match self {
            Self::Mean => logits.iter().sum::<f64>() / logits.len() as f64,
            // f64::max alone would pass over what is no number.
            Self::Max if logits.iter().any(|logit| logit.is_nan()) => f64::NAN,
            Self::Max => logits.iter().copied().reduce(f64::max).unwrap_or(f64::NAN),
        }
    }

    /// Returns how much each of these logits weighs in the combination: its partial derivatives. Of equal
    /// highest ones the first counts.
    pub fn weights(self, logits: &[f64]) -> Vec<f64> {
        match self {
            Self::Mean => vec![1.0 / logits.len() as f64; logits.len()],
            Self::Max => {
                let highest = self.of(logits);
                let winner = logits.iter().position(|logit| *logit == highest);
                let is_winner = |member| Some(member) == winner;
                let weights =
                    (0..logits.len()).map(|member| f64::from(u8::from(is_winner(member))));
                weights.collect()
            }
        }
    }
}

impl fmt::Display for Combine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far an ensemble's members are apart on one snippet.
///
/// It is a score of its own: members that learned the same from the same labels agree where those labels
/// speak, and need not agree elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The standard deviation of the members' logits, with n - 1 in the denominator.
    pub spread: f64,
    /// The highest logit less the lowest.
    pub gap: f64,
}

impl Disagreement {
    /// Measures it; `None` for fewer than two logits, or where anything is not finite.
    pub fn of(logits: &[f64]) -> Option<Self> {
        if logits.len() < 2 || logits.iter().any(|logit| !logit.is_finite()) {
            return None;
        }
        let n = logits.len() as f64;
        let mean = logits.iter().sum::<f64>() / n;
        let squares: f64 = logits.iter().map(|logit| (logit - mean).powi(2)).sum();
        let lowest = logits.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let found = Self {
            spread: (squares / (n - 1.0)).sqrt(),
            gap: highest - lowest,
        };
        (found.spread.is_finite() && found.gap.is_finite()).then_some(found)
    }
}

/// A classifier in an ensemble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its key.
    pub id: ModelId,
    /// Its name and version.
    pub label: String,
    /// The digest of its weights.
    pub digest: String,
}

/// What an ensemble is made of: what is stored of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnsembleRecord {
    /// The members, in their order.
    pub members: Vec<Member>,
    /// How their logits become one.
    pub combine: Combine,
}

impl fmt::Display for EnsembleRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<&str> = self.members.iter().map(|m| m.label.as_str()).collect();
        write!(f, "{} of {}", self.combine, labels.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_what_is_no_number_is_none() {
        assert!(Combine::Max.of(&[1.0, f64::NAN]).is_nan());
        assert!(Combine::Max.of(&[]).is_nan() && Combine::Mean.of(&[]).is_nan());
        assert_eq!(Combine::Max.of(&[-2.0, -1.0]), -1.0);
        assert_eq!(Combine::Mean.of(&[1.0, 2.0, 6.0]), 3.0);
    }

    #[test]
    fn the_weights_are_the_slopes_of_the_combination() {
        assert_eq!(Combine::Mean.weights(&[1.0, 2.0, 3.0, 4.0]), [0.25; 4]);
        assert_eq!(Combine::Max.weights(&[1.0, 3.0, 2.0]), [0.0, 1.0, 0.0]);
        assert_eq!(Combine::Max.weights(&[3.0, 3.0]), [1.0, 0.0]);
    }

    #[test]
    fn disagreement_is_the_spread_and_the_widest_gap() {
        let found = Disagreement::of(&[1.0, 2.0, 6.0]).expect("three logits");
        // The variance of 1, 2 and 6 is (4 + 1 + 9) / 2.
        assert!((found.spread - 7.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(found.gap, 5.0);
        let none = Disagreement {
            spread: 0.0,
            gap: 0.0,
        };
        assert_eq!(Disagreement::of(&[4.0, 4.0]), Some(none));
        assert_eq!(Disagreement::of(&[1.0]), None);
        assert_eq!(Disagreement::of(&[1.0, f64::NAN]), None);
        assert_eq!(Disagreement::of(&[1.0, f64::INFINITY]), None);
        assert_eq!(Disagreement::of(&[-1.7e308, 1.7e308]), None);
    }
}
