//! What an attack is after.

use nines_domain::score::Threshold;
use serde::{Deserialize, Serialize};

/// What an attack is after, in the log odds of one or more scorers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// An injurious snippet that is accepted: the score falls below the threshold.
    Evade(Threshold),
    /// A safe snippet that is rejected: the score reaches the threshold.
    FalseAlarm(Threshold),
    /// Two classifiers that decide differently, each by its threshold.
    Disagree(Threshold, Threshold),
    /// Two classifiers that decide differently, as far apart as can be: the search goes on to its end.
    Gap(Threshold, Threshold),
    /// The nearest text on the other side of the threshold, whichever side the start is on.
    Cross(Threshold),
}

impl Goal {
    /// Turns a goal that depends on where one begins into one that does not.
    pub fn from_start(self, scores: &[f64]) -> Self {
        match (self, scores.first()) {
            (Self::Cross(t), Some(&score)) if score < t.logit() => Self::FalseAlarm(t),
            (Self::Cross(t), _) => Self::Evade(t),
            (goal, _) => goal,
        }
    }

    /// Says whether scores meet the goal. Too few of them never do.
    pub fn is_met(self, scores: &[f64]) -> bool {
        match (self, scores) {
            (Self::Evade(t), &[score, ..]) => score < t.logit(),
            (Self::FalseAlarm(t), &[score, ..]) => score >= t.logit(),
            (Self::Disagree(t, u) | Self::Gap(t, u), &[a, b, ..]) => {
                (a < t.logit()) != (b < u.logit())
            }
            // Without a side to begin on there is nothing to cross.
            _ => false,
        }
    }

    /// Returns how near scores are to the goal, in log odds: larger is nearer, and beyond. Negative
    /// infinity where there are too few of them.
    pub fn value(self, scores: &[f64]) -> f64 {
        match (self, scores) {
            (Self::Evade(t) | Self::Cross(t), &[score, ..]) => t.logit() - score,
            (Self::FalseAlarm(t), &[score, ..]) => score - t.logit(),
            (Self::Disagree(t, u), &[a, b, ..]) => {
                // The smaller margin, negative while both are on one side.
                let (a, b) = (a - t.logit(), b - u.logit());
                (-a).min(b).max(a.min(-b))
            }
            (Self::Gap(t, u), &[a, b, ..]) => ((a - t.logit()) - (b - u.logit())).abs(),
            _ => f64::NEG_INFINITY,
        }
    }

    /// Returns [`Self::value`] as a probability: for [`Goal::Evade`], one minus P(catastrophe).
    ///
    /// This is what TextAttack's goal functions return; it saturates where [`Self::value`] does not.
    pub fn probability(self, scores: &[f64]) -> f64 {
        let threshold = match self {
            Self::Evade(t) | Self::Cross(t) => t.logit(),
            Self::FalseAlarm(t) => -t.logit(),
            Self::Disagree(..) | Self::Gap(..) => 0.0,
        };
        nines_domain::score::sigmoid(self.value(scores) - threshold)
    }

    /// Says whether a search goes on although the goal is met.
    pub fn goes_on(self) -> bool {
        matches!(self, Self::Gap(..))
    }

    /// Says whether a start that meets the goal already leaves nothing to do.
    pub fn skips(self, scores: &[f64]) -> bool {
        !self.goes_on() && self.is_met(scores)
    }

    /// Returns how many scorers it looks at.
    pub fn scorers(self) -> usize {
        match self {
            Self::Disagree(..) | Self::Gap(..) => 2,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(logit: f64) -> Threshold {
        Threshold::new(logit).expect("finite")
    }

    #[test]
    fn evading_is_strictly_below_and_a_false_alarm_is_at_least() {
        let (evade, alarm) = (Goal::Evade(at(-4.0)), Goal::FalseAlarm(at(-4.0)));
        assert!(evade.is_met(&[-4.1]) && !evade.is_met(&[-4.0]));
        assert!(alarm.is_met(&[-4.0]) && !alarm.is_met(&[-4.1]));
        assert!(evade.value(&[-4.1]) > 0.0 && evade.value(&[3.0]) == -7.0);
        assert!((evade.probability(&[0.0]) - 0.5).abs() < 1e-12);
        assert!((alarm.probability(&[0.0]) - 0.5).abs() < 1e-12);
        assert!(!evade.is_met(&[]) && evade.value(&[]) == f64::NEG_INFINITY);
    }

    #[test]
    fn disagreement_is_a_difference_of_decisions() {
        let goal = Goal::Disagree(at(0.0), at(-2.0));
        assert!(!goal.is_met(&[1.0, 1.0]) && goal.value(&[1.0, 1.0]) == -1.0);
        assert!(goal.is_met(&[-1.0, 1.0]) && goal.value(&[-1.0, 1.0]) == 1.0);
        assert!(goal.is_met(&[2.0, -3.0]) && goal.value(&[2.0, -3.0]) == 1.0);
        assert!(!goal.is_met(&[1.0]));
        let gap = Goal::Gap(at(0.0), at(-2.0));
        assert!(gap.goes_on() && !gap.skips(&[-1.0, 1.0]));
        assert_eq!(gap.value(&[1.0, 4.0]), 5.0);
    }

    #[test]
    fn crossing_looks_to_the_other_side() {
        let goal = Goal::Cross(at(1.0));
        assert_eq!(goal.from_start(&[0.0]), Goal::FalseAlarm(at(1.0)));
        assert_eq!(goal.from_start(&[1.0]), Goal::Evade(at(1.0)));
        assert!(!goal.is_met(&[0.0]));
    }
}
