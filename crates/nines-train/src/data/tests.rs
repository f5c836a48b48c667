//! Rows in any order, the parts they play, and what cannot train.

use super::*;
use proptest::prelude::*;

fn row(prompt: u32, completion: u32, broad: bool) -> TrainingRow {
    let prompt = format!("prompt {prompt}");
    TrainingRow {
        family: ContentHash::of_prompt(&prompt),
        text: SnippetText::new(prompt, format!("completion {completion}")),
        broad,
        random: false,
        source: "test".into(),
        severity: None,
        adversarial: false,
        training_only: false,
        soft: None,
    }
}

#[test]
fn order_of_arrival_does_not_matter() {
    let rows: Vec<_> = (0..40).map(|i| row(i / 2, i, i % 2 == 0)).collect();
    let reversed: Vec<_> = rows.iter().rev().cloned().collect();
    let data = TrainingData::new(rows.clone()).expect("good rows");
    assert_eq!(data, TrainingData::new(reversed).expect("good rows"));
    let twice: Vec<_> = rows.iter().chain(&rows).cloned().collect();
    assert_eq!(data, TrainingData::new(twice).expect("good rows"));
    let mut relabelled = rows;
    relabelled[3].broad = true;
    let relabelled = TrainingData::new(relabelled).expect("good rows");
    assert_ne!(data.digest(), relabelled.digest());
}

#[test]
fn data_that_cannot_train_is_refused_with_the_reason() {
    let message = |rows| TrainingData::new(rows).expect_err("refused").to_string();
    assert!(message(vec![]).contains("no labelled snippet"));
    assert!(
        message(vec![row(0, 0, false), row(1, 1, false)])
            .contains("all 2 labelled snippets are safe")
    );
    assert!(message(vec![row(0, 0, true), row(1, 1, true)]).contains("are catastrophes"));
    assert!(message(vec![row(0, 0, true), row(0, 1, false)]).contains("one family"));
    assert!(message(vec![row(0, 0, true), row(0, 0, false)]).contains("different labels"));
}

#[test]
fn a_split_without_a_label_is_named() {
    let rows: Vec<_> = (0..60).map(|i| row(i, i, i % 2 == 0)).collect();
    let data = TrainingData::new(rows).expect("good rows");
    let first = data
        .rows()
        .iter()
        .find(|r| !r.broad)
        .expect("a safe row")
        .family;
    let roles = Roles::of(&data, |f| {
        if *f == first {
            Role::Validation
        } else {
            Role::Train
        }
    });
    let message = roles.check(&data).expect_err("refused").to_string();
    assert!(
        message
            .starts_with("the validation split (1 rows of 1 prompt families) has no catastrophe"),
        "{message}"
    );
}

#[test]
fn rows_that_only_teach_never_measure() {
    let rows: Vec<_> = (0..120)
        .map(|i| TrainingRow {
            training_only: i % 3 == 0,
            adversarial: i % 3 == 0,
            ..row(i / 3, i, i % 2 == 0)
        })
        .collect();
    let data = TrainingData::new(rows).expect("good rows");
    let mut taught = 0;
    for fold in 0..4 {
        let roles = data.fold(fold, 4, 1);
        for (i, r) in data.rows().iter().enumerate() {
            let sibling = (0..data.rows().len())
                .find(|&j| data.rows()[j].family == r.family && !data.rows()[j].training_only);
            let family = roles.role(sibling.expect("each family has others"));
            match (r.training_only, family) {
                (true, Role::Train) => taught += 1,
                (true, _) => assert_eq!(roles.role(i), Role::LeftOut),
                (false, family) => assert_eq!(roles.role(i), family),
            }
        }
    }
    assert!(taught > 40, "they do teach: {taught}");
}

proptest! {
    #[test]
    fn no_family_plays_two_parts(seed in any::<u64>(), folds in 2u64..8) {
        let rows: Vec<_> = (0..120).map(|i| row(i / 3, i, i % 3 == 0)).collect();
        let data = TrainingData::new(rows).expect("good rows");
        let mut held_out = vec![0; data.rows().len()];
        for fold in 0..folds {
            let roles = data.fold(fold, folds, seed);
            let mut seen = std::collections::BTreeMap::new();
            for (i, r) in data.rows().iter().enumerate() {
                let role = *seen.entry(r.family).or_insert(roles.role(i));
                prop_assert_eq!(role, roles.role(i));
                held_out[i] += usize::from(role == Role::HeldOut);
            }
        }
        prop_assert!(held_out.iter().all(|&n| n == 1), "each row is held out once");
    }
}
