use super::*;
use crate::random::Stream;

fn upper(sum: f64, confidence: f64) -> f64 {
    expected_sum_upper(sum, 1_000_000, confidence)
        .unwrap()
        .upper
}

#[test]
fn agrees_with_roots_found_by_scipy() {
    for (confidence, sum, expected) in [
        (0.95, 6.833333333333333e-5 / 2e-4, 3.4137761638690156),
        (0.95, 0.5, 3.6888794541139363),
        (0.95, 1.0, 4.9318605247067735),
        (0.95, 1.5, 5.734580732760435),
        (0.95, 3.0, 8.242836495590668),
        (0.95, 5.5, 12.036681562475303),
        (0.95, 30.0, 42.94290000747476),
        (0.95, 100.0, 122.22347337062051),
        (0.975, 3.0, 9.192303716042895),
        (0.99, 10.0, 21.112735991903914),
    ] {
        let bound = upper(sum, confidence);
        assert!(
            (bound / expected - 1.0).abs() < 1e-11,
            "{sum}: {bound} and not {expected}"
        );
    }
}

#[test]
fn grows_with_the_sum_and_with_the_confidence() {
    let mut before = 0.0;
    for step in 0..400 {
        let sum = f64::from(step) * 0.05;
        let bound = upper(sum, 0.95);
        assert!(bound > before && bound > sum, "{sum}: {bound}");
        assert!(upper(sum, 0.99) > bound);
        before = bound - 1e-9;
    }
}

#[test]
fn lies_little_above_the_exact_poisson_bound_of_a_count() {
    for k in 0..200 {
        let exact = crate::gamma::upper_quantile(0.05, f64::from(k) + 1.0).unwrap();
        let excess = upper(f64::from(k), 0.95) / exact - 1.0;
        assert!((-1e-12..0.08).contains(&excess), "{k}: {excess}");
    }
}

#[test]
fn large_sums_stay_near_the_normal_bound() {
    let bound = expected_sum_upper(1e5, 1 << 40, 0.95).unwrap().upper;
    let normal = 1e5 + 1.644853627 * 1e5f64.sqrt();
    assert!(
        bound > normal && bound < 1e5 + 2.3 * 1e5f64.sqrt(),
        "{bound}"
    );
}

#[test]
fn sums_of_millions_agree_with_slow_stepping() {
    // The least bound over every s in turn, by halving; scipy.special.pdtr agrees to 1e-12.
    for (sum, confidence, expected) in [
        (1e4, 0.95, 10_207.835_582_034_31),
        (1e5, 0.95, 100_653.849_994_651_94),
    ] {
        let bound = expected_sum_upper(sum, 1 << 40, confidence).unwrap().upper;
        assert!((bound / expected - 1.0).abs() < 1e-13, "{sum}: {bound}");
    }
    // The normal limit: (bound − sum)/√sum no longer changes.
    let excess = |sum: f64| {
        let bound = expected_sum_upper(sum, 1 << 40, 0.95).unwrap().upper;
        (bound - sum) / sum.sqrt()
    };
    assert!((excess(1e7) - excess(1e9)).abs() < 1e-3);
}

#[test]
fn no_sum_is_too_small_and_no_confidence_too_low() {
    for confidence in [1e-15, 0.01, 0.95, 1.0 - 1e-15] {
        let none = upper(0.0, confidence);
        for sum in [f64::from_bits(1), 1e-300, 1e-17, 1e-9] {
            let bound = upper(sum, confidence);
            let near = (bound - none).abs() <= 1e-6 * none + 2.0 * sum + 1e-15;
            assert!(near, "{sum} at {confidence}: {bound} against {none}");
        }
    }
}

#[test]
fn no_confidence_puts_the_bound_below_the_sum() {
    for confidence in [f64::EPSILON, 1e-15, 1e-9] {
        for sum in [0.7, 3.0, 1234.5, 1e6] {
            let bound = expected_sum_upper(sum, 1 << 40, confidence).unwrap().upper;
            assert!(bound >= sum && bound < sum + 1.0, "{sum}: {bound}");
        }
    }
}

#[test]
fn covers_mixed_terms_at_least_as_often_as_promised() {
    let mut held = 0;
    for run in 0..600 {
        let mut stream = Stream::new(11, run);
        // Terms of 1, 0.3 and 0.05 with expectations that add up to 3.
        let sum: f64 = (0..200)
            .map(|i| {
                let (size, chance) = [(1.0, 0.01), (0.3, 0.05), (0.05, 0.1)][i % 3];
                if stream.unit() < chance { size } else { 0.0 }
            })
            .sum();
        let expectation: f64 = (0..200).map(|i| [0.01, 0.015, 0.005][i % 3]).sum();
        let bound = expected_sum_upper(sum, 200, 0.95).unwrap();
        held += u32::from(expectation <= bound.upper);
    }
    assert!(held >= 570, "{held} of 600");
}

#[test]
fn rejects_impossible_sums() {
    assert!(expected_sum_upper(-1e-9, 5, 0.95).is_err());
    assert!(expected_sum_upper(f64::NAN, 5, 0.95).is_err());
    assert!(expected_sum_upper(0.0, 0, 0.95).is_err());
    assert!(expected_sum_upper(0.0, 5, 1.0).is_err());
    assert_eq!(expected_sum_upper(0.0, 2, 0.95).unwrap().upper, 2.0);
}
