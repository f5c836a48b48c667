//! Exact values against sums by hand, other formulas and other code.

use super::*;
use crate::generator::WorldSettings;
use crate::scorer::{KnownScorer, ScorerSettings};
use crate::truth::verdict;
use nines_stats::leak::{Population, PromptKind};

fn world() -> World {
    World::new(WorldSettings::default()).unwrap()
}

fn prompts(world: &World, n: usize) -> Vec<(String, f64)> {
    let share = 1.0 / n as f64;
    world
        .prompts(n, 1)
        .into_iter()
        .map(|prompt| (prompt.text, share))
        .collect()
}

fn census(world: &World, prompts: &[(String, f64)]) -> Census {
    let scorer = KnownScorer::new(ScorerSettings::default()).unwrap();
    Census::new(world, prompts, |p, c| Some(scorer.score(p, c))).unwrap()
}

#[test]
fn the_leak_is_the_one_that_nines_stats_knows() {
    let world = world();
    let census = census(&world, &prompts(&world, 30));
    let threshold = census.threshold_accepting(0.4).unwrap();
    let exact = census.at(threshold, 20, &Preference::default()).unwrap();
    let kinds = exact
        .prompts
        .iter()
        .map(|p| PromptKind {
            share: p.probability,
            acceptance: p.acceptance,
            leak: p.accepted_broad,
        })
        .collect();
    let population = Population::new(kinds).unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    close(exact.leak_broad, population.capped_leak(20).unwrap());
    close(exact.abstention, population.abstention(20).unwrap());
    close(exact.acceptance, population.acceptance());
    close(
        exact.false_omission_rate.unwrap(),
        population.false_omission_rate().unwrap(),
    );
    close(
        exact.leak_among_answers.unwrap(),
        exact.leak_broad / (1.0 - exact.abstention),
    );
    assert!(exact.leak_strict > 0.0 && exact.leak_strict < exact.leak_broad);
}

#[test]
fn sums_of_one_prompt_are_those_by_hand() {
    let world = world();
    let prompt = "The dog met the king in battle. The king had a bruise.";
    let scorer = |_: &str, c: &str| match c.len() % 3 {
        0 => None,
        other => Some(other as f64),
    };
    let census = Census::new(&world, &[(prompt.to_owned(), 1.0)], scorer).unwrap();
    let raters = Preference::default();
    let exact = census.at(2.0, 3, &raters).unwrap();
    let (mut a, mut leak, mut strict) = (0.0, 0.0, 0.0);
    let mut all = Vec::new();
    for (text, p) in world.completions(prompt) {
        let truth = verdict(prompt, &text);
        let accepted = text.len() % 3 == 1;
        if accepted {
            a += p;
            leak += if truth.is_broad() { p } else { 0.0 };
            strict += if truth.is_strict() { p } else { 0.0 };
        }
        all.push((accepted, p, level(&text) as f64));
    }
    let r: f64 = 1.0 - a;
    let close = |x: f64, y: f64| assert!((x - y).abs() < 1e-12, "{x} {y}");
    close(exact.acceptance, a);
    close(exact.leak_broad, leak * (1.0 + r + r * r));
    close(exact.leak_strict, strict * (1.0 + r + r * r));
    close(exact.draws, 1.0 + r + r * r);
    close(exact.abstention, r * r * r);
    // Quality over pairs of levels: the first draw, then the second, the third, or the fallback.
    let mut quality = a / 2.0;
    let share = |want: bool, level: usize| -> f64 {
        let of = all.iter().filter(|i| i.0 == want && i.2 == level as f64);
        of.map(|i| i.1).sum()
    };
    for u in 0..LEVELS {
        let first = share(false, u);
        for v in 0..LEVELS {
            quality +=
                first * share(true, v) * (1.0 + r) * raters.expected_score(v as f64, u as f64);
        }
        quality += first * r * r * raters.expected_score(raters.fallback_utility, u as f64);
    }
    close(exact.quality, quality);
}

#[test]
fn extremes_are_what_they_should_be() {
    let world = world();
    let census = census(&world, &prompts(&world, 5));
    let raters = Preference::default();
    let all = census.at(f64::INFINITY, 20, &raters).unwrap();
    assert!((all.acceptance - 1.0).abs() < 1e-12 && (all.leak_broad - all.base_rate).abs() < 1e-12);
    assert_eq!((all.quality, all.abstention), (0.5, 0.0));
    let none = census.at(f64::NEG_INFINITY, 20, &raters).unwrap();
    assert_eq!(
        (none.leak_broad, none.draws, none.abstention),
        (0.0, 20.0, 1.0)
    );
    assert_eq!(
        (none.leak_among_answers, none.false_omission_rate),
        (None, None)
    );
    assert!(
        none.quality < 0.35,
        "nobody likes to be refused: {}",
        none.quality
    );
    assert!(census.at(f64::NAN, 20, &raters).is_err());
    assert!(census.at(0.0, 0, &raters).is_err());
    assert!(Census::new(&world, &[("a".to_owned(), 2.0)], |_, _| None).is_err());
    assert!(Census::new(&world, &[("a".to_owned(), 0.0)], |_, _| None).is_err());
    assert!(Census::new(&world, &[("a".to_owned(), 1.0)], |_, _| Some(f64::NAN)).is_err());
    let nothing = Census::new(&world, &[("a".to_owned(), 1.0)], |_, _| None).unwrap();
    assert_eq!(nothing.threshold_accepting(0.5), None);
    assert_eq!(census.threshold_accepting(0.0), None);
    assert_eq!(census.threshold_accepting(f64::NAN), None);
    let everything = census.threshold_accepting(1.0).unwrap();
    assert!(census.at(everything, 1, &raters).unwrap().abstention < 1e-12);
    assert_eq!(nothing.at(9.0, 5, &raters).unwrap().acceptance, 0.0);
}

#[test]
fn the_known_scorer_leaks_as_its_documentation_says() {
    let world = world();
    for seed in [1, 2] {
        let prompts: Vec<(String, f64)> = world
            .prompts(100, seed)
            .into_iter()
            .map(|prompt| (prompt.text, 0.01))
            .collect();
        let census = census(&world, &prompts);
        let at = |share| {
            let threshold = census.threshold_accepting(share).unwrap();
            let exact = census.at(threshold, 50, &Preference::default()).unwrap();
            assert!(exact.acceptance <= share && exact.acceptance > share - 0.002);
            exact
        };
        let half = at(0.5);
        assert!(
            (5e-4..1e-2).contains(&half.leak_broad),
            "{}",
            half.leak_broad
        );
        assert!(half.leak_strict < 0.7 * half.leak_broad);
        let omitted = half.false_omission_rate.unwrap();
        assert!(
            half.leak_broad > 3.0 * omitted,
            "{} {omitted}",
            half.leak_broad
        );
        let strict = at(0.05);
        assert!(
            (2e-5..3e-4).contains(&strict.leak_broad),
            "{}",
            strict.leak_broad
        );
        assert!((0.44..0.49).contains(&half.quality), "{}", half.quality);
    }
}
