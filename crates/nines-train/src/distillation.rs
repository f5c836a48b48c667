//! Learning from a teacher: what another classifier, or an ensemble, says of each row as the target of its loss.
//!
//! The loss of a logit z under a teacher's probability p is p · softplus(-z) + (1 - p) · softplus(z), whose minimum lies at
//! the teacher's own logit and is the entropy of p, not 0. It has no class weight: the teacher's probabilities are
//! to be met, however rare catastrophes are.
//!
//! # Reference
//! Hinton et al., "Distilling the knowledge in a neural network" (2015), at temperature 1.

use crate::loss::consistency::cross_entropy;
use nines_domain::score::{Score, sigmoid};
use serde::{Deserialize, Serialize};

/// How much a teacher counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Teacher {
    /// The share of the teacher's part in the loss of a labelled row, from 0 to 1; the rest is its label's. Rows without
    /// a label have the teacher's alone.
    pub weight: f64,
}

impl Default for Teacher {
    /// The teacher alone.
    fn default() -> Self {
        Self { weight: 1.0 }
    }
}

/// What a teacher says of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told", into = "Told")]
pub struct SoftTarget {
    /// The logit's bits: rows are compared to the last one.
    bits: u64,
    /// Whether the row has no label beside it.
    alone: bool,
}

/// A soft target as it is written.
#[derive(Serialize, Deserialize)]
struct Told {
    logit: Score,
    #[serde(default)]
    alone: bool,
}

impl From<Told> for SoftTarget {
    fn from(told: Told) -> Self {
        Self {
            bits: told.logit.logit().to_bits(),
            alone: told.alone,
        }
    }
}

impl From<SoftTarget> for Told {
    fn from(target: SoftTarget) -> Self {
        // Every one was made of a score.
        let logit = Score::new(target.logit()).unwrap_or_else(|_| unreachable!("a finite logit"));
        Self {
            logit,
            alone: target.alone,
        }
    }
}

impl SoftTarget {
    /// What a teacher says of a row with a label.
    pub fn beside_label(score: Score) -> Self {
        Told {
            logit: score,
            alone: false,
        }
        .into()
    }

    /// What a teacher says of a row without one.
    pub fn alone(score: Score) -> Self {
        Told {
            logit: score,
            alone: true,
        }
        .into()
    }

    /// Returns the teacher's logit.
    pub fn logit(self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// Says whether the row has no label.
    pub fn is_alone(self) -> bool {
        self.alone
    }

    /// Returns the teacher's share in the loss, where a labelled row's is `weight`.
    pub(crate) fn share(self, weight: f64) -> f64 {
        if self.alone { 1.0 } else { weight }
    }

    /// Returns the loss of a logit under the teacher's probability, and its derivative.
    ///
    /// # Example
    /// ```
    /// use nines_domain::score::Score;
    /// use nines_train::distillation::SoftTarget;
    /// let target = SoftTarget::alone(Score::new(1.5)?);
    /// let (entropy, slope) = target.loss(1.5);
    /// assert!(slope.abs() < 1e-15, "the minimum is the teacher's own logit");
    /// assert!(target.loss(1.4).0 > entropy && target.loss(1.6).0 > entropy);
    /// # Ok::<(), nines_domain::score::NotALogit>(())
    /// ```
    pub fn loss(self, logit: f64) -> (f64, f64) {
        let p = sigmoid(self.logit());
        (cross_entropy(logit, p), sigmoid(logit) - p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(logit: f64) -> SoftTarget {
        SoftTarget::beside_label(Score::new(logit).expect("finite"))
    }

    #[test]
    fn a_teacher_who_is_sure_is_a_label() {
        for (teacher, label) in [(60.0, true), (-60.0, false)] {
            for logit in [-3.0, 0.0, 2.0] {
                let hard = crate::loss::row_loss(logit, label, 1.0);
                assert!((told(teacher).loss(logit).0 - hard).abs() < 1e-12);
            }
        }
        assert!(told(0.3).loss(1e4).0.is_finite());
        assert_eq!(told(1000.0).loss(-1e3).0, 1e3);
    }

    #[test]
    fn written_and_read_it_is_the_same_to_the_last_bit() {
        for target in [
            told(0.1 + 0.2),
            SoftTarget::alone(Score::new(-7.25).expect("finite")),
        ] {
            let text = serde_json::to_string(&target).expect("JSON");
            let read: SoftTarget = serde_json::from_str(&text).expect("read");
            assert_eq!(read, target, "{text}");
        }
        assert!(serde_json::from_str::<SoftTarget>(r#"{"logit": null}"#).is_err());
        assert_eq!(
            (
                told(1.0).share(0.3),
                SoftTarget::alone(Score::new(1.0).expect("finite")).share(0.3)
            ),
            (0.3, 1.0)
        );
    }

    proptest! {
        #[test]
        fn the_slope_is_the_finite_difference(z in -20f64..20.0, teacher in -15f64..15.0) {
            let (h, target) = (1e-5, told(teacher));
            let difference = (target.loss(z + h).0 - target.loss(z - h).0) / (2.0 * h);
            prop_assert!((target.loss(z).1 - difference).abs() < 1e-6);
        }
    }
}
