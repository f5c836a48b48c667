//! Times to break the filter.

use super::{Curve, Estimated, real};
use serde::{Deserialize, Serialize};

/// How many sessions were still running at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtRisk {
    /// When.
    #[serde(with = "real")]
    pub minutes: f64,
    /// How many.
    pub sessions: u64,
}

/// The attackers of one classifier, or with one tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurvivalGroup {
    /// The Kaplan-Meier estimate: at `x` = minutes of a find, the share without a find after it. It
    /// starts at 1 without being told.
    pub curve: Curve,
    /// When sessions ended without a find.
    #[serde(with = "real::list")]
    pub censored_minutes: Vec<f64>,
    /// Sessions still running.
    pub at_risk: Vec<AtRisk>,
    /// How many searches.
    pub sessions: u64,
    /// How many of them found a catastrophe that is accepted.
    pub finds: u64,
    /// Minutes for each find, on average.
    pub mean_minutes: Option<Estimated>,
}

/// How much faster one group finds than another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateRatio {
    /// The group whose rate is divided.
    pub of: String,
    /// The group whose rate divides.
    pub to: String,
    /// The ratio of their rates.
    pub ratio: Estimated,
}

/// How long attackers take to find a catastrophe that is accepted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AttackSurvival {
    /// The groups.
    pub groups: Vec<SurvivalGroup>,
    /// The comparisons.
    pub ratios: Vec<RateRatio>,
    /// Searches with a find that nobody else has verified yet.
    #[serde(default)]
    pub waiting: u64,
}
