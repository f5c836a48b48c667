//! Exact quantities of known populations, and plans.

use super::*;

#[test]
fn the_example_matches_the_published_numbers() {
    let population = example();
    near(population.rejection_rate(), 0.068, 1e-15);
    near(population.preferred_when_rejected(), 0.3867647059, 5e-11);
    near(population.quality(), 0.4923, 1e-15);
    near(population.pair_variance(), 0.01694071, 5e-9);
    near(population.naive_variance(), 0.24994071, 5e-9);
    for (design, ratings, tolerance) in [
        (Design::Naive, 2499.4, 0.05),
        (Design::SkipPairs, 11.52, 0.005),
        (Design::KnownRate, 10.97, 0.005),
    ] {
        let needed = labels_for_error(design, 0.068, 0.4923, 0.01).unwrap();
        near(needed.ratings, ratings, tolerance);
    }
    let pairs = labels_for_error(Design::SkipPairs, 0.068, 0.4923, 0.01)
        .unwrap()
        .pairs;
    near(pairs, population.pair_variance() * 1e4, 1e-9);
}

#[test]
fn a_wrong_proposal_matches_the_published_numbers() {
    let population = example();
    let squares: Vec<f64> = KINDS
        .iter()
        .map(|(p, a, _)| p * (1.0 - a).powi(2))
        .collect();
    let total: f64 = squares.iter().sum();
    let proposal: Vec<f64> = squares.iter().map(|s| s / total).collect();
    for (got, want) in proposal.iter().zip([0.01226158, 0.4359673, 0.55177112]) {
        near(*got, want, 5e-9);
    }
    let under = population.under(&proposal).unwrap();
    near(under.unweighted, 0.4894896, 5e-8);
    near(under.corrected, 0.4923, 1e-15);
    near(under.horvitz_thompson_variance, 0.00728071, 5e-9);
    near(under.hajek_variance, 0.00733746, 5e-9);
    near(under.effective_share, 0.15749, 5e-6);
    assert_eq!(under.missing_mass, 0.0);
}

#[test]
fn the_best_proposal_needs_the_fewest_ratings() {
    let population = example();
    let best = population.under(&population.best_proposal()).unwrap();
    near(best.effective_share, 1.0, 1e-12);
    near(best.unweighted, population.quality(), 1e-15);
    // All weights are r: as with a known rejection rate.
    let known = labels_for_error(Design::KnownRate, 0.068, 0.4923, 0.01).unwrap();
    near(best.horvitz_thompson_variance * 1e4, known.ratings, 1e-9);
    near(best.hajek_variance * 1e4, known.ratings, 1e-9);
    let mut stream = Stream::new(5, 0);
    for _ in 0..200 {
        let raw = [stream.unit(), stream.unit(), stream.unit() + 0.01];
        let total: f64 = raw.iter().sum();
        let proposal = raw.map(|r| r / total);
        let other = population.under(&proposal).unwrap();
        assert!(other.horvitz_thompson_variance >= best.horvitz_thompson_variance - 1e-12);
    }
}

#[test]
fn a_proposal_that_misses_prompts_leaves_quality_open() {
    let population = example();
    let under = population.under(&[0.5, 0.5, 0.0]).unwrap();
    near(under.missing_mass, 0.018, 1e-15);
    near(under.corrected, 0.4959, 1e-15);
    let distance = (population.quality() - under.corrected).abs();
    assert!(distance <= under.missing_mass / 2.0);
}

#[test]
fn published_plans() {
    let skip = labels_for_error(Design::SkipPairs, 0.55, 0.49, 0.01).unwrap();
    near(skip.ratings, 755.7, 1e-9);
    near(
        labels_for_error(Design::Naive, 0.55, 0.49, 0.01)
            .unwrap()
            .ratings,
        2499.0,
        1e-9,
    );
    let goal = NonInferiority {
        margin: 0.02,
        confidence: 0.95,
        power: 0.8,
    };
    let needed = |design| labels_for_non_inferiority(design, 0.55, 0.5, goal).unwrap();
    near(needed(Design::SkipPairs).ratings, 1169.0, 0.5);
    near(needed(Design::Naive).ratings, 3864.0, 0.5);
    // By scipy: 0.55²/4 and 1/4 times (z + z)²/0.02², so the naive design takes 3865 whole ratings.
    near(needed(Design::SkipPairs).ratings, 1168.8897266787371, 1e-9);
    near(needed(Design::Naive).ratings, 3864.0982700123536, 1e-9);
    near(
        needed(Design::SkipPairs).pairs * 0.55,
        needed(Design::SkipPairs).ratings,
        1e-9,
    );
}

