//! A calibration as a project keeps it: the record, with what it was made by.

use super::record::CalibrationRecord;
use crate::caution::CautionLimit;
use crate::estimates::percent;
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
    /// The second condition that the threshold was chosen with, where there is one: the path names it too, so that
    /// nobody takes the threshold without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<CalibratedCaution>,
}

/// The second condition of a calibrated filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibratedCaution {
    /// The measure's name and version.
    pub unfamiliarity: String,
    /// Its key among the models.
    pub id: i64,
    /// The limit.
    #[serde(flatten)]
    pub limit: CautionLimit,
}

impl fmt::Display for Calibrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.record)?;
        if let Some(caution) = &self.caution {
            let familiar = percent(&caution.limit.familiar);
            write!(
                f,
                "\nOnly where {} is below {:.4}: {familiar} of random completions. What is more unfamiliar is \
                 rejected, and counts so above.",
                caution.unfamiliarity, caution.limit.limit
            )?;
        }
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
