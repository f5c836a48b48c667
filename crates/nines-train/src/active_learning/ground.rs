//! Who plays which part while strategies are compared.

use crate::data::{Role, Roles, TrainingData, VALIDATION_PART};
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use std::collections::BTreeSet;

/// Rows by the part that they play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// What can be chosen, in the data's order.
    pub pool: Vec<usize>,
    /// What validates, whoever chooses.
    pub validation: Vec<usize>,
    /// What is measured on.
    pub held_out: Vec<usize>,
}

impl Ground {
    /// Gives rows their part: families of the validation and calibration splits are held out, an eighth of
    /// the training families validates, and from the others is chosen. `validation` and `pool` say how many
    /// rows there are at most, taken in a random order that depends on texts and split seed alone. Rows of the
    /// test split play no part.
    pub fn new(
        data: &TrainingData,
        split_seed: u64,
        validation: usize,
        pool: Option<usize>,
    ) -> Self {
        let (mut ground, mut validating) = (
            Self {
                pool: Vec::new(),
                validation: Vec::new(),
                held_out: Vec::new(),
            },
            Vec::new(),
        );
        for (row, of) in data.rows().iter().enumerate() {
            match Split::of_family(&of.family, split_seed) {
                Split::Test => {}
                Split::Validation | Split::Calibration => ground.held_out.push(row),
                Split::Train if validates(&of.family, split_seed) => validating.push(row),
                Split::Train => ground.pool.push(row),
            }
        }
        ground.validation = first(data, validating, validation);
        let all = ground.pool.len();
        ground.pool = first(data, ground.pool, pool.unwrap_or(all));
        ground
    }

    /// Draws the labels that a seed starts from, all rows alike: in the data's order.
    pub fn start(&self, data: &TrainingData, seed: u64, labels: usize) -> Vec<usize> {
        let mut rows = self.pool.clone();
        let seed = seed.to_string();
        rows.sort_by_cached_key(|&row| keyed("active learning start", &seed, &data.hashes()[row]));
        rows.truncate(labels);
        rows.sort_unstable();
        rows
    }

    /// Returns the parts of a training on some labels of the pool.
    pub fn roles(&self, data: &TrainingData, labels: &[usize]) -> Roles {
        let (train, validation): (BTreeSet<usize>, BTreeSet<usize>) = (
            labels.iter().copied().collect(),
            self.validation.iter().copied().collect(),
        );
        Roles::by_row(data, |row| match () {
            () if train.contains(&row) => Role::Train,
            () if validation.contains(&row) => Role::Validation,
            () => Role::HeldOut,
        })
    }
}

fn validates(family: &ContentHash, split_seed: u64) -> bool {
    let seed = split_seed.to_string();
    keyed("active learning validation", &seed, family)
        .prefix_u64()
        .is_multiple_of(VALIDATION_PART)
}

fn keyed(what: &str, seed: &str, of: &ContentHash) -> ContentHash {
    ContentHash::of_fields(what, &[seed, &of.to_string()])
}

/// Takes the first rows in a random order, and returns them in the data's order.
fn first(data: &TrainingData, mut rows: Vec<usize>, most: usize) -> Vec<usize> {
    rows.sort_by_cached_key(|&row| keyed("active learning order", "", &data.hashes()[row]));
    rows.truncate(most);
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainingRow;
    use nines_domain::snippet::SnippetText;
    use serde_json::json;

    fn data() -> TrainingData {
        let rows: Vec<TrainingRow> = (0..900)
            .map(|i| {
                let prompt = format!("prompt {}", i / 3);
                // By way of JSON, so that fields with defaults need not be named.
                let row = json!({ "text": SnippetText::new(&prompt, format!("completion {i}")),
                    "family": ContentHash::of_prompt(&prompt), "broad": i % 2 == 0, "random": false,
                    "source": "test" });
                serde_json::from_value(row).expect("a row")
            })
            .collect();
        TrainingData::new(rows).expect("good rows")
    }

    #[test]
    fn nothing_is_chosen_from_families_that_are_measured_on() {
        let data = data();
        let ground = Ground::new(&data, 0, 20, None);
        let families = |rows: &[usize]| -> BTreeSet<ContentHash> {
            rows.iter().map(|&row| data.rows()[row].family).collect()
        };
        let (pool, validation, held_out) = (
            families(&ground.pool),
            families(&ground.validation),
            families(&ground.held_out),
        );
        assert!(pool.is_disjoint(&held_out) && pool.is_disjoint(&validation));
        assert!(validation.is_disjoint(&held_out));
        assert_eq!(ground.validation.len(), 20);
        assert!(
            ground.pool.len() > 350 && ground.held_out.len() > 150,
            "{ground:?}"
        );
        let tested = data
            .rows()
            .iter()
            .filter(|row| Split::of_family(&row.family, 0) == Split::Test);
        let tested: BTreeSet<ContentHash> = tested.map(|row| row.family).collect();
        assert!(pool.union(&held_out).all(|family| !tested.contains(family)));
    }

    #[test]
    fn seeds_start_from_labels_of_their_own() {
        let data = data();
        let ground = Ground::new(&data, 0, 20, Some(200));
        assert_eq!(ground.pool.len(), 200);
        let (first, second) = (ground.start(&data, 0, 30), ground.start(&data, 1, 30));
        assert_eq!((first.len(), second.len()), (30, 30));
        assert_ne!(first, second);
        assert_eq!(first, ground.start(&data, 0, 30));
        // More labels from the same start hold those before.
        let more = ground.start(&data, 0, 60);
        assert!(first.iter().all(|row| more.contains(row)));
        let roles = ground.roles(&data, &first);
        assert_eq!(roles.rows(Role::Train), first);
        assert_eq!(roles.rows(Role::Validation), ground.validation);
    }
}
