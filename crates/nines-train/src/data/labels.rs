//! Fewer labels and worse ones: what a run would be with other labellers.

use super::{Role, Roles, TrainingData};
use crate::config::LabelNoise;
use nines_domain::snippet::ContentHash;

impl Roles {
    /// Leaves out all training and validation rows but `budget`, those with the lowest lots. A lot
    /// depends on the seed and the row alone, so that a smaller budget's rows are among a larger one's,
    /// and no row's chance depends on its family.
    pub(crate) fn within(&self, data: &TrainingData, budget: usize, seed: u64) -> Self {
        let learns = |role: Role| matches!(role, Role::Train | Role::Validation);
        let mut lots: Vec<(ContentHash, usize)> = (0..self.0.len())
            .filter(|&row| learns(self.0[row]))
            .map(|row| (lot("label budget", data.hashes()[row], seed), row))
            .collect();
        lots.sort_unstable();
        let mut roles = self.clone();
        for &(_, row) in lots.iter().skip(budget) {
            roles.0[row] = Role::LeftOut;
        }
        roles
    }
}

impl TrainingData {
    /// Flips labels of training and validation rows by their lots, which the seed keys; returns how many
    /// it flipped. Rows that are held out keep theirs. The digest stays that of the true labels.
    pub(crate) fn mislabelled(&self, roles: &Roles, noise: LabelNoise, seed: u64) -> (Self, usize) {
        let (mut data, mut flipped) = (self.clone(), 0);
        for (row, own) in data.rows.iter_mut().enumerate() {
            if !matches!(roles.role(row), Role::Train | Role::Validation) {
                continue;
            }
            let chance = if own.broad {
                noise.miss
            } else {
                noise.false_alarm
            };
            let lot = lot("label noise", self.hashes[row], seed).prefix_u64();
            // The lot's first 53 bits, as a number below 1.
            if ((lot >> 11) as f64) / ((1u64 << 53) as f64) < chance {
                own.broad = !own.broad;
                flipped += 1;
            }
        }
        (data, flipped)
    }
}

fn lot(purpose: &str, row: ContentHash, seed: u64) -> ContentHash {
    ContentHash::of_fields(purpose, &[&seed.to_string(), &row.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TrainingRow;
    use nines_domain::snippet::SnippetText;

    fn data() -> TrainingData {
        let rows = (0..2000u32)
            .map(|i| {
                let prompt = format!("prompt {}", i / 4);
                TrainingRow {
                    family: ContentHash::of_prompt(&prompt),
                    text: SnippetText::new(prompt, format!("completion {i}")),
                    broad: i % 4 == 0,
                    random: false,
                    source: "test".into(),
                    severity: None,
                    adversarial: false,
                    training_only: false,
                }
            })
            .collect();
        TrainingData::new(rows).expect("good rows")
    }

    fn learning(roles: &Roles) -> Vec<usize> {
        [roles.rows(Role::Train), roles.rows(Role::Validation)].concat()
    }

    #[test]
    fn a_smaller_budget_is_part_of_a_larger_one() {
        let data = data();
        let roles = data.split(3);
        let kept = |budget, seed| learning(&roles.within(&data, budget, seed));
        let (small, large) = (kept(100, 1), kept(400, 1));
        assert_eq!((small.len(), large.len()), (100, 400));
        assert!(small.iter().all(|row| large.contains(row)));
        assert_ne!(small, kept(100, 2), "another seed draws others");
        assert_eq!(roles.within(&data, 1_000_000, 1), roles);
        let held_out = roles.within(&data, 100, 1).rows(Role::HeldOut);
        assert_eq!(held_out, roles.rows(Role::HeldOut));
    }

    #[test]
    fn labels_flip_at_the_stated_rates_and_never_where_they_measure() {
        let data = data();
        let roles = data.split(3);
        let noise = LabelNoise {
            miss: 0.3,
            false_alarm: 0.1,
        };
        let (noisy, flipped) = data.mislabelled(&roles, noise, 5);
        assert_eq!(
            (&noisy, flipped),
            (&data.mislabelled(&roles, noise, 5).0, flipped)
        );
        let changed = |row: &usize| noisy.rows()[*row].broad != data.rows()[*row].broad;
        assert!(!roles.rows(Role::HeldOut).iter().any(changed));
        let learning = learning(&roles);
        assert_eq!(learning.iter().filter(|row| changed(row)).count(), flipped);
        for (broad, expected) in [(true, 0.3), (false, 0.1)] {
            let of_label: Vec<_> = learning
                .iter()
                .filter(|&&row| data.rows()[row].broad == broad)
                .collect();
            let found = of_label.iter().filter(|row| changed(row)).count();
            let rate = found as f64 / of_label.len() as f64;
            assert!((rate - expected).abs() < 0.06, "{rate} for {expected}");
        }
        assert_eq!(
            data.mislabelled(&roles, LabelNoise::default(), 5),
            (data, 0)
        );
    }
}
