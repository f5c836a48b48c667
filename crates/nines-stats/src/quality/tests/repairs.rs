//! Ratings of prompts that came from the wrong distribution.

use super::*;

#[test]
fn weighted_estimates_agree_with_scipy() {
    let pair = |weight, outcome| WeightedPair { weight, outcome };
    let pairs = [
        pair(0.5, Rated(Better)),
        pair(0.1, Rated(Worse)),
        pair(0.2, Rated(Tie)),
        pair(0.2, Accepted),
        pair(0.05, Rated(Worse)),
        pair(0.3, Rated(Worse)),
    ];
    let repaired = horvitz_thompson(&pairs, Some(0.5), 0.95).unwrap();
    near(
        value(&repaired.quality.guaranteed),
        0.5041666666666667,
        1e-15,
    );
    near(
        repaired.quality.standard_error.unwrap(),
        0.05416666666666667,
        1e-15,
    );
    ends_near(
        &repaired.quality.guaranteed,
        0.3183157579654443,
        0.6855650967352145,
    );
    let unknown = horvitz_thompson(&pairs, None, 0.95)
        .unwrap()
        .quality
        .guaranteed;
    assert_eq!((unknown.lower, unknown.upper), (0.0, 1.0));
    let weights = [50.0, 25.0, 25.0, 2.5, 2.5, 1.1, 1.1, 1.1];
    let preferences = [Worse, Better, Tie, Worse, Better, Worse, Better, Worse];
    let pairs: Vec<WeightedPair> = weights
        .iter()
        .zip(preferences)
        .map(|(&weight, preference)| pair(weight, Rated(preference)))
        .collect();
    let rate = RejectionRate::Pool {
        rejected: 200,
        draws: 1000,
    };
    let repaired = hajek(&pairs, rate, Some(50.0), 0.95).unwrap();
    near(
        value(&repaired.quality.guaranteed),
        0.4759002770083102,
        1e-15,
    );
    near(
        repaired.quality.standard_error.unwrap(),
        0.04578108914295517,
        1e-15,
    );
    ends_near(
        &repaired.quality.guaranteed,
        0.37974700062277844,
        0.6193571779089231,
    );
    near(repaired.effective_ratings, 3.114308321805142, 1e-12);
    let normal = repaired.quality.normal.as_ref().unwrap();
    assert!(
        normal
            .method
            .contains("not to be trusted: 3.1 effective ratings, 20 are")
    );
    // The unit of the weights does not matter.
    let scaled: Vec<WeightedPair> = pairs
        .iter()
        .map(|p| pair(p.weight * 1e-3, p.outcome))
        .collect();
    let again = hajek(&scaled, rate, Some(0.05), 0.95).unwrap();
    near(
        value(&again.quality.guaranteed),
        value(&repaired.quality.guaranteed),
        1e-14,
    );
    near(
        again.quality.guaranteed.upper,
        repaired.quality.guaranteed.upper,
        1e-12,
    );
}

#[test]
fn equal_weights_are_no_weights() {
    let ratings: Vec<Rating> = (0..40)
        .map(|prompt| Rating {
            prompt,
            preference: if prompt < 16 { Better } else { Worse },
        })
        .collect();
    let rate = RejectionRate::Known(0.07);
    let plain = known_rejection(&ratings, rate, 0.95).unwrap();
    let pairs: Vec<WeightedPair> = ratings
        .iter()
        .map(|r| WeightedPair {
            weight: 0.07,
            outcome: Rated(r.preference),
        })
        .collect();
    for repaired in [
        horvitz_thompson(&pairs, Some(0.07), 0.95).unwrap(),
        hajek(&pairs, rate, Some(0.07), 0.95).unwrap(),
    ] {
        let e = repaired.quality.guaranteed;
        near(value(&e), value(&plain.guaranteed), 1e-15);
        assert!(e.lower <= plain.guaranteed.lower && e.upper >= plain.guaranteed.upper);
        near(repaired.effective_ratings, 40.0, 1e-12);
    }
}

#[test]
fn wrong_proposals_are_repaired_in_simulation() {
    let population = example();
    let truth = population.quality();
    let rejected = [0.018, 0.032, 0.018];
    let squares = [0.00036, 0.0128, 0.0162];
    let total: f64 = squares.iter().sum();
    let proposal = squares.map(|s| s / total);
    let exact = population.under(&proposal).unwrap();
    let (runs, n) = (400u64, 400u64);
    let rate = RejectionRate::Known(population.rejection_rate());
    let mut sums = [0.0; 2];
    let mut spreads = [0.0; 2];
    let mut held = [0u32; 2];
    for run in 0..runs {
        let mut stream = Stream::new(77, run);
        let pairs: Vec<WeightedPair> = (0..n)
            .map(|_| {
                let u = stream.unit();
                let kind =
                    usize::from(u >= proposal[0]) + usize::from(u >= proposal[0] + proposal[1]);
                WeightedPair {
                    weight: rejected[kind] / proposal[kind],
                    outcome: rate_rejected(&mut stream, kind),
                }
            })
            .collect();
        let largest = Some(exact.largest_weight);
        for (i, repaired) in [
            horvitz_thompson(&pairs, largest, 0.9).unwrap(),
            hajek(&pairs, rate, largest, 0.9).unwrap(),
        ]
        .iter()
        .enumerate()
        {
            let e = &repaired.quality.guaranteed;
            sums[i] += value(e) - truth;
            spreads[i] += (value(e) - truth).powi(2);
            held[i] += u32::from(e.lower <= truth && truth <= e.upper);
        }
    }
    let variances = [exact.horvitz_thompson_variance, exact.hajek_variance];
    for i in 0..2 {
        near(sums[i] / runs as f64, 0.0, 1e-3);
        let relative = spreads[i] / runs as f64 * n as f64 / variances[i];
        assert!((0.75..1.35).contains(&relative), "{i}: {relative}");
        assert!(held[i] >= 360, "{i}: {}", held[i]);
    }
}

fn rate_rejected(stream: &mut Stream, kind: usize) -> PairOutcome {
    rate(stream, kind, 0.0)
}
