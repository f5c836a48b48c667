use super::*;
use crate::acceptance::{FamilyScores, recall_at_acceptance};
use crate::random::Stream;

const AUROC: Quantity = Quantity::Ranking(RankingMetric::Auroc);

fn quick(seed: u64) -> Bootstrap {
    Bootstrap {
        resamples: 200,
        seed,
        confidence: 0.95,
    }
}

/// Items of `families` prompts, four a prompt, one or two of them catastrophes.
fn items(families: u64) -> Items {
    let rows: Vec<u64> = (0..4 * families).collect();
    let positive: Vec<bool> = rows.iter().map(|i| i % 4 == 0 || i % 8 == 1).collect();
    let random: Vec<bool> = rows.iter().map(|i| i % 2 == 1).collect();
    let of: Vec<u64> = rows.iter().map(|i| i / 4).collect();
    Items::new(&positive, &random, &of).expect("items")
}

/// Scores whose quality has a part of the family, a part of the seed and a part of the item.
fn scores(items: &Items, lift: f64, seed_spread: f64, world: u64, seed: u64) -> Vec<f64> {
    let mut prompts = Stream::new(world, 1);
    let mut own = Stream::new(world, 100 + seed);
    let hard: Vec<f64> = (0..items.count).map(|_| prompts.normal()).collect();
    let quality = lift + seed_spread * own.normal();
    (0..items.positive.len())
        .map(|i| {
            let signal = if items.positive[i] { quality } else { 0.0 };
            signal + 0.7 * hard[items.family[i]] + own.normal()
        })
        .collect()
}

fn seeds(items: &Items, lift: f64, spread: f64, world: u64, first: u64, k: u64) -> Vec<Scored> {
    (first..first + k)
        .map(|seed| {
            items
                .scored(&scores(items, lift, spread, world, seed))
                .expect("scored")
        })
        .collect()
}

#[test]
fn one_seed_is_the_paired_bootstrap() {
    let items = items(80);
    let (a, b) = (
        seeds(&items, 1.5, 0.0, 3, 0, 1),
        seeds(&items, 1.0, 0.0, 3, 9, 1),
    );
    let bootstrap = Bootstrap::default();
    let ours = items.gain(&a, &b, AUROC, &bootstrap).expect("a gain");
    let theirs = crate::ranking::paired_difference(
        &a[0].ranking,
        &b[0].ranking,
        RankingMetric::Auroc,
        &bootstrap,
    )
    .expect("a difference");
    assert_eq!(ours.value, theirs.value);
    assert!(
        (ours.lower - theirs.lower).abs() < 1e-9,
        "{ours:?} {theirs:?}"
    );
    assert!(ours.method.contains("says nothing of other seeds"));
}

#[test]
fn recall_is_that_of_the_acceptance_module() {
    let items = items(60);
    let raw = scores(&items, 1.0, 0.0, 5, 0);
    let scored = items.scored(&raw).expect("scored");
    let chosen = |wanted: &[bool]| -> (Vec<f64>, Vec<u64>) {
        (0..raw.len())
            .filter(|&i| wanted[i])
            .map(|i| (raw[i], items.families[i]))
            .unzip()
    };
    let (caught, random) = (chosen(&items.positive), chosen(&items.random));
    for acceptance in [0.5, 0.8, 0.97] {
        let theirs = recall_at_acceptance(
            &FamilyScores::new("a", &caught.0, &caught.1).expect("scores"),
            &FamilyScores::new("b", &random.0, &random.1).expect("scores"),
            acceptance,
            &Bootstrap::default(),
        )
        .expect("a recall");
        let ours = scored.weighted(Quantity::RecallAt(acceptance), &vec![1.0; items.count]);
        let difference = ours.expect("a recall") - theirs.recall.value.expect("a value");
        assert!(difference.abs() < 1e-12);
    }
}

#[test]
fn seeds_that_differ_widen_the_interval() {
    let items = items(80);
    let bootstrap = Bootstrap::default();
    let width = |spread: f64| {
        let found = items
            .reached(&seeds(&items, 1.2, spread, 1, 0, 3), AUROC, &bootstrap)
            .expect("a value");
        found.upper - found.lower
    };
    assert!(width(0.8) > 1.5 * width(0.0));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let items = items(10);
    let one = seeds(&items, 1.0, 0.0, 0, 0, 1);
    let two = seeds(&items, 1.0, 0.0, 0, 0, 2);
    let bootstrap = Bootstrap::default();
    assert!(items.gain(&one, &two, AUROC, &bootstrap).is_err());
    assert!(items.reached(&[], AUROC, &bootstrap).is_err());
    assert!(items.scored(&[f64::NAN; 40]).is_err());
    assert!(share(&[vec![true]], &[1, 2], &bootstrap).is_err());
}

