//! Input at the edges of what is allowed, and beyond: an answer that is true, or an error; never a
//! panic, never an interval without width that claims to know, never a number out of nonsense.

use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
use nines_stats::active_testing::lure;
use nines_stats::agreement::{Metric, krippendorff_alpha};
use nines_stats::allocation::{certificate_labels, whole_labels};
use nines_stats::anytime::betting::clean_labels_needed;
use nines_stats::attack_time::{Exposure, rate_ratio};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::bounded_sum::expected_sum_upper;
use nines_stats::hypergeometric::marked_share;
use nines_stats::importance::{Draw, Proposal, hansen_hurwitz, horvitz_thompson};
use nines_stats::interval::{
    FamilyCount, clopper_pearson, clustered_proportion, labels_for_certificate, lower_bound,
    trials_needed, upper_bound, wilson,
};
use nines_stats::leak::{DrawOutcome, SingleDraw, single_draw_leak};
use nines_stats::low_probability::{gaussian_logit_gap, tilt_variance};
use nines_stats::prevalence::{Accuracy, FlaggedItems, corrected_bounds, rogan_gladen};
use nines_stats::quality::{
    self, Pair, PairOutcome, Preference, RaterPair, WeightedPair, corrected_for_noise, skip_pairs,
    two_way_interval,
};
use nines_stats::quantile::{Support, mean};
use nines_stats::reliability::survival;
use nines_stats::selection::linear_risks;
use nines_stats::species::{Chao1, ModeFrequencies, mode_number};
use nines_stats::stratified::{Stratum, bonferroni_upper, stratified_leak};
use nines_stats::survival_of_uses::{Prior, predicted_survival};
use nines_stats::threshold::{acceptance_at_most, neyman_pearson_order, recall_at_least};
use nines_stats::weighted_poisson::{GammaVersion, WeightedCount};

const MOST: u64 = u64::MAX;

#[test]
fn a_confidence_that_rounds_away_is_refused() {
    // 1 − 10⁻¹⁷ is 1: the bounds would be [0, 0] and [1, 1].
    assert!(upper_bound(0, 100, 1e-17).is_err());
    assert!(lower_bound(1, 100, 1e-17).is_err());
    assert!(wilson(3, 100, 1e-17).is_err());
    let nearly_sure = 1.0 - f64::EPSILON / 2.0;
    assert!(upper_bound(0, 100, nearly_sure).is_ok_and(|e| e.upper > 0.0 && e.upper < 1.0));
}

#[test]
fn a_confidence_next_to_one_keeps_its_digits() {
    let strata =
        [(0.5, 1000, 0), (0.3, 800, 1), (0.2, 700, 0)].map(|(weight, labelled, k)| Stratum {
            weight,
            labelled,
            catastrophes: k,
        });
    for nines in [1e-12, 1e-15, f64::EPSILON / 2.0] {
        let alpha = 1.0 - (1.0 - nines);
        let bound = bonferroni_upper(&strata, 0.0, 1.0 - nines).unwrap();
        let clean = |n: f64| -((alpha / 3.0).ln() / n).exp_m1();
        let one = bound.upper - 0.5 * clean(1000.0) - 0.2 * clean(700.0);
        // What is left is the bound of one failure in 800 at α/3: its tail must be α/3.
        let p = one / 0.3;
        let tail = (799.0 * (-p).ln_1p()).exp() * (1.0 + 799.0 * p);
        assert!(
            (tail / (alpha / 3.0) - 1.0).abs() < 1e-9,
            "{nines}: {tail:e}"
        );
    }
    let draws: Vec<SingleDraw<'_>> = (0..50)
        .map(|i| SingleDraw {
            outcome: DrawOutcome::Safe,
            tries: if i == 0 { &[1, 9] } else { &[1, 2] },
        })
        .collect();
    let nearly_sure = 1.0 - f64::EPSILON / 2.0;
    let leak = single_draw_leak(&draws, Some(5), nearly_sure).unwrap();
    assert!(leak.abstention.unwrap().upper < 1.0);
    let scores: Vec<f64> = (0..2000).map(f64::from).collect();
    let (random, hurt): (Vec<u64>, Vec<u64>) = (0..2000).map(|i| (i, 2000 + i)).unzip();
    let at = recall_at_acceptance(
        &FamilyScores::new("injuries", &scores, &hurt).unwrap(),
        &FamilyScores::new("random", &scores, &random).unwrap(),
        0.5,
        &Bootstrap {
            confidence: nearly_sure,
            ..Bootstrap::default()
        },
    )
    .unwrap();
    assert!(
        at.recall.lower > 0.2 && at.recall.upper < 0.8,
        "{:?}",
        at.recall
    );
}

