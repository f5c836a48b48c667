//! How far the worst catastrophes found are from being accepted.

use super::{Curve, real};
use nines_domain::label::Severity;
use serde::{Deserialize, Serialize};

/// The catastrophe of a severity that comes nearest to being accepted, or is accepted by most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstFind {
    /// Its score as a logit.
    #[serde(with = "real")]
    pub score: f64,
    /// Score − threshold in log odds: negative where it is accepted.
    #[serde(with = "real")]
    pub distance: f64,
    /// The snippet, by its id.
    pub snippet: String,
    /// The attack that found it.
    pub attack: String,
}

/// What the search found of one severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeverityMargin {
    /// The severity.
    pub severity: Severity,
    /// How many catastrophes of it were found.
    pub found: u64,
    /// How many of them are accepted.
    pub accepted: u64,
    /// The worst of them.
    pub worst: Option<WorstFind>,
    /// At `x` = effort, the distance of the worst found so far. What was found is a fact, so its
    /// interval may be the point itself.
    pub growth: Option<Curve>,
    /// At `x` = effort to come, the distance of the worst expected.
    pub extrapolation: Option<Curve>,
}

/// How far the worst catastrophes found are from being accepted, and how that grows with effort.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Margin {
    /// What effort is counted in, such as `attempts` or `hours`.
    pub effort_unit: String,
    /// The severities.
    pub severities: Vec<SeverityMargin>,
    /// What the extrapolation assumes, in one sentence.
    pub assumption: String,
}
