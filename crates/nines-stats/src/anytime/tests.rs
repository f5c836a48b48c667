use super::betting::{self, BettingTest};
use super::bounded_mean::HedgedCapital;
use super::mixture::{self, Prior, ln_evidence, upper_bound};
use super::sprt::{RateSprt, Verdict};
use crate::interval;
use crate::random::Stream;

fn close(value: f64, expected: f64, last: f64) {
    assert!(
        (value - expected).abs() <= 0.5 * last,
        "{value} and not {expected}"
    );
}

#[test]
fn mixture_bounds() {
    for (k, n, prior, expected, last) in [
        (0, 3000, Prior::Jeffreys, 2.5205922e-3, 1e-10),
        (0, 30_000, Prior::Jeffreys, 2.9071033e-4, 1e-11),
        (3, 100_000, Prior::Jeffreys, 1.7235927e-4, 1e-11),
        (0, 3000, Prior::Even, 1.2254592e-3, 1e-10),
        (0, 100_000, Prior::Even, 3.6870289e-5, 1e-12),
        (1, 3000, Prior::Even, 3.7902276e-3, 1e-10),
        (2, 100_000, Prior::Even, 1.5827995e-4, 1e-11),
    ] {
        close(
            upper_bound(k, n, prior, 0.95).unwrap().upper,
            expected,
            last,
        );
    }
    // Roots found with forty digits.
    for (k, n, prior, expected) in [
        (3, 100_000, Prior::Jeffreys, 1.723592707039255e-4),
        (0, 30_000, Prior::Jeffreys, 2.907103260107546e-4),
        (2, 100_000, Prior::Even, 1.5827994648353949e-4),
    ] {
        let bound = upper_bound(k, n, prior, 0.95).unwrap().upper;
        assert!((bound / expected - 1.0).abs() < 1e-13, "{bound}");
    }
}

#[test]
fn clean_labels() {
    let needed = |prior| mixture::clean_labels_needed(1e-3, prior, 0.95).unwrap();
    assert_eq!(interval::trials_needed(1e-3, 0, 0.95).unwrap(), 2995);
    assert_eq!(needed(Prior::Even), 3678);
    assert_eq!(needed(Prior::ZeroAtom(0.5)), 3678);
    assert_eq!(needed(Prior::Jeffreys), 8062);
    for (bet, expected) in [(0.5, 5987), (0.9, 3327), (0.99, 3025)] {
        assert_eq!(
            betting::clean_labels_needed(1e-3, bet, 0.95).unwrap(),
            expected
        );
    }
}

#[test]
fn the_bound_is_where_the_evidence_reaches_one_over_alpha() {
    for (k, n) in [
        (0, 5),
        (1, 1),
        (4, 9),
        (700, 3000),
        (1500, 3000),
        (2, 40_000_000),
    ] {
        for prior in [Prior::Jeffreys, Prior::Even, Prior::ZeroAtom(0.9)] {
            let bound = upper_bound(k, n, prior, 0.99).unwrap().upper;
            if bound < 1.0 {
                let evidence = ln_evidence(k, n, bound, prior).unwrap();
                assert!((evidence - 100f64.ln()).abs() < 1e-6, "{k}/{n}: {evidence}");
            }
            let exact = interval::upper_bound(k, n, 0.99).unwrap().upper;
            assert!(bound >= exact, "{k}/{n}: {bound} below {exact}");
            assert!(bound <= upper_bound(k, n, prior, 0.999).unwrap().upper);
        }
    }
    assert_eq!(upper_bound(0, 0, Prior::Even, 0.95).unwrap().upper, 1.0);
    assert_eq!(upper_bound(0, 0, Prior::Even, 0.95).unwrap().value, None);
    assert_eq!(upper_bound(3, 3, Prior::Even, 0.95).unwrap().upper, 1.0);
}

#[test]
fn failures_and_clean_labels_mirror_each_other() {
    for (k, n) in [(0, 20), (1, 20), (1000, 5000)] {
        let seen = ln_evidence(k, n, 0.2, Prior::Jeffreys).unwrap();
        let mirrored = ln_evidence(n - k, n, 0.8, Prior::Jeffreys).unwrap();
        assert!((mirrored - seen).abs() < 1e-11, "{k}/{n}");
    }
}

