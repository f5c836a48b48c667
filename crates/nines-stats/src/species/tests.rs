use super::*;
use crate::random::Stream;

fn example() -> ModeFrequencies {
    ModeFrequencies::from_frequencies(&[12, 5, 4, 3, 2, 1, 1, 1, 1]).unwrap()
}

fn near(got: f64, expected: f64, within: f64) {
    assert!(
        (got - expected).abs() <= within,
        "{got} instead of {expected}"
    );
}

fn value(e: IntervalEstimate) -> f64 {
    e.value.unwrap()
}

#[test]
fn the_example_comes_out() {
    let found = example();
    assert_eq!((found.modes(), found.finds()), (30, 86));
    near(
        value(unseen_mass(&found, 0.95).unwrap()),
        0.1395348837,
        5e-11,
    );
    near(coverage(&found), 0.861_819_823_888_010_8, 1e-15);
    let classic = mode_number(&found, Chao1::Classic, 0.95).unwrap();
    near(classic.variance, 122.2676041, 5e-8);
    // These digits hold at a normal quantile of 1.96, which this confidence has.
    let rounded = mode_number(&found, Chao1::Classic, 0.950004209703559).unwrap();
    near(rounded.estimate.lower, 33.70104, 5e-6);
    near(rounded.estimate.upper, 84.73207, 5e-6);
    near(value(classic.estimate), 44.2325581, 5e-8);
    let corrected = mode_number(&found, Chao1::BiasCorrected, 0.95).unwrap();
    near(value(corrected.estimate), 40.8720930, 5e-8);
    for (more, expected, within) in [
        (0.25, 2.740040, 5e-7),
        (0.5, 5.115234, 5e-7),
        (1.0, 10.0, 1e-12),
    ] {
        near(
            value(new_modes(&found, more, 0.95).unwrap()),
            expected,
            within,
        );
    }
}

#[test]
fn two_teams() {
    let found = capture_recapture(40, 35, 14, 0.95).unwrap();
    near(found.standard_error, 14.96195, 5e-6);
    near(found.modes.lower, 68.0751134, 5e-8);
    near(found.modes.upper, 126.7248866, 5e-8);
    assert_eq!(found.distinct, 61);
    assert_eq!(found, capture_recapture(35, 40, 14, 0.95).unwrap());
    near(value(found.modes), 97.4, 1e-12);
}

#[test]
fn chapman_is_unbiased_over_all_outcomes() {
    // 12 modes, teams that find 7 and 6: since 7 + 6 > 12 the estimate has no bias.
    let choose = |n: u64, k: u64| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
    let mean: f64 = (1..=6)
        .map(|m| {
            let p = choose(7, m) * choose(5, 6 - m) / choose(12, 6);
            p * value(capture_recapture(7, 6, m, 0.95).unwrap().modes)
        })
        .sum();
    near(mean, 12.0, 1e-12);
}

#[test]
fn the_exact_interval_of_two_teams_covers_as_often_as_stated() {
    // All outcomes of teams that find 7 and 6 of 12 to 40 modes.
    let choose = |n: u64, k: u64| {
        if k > n {
            return 0.0;
        }
        (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64)
    };
    for modes in [12, 13, 15, 20, 40] {
        let mut covered = 0.0;
        for m in 0..=6 {
            let p = choose(7, m) * choose(modes - 7, 6 - m) / choose(modes, 6);
            let e = capture_recapture_exact(7, 6, m, 0.9).unwrap();
            if (e.lower..=e.upper).contains(&(modes as f64)) {
                covered += p;
            }
            // The first number excluded has a tail of at most 0.05, and the one before has not.
            if m > 0 {
                let above = |total: u64| -> f64 {
                    let p = |k| choose(7, k) * choose(total - 7, 6 - k) / choose(total, 6);
                    (m..=6).map(p).sum()
                };
                assert!(above(e.upper as u64) <= 0.05 && above(e.upper as u64 - 1) > 0.05);
            }
        }
        assert!(covered >= 0.9, "{modes}: {covered}");
    }
}

