use super::*;
use crate::random::Stream;

fn oracle(catastrophes: [u64; 4]) -> Vec<Stratum> {
    let design = [(0.02, 4000), (0.10, 3000), (0.30, 2000), (0.20, 1000)];
    design
        .iter()
        .zip(catastrophes)
        .map(|(&(weight, labelled), catastrophes)| Stratum {
            weight,
            labelled,
            catastrophes,
        })
        .collect()
}

#[test]
fn the_worked_example() {
    let leak = stratified_leak(&oracle([7, 1, 0, 0]), 0.38, 0.95).unwrap();
    assert!((leak.estimate.value.unwrap() - 6.83333e-5).abs() < 5e-11);
    assert!((leak.standard_error.unwrap() - 3.585873e-5).abs() < 5e-12);
    assert!((leak.estimate.lower - 1.70763e-5).abs() < 5e-11);
    assert!((leak.estimate.upper - 7.87814e-4).abs() < 5e-10);
    assert!((leak.estimate_upper.upper - 6.65069e-4).abs() < 5e-10);
    assert!((leak.assumption_free_upper.upper - 3.4137761638690156 * 2e-4).abs() < 1e-14);
    assert_eq!(leak.estimate.n, 10_000);
    let bonferroni = bonferroni_upper(&oracle([7, 1, 0, 0]), 0.38, 0.95).unwrap();
    assert!((bonferroni.upper - 1.821620e-3).abs() < 5e-10);
}

#[test]
fn without_failures_both_upper_bounds_are_the_largest_worth_times_ln_20() {
    let leak = stratified_leak(&oracle([0; 4]), 0.38, 0.95).unwrap();
    assert!((leak.estimate_upper.upper - 5.991465e-4).abs() < 5e-11);
    assert!((leak.assumption_free_upper.upper - 2e-4 * 20f64.ln()).abs() < 1e-16);
    assert_eq!(leak.estimate.value, Some(0.0));
    assert!(leak.estimate.upper > 0.0 && leak.standard_error == Some(0.0));
}

#[test]
fn order_of_strata_and_empty_strata_change_nothing() {
    let strata = oracle([7, 1, 0, 0]);
    let leak = stratified_leak(&strata, 0.38, 0.95).unwrap();
    let mut turned: Vec<Stratum> = strata.into_iter().rev().collect();
    turned.push(Stratum {
        weight: 0.0,
        labelled: 0,
        catastrophes: 0,
    });
    let other = stratified_leak(&turned, 0.38, 0.95).unwrap();
    assert!((leak.estimate.upper / other.estimate.upper - 1.0).abs() < 1e-12);
    assert!(
        (leak.assumption_free_upper.upper / other.assumption_free_upper.upper - 1.0).abs() < 1e-12
    );
}

#[test]
fn intervals_nest_in_confidence() {
    let mut before: Option<StratifiedLeak> = None;
    for confidence in [0.5, 0.8, 0.95, 0.99, 0.9999] {
        for version in [GammaVersion::MidP, GammaVersion::Conservative] {
            let leak = stratified_leak_with(
                &oracle([2, 0, 1, 0]),
                0.38,
                0.1 + confidence * 0.89,
                version,
            )
            .unwrap();
            assert!(leak.estimate.lower < leak.estimate.value.unwrap());
            assert!(leak.estimate.upper > leak.estimate.value.unwrap());
        }
        let leak = stratified_leak(&oracle([2, 0, 1, 0]), 0.38, confidence).unwrap();
        if let Some(before) = before {
            assert!(leak.estimate.lower < before.estimate.lower);
            assert!(leak.estimate.upper > before.estimate.upper);
            assert!(leak.assumption_free_upper.upper > before.assumption_free_upper.upper);
        }
        before = Some(leak);
    }
}

#[test]
fn one_stratum_is_the_poisson_interval_just_outside_clopper_pearson() {
    for k in [0, 1, 5] {
        let strata = [Stratum {
            weight: 1.0,
            labelled: 100_000,
            catastrophes: k,
        }];
        let leak = stratified_leak(&strata, 0.0, 0.95).unwrap();
        let exact = crate::interval::clopper_pearson(k, 100_000, 0.95).unwrap();
        assert!((leak.estimate.upper / exact.upper - 1.0).abs() < 1e-4);
        assert!(leak.estimate.upper >= exact.upper);
        assert!((leak.estimate.lower - exact.lower).abs() <= 1e-4 * exact.lower);
    }
}

#[test]
fn bounds_never_exceed_what_can_leak() {
    let strata = [Stratum {
        weight: 0.25,
        labelled: 2,
        catastrophes: 2,
    }];
    let leak = stratified_leak(&strata, 0.75, 0.95).unwrap();
    assert_eq!(leak.assumption_free_upper.upper, 0.25);
    assert_eq!(leak.estimate.upper, 0.25);
}

