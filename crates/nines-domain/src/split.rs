//! The four parts of the data. A prompt family lies wholly in one of them.

use crate::snippet::ContentHash;
use serde::{Deserialize, Serialize};

/// A part of the data, by what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// 60 %: gradients.
    Train,
    /// 10 %: early stopping.
    Validation,
    /// 15 %: thresholds.
    Calibration,
    /// 15 %: what is reported.
    Test,
}

impl Split {
    /// All four, in order.
    pub const ALL: [Self; 4] = [Self::Train, Self::Validation, Self::Calibration, Self::Test];

    /// Returns the part that a prompt family belongs to under a seed.
    ///
    /// The answer depends on the family and the seed alone, so that a prompt never changes sides
    /// when more data arrives. Shares are therefore met on average, not exactly.
    pub fn of_family(family: &ContentHash, seed: u64) -> Self {
        let keyed = ContentHash::of_fields("split", &[&seed.to_string(), &family.to_string()]);
        match keyed.prefix_u64() as f64 / 2f64.powi(64) {
            u if u < 0.60 => Self::Train,
            u if u < 0.70 => Self::Validation,
            u if u < 0.85 => Self::Calibration,
            _ => Self::Test,
        }
    }

    /// Returns which of `folds` cross-validation folds a family belongs to under a seed.
    pub fn fold_of_family(family: &ContentHash, seed: u64, folds: u64) -> u64 {
        ContentHash::of_fields("fold", &[&seed.to_string(), &family.to_string()]).prefix_u64()
            % folds.max(1)
    }

    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Calibration => "calibration",
            Self::Test => "test",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_met_on_average() {
        let mut counts = [0f64; 4];
        let n = 20_000;
        for i in 0..n {
            let family = ContentHash::of_prompt(&i.to_string());
            counts[Split::of_family(&family, 7) as usize] += 1.0 / f64::from(n);
        }
        for (count, share) in counts.iter().zip([0.60, 0.10, 0.15, 0.15]) {
            assert!((count - share).abs() < 0.015, "{count} for {share}");
        }
    }

    #[test]
    fn a_family_stays_where_it_is_and_the_seed_moves_it() {
        let families: Vec<_> = (0..64)
            .map(|i| ContentHash::of_prompt(&i.to_string()))
            .collect();
        let under =
            |seed| -> Vec<_> { families.iter().map(|f| Split::of_family(f, seed)).collect() };
        assert_eq!(under(1), under(1));
        assert_ne!(under(1), under(2));
    }
}
