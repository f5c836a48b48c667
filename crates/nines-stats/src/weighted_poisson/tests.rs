use super::*;
use GammaVersion::{Conservative, MidP};

const WORTHS: [f64; 4] = [0.02 / 4000.0, 0.10 / 3000.0, 0.30 / 2000.0, 0.20 / 1000.0];

fn close(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() <= 1e-11 * expected.abs(),
        "{value} and not {expected}"
    );
}

#[test]
fn agrees_with_scipy() {
    let count = WeightedCount::new(&WORTHS, &[7, 1, 0, 0]).unwrap();
    let e = count.interval(0.95, Conservative).unwrap();
    close(e.lower, 1.7076295238107708e-5);
    close(e.upper, 0.0007878136565924919);
    close(
        count.upper_bound(0.95, Conservative).unwrap().upper,
        0.0006650691362131921,
    );
    let e = WeightedCount::new(&[1e-3, 5e-3, 2e-4], &[4, 1, 30])
        .unwrap()
        .interval(0.95, Conservative)
        .unwrap();
    close(e.lower, 0.006239978574270332);
    close(e.upper, 0.0369776384824691);
    assert_eq!((e.n, e.value.map(|v| (v * 1e3).round())), (35, Some(15.0)));
}

#[test]
fn equal_weights_give_the_exact_poisson_interval() {
    let e = WeightedCount::new(&[0.5], &[3])
        .unwrap()
        .interval(0.95, Conservative)
        .unwrap();
    close(e.lower, 0.3093360614478007);
    close(e.upper, 4.383636534871163);
}

#[test]
fn the_mid_p_version_agrees_with_scipy_and_is_shorter() {
    let count = WeightedCount::new(&WORTHS, &[7, 1, 0, 0]).unwrap();
    let e = count.interval(0.95, MidP).unwrap();
    close(e.lower, 1.9128870318600398e-5);
    // At the upper end the lower gamma has died out, so it is the conservative bound at 90 %.
    assert!(
        (e.upper - 0.0006650691362185354).abs() < 1e-13,
        "{}",
        e.upper
    );
    close(
        count.upper_bound(0.95, MidP).unwrap().upper,
        0.0005391319703709988,
    );
    let none = WeightedCount::new(&WORTHS, &[0; 4]).unwrap();
    let e = none.interval(0.95, MidP).unwrap();
    assert_eq!(e.lower, 0.0);
    close(e.upper, 2e-4 * 20f64.ln());
    let e = WeightedCount::new(&[1e-3, 1e-3], &[1, 2])
        .unwrap()
        .interval(0.95, MidP)
        .unwrap();
    close(e.lower, 0.0007630962977977817);
    close(e.upper, 0.008164469208368367);
    assert!(none.upper_bound(0.5, MidP).is_err());
}

#[test]
fn scale_changes_nothing_but_the_scale() {
    for scale in [1e-200, 1e-30, 1e30, 1e200] {
        let worths: Vec<f64> = WORTHS.iter().map(|w| w * scale).collect();
        let e = WeightedCount::new(&worths, &[7, 1, 0, 0])
            .unwrap()
            .interval(0.95, Conservative)
            .unwrap();
        close(e.upper, 0.0007878136565924919 * scale);
    }
}

#[test]
fn grows_with_every_event_and_nests_in_confidence() {
    let upper = |counts: &[u64], confidence: f64, version| {
        WeightedCount::new(&WORTHS, counts)
            .unwrap()
            .upper_bound(confidence, version)
            .unwrap()
            .upper
    };
    for version in [Conservative, MidP] {
        for i in 0..4 {
            let mut more = [2, 1, 0, 1];
            more[i] += 1;
            assert!(upper(&more, 0.95, version) > upper(&[2, 1, 0, 1], 0.95, version));
        }
        for (narrow, wide) in [(0.8, 0.9), (0.9, 0.99), (0.99, 0.99999)] {
            assert!(upper(&[2, 1, 0, 1], narrow, version) < upper(&[2, 1, 0, 1], wide, version));
        }
    }
}

#[test]
fn bad_weights_are_refused() {
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(WeightedCount::new(&[1.0, weight], &[0, 0]).is_err());
        assert!(WeightedCount::of_events(&[weight], 1.0).is_err());
        assert!(WeightedCount::of_events(&[], weight).is_err());
    }
    assert!(WeightedCount::new(&[], &[]).is_err());
    assert!(WeightedCount::new(&[1.0], &[0, 1]).is_err());
}