#[test]
fn nothing_that_differs_is_no_certainty() {
    let items = items(40);
    let a = seeds(&items, 1.0, 0.0, 2, 0, 2);
    let same = items.gain(&a, &a, AUROC, &quick(0)).expect("a gain");
    assert_eq!(same.value, Some(0.0));
    assert!(same.upper > 0.05 && same.method.contains("nothing differs"));
    let survived =
        share(&[vec![true; 20]], &(0..20).collect::<Vec<_>>(), &quick(0)).expect("a share");
    assert!(survived.lower < 0.9, "{survived:?}");
}

/// Simulated: how often intervals at 0.95 hold the true gain, for other prompts and other seeds.
fn coverage(spread: f64, k: u64, worlds: u64) -> f64 {
    let truth_items = items(4000);
    // The mean over many seeds and many prompts.
    let true_value = |lift: f64, first: u64| {
        let whole = vec![1.0; truth_items.count];
        let values: Vec<f64> = (first..first + 24)
            .map(|seed| {
                let raw = scores(&truth_items, lift, spread, 1 << 40, seed);
                let scored = truth_items.scored(&raw).expect("scored");
                scored.weighted(AUROC, &whole).expect("a value")
            })
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let truth = true_value(1.3, 0) - true_value(1.0, 5000);
    let small = items(100);
    let held = (0..worlds)
        .filter(|&world| {
            let a = seeds(&small, 1.3, spread, world, 0, k);
            let b = seeds(&small, 1.0, spread, world, 5000, k);
            let found = small.gain(&a, &b, AUROC, &quick(world)).expect("a gain");
            found.lower <= truth && truth <= found.upper
        })
        .count();
    held as f64 / worlds as f64
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    for (spread, k) in [(0.0, 3), (0.2, 3), (0.2, 5)] {
        let held = coverage(spread, k, 300);
        assert!(
            (0.91..=0.997).contains(&held),
            "spread {spread}, {k} seeds: {held}"
        );
    }
}

/// 100 families with a catastrophe each, of which some have two random completions.
fn with_random(families: u64) -> Items {
    let rows: Vec<u64> = (0..400).collect();
    let positive: Vec<bool> = rows.iter().map(|i| i % 4 == 0).collect();
    let random: Vec<bool> = rows.iter().map(|i| i % 4 > 1 && i / 4 < families).collect();
    let of: Vec<u64> = rows.iter().map(|i| i / 4).collect();
    Items::new(&positive, &random, &of).expect("items")
}

#[test]
fn few_random_families_place_a_threshold_only_roughly() {
    // Any number of prompts and seeds: everything is normal, and the seeds' spread joins the rest.
    let quantity = Quantity::RecallAt(0.8);
    let of_item: f64 = 1.0 + 0.7 * 0.7;
    let truth = |lift: f64, spread: f64| {
        let threshold = crate::normal::quantile(0.8).expect("a quantile") * of_item.sqrt();
        let deviation = (of_item + spread * spread).sqrt();
        crate::normal::ln_cdf((lift - threshold) / deviation).exp()
    };
    for (random, spread, k) in [(5, 0.0, 1), (12, 0.0, 1), (5, 0.2, 3), (100, 0.2, 3)] {
        let items = with_random(random);
        let (mut reached, mut gained) = (0, 0);
        let worlds = 400;
        for world in 0..worlds {
            let a = seeds(&items, 1.3, spread, world, 0, k);
            let b = seeds(&items, 1.0, spread, world, 5000, k);
            let holds = |found: IntervalEstimate, truth: f64| {
                usize::from(found.lower <= truth && truth <= found.upper)
            };
            let found = items.reached(&a, quantity, &quick(world)).expect("a value");
            reached += holds(found, truth(1.3, spread));
            let found = items.gain(&a, &b, quantity, &quick(world)).expect("a gain");
            gained += holds(found, truth(1.3, spread) - truth(1.0, spread));
        }
        for held in [reached, gained] {
            let held = held as f64 / worlds as f64;
            assert!(
                (0.92..=0.999).contains(&held),
                "{random} random families, {k} seeds: {held}"
            );
        }
    }
}

#[test]
fn fewer_than_five_random_families_have_no_interval() {
    let auroc_of = |items: &Items| {
        let a = seeds(items, 1.0, 0.2, 3, 0, 2);
        items.reached(&a, AUROC, &quick(0)).is_ok()
    };
    for random in [0, 4] {
        let items = with_random(random);
        let a = seeds(&items, 1.0, 0.2, 3, 0, 2);
        let refused = items.reached(&a, Quantity::RecallAt(0.8), &quick(0));
        assert_eq!(
            refused.expect_err("too few").to_string(),
            format!(
                "prompt families with random completions: there are {random}, but at least 5 are needed"
            )
        );
        assert!(items.enough(Quantity::RecallAt(0.5)).is_err());
        assert!(auroc_of(&items), "AUROC needs none");
    }
}
