//! Adversarial rows apart from the others: does a run fit them at all?

use serde::{Deserialize, Serialize};

/// Mean losses of adversarial rows and of the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeansApart {
    /// Of adversarial rows; nothing where no update had one.
    pub adversarial: Option<f64>,
    /// Of the others.
    pub others: Option<f64>,
}

/// A sum of losses, with how many rows it is of.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct LossSum {
    sum: f64,
    rows: u64,
}

impl LossSum {
    fn add(&mut self, loss: f64) {
        self.sum += loss;
        self.rows += 1;
    }

    fn mean(self) -> Option<f64> {
        (self.rows > 0).then(|| self.sum / self.rows as f64)
    }
}

/// Losses of adversarial rows and of the others, summed apart.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct LossApart {
    adversarial: LossSum,
    others: LossSum,
}

impl LossApart {
    /// Adds a row's loss.
    pub(crate) fn add(&mut self, adversarial: bool, loss: f64) {
        if adversarial {
            self.adversarial.add(loss);
        } else {
            self.others.add(loss);
        }
    }

    /// Adds all that another has.
    pub(crate) fn add_all(&mut self, other: &Self) {
        let pairs = [
            (&mut self.adversarial, other.adversarial),
            (&mut self.others, other.others),
        ];
        for (own, other) in pairs {
            own.sum += other.sum;
            own.rows += other.rows;
        }
    }

    /// Returns both means.
    pub(crate) fn means(&self) -> MeansApart {
        MeansApart {
            adversarial: self.adversarial.mean(),
            others: self.others.mean(),
        }
    }
}

/// How many training rows the kept weights put on the right side, dropout off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FitCounts {
    /// Rows.
    pub rows: usize,
    /// Those whose score is above 0 for a catastrophe, below it for a safe row.
    pub fitted: usize,
    /// Their mean loss, without what techniques add.
    pub loss: f64,
}

/// Whether a run fitted its adversarial rows at all, beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdversarialFit {
    /// Adversarial rows.
    pub adversarial: FitCounts,
    /// The others.
    pub others: FitCounts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_kept_apart() {
        let mut losses = LossApart::default();
        assert_eq!(losses.means().adversarial, None);
        for (adversarial, loss) in [(true, 2.0), (false, 1.0), (true, 4.0)] {
            losses.add(adversarial, loss);
        }
        let mut all = losses;
        all.add_all(&losses);
        for losses in [losses, all] {
            let means = losses.means();
            assert_eq!((means.adversarial, means.others), (Some(3.0), Some(1.0)));
        }
    }
}
