//! Estimates from data: published numbers, independent references, coverage.

use super::*;

#[test]
fn ten_pairs_match_the_published_numbers() {
    let outcomes = [
        Rated(Better),
        Accepted,
        Rated(Worse),
        Rated(Worse),
        Accepted,
        Accepted,
        Rated(Tie),
        Accepted,
        Rated(Worse),
        Accepted,
    ];
    let pairs: Vec<Pair> = (0..)
        .zip(outcomes)
        .map(|(prompt, outcome)| Pair { prompt, outcome })
        .collect();
    let quality = skip_pairs(&pairs, 0.95).unwrap();
    near(value(&quality.guaranteed), 0.40, 1e-15);
    near(quality.standard_error.unwrap(), 0.10, 1e-15);
    let normal = quality.normal.unwrap();
    near(normal.upper - 0.4, 2.2621571627982053 * 0.1, 1e-12);
    assert!(
        normal
            .method
            .contains("approximate, not to be trusted: 1 wins and 3 losses")
    );
    assert!(quality.guaranteed.method.contains("guaranteed"));
    assert_eq!(quality.guaranteed.n, 10);
}

#[test]
fn guaranteed_intervals_agree_with_scipy() {
    for (wins, losses, n, lower, upper) in [
        (1, 4, 10, 0.05125703802810461, 0.7032002007234472),
        (0, 0, 50, 0.43742963731492096, 0.5625703626850791),
        (7, 0, 100, 0.5013192107860417, 0.5906652722422067),
        (26, 42, 1000, 0.47755023539748137, 0.5010439945311486),
        (0, 30, 30, 0.0, 0.1949442549589338),
    ] {
        let quality = skip_pairs(&counted(wins, losses, n), 0.95).unwrap();
        ends_near(&quality.guaranteed, lower, upper);
    }
    let ratings: Vec<Rating> = (0..40)
        .map(|prompt| Rating {
            prompt,
            preference: if prompt < 16 { Better } else { Worse },
        })
        .collect();
    let of = |rate| known_rejection(&ratings, rate, 0.95).unwrap();
    let known = of(RejectionRate::Known(0.07));
    ends_near(&known.guaranteed, 0.48220396491336387, 0.5049132632409713);
    near(
        known.standard_error.unwrap(),
        0.07 * (0.4f64 * 0.6 / 39.0).sqrt(),
        1e-15,
    );
    let pool = of(RejectionRate::Pool {
        rejected: 70,
        draws: 1000,
    });
    ends_near(&pool.guaranteed, 0.47487506823265957, 0.5071924581651805);
    let variance: f64 = 0.07 * 0.07 * 0.24 / 39.0 + 0.01 * (0.07 * 0.93 / 1000.0);
    near(pool.standard_error.unwrap(), variance.sqrt(), 1e-15);
    near(value(&pool.guaranteed), 0.493, 1e-15);
}

#[test]
fn prompts_with_several_pairs_count_once_each() {
    let rows = [
        (9, vec![Rated(Better)]),
        (2, vec![Rated(Better), Rated(Worse)]),
        (5, vec![Rated(Worse)]),
        (7, vec![Rated(Worse), Accepted]),
        (1, vec![Accepted, Rated(Better), Accepted, Rated(Tie)]),
    ];
    let pairs: Vec<Pair> = rows
        .iter()
        .flat_map(|(prompt, outcomes)| {
            outcomes.iter().map(|&outcome| Pair {
                prompt: *prompt,
                outcome,
            })
        })
        .collect();
    let quality = skip_pairs(&pairs, 0.95).unwrap();
    // Advantages 1, 0, −1, −½ and ¼.
    near(value(&quality.guaranteed), 0.475, 1e-15);
    ends_near(&quality.guaranteed, 0.04681303302483952, 0.9382381855959128);
    let squares =
        1.05f64.powi(2) + 0.05f64.powi(2) + 0.95f64.powi(2) + 0.45f64.powi(2) + 0.3f64.powi(2);
    near(
        quality.standard_error.unwrap(),
        (squares / 4.0 / 5.0).sqrt() / 2.0,
        1e-15,
    );
    let mut reversed = pairs.clone();
    reversed.reverse();
    assert_eq!(skip_pairs(&reversed, 0.95).unwrap(), quality);
    let interval = bootstrap_interval(&pairs, &Bootstrap::default())
        .unwrap()
        .unwrap();
    assert!(interval.lower < 0.475 && interval.upper > 0.475);
    assert!(interval.method.contains("approximate"));
    assert_eq!(
        Some(interval),
        bootstrap_interval(&reversed, &Bootstrap::default()).unwrap()
    );
}

