//! Labels needed: where curves cross, and what lies beyond them.

use super::*;
use crate::ranking::RankingMetric;

const AUROC: Quantity = Quantity::Ranking(RankingMetric::Auroc);

fn items() -> Items {
    let positive: Vec<bool> = (0..400).map(|i| i % 4 == 0).collect();
    let random: Vec<bool> = (0..400).map(|i| i % 4 == 1).collect();
    let families: Vec<u64> = (0..400).map(|i| i / 4).collect();
    Items::new(&positive, &random, &families).expect("items")
}

fn at(items: &Items, labels: u64, lift: f64, seeds: u64) -> AtBudget {
    let scored = |seed| {
        let mut stream = Stream::new(seed, 3);
        let scores: Vec<f64> = (0..400)
            .map(|i| stream.normal() + if i % 4 == 0 { lift } else { 0.0 })
            .collect();
        items.scored(&scores).expect("scored")
    };
    AtBudget {
        labels,
        seeds: (0..seeds).map(scored).collect(),
    }
}

#[test]
fn the_curve_is_read_on_log_labels() {
    let items = items();
    let curve = [at(&items, 100, 0.0, 3), at(&items, 400, 3.0, 3)];
    let mean = |at: &AtBudget| {
        let whole = vec![1.0; 100];
        let all = at.seeds.iter().filter_map(|s| s.weighted(AUROC, &whole));
        all.sum::<f64>() / at.seeds.len() as f64
    };
    let middle = f64::midpoint(mean(&curve[0]), mean(&curve[1]));
    let found = items
        .labels_needed(&curve, AUROC, middle, &Bootstrap::default())
        .expect("found");
    let value = found.value.expect("reached");
    assert!((value - 200.0).abs() < 1e-6, "{value}");
    let (lower, upper) = (found.lower.expect("known"), found.upper.expect("known"));
    assert!(lower < 200.0 && 200.0 < upper, "{found:?}");
    assert_eq!(found.n, (3, 100));
}

#[test]
fn what_is_beyond_the_budgets_is_not_made_up() {
    let items = items();
    let curve = [at(&items, 50, 0.0, 2), at(&items, 100, 0.5, 2)];
    let of = |target| {
        items
            .labels_needed(&curve, AUROC, target, &Bootstrap::default())
            .expect("found")
    };
    let never = of(0.999);
    assert_eq!((never.value, never.lower, never.upper), (None, None, None));
    let already = of(0.1);
    assert_eq!(already.value, Some(50f64.ln().exp()));
    assert_eq!(already.upper, already.value);
}

#[test]
fn curves_that_do_not_fit_are_refused() {
    let items = items();
    let of = |curve: &[AtBudget]| {
        items
            .labels_needed(curve, AUROC, 0.7, &Bootstrap::default())
            .is_err()
    };
    assert!(of(&[]));
    assert!(of(&[at(&items, 50, 0.0, 2), at(&items, 50, 1.0, 2)]));
    assert!(of(&[at(&items, 50, 0.0, 2), at(&items, 80, 1.0, 1)]));
    assert!(of(&[at(&items, 0, 0.0, 2)]));
}

#[test]
fn curves_are_compared_on_the_same_resamples() {
    let items = items();
    let curve = |lifts: [f64; 3]| -> Vec<AtBudget> {
        let budgets = [50, 100, 200].into_iter().zip(lifts);
        budgets
            .map(|(labels, lift)| at(&items, labels, lift, 3))
            .collect()
    };
    let (quick, slow) = (curve([0.0, 2.0, 3.0]), curve([0.0, 0.5, 3.0]));
    let bootstrap = Bootstrap::default();
    let of = |first: &[AtBudget], second: &[AtBudget], target| {
        items
            .labels_difference(first, second, AUROC, target, &bootstrap)
            .expect("found")
    };
    let needed = |curve: &[AtBudget]| {
        let found = items.labels_needed(curve, AUROC, 0.8, &bootstrap);
        found.expect("found").value.expect("reached")
    };
    let fewer = of(&quick, &slow, 0.8);
    assert_eq!(fewer.value, Some(needed(&quick) - needed(&slow)));
    assert!(fewer.upper.is_some_and(|upper| upper < 0.0), "{fewer:?}");
    let same = of(&slow, &slow, 0.8);
    assert_eq!(
        (same.value, same.lower, same.upper),
        (Some(0.0), Some(0.0), Some(0.0))
    );
    // The poor one never gets there: it needs more, and nobody knows how many.
    let poor = curve([0.0, 0.1, 0.2]);
    let more = of(&poor, &quick, 0.8);
    assert!(more.value.is_none() && more.upper.is_none(), "{more:?}");
    let neither = of(&poor, &poor, 0.999);
    assert_eq!(
        (neither.value, neither.lower, neither.upper),
        (None, None, None)
    );
}

#[test]
fn recall_needs_random_completions_of_some_families() {
    let positive: Vec<bool> = (0..400).map(|i| i % 4 == 0).collect();
    let random: Vec<bool> = (0..16).map(|i| i % 4 == 1).chain([false; 384]).collect();
    let families: Vec<u64> = (0..400).map(|i| i / 4).collect();
    let items = Items::new(&positive, &random, &families).expect("items");
    let curve = [at(&items, 50, 0.0, 2), at(&items, 100, 2.0, 2)];
    let recall = Quantity::RecallAt(0.8);
    let refused = items.labels_needed(&curve, recall, 0.5, &Bootstrap::default());
    let message = refused.expect_err("four families").to_string();
    assert!(message.contains("random completions"), "{message}");
}
