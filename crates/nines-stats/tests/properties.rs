//! What holds for any data.

use nines_stats::acceptance::{FamilyScores, recall_at_acceptance, risk_coverage};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::interval::{clopper_pearson, upper_bound, wilson};
use nines_stats::quantile::{Support, mean, quantile};
use nines_stats::ranking::{RankingMetric, RankingSample, paired_difference};
use nines_stats::threshold::{acceptance_at_most, neyman_pearson, recall_at_least};
use nines_stats::{StatsError, beta};
use proptest::prelude::*;

const QUICK: Bootstrap = Bootstrap {
    resamples: 100,
    seed: 7,
    confidence: 0.95,
};

/// Scores on a coarse grid (many ties) with labels and families.
fn items() -> impl Strategy<Value = Vec<(f64, bool, u64)>> {
    prop::collection::vec(
        ((-8i32..8).prop_map(f64::from), any::<bool>(), 0u64..30),
        2..80,
    )
}

type Columns = (Vec<f64>, Vec<bool>, Vec<u64>);

fn columns(items: &[(f64, bool, u64)]) -> Columns {
    (
        items.iter().map(|i| i.0).collect(),
        items.iter().map(|i| i.1).collect(),
        items.iter().map(|i| i.2).collect(),
    )
}

proptest! {
    #[test]
    fn exact_intervals_nest_and_hold_their_value(n in 1u64..5_000_000, part in 0.0f64..=1.0) {
        let k = (part * n as f64) as u64;
        let narrow = clopper_pearson(k, n, 0.9).expect("valid");
        let wide = clopper_pearson(k, n, 0.99).expect("valid");
        prop_assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
        let value = k as f64 / n as f64;
        prop_assert!(narrow.lower <= value && value <= narrow.upper && narrow.lower < narrow.upper);
        prop_assert!((upper_bound(k, n, 0.95).expect("valid").upper - narrow.upper).abs() < 1e-12);
        let mirrored = clopper_pearson(n - k, n, 0.9).expect("valid");
        prop_assert!((mirrored.lower - (1.0 - narrow.upper)).abs() < 1e-12);
        let w = wilson(k, n, 0.95).expect("valid");
        prop_assert!(0.0 <= w.lower && w.lower < w.upper && w.upper <= 1.0);
    }

    #[test]
    fn a_beta_quantile_is_where_the_tail_says(
        p in 1e-9f64..0.999_999, a in 0.1f64..1e4, b in 0.1f64..1e4,
    ) {
        let x = beta::quantile(p, a, b).expect("valid");
        // A quantile next to 1 is rounded to a neighbour: only its distance from 1 is lost.
        prop_assume!(x < 1.0 - 1e-9);
        let back = beta::ln_tails(a, b, x).expect("valid").lower.exp();
        prop_assert!((back / p - 1.0).abs() < 1e-6, "{back} for {p} at {x}");
    }

    #[test]
    fn rankings_are_bounded_symmetric_and_never_certain(items in items()) {
        let (scores, positive, families) = columns(&items);
        match RankingSample::new(&scores, &positive, &families) {
            Err(error) => prop_assert!(
                matches!(error, StatsError::OneClass { .. }),
                "{}", error
            ),
            Ok(sample) => {
                let value = sample.value(RankingMetric::Auroc);
                let flipped: Vec<f64> = scores.iter().map(|s| -s).collect();
                let flipped = RankingSample::new(&flipped, &positive, &families).expect("classes");
                prop_assert!((value + flipped.value(RankingMetric::Auroc) - 1.0).abs() < 1e-12);
                for metric in [RankingMetric::Auroc, RankingMetric::AveragePrecision] {
                    let e = sample.estimate(metric, &QUICK).expect("valid");
                    prop_assert!(0.0 <= e.lower && e.upper <= 1.0 + 1e-12);
                    prop_assert!(e.upper - e.lower > 1e-6, "zero width: {:?}", e);
                    prop_assert!(e.lower <= sample.value(metric) + 1e-12);
                    prop_assert!(sample.value(metric) <= e.upper + 1e-12);
                    prop_assert_eq!(&e, &sample.estimate(metric, &QUICK).expect("same seed"));
                }
                if let Ok(e) = paired_difference(&sample, &sample, RankingMetric::Auroc, &QUICK) {
                    prop_assert!(e.lower < 0.0 && 0.0 < e.upper, "{:?}", e);
                }
            }
        }
    }

    #[test]
    fn thresholds_keep_their_word_on_the_data_that_chose_them(
        items in items(), share in 0.01f64..0.99,
    ) {
        let (scores, _, families) = columns(&items);
        let all = FamilyScores::new("items", &scores, &families).expect("finite");
        let n = scores.len() as f64;
        let count_below = |t: f64| scores.iter().filter(|&&s| s < t).count() as u64;
        let below = |t: f64| count_below(t) as f64 / n;

        let accepting = acceptance_at_most(&all, share, 0.95).expect("valid");
        prop_assert!(below(accepting.threshold) <= share + 1e-9);
        let next = scores.iter().copied().filter(|&s| s > accepting.threshold).fold(f64::INFINITY, f64::min);
        prop_assert!(below(next) > share - 1e-9, "a larger threshold would still do");
        prop_assert!(accepting.share.lower < accepting.share.upper);

        let catching = recall_at_least(&all, share, 0.95).expect("valid");
        prop_assert!(1.0 - below(catching.threshold) >= share - 1e-9);

        if let Ok(sure) = neyman_pearson(&scores, 0.3, 0.95) {
            prop_assert!(count_below(sure.threshold) < sure.order.k);
            prop_assert!(sure.order.violation <= 0.05);
        }

        let at = recall_at_acceptance(&all, &all, share, &QUICK).expect("valid");
        prop_assert!(at.recall.lower < at.recall.upper);
        prop_assert!(at.recall.lower <= at.recall.value.expect("items"));
    }

    #[test]
    fn the_risk_coverage_curve_only_climbs(
        hurt in prop::collection::vec(-5i32..5, 0..40), random in prop::collection::vec(-5i32..5, 0..40),
    ) {
        let f = |v: &[i32]| -> Vec<f64> { v.iter().copied().map(f64::from).collect() };
        let curve = risk_coverage(&f(&hurt), &f(&random)).expect("finite");
        for pair in curve.windows(2) {
            prop_assert!(pair[0].accepted <= pair[1].accepted && pair[0].missed <= pair[1].missed);
        }
        let last = curve.last().expect("accepting everything is a point");
        prop_assert_eq!((last.missed, last.accepted), (hurt.len() as u64, random.len() as u64));
        for point in curve {
            if let Some(t) = point.threshold {
                prop_assert_eq!(point.missed, f(&hurt).iter().filter(|&&s| s < t).count() as u64);
            }
        }
    }

    #[test]
    fn quantiles_and_means_lie_in_their_intervals(
        values in prop::collection::vec(1u32..=16, 1..200), q in 0.01f64..0.99,
    ) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let support = Support { low: 1.0, high: 16.0 };
        let e = quantile(&values, q, support, 0.95).expect("valid");
        let value = e.value.expect("values");
        prop_assert!(e.lower <= value && value <= e.upper);
        let e = mean(&values, support, 0.95).expect("valid");
        prop_assert!(e.lower < e.upper && (1.0..=16.0).contains(&e.lower));
    }
}