#[test]
fn a_single_label_has_no_standard_error() {
    let mut strata = oracle([0; 4]);
    strata[3].labelled = 1;
    let leak = stratified_leak(&strata, 0.38, 0.95).unwrap();
    assert_eq!(leak.standard_error, None);
    assert!(leak.estimate.upper > 0.1);
}

#[test]
fn impossible_strata_are_named() {
    let wrong = |change: fn(&mut Vec<Stratum>), no_leak: f64| {
        let mut strata = oracle([7, 1, 0, 0]);
        change(&mut strata);
        let error = stratified_leak(&strata, no_leak, 0.95).unwrap_err();
        let other = bonferroni_upper(&strata, no_leak, 0.95).unwrap_err();
        assert_eq!(other.to_string(), error.to_string());
        error.to_string()
    };
    assert!(wrong(|s| s[1].weight = -0.1, 0.38).contains("item 1 is -0.1"));
    assert!(wrong(|s| s[2].weight = f64::NAN, 0.38).contains("item 2 is NaN"));
    assert!(wrong(|s| s[2].weight = f64::INFINITY, 0.38).contains("item 2 is inf"));
    assert!(wrong(|s| s[0].catastrophes = 4001, 0.38).contains("item 0 is 4001"));
    assert!(wrong(|s| s[3].labelled = 0, 0.38).contains("labels of strata: item 3"));
    assert!(wrong(|s| s[3].weight = 0.0, 0.58).contains("item 3 is 1000"));
    assert!(wrong(|_| (), 0.37).contains("must be 1"));
    assert!(wrong(|_| (), -0.1).contains("share without a leak"));
    assert!(wrong(|_| (), f64::NAN).contains("share without a leak"));
    assert!(wrong(|s| s.clear(), 0.38).contains("nothing to compute"));
    assert!(stratified_leak(&oracle([0; 4]), 0.38, 1.0).is_err());
}

/// P(X = k), X ~ Binomial(n, p), for small n.
fn mass(k: u64, n: u64, p: f64) -> f64 {
    let ways = (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
    ways * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)
}

#[test]
fn the_assumption_free_bound_covers_every_pair_of_rates() {
    // Exact coverage by enumeration, for very unequal worths.
    for (weights, n) in [([0.3, 0.7], [12, 4]), ([0.9, 0.1], [9, 8])] {
        let mut bounds = vec![];
        for a in 0..=n[0] {
            for b in 0..=n[1] {
                let stratum = |i: usize, catastrophes| Stratum {
                    weight: weights[i],
                    labelled: n[i],
                    catastrophes,
                };
                let strata = [stratum(0, a), stratum(1, b)];
                let leak = stratified_leak(&strata, 0.0, 0.9).unwrap();
                bounds.push((a, b, leak.assumption_free_upper.upper));
            }
        }
        for i in 0..=20 {
            for j in 0..=20 {
                let p = [f64::from(i) / 20.0, f64::from(j) / 20.0];
                let truth = weights[0] * p[0] + weights[1] * p[1];
                let covered: f64 = bounds
                    .iter()
                    .filter(|b| truth <= b.2 + 1e-12)
                    .map(|&(a, b, _)| mass(a, n[0], p[0]) * mass(b, n[1], p[1]))
                    .sum();
                assert!(covered >= 0.9, "{p:?}: {covered}");
            }
        }
    }
}

#[test]
fn both_intervals_cover_in_simulation_where_a_normal_one_fails() {
    // The worked example's own rates; its normal interval covers about 76 %.
    let rates = [2e-3, 2e-4, 2e-5, 1e-6];
    let truth = 6.62e-5;
    let (mut gamma, mut free, mut normal) = (0, 0, 0);
    let runs = 300;
    for run in 0..runs {
        let mut stream = Stream::new(23, run);
        let mut strata = oracle([0; 4]);
        for (stratum, rate) in strata.iter_mut().zip(rates) {
            stratum.catastrophes = (0..stratum.labelled)
                .filter(|_| stream.unit() < rate)
                .count() as u64;
        }
        let leak = stratified_leak(&strata, 0.38, 0.95).unwrap();
        gamma += u64::from(leak.estimate.lower <= truth && truth <= leak.estimate.upper);
        free += u64::from(truth <= leak.assumption_free_upper.upper);
        let off = (leak.estimate.value.unwrap() - truth).abs();
        normal += u64::from(off <= 1.959964 * leak.standard_error.unwrap());
    }
    let share = |held: u64| held as f64 / runs as f64;
    assert!(share(gamma) >= 0.97, "{}", share(gamma));
    assert!(share(free) >= 0.97, "{}", share(free));
    assert!((0.66..0.86).contains(&share(normal)), "{}", share(normal));
}
