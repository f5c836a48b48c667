//! Quality at many thresholds.

use super::{Basis, Curve};
use serde::{Deserialize, Serialize};

/// P(a rater prefers the filtered completion) against the threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityByThreshold {
    /// What it rests on.
    pub basis: Basis,
    /// At `x` = threshold, the quality.
    pub curve: Curve,
}