#[test]
fn teams_that_nest_leave_modes_unfound() {
    let same = capture_recapture(5, 5, 5, 0.95).unwrap().modes;
    assert_eq!((same.value, same.lower), (Some(5.0), 5.0));
    // Both find the same 5 of N with probability 1/C(N, 5): 1/21 at 7, and 1/56 at 8 is below.
    assert_eq!(same.upper, 8.0);
    let nothing = capture_recapture(5, 0, 0, 0.95).unwrap().modes;
    assert_eq!((nothing.value, nothing.upper), (None, f64::INFINITY));
    assert!(matches!(
        capture_recapture(0, 0, 0, 0.95),
        Err(StatsError::Empty { .. })
    ));
    assert!(capture_recapture(5, 5, 6, 0.95).is_err());
    let exact = capture_recapture_exact(5, 0, 0, 0.95).unwrap();
    assert_eq!((exact.lower, exact.upper), (5.0, f64::INFINITY));
    let exact = capture_recapture_exact(100_000, 90_000, 30_000, 0.95).unwrap();
    near(exact.lower, 297_500.0, 1_000.0);
    near(exact.upper, 302_500.0, 1_000.0);
    let one = capture_recapture(1_000_000, 1, 1, 0.95).unwrap().modes;
    near(one.upper, 4e7, 2.0);
    let many = capture_recapture(500_000, 500_000, 500_000, 0.95).unwrap();
    assert_eq!(many.modes.upper, 500_001.0);
}

#[test]
fn the_high_probability_bound_is_vacuous_for_few_finds() {
    // 12 modes once and 88 other finds: 0.12 + 0.92 is above 1.
    let found = ModeFrequencies::from_counts(&[&[1; 12][..], &[44, 44]].concat()).unwrap();
    assert_eq!(found.finds(), 100);
    assert_eq!(unseen_mass_bound(&found, 0.95).unwrap().upper, 1.0);
    let many = ModeFrequencies::from_counts(&[&[1; 12][..], &[50_000, 49_988]].concat()).unwrap();
    let bound = unseen_mass_bound(&many, 0.95).unwrap().upper;
    // 2√2 + √3 = 4.560477932315067.
    near(
        bound,
        1.2e-4 + 4.560477932315067 * (60f64.ln() / 1e5).sqrt(),
        1e-12,
    );
}

#[test]
fn nothing_new_is_not_nothing_left() {
    let found = ModeFrequencies::from_counts(&[10, 12, 9]).unwrap();
    let mass = unseen_mass(&found, 0.95).unwrap();
    assert_eq!((mass.value, mass.lower), (Some(0.0), 0.0));
    near(mass.upper, 40f64.ln() / 31.0, 1e-12);
    assert_eq!(coverage(&found), 1.0);
    assert!(new_modes(&found, 0.5, 0.95).unwrap().upper > 1.8);
    for form in [Chao1::Classic, Chao1::BiasCorrected] {
        let modes = mode_number(&found, form, 0.95).unwrap().estimate;
        assert!(modes.value == Some(3.0) && modes.lower == 3.0 && modes.upper > 3.0);
    }
}

#[test]
fn single_finds_alone_still_give_numbers() {
    for once in [1, 2, 7] {
        let found = ModeFrequencies::from_counts(&vec![1; once]).unwrap();
        for form in [Chao1::Classic, Chao1::BiasCorrected] {
            let modes = mode_number(&found, form, 0.95).unwrap().estimate;
            assert!(
                modes.lower < modes.upper && modes.upper.is_finite(),
                "{once} {modes:?}"
            );
        }
        assert!((0.0..=1.0).contains(&coverage(&found)));
        assert_eq!(unseen_mass(&found, 0.95).unwrap().upper, 1.0);
    }
}

