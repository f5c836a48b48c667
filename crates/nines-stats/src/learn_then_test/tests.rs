use super::*;
use crate::random::Stream;

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{got:e}, not {want:e}");
}

#[test]
fn p_values_match_the_published_numbers() {
    for (k, want, tolerance) in [
        (0, 4.42753e-5, 5e-11),
        (1, 4.892532e-4, 5e-11),
        (3, 0.0102039928, 5e-11),
        (4, 0.0289692396, 5e-11),
        (5, 0.0666128907, 5e-11),
    ] {
        near(binomial_p_value(k, 2000, 0.005).unwrap(), want, tolerance);
    }
    for (k, want, tolerance) in [
        (1.0, 1.2092728e-3, 5e-11),
        (3.0, 0.0277373, 5e-8),
        (4.0, 0.0787466, 5e-8),
    ] {
        let p = hoeffding_bentkus_p_value(k, 2000, 0.005).unwrap();
        near(p, want, tolerance);
    }
}

fn counts(failures: &[u64]) -> Vec<CalibrationCount> {
    (0..)
        .zip(failures)
        .map(|(i, &failures)| CalibrationCount {
            threshold: f64::from(i),
            failures,
        })
        .collect()
}

#[test]
fn the_sequence_stops_at_the_first_failure() {
    let certified = certify(&counts(&[0, 1, 3, 4, 5, 4]), 2000, 0.005, 0.95).unwrap();
    assert_eq!((certified.threshold, certified.passed), (Some(3.0), 4));
    // The sixth would pass again, but is never tested.
    assert_eq!(certified.p_values.len(), 5);
    let none = certify(&counts(&[9, 9]), 2000, 0.005, 0.95).unwrap();
    assert_eq!((none.threshold, none.passed), (None, 0));
    assert_eq!(none.p_values.len(), 1);
    let hb: Vec<f64> = [1.0, 3.0, 4.0]
        .iter()
        .map(|&k| hoeffding_bentkus_p_value(k, 2000, 0.005).unwrap())
        .collect();
    assert_eq!(fixed_sequence(&hb, 0.95).unwrap(), 2);
}

#[test]
fn too_few_items_are_infeasible() {
    // 0.95ⁿ ≤ 0.05 from n = 59 on.
    assert!(certify(&counts(&[0]), 59, 0.05, 0.95).is_ok());
    assert_eq!(
        certify(&counts(&[0]), 58, 0.05, 0.95).unwrap_err(),
        StatsError::TooFew {
            what: "calibration items that could certify this risk",
            have: 58,
            needed: 59,
        }
    );
}

#[test]
fn p_values_are_valid() {
    // P(p ≤ δ) ≤ δ for the binomial, by adding up its probabilities.
    let (n, risk) = (60u64, 0.08);
    for hb in [false, true] {
        let p = |k: u64| {
            if hb {
                hoeffding_bentkus_p_value(k as f64, n, risk).unwrap()
            } else {
                binomial_p_value(k, n, risk).unwrap()
            }
        };
        for delta in [0.01, 0.05, 0.2, 0.5] {
            let passing = (0..=n).take_while(|&k| p(k) <= delta).count() as u64;
            let probability = match passing {
                0 => 0.0,
                k => crate::binomial::cdf(k - 1, n, risk).unwrap(),
            };
            assert!(probability <= delta);
        }
        assert!((1..=n).all(|k| p(k) >= p(k - 1)));
    }
    assert!((0..=n).all(|k| {
        hoeffding_bentkus_p_value(k as f64, n, risk).unwrap()
            >= binomial_p_value(k, n, risk).unwrap() * (1.0 - 1e-12)
    }));
}

#[test]
fn certified_thresholds_are_seldom_wrong() {
    // Accepting below t fails with probability t²/8: the risk of 0.03 is kept up to t = 0.49.
    let thresholds: Vec<f64> = (1..=40).map(|i| f64::from(i) / 40.0).collect();
    let (runs, n) = (500, 800);
    let (mut wrong, mut sum) = (0, 0.0);
    for run in 0..runs {
        let mut stream = Stream::new(21, run);
        let failing: Vec<f64> = (0..n)
            .filter_map(|_| {
                let score = stream.unit();
                (stream.unit() < score / 4.0).then_some(score)
            })
            .collect();
        let counts: Vec<CalibrationCount> = thresholds
            .iter()
            .map(|&threshold| CalibrationCount {
                threshold,
                failures: failing.iter().filter(|&&s| s < threshold).count() as u64,
            })
            .collect();
        let t = certify(&counts, n, 0.03, 0.9)
            .unwrap()
            .threshold
            .unwrap_or(0.0);
        wrong += u32::from(t * t / 8.0 > 0.03);
        sum += t;
    }
    assert!(wrong <= 65, "{wrong} of {runs}");
    assert!(sum / runs as f64 > 0.35, "{}", sum / runs as f64);
}