#[test]
fn the_mixture_is_a_martingale() {
    // Exactly: the expectation over the next label is the evidence now.
    for prior in [Prior::Jeffreys, Prior::Even] {
        for (k, n) in [(0, 0), (0, 7), (3, 10), (50, 60)] {
            let p = 0.3;
            let now = ln_evidence(k, n, p, prior).unwrap().exp();
            let next = p * ln_evidence(k + 1, n + 1, p, prior).unwrap().exp()
                + (1.0 - p) * ln_evidence(k, n + 1, p, prior).unwrap().exp();
            assert!((next / now - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn peeking_rarely_crosses() {
    // 2,000 labels at the rate tested, looked at after each failure and every 20 labels.
    let (runs, rate) = (300, 0.01);
    let mut crossed = 0;
    for run in 0..runs {
        let mut stream = Stream::new(31, run);
        let mut failures = 0;
        let mut ever = false;
        for n in 1..=2000 {
            let failed = stream.unit() < rate;
            if failed || n % 20 == 0 {
                // Just before a failure the evidence may be at a peak.
                let clean = ln_evidence(failures, n - u64::from(failed), rate, Prior::Even);
                failures += u64::from(failed);
                let now = ln_evidence(failures, n, rate, Prior::Even);
                ever |= clean.unwrap().max(now.unwrap()) >= 20f64.ln();
            }
        }
        crossed += u32::from(ever);
    }
    assert!(crossed <= 20, "{crossed} of {runs}");
}

#[test]
fn failures_shrink_the_bettors_capital() {
    for (bet, left) in [(0.5f64, 0.5f64), (0.9, 0.1), (0.99, 0.01)] {
        let mut test = BettingTest::new(1e-3, bet).unwrap();
        test.record(true);
        close(test.ln_capital(), left.ln(), 1e-13);
        assert_eq!((test.labels(), test.failures()), (1, 1));
        let needed = betting::clean_labels_needed(1e-3, bet, 0.95).unwrap();
        let mut test = BettingTest::new(1e-3, bet).unwrap();
        for _ in 0..needed - 1 {
            test.record(false);
        }
        assert!(!test.rejects(0.95).unwrap());
        test.record(false);
        assert!(test.rejects(0.95).unwrap());
        test.record(true);
        assert!(test.rejects(0.95).unwrap(), "what was shown stays shown");
        assert!(!test.rejects(0.99).unwrap());
    }
}

#[test]
fn the_sprt_between_two_rates() {
    let test = RateSprt::new(1e-4, 1e-3, 0.05, 0.05).unwrap();
    assert_eq!(test.clean_labels_to_pass(), 3270);
    close(test.clean_labels_per_failure(), 2557.0, 1.0);
    let mut test = test;
    test.record(true);
    // The failure takes back 2557 clean labels.
    let mut clean = 0;
    while test.record(false) == Verdict::Undecided {
        clean += 1;
    }
    assert_eq!((clean + 1, test.verdict()), (3270 + 2557, Verdict::Low));
    assert_eq!(test.labels(), 3270 + 2557 + 1);
    test.record(true);
    assert_eq!(test.verdict(), Verdict::Low, "the first decision stands");
    let mut failing = RateSprt::new(1e-4, 1e-3, 0.05, 0.05).unwrap();
    assert_eq!(failing.record(true), Verdict::Undecided);
    assert_eq!(failing.record(true), Verdict::High);
    close(failing.wrong_pass_bound(), 0.05 / 0.95, 1e-16);
    close(failing.wrong_fail_bound(), 0.05 / 0.95, 1e-16);
}

#[test]
fn the_sprt_errs_as_seldom_as_it_says() {
    let mut wrong = [0, 0];
    let runs = 400;
    for (side, rate) in [(0, 0.2), (1, 0.05)] {
        for run in 0..runs {
            let mut stream = Stream::new(41 + side as u64, run);
            let mut test = RateSprt::new(0.05, 0.2, 0.05, 0.05).unwrap();
            while test.record(stream.unit() < rate) == Verdict::Undecided {}
            let bad = [Verdict::Low, Verdict::High][side];
            wrong[side] += u32::from(test.verdict() == bad);
        }
    }
    // 0.0526·400 = 21, with three standard deviations of 4.5.
    assert!(wrong[0] <= 34 && wrong[1] <= 34, "{wrong:?}");
}

#[test]
fn the_hedged_capital_after_fifty_zeros() {
    let mut sequence = HedgedCapital::new(0.95).unwrap();
    assert_eq!(sequence.interval().value, None);
    assert_eq!(
        (sequence.interval().lower, sequence.interval().upper),
        (0.0, 1.0)
    );
    for _ in 0..50 {
        sequence.record(0.0).unwrap();
    }
    let e = sequence.interval();
    assert_eq!((e.lower, e.n, e.value), (0.0, 50, Some(0.0)));
    assert!((e.upper - 0.1327986055048653).abs() < 1e-13, "{}", e.upper);
    let capital = sequence.ln_capital(0.1).unwrap();
    close(capital.evidence().exp(), 7.464914, 1e-6);
    // An interval with a single look is narrower.
    let exact = interval::clopper_pearson(0, 50, 0.95).unwrap();
    close(exact.upper, 0.0711, 1e-4);
}

#[test]
fn the_hedged_capital_mirrors_and_nests() {
    let mut stream = Stream::new(3, 0);
    let values: Vec<f64> = (0..300).map(|_| stream.unit().powi(2)).collect();
    let of = |confidence, mirror: bool| {
        let mut sequence = HedgedCapital::new(confidence).unwrap();
        for &value in &values {
            sequence
                .record(if mirror { 1.0 - value } else { value })
                .unwrap();
        }
        sequence.interval()
    };
    let e = of(0.95, false);
    let mirrored = of(0.95, true);
    assert!((e.lower - (1.0 - mirrored.upper)).abs() < 1e-12);
    assert!((e.upper - (1.0 - mirrored.lower)).abs() < 1e-12);
    assert!(e.lower < 1.0 / 3.0 && 1.0 / 3.0 < e.upper);
    let wide = of(0.999, false);
    assert!(wide.lower < e.lower && e.upper < wide.upper);
    let mut ones = HedgedCapital::new(0.95).unwrap();
    for _ in 0..50 {
        ones.record(1.0).unwrap();
    }
    assert!((ones.interval().lower - (1.0 - 0.1327986055048653)).abs() < 1e-12);
    assert_eq!(ones.interval().upper, 1.0);
}

#[test]
fn hedged_capital_rarely_loses_the_mean_at_any_time() {
    let (runs, mean) = (300, 0.2);
    let mut lost = 0;
    for run in 0..runs {
        let mut stream = Stream::new(53, run);
        let mut sequence = HedgedCapital::new(0.9).unwrap();
        let mut ever = false;
        for t in 1..=120 {
            let value = if stream.unit() < 0.4 {
                stream.unit()
            } else {
                0.0
            };
            sequence.record(value).unwrap();
            if t % 4 == 0 {
                ever |= sequence.ln_capital(mean).unwrap().evidence() >= 10f64.ln();
            }
        }
        lost += u32::from(ever);
    }
    // 10 % of 300, with two standard deviations.
    assert!(lost <= 40, "{lost} of {runs}");
}

#[test]
fn bad_input_is_refused() {
    assert!(upper_bound(2, 1, Prior::Even, 0.95).is_err());
    assert!(upper_bound(0, 1, Prior::ZeroAtom(0.0), 0.95).is_err());
    assert!(upper_bound(0, 1, Prior::ZeroAtom(f64::NAN), 0.95).is_err());
    assert!(upper_bound(0, 1, Prior::Even, 1.0).is_err());
    assert!(ln_evidence(0, 1, 0.0, Prior::Even).is_err());
    assert!(mixture::clean_labels_needed(1.0, Prior::Even, 0.95).is_err());
    assert!(BettingTest::new(0.0, 0.5).is_err() && BettingTest::new(0.1, 1.0).is_err());
    assert!(RateSprt::new(0.1, 0.1, 0.05, 0.05).is_err());
    assert!(RateSprt::new(0.1, 0.2, 0.5, 0.5).is_err());
    assert!(RateSprt::new(f64::NAN, 0.2, 0.05, 0.05).is_err());
    let mut sequence = HedgedCapital::new(0.95).unwrap();
    let before = sequence.clone();
    for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(sequence.record(value).is_err());
    }
    assert_eq!(sequence, before);
    assert!(HedgedCapital::new(0.0).is_err());
}
