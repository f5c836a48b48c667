//! What an attack is after.

use nines_domain::score::Threshold;

/// What an attack is after, in the log odds of one or more scorers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// An injurious snippet that is accepted: the score falls below the threshold.
    Evade(Threshold),
    /// A safe snippet that is rejected: the score reaches the threshold.
    FalseAlarm(Threshold),
    /// Two classifiers that decide differently, each by its threshold.
    Disagree(Threshold, Threshold),
    /// The nearest text on the other side of the threshold, whichever side the start is on.
    Cross(Threshold),
}