#[test]
fn plans_that_mean_nothing_are_refused() {
    let goal = NonInferiority {
        margin: 0.02,
        confidence: 0.95,
        power: 0.8,
    };
    let plan =
        |rate, quality, goal| labels_for_non_inferiority(Design::SkipPairs, rate, quality, goal);
    assert!(plan(0.55, 0.5, goal).is_ok());
    assert!(plan(0.0, 0.5, goal).is_err());
    assert!(plan(1.1, 0.5, goal).is_err());
    assert!(plan(f64::NAN, 0.5, goal).is_err());
    assert!(plan(0.55, 0.1, goal).is_err());
    assert!(plan(0.55, f64::NAN, goal).is_err());
    assert!(plan(0.55, 0.48, goal).is_err());
    for bad in [
        NonInferiority {
            margin: 0.0,
            ..goal
        },
        NonInferiority {
            margin: f64::NAN,
            ..goal
        },
        NonInferiority {
            confidence: 1.0,
            ..goal
        },
        NonInferiority { power: 0.0, ..goal },
        NonInferiority {
            power: 0.05,
            ..goal
        },
    ] {
        assert!(plan(0.55, 0.5, bad).is_err(), "{bad:?}");
    }
    assert!(labels_for_error(Design::Naive, 0.5, 0.5, 0.0).is_err());
    assert!(labels_for_error(Design::Naive, 0.5, 0.5, f64::NAN).is_err());
}

#[test]
fn decomposition_is_exact_on_a_finite_generator() {
    // Four completions of which the first two are accepted; how often v is preferred to u.
    let generator = [0.2, 0.3, 0.1, 0.4];
    let accepted = [0.4, 0.6, 0.0, 0.0];
    let both_ways = |preference: &[[f64; 4]; 4]| {
        let (mut exact, mut decomposed) = (0.0, 0.5);
        for (u, &pu) in generator.iter().enumerate() {
            for (v, &pv) in accepted.iter().enumerate() {
                exact += pu * pv * preference[v][u];
                if u >= 2 {
                    decomposed += pu * pv * (preference[v][u] - 0.5);
                }
            }
        }
        (exact, decomposed)
    };
    let mut stream = Stream::new(8, 0);
    for _ in 0..100 {
        let mut preference = [[0.5; 4]; 4];
        for (v, u) in [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)] {
            preference[v][u] = stream.unit();
            preference[u][v] = 1.0 - preference[v][u];
        }
        let (exact, decomposed) = both_ways(&preference);
        near(exact, decomposed, 1e-15);
    }
    let mut preference = [[0.5; 4]; 4];
    preference[0][1] = 0.9;
    preference[1][0] = 0.1;
    (preference[0][2], preference[0][3]) = (0.7, 0.7);
    (preference[1][2], preference[1][3]) = (0.8, 0.8);
    let (exact, decomposed) = both_ways(&preference);
    near(exact, 0.63, 1e-15);
    near(decomposed, 0.63, 1e-15);
}

#[test]
fn impossible_mixtures_are_refused() {
    let kind = |share, acceptance, preferred| PromptKind {
        share,
        acceptance,
        preferred,
    };
    assert!(Population::new(&[]).is_err());
    assert!(Population::new(&[kind(0.9, 0.5, 0.5)]).is_err());
    assert!(Population::new(&[kind(1.0, 1.0, 0.5)]).is_err());
    assert!(Population::new(&[kind(1.0, 1.5, 0.5)]).is_err());
    assert!(Population::new(&[kind(1.0, 0.5, -0.5)]).is_err());
    assert!(Population::new(&[kind(1.0, f64::NAN, 0.5)]).is_err());
    let population = Population::new(&[kind(0.5, 1.0, 0.5), kind(0.5, 0.5, 0.5)]).unwrap();
    assert!(matches!(
        population.under(&[0.5, 0.5]).unwrap_err(),
        StatsError::ItemOutOfRange { index: 0, .. }
    ));
    assert!(population.under(&[0.0, 1.0]).is_ok());
    assert!(population.under(&[0.0, 0.9]).is_err());
    assert!(population.under(&[1.0]).is_err());
    assert!(population.under(&[f64::NAN, 1.0]).is_err());
}
