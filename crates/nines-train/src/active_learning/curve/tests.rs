//! Strategies compared, finished and unfinished.

use super::*;
use crate::active_learning::CellIdentity;
use crate::config::TrainConfig;
use crate::sweep::trial::Row;
use nines_domain::snippet::ContentHash;

fn rows() -> Rows {
    let row = |i: u64| Row {
        snippet: ContentHash::of_fields("row", &[&i.to_string()]),
        family: ContentHash::of_fields("family", &[&(i / 4).to_string()]),
        broad: i.is_multiple_of(4),
        random: i % 4 == 1,
        source: "test".to_owned(),
    };
    Rows {
        data: "rows".to_owned(),
        rows: (0..240).map(row).collect(),
    }
}

/// A cell whose scores are as good as `lift` says.
fn cell(strategy: &str, seed: u64, labels: usize, lift: f64) -> Cell {
    let noise = |i: u64| ((i * 37 + seed * 11) % 101) as f64 / 50.0;
    Cell {
        strategy: strategy.to_owned(),
        seed,
        identity: CellIdentity {
            recipe: TrainConfig::default(),
            steps: 1,
            base: "base".to_owned(),
            base_digest: "digest".to_owned(),
            data: "rows".to_owned(),
            budgets: vec![50, 100],
            focus: 1.0,
            committee: 2,
        },
        path: "cpu/f32".to_owned(),
        seconds: 1.0,
        labels: (0..labels as u64)
            .map(|i| ContentHash::of_fields("label", &[&i.to_string()]))
            .collect(),
        catastrophes: labels / 4,
        scores: (0..240)
            .map(|i| (noise(i) + if i % 4 == 0 { lift } else { 0.0 }) as f32)
            .collect(),
        pool: None,
        next: Vec::new(),
    }
}

const ASKED: Asked<'_> = Asked {
    random: "random",
    budgets: &[50, 100],
    seeds: &[0, 1, 2],
    recall: None,
    missing: 0,
};

fn quick() -> Bootstrap {
    Bootstrap {
        resamples: 300,
        ..Bootstrap::default()
    }
}

#[test]
fn strategies_are_compared_at_equal_cost() {
    let mut cells = Vec::new();
    for seed in 0..3 {
        for (labels, lift, better) in [(50, 0.1, 0.2), (100, 0.5, 1.8)] {
            cells.push(cell("near-threshold", seed, labels, better));
            cells.push(cell("random", seed, labels, lift));
        }
    }
    let bootstrap = quick();
    let found = Comparison::new(&rows(), &cells, &ASKED, &bootstrap).expect("compared");
    assert_eq!(
        (found.rows, found.catastrophes, found.random, found.families),
        (240, 60, 60, 60)
    );
    let [near, random] = &found.strategies[..] else {
        panic!("two strategies: {found:?}");
    };
    assert_eq!(near.strategy, "near-threshold");
    let gain = near.points[1].auroc_gain.as_ref().expect("a gain");
    assert!(gain.lower > 0.0, "{gain:?}");
    assert!(
        random.points[1].auroc_gain.is_none(),
        "random gains nothing over itself"
    );
    assert_eq!(near.points[1].catastrophes, 25.0);
    // Random needs all of its labels for what it reaches with them, the other fewer.
    let of = |curve: &StrategyCurve| {
        curve
            .needed
            .as_ref()
            .expect("counted")
            .value
            .expect("reached")
    };
    assert!((of(random) - 100.0).abs() < 1e-6, "{}", of(random));
    assert!(of(near) < 90.0, "{}", of(near));
    let fewer = near.needed_over_random.as_ref().expect("compared");
    assert_eq!(fewer.value, Some(of(near) - of(random)));
    assert!(fewer.upper.is_some_and(|upper| upper < 0.0), "{fewer:?}");
    assert!(random.needed_over_random.is_none());
    let asked = Asked {
        recall: Some(0.999),
        missing: 2,
        ..ASKED
    };
    let far = Comparison::new(&rows(), &cells, &asked, &bootstrap).expect("compared");
    assert_eq!(
        far.strategies[1].needed.as_ref().expect("counted").value,
        None
    );
    assert_eq!(far.missing, 2);
}

#[test]
fn a_cell_of_other_rows_is_refused() {
    let mut other = cell("random", 0, 50, 0.1);
    other.identity.data = "others".to_owned();
    let refused = Comparison::new(&rows(), &[other], &ASKED, &Bootstrap::default());
    assert!(
        refused
            .expect_err("refused")
            .to_string()
            .contains("of other rows")
    );
}

#[test]
fn labels_are_counted_of_whole_curves_alone() {
    let lift = |labels| if labels == 100 { 1.8 } else { 0.1 };
    let mut cells = Vec::new();
    for labels in [50, 100] {
        for seed in 0..2 {
            cells.push(cell("near-threshold", seed, labels, lift(labels)));
            cells.push(cell("random", seed, labels, lift(labels)));
        }
    }
    // The third seed has come as far as the first budget, and another strategy no further at all.
    cells.push(cell("near-threshold", 2, 50, 0.1));
    cells.push(cell("random", 2, 50, 0.1));
    cells.push(cell("diverse", 0, 50, 0.1));
    let compared = |cells: &[Cell], recall| {
        let asked = Asked { recall, ..ASKED };
        Comparison::new(&rows(), cells, &asked, &quick()).expect("compared")
    };
    let unfinished = compared(&cells, None);
    assert_eq!(unfinished.recall, None, "random lacks a seed");
    assert!(unfinished.strategies.iter().all(|s| s.needed.is_none()));
    let found = compared(&cells, Some(0.5));
    let of = |name: &str| {
        let mut strategies = found.strategies.iter();
        strategies.find(|s| s.strategy == name).expect("there")
    };
    assert_eq!(
        of("near-threshold").needed.as_ref().map(|n| n.seeds),
        Some(2)
    );
    assert_eq!(
        of("diverse").needed,
        None,
        "nobody knows what it does with 100"
    );
    assert_eq!(of("diverse").needed_over_random, None);
    cells.push(cell("random", 2, 100, 1.8));
    assert!(compared(&cells, None).recall.is_some());
}

#[test]
fn too_few_random_families_leave_the_rest_of_the_table() {
    let mut few = rows();
    let mut left = 4;
    for row in &mut few.rows {
        row.random = row.random && left > 0;
        left -= usize::from(row.random);
    }
    let cells = [
        cell("near-threshold", 0, 50, 0.1),
        cell("random", 0, 50, 0.1),
    ];
    let found = Comparison::new(&few, &cells, &ASKED, &quick()).expect("compared");
    let reason = found.no_interval.expect("said");
    assert!(reason.contains("there are 4, but at least 5"), "{reason}");
    for strategy in &found.strategies {
        let point = &strategy.points[0];
        assert!(point.recall.is_none() && point.recall_gain.is_none());
        assert!(point.auroc.lower < point.auroc.upper);
    }
    assert!(found.strategies[0].points[0].auroc_gain.is_some());
}
