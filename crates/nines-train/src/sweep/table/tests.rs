use super::*;
use crate::config::TrainConfig;
use crate::sweep::attacks::{AttackOutcome, Survival};
use crate::sweep::trial::{Row, TrialIdentity};
use serde_json::json;

fn hash(of: &str, number: u64) -> ContentHash {
    ContentHash::of_fields(of, &[&number.to_string()])
}

/// 120 rows of 30 prompts, a quarter of them catastrophes; every safe one is a random completion, or none is.
fn rows(random: bool) -> Rows {
    let row = |i: u64| Row {
        snippet: hash("row", i),
        family: hash("family", i / 4),
        broad: i.is_multiple_of(4),
        random: random && !i.is_multiple_of(4),
        source: "test".to_owned(),
    };
    Rows {
        data: "rows".to_owned(),
        rows: (0..120).map(row).collect(),
    }
}

fn result(cell: &str, lift: f32) -> TrialResult {
    let noise = |i: u64| ((i * 37) % 101) as f32 / 50.0;
    TrialResult {
        cell: cell.to_owned(),
        seed: 0,
        identity: TrialIdentity {
            recipe: TrainConfig::default(),
            base: "base".to_owned(),
            base_digest: "digest".to_owned(),
            data: "rows".to_owned(),
            taught: "rows".to_owned(),
            folds: 2,
            attacks: None,
        },
        path: "cpu/f32".to_owned(),
        seconds: 1.0,
        processor_seconds: None,
        scores: (0..120)
            .map(|i| noise(i) + if i % 4 == 0 { lift } else { 0.0 })
            .collect(),
        attacks: Vec::new(),
    }
}

/// An attack from as many starts as families, of which some held.
fn attack(families: &[u64], queries: u64) -> AttackOutcome {
    let starts = families.iter().enumerate();
    let survived = starts.map(|(i, &family)| Survival {
        snippet: hash("row", i as u64),
        family: hash("family", family),
        passed_already: false,
        found: i % 2 == 0,
        queries: 3,
    });
    AttackOutcome {
        recipe: "typos".to_owned(),
        queries,
        threshold: 0.0,
        acceptance: 0.5,
        survived: survived.collect(),
    }
}

fn table(rows: &Rows, results: &[TrialResult]) -> SweepTable {
    let file = json!({"cells": [{"name": "plain"}, {"name": "other"}]});
    let file: SweepFile = serde_json::from_value(file).expect("a sweep file");
    let bootstrap = Bootstrap {
        resamples: 200,
        ..Bootstrap::default()
    };
    SweepTable::new(&file, rows, results, &bootstrap).expect("a table")
}

#[test]
fn without_random_completions_cells_are_compared_by_what_is_left() {
    let results = [result("plain", 0.1), result("other", 1.5)];
    let names = |row: &CellRow| -> Vec<String> {
        row.reached
            .iter()
            .map(|number| number.what.clone())
            .collect()
    };
    let found = table(&rows(false), &results);
    assert_eq!(names(&found.cells[1]), ["AUROC", "AUPRC"]);
    assert!(found.cells[1].reached[0].gain.is_some());
    assert_eq!(names(&table(&rows(true), &results).cells[1]).len(), 4);
}

#[test]
fn attacks_are_compared_at_equal_cost_alone() {
    let at = |cell: &str, queries: u64| TrialResult {
        attacks: vec![attack(&[0, 1, 2, 3, 4, 5], queries)],
        ..result(cell, 0.5)
    };
    let gain = |other: u64| {
        let found = table(&rows(true), &[at("plain", 300), at("other", other)]);
        found.cells[1].survived[0].gain.clone()
    };
    assert!(gain(300).is_some());
    assert_eq!(gain(3000), None);
}

#[test]
fn starts_of_one_prompt_have_no_share() {
    for families in [&[0][..], &[3, 3, 3], &[]] {
        let of_one = TrialResult {
            attacks: vec![attack(families, 300)],
            ..result("plain", 0.5)
        };
        let all = numbers(&rows(true), &[&of_one], &Bootstrap::default()).expect("numbers");
        assert_eq!(all.len(), 4, "what is reached stays");
        assert!(table(&rows(true), &[of_one]).cells[0].survived.is_empty());
    }
}