#[test]
fn intervals_nest_and_order_does_not_matter() {
    let found = ModeFrequencies::from_counts(&[1, 4, 1, 2, 1, 7, 3]).unwrap();
    let turned = ModeFrequencies::from_counts(&[7, 3, 1, 1, 2, 0, 4, 1]).unwrap();
    assert_eq!(found, turned);
    let estimates = |confidence| {
        [
            unseen_mass(&found, confidence).unwrap(),
            unseen_mass_bound(&found, confidence).unwrap(),
            new_modes(&found, 0.5, confidence).unwrap(),
            mode_number(&found, Chao1::Classic, confidence)
                .unwrap()
                .estimate,
            capture_recapture(9, 7, 4, confidence).unwrap().modes,
            capture_recapture(9, 7, 7, confidence).unwrap().modes,
            capture_recapture_exact(9, 7, 4, confidence).unwrap(),
        ]
    };
    for (narrow, wide) in estimates(0.8).iter().zip(estimates(0.95)) {
        assert!(
            wide.lower <= narrow.lower && narrow.upper <= wide.upper,
            "{narrow:?} {wide:?}"
        );
    }
}

#[test]
fn good_turing_covers_about_as_often_as_stated() {
    let masses: Vec<f64> = (0..60).map(|i| 1.0 / f64::from(i + 2)).collect();
    let total: f64 = masses.iter().sum();
    let (mut covered, mut bounded, runs) = (0, 0, 400);
    for run in 0..runs {
        let mut stream = Stream::new(7, run);
        let mut counts = vec![0u64; masses.len()];
        for _ in 0..80 {
            let mut left = stream.unit() * total;
            let mode = masses.iter().position(|m| {
                left -= m;
                left < 0.0
            });
            counts[mode.unwrap_or(0)] += 1;
        }
        let unseen: f64 = masses
            .iter()
            .zip(&counts)
            .filter(|(_, count)| **count == 0)
            .map(|(mass, _)| mass / total)
            .sum();
        let found = ModeFrequencies::from_counts(&counts).unwrap();
        let e = unseen_mass(&found, 0.95).unwrap();
        covered += u32::from((e.lower..=e.upper).contains(&unseen));
        bounded += u32::from(unseen <= unseen_mass_bound(&found, 0.95).unwrap().upper);
    }
    assert!(f64::from(covered) >= 0.93 * runs as f64, "{covered}");
    assert_eq!(u64::from(bounded), runs);
}

#[test]
fn new_modes_are_foretold_as_often_as_stated() {
    let masses: Vec<f64> = (0..60).map(|i| 1.0 / f64::from(i + 2)).collect();
    let total: f64 = masses.iter().sum();
    let (mut covered, runs) = (0, 400);
    for run in 0..runs {
        let mut stream = Stream::new(13, run);
        let mut counts = vec![0u64; masses.len()];
        let mut draw = |finds: usize, counts: &mut [u64]| {
            for _ in 0..finds {
                let mut left = stream.unit() * total;
                let mode = masses.iter().position(|m| {
                    left -= m;
                    left < 0.0
                });
                counts[mode.unwrap_or(0)] += 1;
            }
        };
        draw(80, &mut counts);
        let found = ModeFrequencies::from_counts(&counts).unwrap();
        draw(40, &mut counts);
        let new = counts.iter().filter(|c| **c > 0).count() as f64 - found.modes() as f64;
        let e = new_modes(&found, 0.5, 0.95).unwrap();
        covered += u32::from((e.lower..=e.upper).contains(&new));
    }
    assert!(f64::from(covered) >= 0.93 * runs as f64, "{covered}");
}

#[test]
fn bad_input_is_an_error() {
    assert!(matches!(
        ModeFrequencies::from_counts(&[]),
        Err(StatsError::Empty { .. })
    ));
    assert!(matches!(
        ModeFrequencies::from_counts(&[1, u64::MAX]),
        Err(StatsError::ItemOutOfRange { index: 1, .. })
    ));
    assert!(ModeFrequencies::from_frequencies(&[u64::MAX, u64::MAX]).is_err());
    for more in [0.0, -0.5, 1.01, f64::NAN] {
        assert!(new_modes(&example(), more, 0.95).is_err());
    }
    for confidence in [0.0, 1.0, f64::NAN] {
        assert!(unseen_mass(&example(), confidence).is_err());
        assert!(unseen_mass_bound(&example(), confidence).is_err());
        assert!(mode_number(&example(), Chao1::Classic, confidence).is_err());
        assert!(capture_recapture(4, 3, 2, confidence).is_err());
        assert!(capture_recapture_exact(4, 3, 2, confidence).is_err());
    }
}