#[test]
fn a_score_that_is_not_finite_is_refused_by_name() {
    let error = RankingSample::new(&[0.0, f64::NAN], &[true, false], &[1, 2]).expect_err("NaN");
    assert_eq!(
        error.to_string(),
        "scores: item 1 is NaN, which is not a finite number"
    );
    assert!(neyman_pearson(&[f64::INFINITY; 100], 0.1, 0.95).is_err());
}

#[test]
fn a_perfect_ranking_of_few_has_a_wide_interval() {
    // Three families with an injury among fifty: all caught.
    let scores: Vec<f64> = (0..50).map(f64::from).collect();
    let positive: Vec<bool> = (0..50).map(|i| i >= 47).collect();
    let families: Vec<u64> = (0..50).collect();
    let sample = RankingSample::new(&scores, &positive, &families).expect("classes");
    let auroc = sample
        .estimate(RankingMetric::Auroc, &Bootstrap::default())
        .expect("valid");
    assert!((auroc.lower - 0.025f64.cbrt()).abs() < 1e-12, "{auroc:?}");
    let ap = sample
        .estimate(RankingMetric::AveragePrecision, &Bootstrap::default())
        .expect("valid");
    assert!(ap.lower < auroc.lower && ap.upper == 1.0, "{ap:?}");
}

#[test]
fn a_constant_scorer_is_not_known_to_be_a_coin() {
    let positive: Vec<bool> = (0..40).map(|i| i % 2 == 0).collect();
    let families: Vec<u64> = (0..40).collect();
    let sample = RankingSample::new(&[1.0; 40], &positive, &families).expect("classes");
    let e = sample
        .estimate(RankingMetric::Auroc, &Bootstrap::default())
        .expect("valid");
    assert_eq!(e.value, Some(0.5));
    assert!(e.lower < 0.4 && e.upper > 0.6, "{e:?}");
}
