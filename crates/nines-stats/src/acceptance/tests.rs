use super::*;
use crate::binomial;

const CONFIDENCE: Bootstrap = Bootstrap {
    resamples: 100,
    seed: 0,
    confidence: 0.95,
};

fn rising(n: u64) -> (Vec<f64>, Vec<u64>) {
    (0..n).map(|i| (i as f64, i)).unzip()
}

#[test]
fn order_statistics_enclose_the_threshold_as_the_binomial_says() {
    for (n, acceptance) in [(30, 0.8), (100, 0.5), (100, 0.9), (1000, 0.95)] {
        let (scores, families) = rising(n);
        let reference = FamilyScores::new("reference", &scores, &families).unwrap();
        let (low, high) = threshold_ends(&reference, &scores, acceptance, 0.0125).unwrap();
        // Score r is the order statistic r + 1.
        let (low, high) = (low.unwrap() as u64, high.unwrap() as u64);
        let too_low = |rank: u64| binomial::cdf(rank - 1, n, acceptance).unwrap();
        assert!(
            too_low(low + 1) <= 0.0125 && too_low(low + 2) > 0.0125,
            "{n}"
        );
        let too_high = |rank: u64| binomial::at_least(rank, n, acceptance).unwrap();
        assert!(
            too_high(high + 1) <= 0.0125 && too_high(high) > 0.0125,
            "{n}"
        );
    }
}

#[test]
fn too_few_references_leave_an_end_open() {
    let recall = |references: u64, acceptance: f64| {
        let (scores, families) = rising(references);
        let reference = FamilyScores::new("reference", &scores, &families).unwrap();
        let hurt = FamilyScores::new("injuries", &[1e6; 50], &[0; 50]).unwrap();
        let others: Vec<u64> = (10_000..10_050).collect();
        let hurt = FamilyScores {
            families: &others,
            ..hurt
        };
        recall_at_acceptance(&hurt, &reference, acceptance, &CONFIDENCE)
            .unwrap()
            .recall
    };
    assert_eq!(recall(19, 0.8).lower, 0.0);
    assert!(recall(20, 0.8).lower > 0.9);
    assert_eq!(recall(85, 0.95).lower, 0.0);
    assert!(recall(86, 0.95).lower > 0.9);
}

#[test]
fn a_hundred_references_do_not_make_it_absurdly_wide() {
    let (random, families) = rising(100);
    let random: Vec<f64> = random.iter().map(|r| (r + 0.5) / 100.0).collect();
    let hurt: Vec<f64> = (0..100)
        .map(|i| ((f64::from(i) + 0.5) / 100.0).sqrt())
        .collect();
    let others: Vec<u64> = (1000..1100).collect();
    let at = recall_at_acceptance(
        &FamilyScores::new("injuries", &hurt, &others).unwrap(),
        &FamilyScores::new("random", &random, &families).unwrap(),
        0.8,
        &CONFIDENCE,
    )
    .unwrap();
    // By the delta method: both variances, and recall falls by 1.6 where acceptance grows by 1.
    let deviation: f64 = (0.36 * 0.64 / 100.0 + 1.6f64.powi(2) * 0.8 * 0.2 / 100.0).sqrt();
    let (width, normal) = (at.recall.upper - at.recall.lower, 2.0 * 1.96 * deviation);
    assert!(
        width > normal && width < 1.7 * normal,
        "{width} against {normal}"
    );
    assert!(at.recall.method.contains("guaranteed"));
}

#[test]
fn families_that_hold_several_items_are_not_called_guaranteed() {
    let (scores, families) = rising(40);
    let pairs: Vec<u64> = families.iter().map(|f| f / 2).collect();
    let other: Vec<u64> = (100..140).collect();
    let method = |of_hurt: &[u64], of_random: &[u64]| {
        recall_at_acceptance(
            &FamilyScores::new("injuries", &scores, of_hurt).unwrap(),
            &FamilyScores::new("random", &scores, of_random).unwrap(),
            0.5,
            &CONFIDENCE,
        )
        .unwrap()
        .recall
        .method
    };
    assert!(method(&other, &families).contains("guaranteed"));
    for (hurt, random) in [(&other, &pairs), (&pairs, &other), (&families, &families)] {
        let method = method(hurt, random);
        assert!(method.contains("approximate"), "{method}");
    }
}