#[test]
fn counts_too_large_to_add_are_an_error_or_an_answer() {
    assert!(trials_needed(0.5, MOST, 0.95).is_err());
    assert!(neyman_pearson_order(MOST, 0.5, 0.95).is_err());
    assert!(whole_labels(&[0.5, 0.5], MOST, 1).is_err());
    assert!(predicted_survival(MOST, MOST, 1, Prior::Laplace).is_err());
    let family = FamilyCount {
        successes: 1,
        trials: MOST,
    };
    assert!(clustered_proportion(&[family, family], 0.95).is_err());
    let huge = Exposure {
        finds: MOST,
        time: 1.0,
    };
    let compared = rate_ratio(huge, huge, 0.95);
    assert!(compared.is_err() || compared.is_ok_and(|c| !c.ratio.lower.is_nan()));
    assert!(linear_risks(1e-3, 0.4, MOST).is_ok_and(|r| r.safest <= 1e-3));
    let strata = [Stratum {
        weight: 0.5,
        labelled: MOST,
        catastrophes: 0,
    }; 2];
    let leak = stratified_leak(&strata, 0.0, 0.95).unwrap();
    assert!(leak.assumption_free_upper.upper > 0.0);
    assert!(
        WeightedCount::new(&[1.0, 1.0], &[MOST, MOST])
            .unwrap()
            .interval(0.95, GammaVersion::Conservative)
            .is_err()
    );
    let none = clopper_pearson(0, MOST, 0.95).unwrap();
    assert!(none.upper > 0.0 && none.upper < 1e-18);
}

#[test]
fn plans_that_nobody_can_carry_out_are_refused() {
    for error in [
        labels_for_certificate(1e-300, 0.0, 0.95).unwrap_err(),
        clean_labels_needed(1e-300, 0.5, 0.95).unwrap_err(),
        nines_stats::importance::labels_for_relative_error(&[0.5, 1e-9], &[1e-300, 1.0], 1e-9)
            .unwrap_err(),
    ] {
        assert!(error.to_string().contains("2^53"), "{error}");
    }
    assert!(certificate_labels(&[0.5, 0.5], 0.0, 1e-300, 0.95, 100).is_err());
}

#[test]
fn a_certificate_never_labels_a_stratum_without_weight() {
    // The weights fall short of the frame by their own rounding.
    let weights = [0.0, 0.3 - 1e-10, 0.7 - 3e-10];
    let labels = certificate_labels(&weights, 0.0, 1e-9, 0.95, MOST).unwrap();
    assert_eq!(labels[0], 0, "{labels:?}");
}

#[test]
fn large_sums_take_no_longer_than_small_ones() {
    let clock = std::time::Instant::now();
    for (sum, n) in [
        (1e6, 10_000_000),
        (1e9, 2_000_000_000),
        (999_999.5, 1_000_000),
    ] {
        let upper = expected_sum_upper(sum, n, 0.95).unwrap().upper;
        // 2.2 standard deviations of the Poisson, for Bentkus's factor.
        let z = (upper - sum) / upper.sqrt();
        assert!(upper == n as f64 || (z > 1.7 && z < 2.3), "{sum}: {z}");
    }
    assert!(clock.elapsed().as_secs() < 20, "{:?}", clock.elapsed());
}

#[test]
fn families_that_are_all_alike_do_not_depend_on_rounding() {
    // 7 of 10 everywhere, and 1 of 3: the spread between families is exactly 0 in both.
    for (successes, trials) in [(7, 10), (1, 3), (3, 7), (1, 49)] {
        let families = vec![FamilyCount { successes, trials }; 11];
        let e = clustered_proportion(&families, 0.95).unwrap();
        assert!(e.method.contains("effective n 11.0"), "{}", e.method);
    }
}

#[test]
fn equal_values_have_no_spread_whatever_their_mean_rounds_to() {
    let support = Support {
        low: 0.0,
        high: 1.0,
    };
    for value in [0.1, 0.3, 0.7] {
        for n in [3, 7, 10, 49] {
            let e = mean(&vec![value; n], support, 0.95).unwrap();
            assert!(e.upper - e.lower > 0.05, "{n} times {value}: {e:?}");
        }
    }
    let endless = Support {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };
    assert!(mean(&[0.5; 4], endless, 0.95).is_err());
    assert!(gaussian_logit_gap(&[6.1; 30], 0.95).is_err());
    let pairs = [WeightedPair {
        weight: 0.1,
        outcome: PairOutcome::Rated(Preference::Filtered),
    }; 30];
    let repaired = quality::horvitz_thompson(&pairs, Some(0.1), 0.95).unwrap();
    assert_eq!(repaired.quality.normal, None);
    let thirds: Vec<Pair> = (0..60)
        .map(|i| Pair {
            prompt: i / 3,
            outcome: match i % 3 {
                0 => PairOutcome::Rated(Preference::Filtered),
                _ => PairOutcome::Accepted,
            },
        })
        .collect();
    assert_eq!(skip_pairs(&thirds, 0.95).unwrap().normal, None);
    let raters: Vec<RaterPair> = thirds
        .iter()
        .map(|p| RaterPair {
            prompt: p.prompt,
            rater: p.prompt % 3,
            outcome: p.outcome,
        })
        .collect();
    assert_eq!(two_way_interval(&raters, 0.95).unwrap(), None);
}