#[test]
fn agreement_never_gives_zero_width() {
    for pairs in [
        counted(0, 0, 1),
        counted(5, 0, 5),
        counted(0, 400, 400),
        counted(0, 0, 4000),
        // All prompts alike, twice each.
        (0..40)
            .map(|i| Pair {
                prompt: i / 2,
                outcome: Rated(Better),
            })
            .collect(),
    ] {
        let quality = skip_pairs(&pairs, 0.95).unwrap();
        assert!(quality.guaranteed.upper - quality.guaranteed.lower > 1e-3);
        assert!(quality.normal.is_none() && quality.standard_error.is_none());
        if quality.guaranteed.n > 1 {
            assert_eq!(
                bootstrap_interval(&pairs, &Bootstrap::default()).unwrap(),
                None
            );
        }
    }
    let agreeing: Vec<Rating> = (0..20)
        .map(|prompt| Rating {
            prompt,
            preference: Worse,
        })
        .collect();
    let quality = known_rejection(&agreeing, RejectionRate::Known(0.1), 0.95).unwrap();
    assert_eq!(value(&quality.guaranteed), 0.45);
    assert!(quality.guaranteed.upper > 0.46 && quality.guaranteed.lower >= 0.45);
    assert!(quality.normal.is_none());
}

#[test]
fn intervals_nest_in_confidence() {
    for pairs in [counted(3, 9, 60), counted(0, 2, 30), counted(30, 0, 30)] {
        let mut last = (0.5, 0.5);
        for confidence in [0.1, 0.5, 0.8, 0.95, 0.99, 0.9999] {
            let e = skip_pairs(&pairs, confidence).unwrap().guaranteed;
            if confidence > 0.1 {
                assert!(e.lower <= last.0 && e.upper >= last.1);
            }
            last = (e.lower, e.upper);
        }
    }
}

#[test]
fn exact_enumeration_covers() {
    // Every outcome of 12 pairs under many pairs of probabilities of a win and of a loss.
    let n = 12u64;
    let intervals: Vec<(u64, u64, IntervalEstimate)> = (0..=n)
        .flat_map(|wins| (0..=n - wins).map(move |losses| (wins, losses)))
        .map(|(wins, losses)| {
            let quality = skip_pairs(&counted(wins, losses, n), 0.9).unwrap();
            (wins, losses, quality.guaranteed)
        })
        .collect();
    let factorial = |k: u64| (1..=k).map(|i| i as f64).product::<f64>();
    for i in 0..=20 {
        for j in 0..=20 - i {
            let (win, lose) = (f64::from(i) / 20.0, f64::from(j) / 20.0);
            let quality = 0.5 + (win - lose) / 2.0;
            let (mut below, mut above, mut total) = (0.0, 0.0, 0.0);
            for (wins, losses, e) in &intervals {
                let rest = n - wins - losses;
                let ways = factorial(n) / factorial(*wins) / factorial(*losses) / factorial(rest);
                let p = ways
                    * win.powi(*wins as i32)
                    * lose.powi(*losses as i32)
                    * (1.0 - win - lose).max(0.0).powi(rest as i32);
                total += p;
                below += if quality < e.lower - 1e-12 { p } else { 0.0 };
                above += if quality > e.upper + 1e-12 { p } else { 0.0 };
            }
            near(total, 1.0, 1e-9);
            assert!(
                below <= 0.05 && above <= 0.05,
                "{win} {lose}: {below} {above}"
            );
        }
    }
}

#[test]
fn p_values_invert_the_lower_end() {
    for (wins, losses, n) in [(26, 42, 1000), (0, 0, 500), (3, 1, 40), (0, 40, 40)] {
        let pairs = counted(wins, losses, n);
        for confidence in [0.9, 0.99] {
            let lower = skip_pairs(&pairs, confidence).unwrap().guaranteed.lower;
            if lower > 0.01 {
                let p = non_inferiority_p_value(&pairs, lower).unwrap();
                near(p, (1.0 - confidence) / 2.0, 1e-9);
            }
        }
        let at = |least| non_inferiority_p_value(&pairs, least).unwrap();
        assert!(at(0.45) <= at(0.47) && at(0.47) <= at(0.5));
        assert!(at(0.999) <= 1.0 && at(1e-9) > 0.0);
    }
}

#[test]
fn simulated_pairs_have_the_exact_moments_and_coverage() {
    let population = example();
    let truth = population.quality();
    let (runs, n) = (600u64, 500u64);
    let (mut sum, mut squares, mut held, mut normal_held, mut errors) = (0.0, 0.0, 0, 0, 0.0);
    for run in 0..runs {
        let mut stream = Stream::new(2205, run);
        let pairs: Vec<Pair> = (0..n)
            .map(|prompt| Pair {
                prompt,
                outcome: draw(&mut stream).1,
            })
            .collect();
        let quality = skip_pairs(&pairs, 0.9).unwrap();
        let q = value(&quality.guaranteed);
        sum += q;
        squares += (q - truth).powi(2);
        let inside = |e: &IntervalEstimate| u32::from(e.lower <= truth && truth <= e.upper);
        held += inside(&quality.guaranteed);
        normal_held += quality.normal.as_ref().map_or(0, inside);
        errors += quality.standard_error.unwrap_or(0.0);
    }
    let runs = runs as f64;
    // The published simulation: mean 0.49219, n·Var 0.01701.
    near(sum / runs, truth, 1e-3);
    near(squares / runs * n as f64, population.pair_variance(), 2e-3);
    near(
        errors / runs,
        (population.pair_variance() / n as f64).sqrt(),
        2e-4,
    );
    assert!(f64::from(held) >= 0.9 * runs, "{held}");
    assert!(f64::from(normal_held) >= 0.85 * runs, "{normal_held}");
}

