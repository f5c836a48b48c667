//! A calibration as a project keeps it: the record, with what it was made by.

use super::record::CalibrationRecord;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A stored calibration: the record with the path that scored and the generator that drew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Calibrated {
    /// The classifier's name and version.
    pub classifier: String,
    /// The scoring path: a threshold holds for the path that it was calibrated on.
    pub path: String,
    /// The generator and its sampling that the random completions come from.
    pub generator: String,
    /// Fresh draws that the generator failed to make: no part of the acceptance.
    pub failed_draws: usize,
    /// Threshold, rule, numbers, and what they speak of.
    pub record: CalibrationRecord,
}

impl fmt::Display for Calibrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.record)?;
        if self.failed_draws > 0 {
            write!(
                f,
                "\nThe generator failed to make {} fresh draws; the acceptance speaks of the others.",
                self.failed_draws
            )?;
        }
        Ok(())
    }
}