#[test]
fn both_limits_leave_an_interval() {
    let thresholds = [0.0, 1.0, 2.0, 3.0, 4.0];
    let leak = [1e-6, 1e-4, 0.01, 0.03, 0.2];
    let quality = [0.9, 0.03, 0.02, 1e-3, 1e-6];
    let split = |part, confidence| {
        thresholds_by_splitting(&thresholds, &leak, &quality, part, confidence).unwrap()
    };
    let both = split(0.5, 0.95).unwrap();
    assert_eq!((both.first, both.last), (2, 2));
    let both = split(0.5, 0.9).unwrap();
    assert_eq!(
        (both.first, both.last, both.lowest, both.highest),
        (1, 3, 1.0, 3.0)
    );
    let both = split(0.8, 0.95).unwrap_or_else(|| panic!("leak gets 0.04, quality 0.01"));
    assert_eq!((both.first, both.last), (3, 3));
    assert_eq!(split(0.5, 0.97), None);
    let pair = |start, confidence| {
        thresholds_by_pair(&thresholds, &leak, &quality, start, confidence).unwrap()
    };
    // Threshold 2 has 0.02; 1 and 3 have 0.03 each, more than half of 0.05.
    let both = pair(2, 0.95).unwrap();
    assert_eq!((both.first, both.last), (2, 2));
    assert_eq!(pair(2, 0.97).map(|b| b.first), Some(2));
    let both = pair(2, 0.9).unwrap();
    assert_eq!((both.first, both.last), (1, 3));
    assert_eq!(pair(0, 0.95), None);
}

#[test]
fn a_side_that_ends_leaves_its_error_to_the_other() {
    let thresholds = [0.0, 1.0, 2.0];
    let small = [1e-9; 3];
    let pair = |quality: [f64; 3], start| {
        thresholds_by_pair(&thresholds, &small, &quality, start, 0.95)
            .unwrap()
            .map(|b| (b.first, b.last))
    };
    assert_eq!(pair([0.04, 0.01, 0.01], 1), Some((0, 2)));
    assert_eq!(pair([0.01, 0.01, 0.04], 1), Some((0, 2)));
    assert_eq!(pair([0.04, 0.01, 0.04], 1), Some((1, 1)));
    assert_eq!(pair([0.04, 0.04, 0.04], 2), Some((0, 2)));
    assert_eq!(pair([0.04, 0.06, 0.04], 2), Some((2, 2)));
}

#[test]
fn both_limits_are_seldom_broken() {
    // All hypotheses but the middle one are true on one side: leak above, quality below.
    let thresholds: Vec<f64> = (0..9).map(f64::from).collect();
    let runs = 4000;
    let mut wrong = [0u32; 2];
    for run in 0..runs {
        let mut stream = Stream::new(31, run);
        let p: Vec<f64> = (0..18).map(|_| stream.unit()).collect();
        // The truth: leak is kept up to number 4, quality from number 4 on.
        let leak: Vec<f64> = (0..9).map(|i| if i <= 4 { 1e-9 } else { p[i] }).collect();
        let quality: Vec<f64> = (0..9)
            .map(|i| if i >= 4 { 1e-9 } else { p[9 + i] })
            .collect();
        for (i, found) in [
            thresholds_by_splitting(&thresholds, &leak, &quality, 0.5, 0.9).unwrap(),
            thresholds_by_pair(&thresholds, &leak, &quality, 4, 0.9).unwrap(),
        ]
        .into_iter()
        .enumerate()
        {
            let found = found.expect("number 4 passes");
            wrong[i] += u32::from((found.first, found.last) != (4, 4));
        }
    }
    for wrong in wrong {
        // 0.0975 expected, with a standard deviation of 0.0047.
        assert!((330..450).contains(&wrong), "{wrong} of {runs}");
    }
}

#[test]
fn bad_input_is_refused() {
    assert!(binomial_p_value(0, 0, 0.1).is_err());
    assert!(binomial_p_value(1, 2, 0.0).is_err());
    assert!(hoeffding_bentkus_p_value(0.0, 0, 0.1).is_err());
    assert!(hoeffding_bentkus_p_value(2.5, 2, 0.1).is_err());
    assert!(hoeffding_bentkus_p_value(f64::NAN, 2, 0.1).is_err());
    assert_eq!(hoeffding_bentkus_p_value(2.0, 2, 0.1).unwrap(), 1.0);
    assert!(fixed_sequence(&[], 0.95).is_err());
    assert!(fixed_sequence(&[1.5], 0.95).is_err());
    assert!(fixed_sequence(&[0.5], 1.0).is_err());
    assert!(certify(&[], 100, 0.1, 0.95).is_err());
    assert!(certify(&counts(&[101]), 100, 0.1, 0.95).is_err());
    let mut falling = counts(&[0, 0]);
    falling[1].threshold = 0.0;
    assert!(matches!(
        certify(&falling, 100, 0.1, 0.95).unwrap_err(),
        StatsError::ItemOutOfRange { index: 1, .. }
    ));
    falling[1].threshold = f64::NAN;
    assert!(certify(&falling, 100, 0.1, 0.95).is_err());
    let t = [0.0, 1.0];
    assert!(thresholds_by_splitting(&t, &[0.1], &[0.1; 2], 0.5, 0.95).is_err());
    assert!(thresholds_by_splitting(&t, &[0.1; 2], &[0.1; 2], 1.0, 0.95).is_err());
    assert!(thresholds_by_pair(&t, &[0.1; 2], &[-0.1; 2], 0, 0.95).is_err());
    assert!(thresholds_by_pair(&t, &[0.1; 2], &[0.1; 2], 2, 0.95).is_err());
}