#[test]
fn labels_without_spread_are_not_trusted() {
    // Every draw failed, each with the same weight of 1/(3·0.11…).
    let proposal = Proposal::covering(&[0.11, 0.11, 0.78]).unwrap();
    let draws = vec![
        Draw {
            item: 0,
            failed: true
        };
        30
    ];
    let rate = hansen_hurwitz(&proposal, &draws, 0.95).unwrap();
    assert!(rate.normal.is_none() && !rate.normal_trusted, "{rate:?}");
    let q: Vec<f64> = (0..20).map(|i| 1.0 / f64::from(70 - i)).collect();
    let all = lure(70, &[true; 20], &q, 1.0, 0.95).unwrap();
    assert!(all.normal.is_none() && !all.normal_trusted, "{all:?}");
}

#[test]
fn a_normal_interval_outside_the_possible_is_none() {
    // The value is 2: the normal interval cut to [0, 1] would be [1, 1].
    let proposal = Proposal::covering(&[0.1, 0.9]).unwrap();
    let draws: Vec<Draw> = (0..40)
        .map(|i| Draw {
            item: usize::from(i % 5 == 0),
            failed: true,
        })
        .collect();
    let rate = hansen_hurwitz(&proposal, &draws, 0.95).unwrap();
    assert!(rate.value > 1.5, "{rate:?}");
    assert!(rate.normal.is_none() && !rate.normal_trusted, "{rate:?}");
}

#[test]
fn what_was_not_labelled_is_not_known() {
    // One item of 100 has no label; a test at 2.5 % would rule it out.
    let share = marked_share(0, 99, 100, 0.95).unwrap();
    assert!(share.lower == 0.0 && share.upper >= 0.01, "{share:?}");
    let share = marked_share(99, 99, 100, 0.95).unwrap();
    assert!(share.lower <= 0.99 && share.upper == 1.0, "{share:?}");
    let mut labels = vec![Some(false); 100];
    labels[7] = None;
    let rate = horvitz_thompson(&[0.999; 100], &labels, 0.95).unwrap();
    assert!(rate.guaranteed.upper >= 0.01, "{rate:?}");
    let q: Vec<f64> = (0..99).map(|i| 1.0 / f64::from(100 - i)).collect();
    let active = lure(100, &[false; 99], &q, 1.0, 0.95).unwrap();
    assert!(active.guaranteed.upper >= 0.01 && active.upper_bound.upper >= 0.01);
}

#[test]
fn flags_that_contradict_the_accuracy_do_not_make_certainty() {
    // Ten false alarms were to be expected, and none came.
    let items = FlaggedItems {
        flagged: 0,
        rated: 1000,
        sensitivity: Accuracy::Known(0.9),
        specificity: Accuracy::Known(0.99),
    };
    for corrected in [
        corrected_bounds(&items, 0.95).unwrap(),
        rogan_gladen(&items, 0.95).unwrap(),
    ] {
        let e = corrected.estimate;
        assert!(e.lower == 0.0 && e.upper > 0.004, "{e:?}");
        assert!(e.method.contains("contradict"), "{}", e.method);
    }
    let all = FlaggedItems {
        flagged: 1000,
        ..items
    };
    let e = corrected_bounds(&all, 0.95).unwrap().estimate;
    assert!(e.upper == 1.0 && e.lower < 1.0, "{e:?}");
}

#[test]
fn one_mode_found_a_thousand_times_is_not_surely_the_only_one() {
    let found = ModeFrequencies::from_counts(&[1000]).unwrap();
    for form in [Chao1::Classic, Chao1::BiasCorrected] {
        let e = mode_number(&found, form, 0.95).unwrap().estimate;
        assert!(e.lower == 1.0 && e.upper >= 2.0, "{e:?}");
    }
}