#[test]
fn missing_mass_and_noise_widen_and_stretch() {
    let quality = skip_pairs(&counted(26, 42, 1000), 0.95).unwrap().guaranteed;
    let open = with_missing_mass(&quality, 0.03).unwrap();
    assert_eq!(open.value, None);
    near(open.lower, quality.lower - 0.015, 1e-15);
    near(open.upper, quality.upper + 0.015, 1e-15);
    assert!(open.method.contains("leaves open"));
    assert_eq!(with_missing_mass(&quality, 0.0).unwrap(), quality);
    let all = with_missing_mass(&quality, 1.0).unwrap();
    assert!(all.lower == 0.0 && all.upper == 1.0);
    assert!(with_missing_mass(&quality, f64::NAN).is_err());
    assert!(with_missing_mass(&quality, 1.1).is_err());
    // Flips shrink what is seen by 1 − 2·flipped; the correction undoes it.
    for flipped in [0.0, 0.05, 0.3] {
        let corrected = corrected_for_noise(&quality, flipped).unwrap();
        let shrunk = 0.5 + (value(&corrected) - 0.5) * (1.0 - 2.0 * flipped);
        near(shrunk, value(&quality), 1e-15);
        assert!(corrected.method.contains("corrected"));
        assert!(corrected.upper - corrected.lower >= quality.upper - quality.lower - 1e-15);
    }
    let extreme = crate::interval::clopper_pearson(990, 1000, 0.95).unwrap();
    assert!(corrected_for_noise(&extreme, 0.3).is_err());
    assert!(corrected_for_noise(&extreme, -0.1).is_err());
    assert!(corrected_for_noise(&extreme, f64::NAN).is_err());
}

#[test]
fn position_bias_is_measured_without_ties() {
    let shown = |filtered_left, preference| Presentation {
        filtered_left,
        preference,
    };
    let bias = position_bias(
        &[
            shown(true, Better),
            shown(true, Worse),
            shown(false, Worse),
            shown(false, Tie),
        ],
        0.95,
    )
    .unwrap();
    near(value(&bias.left_wins), 2.0 / 3.0, 1e-15);
    assert_eq!((bias.left_wins.n, bias.filtered_left.n), (3, 4));
    assert_eq!(value(&bias.filtered_left), 0.5);
    assert!(!bias.favours_a_side() && !bias.order_is_skewed());
    let skewed = position_bias(&[shown(true, Tie); 20], 0.95).unwrap();
    assert_eq!(skewed.left_wins.value, None);
    assert!(skewed.order_is_skewed() && !skewed.favours_a_side());
}

#[test]
fn bad_input_is_refused() {
    assert!(skip_pairs(&[], 0.95).is_err());
    for confidence in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(skip_pairs(&counted(1, 1, 4), confidence).is_err());
    }
    let rating = [Rating {
        prompt: 0,
        preference: Tie,
    }];
    for rate in [
        RejectionRate::Known(0.0),
        RejectionRate::Known(1.5),
        RejectionRate::Known(f64::NAN),
        RejectionRate::Pool {
            rejected: 0,
            draws: 0,
        },
        RejectionRate::Pool {
            rejected: 3,
            draws: 2,
        },
    ] {
        assert!(known_rejection(&rating, rate, 0.95).is_err());
    }
    assert!(known_rejection(&[], RejectionRate::Known(0.5), 0.95).is_err());
    let pair = |weight, outcome| WeightedPair { weight, outcome };
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let pairs = [pair(1.0, Accepted), pair(weight, Accepted)];
        assert!(matches!(
            horvitz_thompson(&pairs, None, 0.95).unwrap_err(),
            StatsError::ItemOutOfRange { index: 1, .. }
        ));
    }
    assert!(horvitz_thompson(&[pair(0.0, Rated(Tie))], None, 0.95).is_err());
    assert!(horvitz_thompson(&[], None, 0.95).is_err());
    let rate = RejectionRate::Known(0.5);
    assert!(matches!(
        hajek(
            &[pair(1.0, Rated(Tie)), pair(1.0, Accepted)],
            rate,
            None,
            0.95
        )
        .unwrap_err(),
        StatsError::Missing { index: 1, .. }
    ));
    assert!(hajek(&[pair(1.0, Rated(Tie))], rate, Some(f64::INFINITY), 0.95).is_err());
    assert!(position_bias(&[], 0.95).is_err());
    assert!(non_inferiority_p_value(&counted(1, 1, 4), 0.0).is_err());
    assert!(bootstrap_interval(&counted(1, 0, 1), &Bootstrap::default()).is_err());
}
