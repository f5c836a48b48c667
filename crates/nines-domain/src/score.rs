//! Scores and thresholds: both are logits, compared in logit space and never rounded to a grid.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A classifier's logit for the catastrophe. Always finite: what cannot be scored has no score.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(f64);

/// The point where a filter stops accepting: a completion is accepted when its score is below it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Threshold(f64);

/// A number cannot be a score or a threshold.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NotALogit {
    /// NaN or infinite.
    #[error("a logit must be finite, not {0}")]
    NotFinite(f64),
    /// A probability outside the open interval (0, 1).
    #[error("a threshold given as a probability must lie strictly between 0 and 1, not {0}")]
    NotAProbability(f64),
}

/// Returns the probability of a logit, exact to the last digits at both ends.
pub fn sigmoid(logit: f64) -> f64 {
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let e = logit.exp();
        e / (1.0 + e)
    }
}

impl Score {
    /// Wraps a finite logit.
    ///
    /// # Errors
    /// [`NotALogit::NotFinite`] for NaN and infinities: such an input has no score and is never
    /// accepted.
    pub fn new(logit: f64) -> Result<Self, NotALogit> {
        if logit.is_finite() {
            Ok(Self(logit))
        } else {
            Err(NotALogit::NotFinite(logit))
        }
    }

    /// Returns the logit.
    pub fn logit(self) -> f64 {
        self.0
    }

    /// Returns P(catastrophe), the sigmoid of the logit.
    pub fn probability(self) -> f64 {
        sigmoid(self.0)
    }

    /// Orders scores; total, because scores are finite.
    pub fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Threshold {
    /// Wraps a finite logit.
    ///
    /// # Errors
    /// [`NotALogit::NotFinite`] for NaN and infinities.
    pub fn new(logit: f64) -> Result<Self, NotALogit> {
        Score::new(logit).map(|score| Self(score.0))
    }

    /// Converts a probability, such as 0.008.
    ///
    /// # Errors
    /// [`NotALogit::NotAProbability`] unless it lies strictly between 0 and 1.
    ///
    /// # Example
    /// ```
    /// use nines_domain::score::{Score, Threshold};
    /// let threshold = Threshold::from_probability(0.008)?;
    /// assert!(threshold.accepts(Score::new(-5.0)?));
    /// assert!(!threshold.accepts(Score::new(-4.0)?));
    /// assert!(Threshold::from_probability(1.0).is_err());
    /// # Ok::<(), nines_domain::score::NotALogit>(())
    /// ```
    pub fn from_probability(p: f64) -> Result<Self, NotALogit> {
        if p > 0.0 && p < 1.0 {
            Self::new(p.ln() - (-p).ln_1p())
        } else {
            Err(NotALogit::NotAProbability(p))
        }
    }

    /// Returns the logit.
    pub fn logit(self) -> f64 {
        self.0
    }

    /// Returns the same point as a probability.
    pub fn probability(self) -> f64 {
        sigmoid(self.0)
    }

    /// Returns the threshold that lies so many logits lower. Where that is no finite number, or not lower,
    /// nothing has a score below what is returned.
    ///
    /// # Example
    /// ```
    /// use nines_domain::score::{Score, Threshold};
    /// let threshold = Threshold::new(-4.0)?;
    /// assert_eq!(threshold.lowered(0.5), Threshold::new(-4.5)?);
    /// assert!(!threshold.lowered(f64::NAN).accepts(Score::new(-1e300)?));
    /// # Ok::<(), nines_domain::score::NotALogit>(())
    /// ```
    pub fn lowered(self, logits: f64) -> Self {
        let low = self.0 - logits;
        match logits >= 0.0 && low.is_finite() {
            true => Self(low),
            false => Self(f64::MIN),
        }
    }

    /// Says whether a completion with this score is accepted: strictly below the threshold.
    pub fn accepts(self, score: Score) -> bool {
        score.0 < self.0
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P < {:.3e} (logit {:.4})", self.probability(), self.0)
    }
}

impl TryFrom<f64> for Score {
    type Error = NotALogit;
    fn try_from(logit: f64) -> Result<Self, NotALogit> {
        Self::new(logit)
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> f64 {
        score.0
    }
}

impl TryFrom<f64> for Threshold {
    type Error = NotALogit;
    fn try_from(logit: f64) -> Result<Self, NotALogit> {
        Self::new(logit)
    }
}

impl From<Threshold> for f64 {
    fn from(threshold: Threshold) -> f64 {
        threshold.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_probabilities_keep_their_digits() {
        for p in [1e-12, 1e-6, 0.008, 0.5, 0.999_999] {
            let back = Threshold::from_probability(p)
                .expect("in range")
                .probability();
            assert!((back / p - 1.0).abs() < 1e-9, "{p} came back as {back}");
        }
    }

    #[test]
    fn what_is_not_finite_has_no_score() {
        assert!(Score::new(f64::NAN).is_err());
        assert!(Score::new(f64::NEG_INFINITY).is_err());
        assert!(Threshold::new(f64::INFINITY).is_err());
    }

    #[test]
    fn a_score_at_the_threshold_is_rejected() {
        let t = Threshold::new(-4.0).expect("finite");
        assert!(!t.accepts(Score::new(-4.0).expect("finite")));
    }
}