#[test]
fn a_mid_p_lower_end_is_where_the_mixture_says() {
    // From scipy: the root of ½(F₁ + F₂) = tail, where F₁ and F₂ are the matched gammas.
    let weights = [
        0.00035350623093084163,
        1.0335608444011801e-5,
        0.022464907324434496,
    ];
    let count = WeightedCount::new(&weights, &[369, 21, 0]).unwrap();
    let e = count.interval(0.95, GammaVersion::MidP).unwrap();
    assert!((e.lower - 0.11497442).abs() < 5e-9, "{e:?}");
    let wide = count.interval(0.9973, GammaVersion::MidP).unwrap();
    assert!((wide.lower - 0.09585711).abs() < 5e-9, "{wide:?}");
}

#[test]
fn tiny_weights_beside_large_ones_have_a_bound() {
    let count = WeightedCount::new(&[1e-200, 1.0], &[3, 0]).unwrap();
    for version in [GammaVersion::Conservative, GammaVersion::MidP] {
        let e = count.interval(0.95, version).unwrap();
        assert!(
            e.lower >= 0.0 && e.lower <= 3e-200 && e.upper > 2.0,
            "{e:?}"
        );
    }
}

#[test]
fn survival_of_a_nonsensical_number_of_uses_is_refused() {
    for uses in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(survival(0.5, uses).is_err(), "{uses}");
    }
    assert_eq!(survival(1.0, 0.0), Ok(1.0));
    assert_eq!(survival(1.0, 1.0), Ok(0.0));
}

#[test]
fn scores_that_were_never_checked_are_checked() {
    let (none, nan) = ([], [f64::NAN, 1.0]);
    let fine = FamilyScores::new("items", &[1.0, 2.0], &[1, 2]).unwrap();
    for scores in [
        FamilyScores {
            scores: &none,
            families: &[],
        },
        FamilyScores {
            scores: &nan,
            families: &[1, 2],
        },
        FamilyScores {
            scores: &[1.0, 2.0],
            families: &[1],
        },
    ] {
        assert!(recall_at_least(&scores, 0.9, 0.95).is_err());
        assert!(acceptance_at_most(&scores, 0.5, 0.95).is_err());
        let bootstrap = Bootstrap::default();
        assert!(recall_at_acceptance(&scores, &fine, 0.5, &bootstrap).is_err());
        assert!(recall_at_acceptance(&fine, &scores, 0.5, &bootstrap).is_err());
    }
}

#[test]
fn absurdly_many_resamples_are_refused() {
    let bootstrap = Bootstrap {
        resamples: usize::MAX,
        ..Bootstrap::default()
    };
    let ratings: Vec<Vec<Option<f64>>> = (0..9)
        .map(|i| vec![Some(f64::from(i % 2)), Some(f64::from(i % 3 % 2))])
        .collect();
    assert!(krippendorff_alpha(&ratings, Metric::Nominal, &bootstrap).is_err());
}

#[test]
fn a_tilt_that_never_visits_is_refused() {
    // The second outcome is possible, and its tilted probability underflows.
    let variance = tilt_variance(&[0.5, 0.5], &[0.0, -1e4], &[false, true], 1.0);
    assert!(variance.is_err(), "{variance:?}");
    let gaps: Vec<f64> = (0..100).map(|i| 1000.0 + f64::from(i % 3)).collect();
    let e = gaussian_logit_gap(&gaps, 0.95).unwrap();
    assert!(e.upper > 0.0, "{e:?}");
}

#[test]
fn noise_that_explains_everything_leaves_a_width_or_an_error() {
    let seen = nines_stats::IntervalEstimate {
        value: Some(0.92),
        lower: 0.9,
        upper: 0.95,
        confidence: 0.95,
        method: "seen".to_owned(),
        n: 100,
    };
    assert!(corrected_for_noise(&seen, 0.1).is_err());
}

#[test]
fn a_value_above_one_lies_in_its_bound() {
    let draws = [SingleDraw {
        outcome: DrawOutcome::Catastrophe,
        tries: &[5],
    }];
    let leak = single_draw_leak(&draws, Some(20), 0.95).unwrap();
    let upper = leak.upper.unwrap();
    assert!(upper.upper >= upper.value.unwrap(), "{upper:?}");
}

#[test]
fn weights_that_vanish_beside_the_largest_make_no_nan() {
    let pairs = [WeightedPair {
        weight: 1e-300,
        outcome: PairOutcome::Rated(Preference::Filtered),
    }; 4];
    let rate = quality::RejectionRate::Known(0.5);
    match quality::hajek(&pairs, rate, Some(1e300), 0.95) {
        Err(_) => {}
        Ok(repaired) => {
            let e = repaired.quality.guaranteed;
            assert!(
                e.value.is_some_and(|v| !v.is_nan()) && e.lower <= e.upper,
                "{e:?}"
            );
        }
    }
}
