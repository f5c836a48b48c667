use super::*;
use crate::bootstrap::Bootstrap;
use crate::random::Stream;

fn near(got: f64, expected: f64, within: f64) {
    assert!(
        (got - expected).abs() <= within,
        "{got} instead of {expected}"
    );
}

fn session(time: f64, found: bool) -> AttackSession {
    AttackSession {
        time,
        found,
        attacker: 1,
    }
}

fn example() -> Vec<AttackSession> {
    [12.0, 7.0, -30.0, -30.0, 18.0, 22.0, -30.0, 5.0]
        .map(|time: f64| session(time.abs(), time > 0.0))
        .to_vec()
}

fn finds(finds: u64, time: f64) -> Exposure {
    Exposure { finds, time }
}

#[test]
fn mean_times_come_out() {
    for (d, mean, lower, upper) in [(60, 13.0, 10.0995, 17.0357), (30, 26.0, 18.2129, 38.5359)] {
        let e = mean_time(finds(d, 780.0), 0.95).unwrap();
        assert_eq!(e.value, Some(mean));
        near(e.lower, lower, 5e-5);
        near(e.upper, upper, 5e-5);
    }
    let none = mean_time_lower_bound(finds(0, 480.0), 0.95).unwrap();
    near(none.lower, 160.23, 5e-3);
    let exposure = Exposure::of_sessions(&example()).unwrap();
    assert_eq!(exposure, finds(5, 154.0));
    near(
        mean_time(exposure, 0.95).unwrap().value.unwrap(),
        30.8,
        1e-12,
    );
    let naive = naive_mean_times(&example()).unwrap();
    near(naive.ignoring_censored.unwrap(), 12.8, 1e-12);
    near(naive.censored_as_finds, 19.25, 1e-12);
}

#[test]
fn a_median_has_no_zero_width() {
    let median = |times: &[f64]| {
        let sessions: Vec<_> = times.iter().map(|&t| session(t, true)).collect();
        let e = kaplan_meier(&sessions, 0.95).unwrap().median();
        (e.value, e.lower, e.upper)
    };
    // Times in whole rounds: the finds came after the round before.
    assert_eq!(median(&[13.0; 12]), (Some(13.0), 0.0, 13.0));
    let mut times = vec![12.0, 20.0];
    times.extend([13.0; 20]);
    assert_eq!(median(&times), (Some(13.0), 12.0, 13.0));
    assert_eq!(median(&[0.0; 12]), (Some(0.0), 0.0, f64::INFINITY));
}

#[test]
fn two_filters_come_out() {
    let compared = rate_ratio(finds(60, 780.0), finds(30, 780.0), 0.95).unwrap();
    assert_eq!(compared.ratio.value, Some(2.0));
    near(compared.ratio.lower, 1.26989, 5e-6);
    near(compared.ratio.upper, 3.21172, 5e-6);
    near(compared.p_value, 0.0020603, 5e-8);
    // The other way round it is the inverse.
    let inverse = rate_ratio(finds(30, 780.0), finds(60, 780.0), 0.95).unwrap();
    near(inverse.ratio.lower, 1.0 / compared.ratio.upper, 1e-14);
    near(inverse.ratio.upper, 1.0 / compared.ratio.lower, 1e-14);
    near(inverse.p_value, compared.p_value, 1e-15);
}

#[test]
fn planning_comes_out() {
    let needed = finds_needed(2.0, 1.0, 0.95, 0.8).unwrap();
    assert_eq!((needed.first.round(), needed.second.ceil()), (49.0, 25.0));
    // At means of 13 and 26 minutes: so many minutes for each filter.
    near(needed.second * 26.0, 637.0, 0.5);
    near(needed.first * 13.0, 637.0, 0.5);
    assert!(rate_ratio_power(needed.first, needed.second, 1.0, 0.95).unwrap() < 0.8);
    assert!(rate_ratio_power(56.0, 28.0, 1.0, 0.95).unwrap() > 0.8);
}

#[test]
fn exact_power_is_the_sum_over_all_outcomes() {
    let (first, second, time_ratio) = (9.0, 3.0, 1.5);
    let poisson = |mean: f64| {
        let mut p = vec![(-mean).exp()];
        for k in 1..60 {
            p.push(p[k - 1] * mean / k as f64);
        }
        p
    };
    let mut power = 0.0;
    for (d1, p1) in poisson(first).into_iter().enumerate() {
        for (d2, p2) in poisson(second).into_iter().enumerate() {
            let (a, b) = (finds(d1 as u64, time_ratio), finds(d2 as u64, 1.0));
            if rate_ratio(a, b, 0.9).unwrap().p_value <= 1.0 - 0.9 {
                power += p1 * p2;
            }
        }
    }
    near(
        rate_ratio_power(first, second, time_ratio, 0.9).unwrap(),
        power,
        1e-12,
    );
    // At equal rates the test errs at most as often as stated.
    assert!(rate_ratio_power(30.0, 20.0, 1.5, 0.95).unwrap() <= 0.05);
}

#[test]
fn the_rate_covers_at_least_as_often_as_stated() {
    for mean in [0.1f64, 1.0, 3.7, 20.0] {
        let (mut term, mut covered) = ((-mean).exp(), 0.0);
        for d in 0..120 {
            let e = find_rate(finds(d, 10.0), 0.9).unwrap();
            if (e.lower..=e.upper).contains(&(mean / 10.0)) {
                covered += term;
            }
            term *= mean / (d + 1) as f64;
        }
        assert!(covered >= 0.9, "{mean}: {covered}");
    }
}

#[test]
fn the_rate_covers_sessions_that_stop_at_a_find_or_a_budget() {
    for (budget, sessions) in [(10.0, 12), (30.0, 8), (120.0, 6)] {
        let mut covered = 0;
        for run in 0..4000 {
            let mut stream = Stream::new(11, run);
            let tried: Vec<_> = (0..sessions)
                .map(|_| {
                    let time = -30.0 * (1.0 - stream.unit()).ln();
                    session(time.min(budget), time < budget)
                })
                .collect();
            let e = mean_time(Exposure::of_sessions(&tried).unwrap(), 0.95).unwrap();
            covered += u32::from((e.lower..=e.upper).contains(&30.0));
        }
        // 0.95 less two and a half standard errors of 4,000 runs.
        assert!(covered >= 3765, "{budget}: {covered}");
    }
}

#[test]
fn withstanding_everything_is_not_certainty() {
    let withstood = vec![session(30.0, false); 16];
    let exposure = Exposure::of_sessions(&withstood).unwrap();
    let rate = find_rate(exposure, 0.95).unwrap();
    assert_eq!((rate.value, rate.lower), (Some(0.0), 0.0));
    near(rate.upper, 40f64.ln() / 480.0, 1e-12);
    let mean = mean_time(exposure, 0.95).unwrap();
    assert_eq!((mean.value, mean.upper), (None, f64::INFINITY));
    let both = rate_ratio(exposure, exposure, 0.95).unwrap();
    assert_eq!(
        (both.ratio.value, both.ratio.lower, both.ratio.upper),
        (None, 0.0, f64::INFINITY)
    );
    assert_eq!(both.p_value, 1.0);
    let naive = naive_mean_times(&withstood).unwrap();
    assert_eq!(naive.ignoring_censored, None);
    let mut by_two = withstood;
    by_two[0].attacker = 2;
    let mean = clustered_mean_time(&by_two, &Bootstrap::default()).unwrap();
    assert_eq!((mean.value, mean.upper), (None, f64::INFINITY));
    near(mean.lower, 480.0 / 40f64.ln(), 1e-9);
    let ratio = clustered_rate_ratio(&by_two, &by_two, &Bootstrap::default()).unwrap();
    assert_eq!((ratio.lower, ratio.upper), (0.0, f64::INFINITY));
}

#[test]
fn kaplan_meier_comes_out() {
    let curve = kaplan_meier(&example(), 0.95).unwrap();
    let seen: Vec<_> = curve
        .steps
        .iter()
        .map(|s| (s.time, s.at_risk, s.survival.value.unwrap()))
        .collect();
    let expected = [
        (5.0, 8, 0.875),
        (7.0, 7, 0.75),
        (12.0, 6, 0.625),
        (18.0, 5, 0.5),
        (22.0, 4, 0.375),
    ];
    for (got, expected) in seen.iter().zip(expected) {
        assert_eq!((got.0, got.1), (expected.0, expected.1));
        near(got.2, expected.2, 1e-15);
    }
    assert_eq!(seen.len(), 5);
    // Without censoring before it, Greenwood's variance is the binomial one: at 22 minutes
    // 0.375·0.625/8, and on the log-log scale by the delta method.
    let last = &curve.steps[4].survival;
    let s: f64 = 0.375;
    let spread = (s * (1.0 - s) / 8.0).sqrt() / (s * -s.ln());
    let z = 1.959963984540054;
    near(last.lower, s.powf((z * spread).exp()), 1e-12);
    near(last.upper, s.powf((-z * spread).exp()), 1e-12);
    assert!(last.method.contains("approximate"));
    assert_eq!(
        (curve.at_risk(0.0), curve.at_risk(30.0), curve.at_risk(30.1)),
        (8, 3, 0)
    );
    assert_eq!(curve.survival_at(21.9).unwrap().value, Some(0.5));
    assert_eq!(curve.survival_at(22.0).unwrap(), *last);
    let beyond = curve.survival_at(31.0).unwrap();
    assert_eq!(
        (beyond.value, beyond.lower, beyond.upper),
        (None, 0.0, last.upper)
    );
    let median = curve.median();
    assert_eq!((median.value, median.upper), (Some(18.0), f64::INFINITY));
    assert_eq!(median.lower, 5.0);
}

#[test]
fn the_curve_is_never_certain() {
    let all_at_once = kaplan_meier(&[session(3.0, true); 4], 0.95).unwrap();
    let step = &all_at_once.steps[0].survival;
    assert_eq!((step.value, step.lower), (Some(0.0), 0.0));
    near(step.upper, 1.0 - 0.025f64.powf(0.25), 1e-12);
    // The last of several: it ends where the one before ended.
    let curve = kaplan_meier(
        &[session(1.0, true), session(2.0, true), session(3.0, true)],
        0.95,
    );
    let steps = curve.unwrap().steps;
    assert_eq!(steps[2].survival.upper, steps[1].survival.upper);
    assert!(steps[2].survival.value == Some(0.0) && steps[2].survival.upper > 0.5);
    // Nobody found anything: exact bounds that fall as sessions end.
    let sessions: Vec<_> = (1..=20).map(|t| session(f64::from(t), false)).collect();
    let curve = kaplan_meier(&sessions, 0.95).unwrap();
    assert!(curve.steps.is_empty());
    let at = |t| curve.survival_at(t).unwrap();
    near(at(1.0).lower, 0.025f64.powf(1.0 / 20.0), 1e-12);
    near(at(20.0).lower, 0.025, 1e-12);
    assert_eq!(
        (at(20.5).value, at(20.5).lower, at(20.5).upper),
        (None, 0.0, 1.0)
    );
    // Six at risk are the fewest that bound the curve above a half.
    assert_eq!(curve.median().lower, 15.0);
    assert_eq!(
        (curve.median().value, curve.median().upper),
        (None, f64::INFINITY)
    );
}

#[test]
fn ties_at_a_find_count_as_at_risk() {
    let tied = [session(5.0, false), session(5.0, true), session(9.0, false)];
    let curve = kaplan_meier(&tied, 0.95).unwrap();
    assert_eq!((curve.steps[0].at_risk, curve.steps[0].finds), (3, 1));
    near(curve.steps[0].survival.value.unwrap(), 2.0 / 3.0, 1e-15);
}

/// Sessions of attackers whose rates vary as Gamma(shape)/(30·shape), by an exponential sum for a
/// whole shape.
fn frail(attackers: u64, shape: u32, mean: f64, stream: &mut Stream) -> Vec<AttackSession> {
    let mut sessions = Vec::new();
    for attacker in 0..attackers {
        let skill: f64 = (0..shape).map(|_| -(1.0 - stream.unit()).ln()).sum();
        let rate = skill / (mean * f64::from(shape));
        // A fixed time for each attacker, in which finds come as they do.
        let mut left = 120.0;
        loop {
            let time = -(1.0 - stream.unit()).ln() / rate;
            let found = time < left;
            sessions.push(AttackSession {
                time: time.min(left),
                found,
                attacker,
            });
            left -= time;
            if !found {
                break;
            }
        }
    }
    sessions
}

#[test]
fn attackers_who_differ_are_covered_where_one_rate_is_not() {
    let runs = 300;
    let (mut clustered, mut alike, mut ratios) = (0, 0, 0);
    for run in 0..runs {
        let mut stream = Stream::new(23, run);
        let first = frail(10, 2, 20.0, &mut stream);
        let second = frail(10, 2, 40.0, &mut stream);
        let bootstrap = Bootstrap {
            resamples: 400,
            seed: run,
            confidence: 0.95,
        };
        let e = clustered_mean_time(&first, &bootstrap).unwrap();
        clustered += u32::from((e.lower..=e.upper).contains(&20.0));
        let e = mean_time(Exposure::of_sessions(&first).unwrap(), 0.95).unwrap();
        alike += u32::from((e.lower..=e.upper).contains(&20.0));
        let e = clustered_rate_ratio(&first, &second, &bootstrap).unwrap();
        ratios += u32::from((e.lower..=e.upper).contains(&2.0));
    }
    let share = |covered: u32| f64::from(covered) / runs as f64;
    assert!(share(clustered) > 0.88, "{}", share(clustered));
    assert!(share(ratios) > 0.88, "{}", share(ratios));
    assert!(share(alike) < 0.85, "{}", share(alike));
}

#[test]
fn clustered_intervals_nest_and_hold_the_plain_ones() {
    let sessions = frail(8, 1, 20.0, &mut Stream::new(2, 0));
    let at = |confidence| {
        let bootstrap = Bootstrap {
            confidence,
            ..Bootstrap::default()
        };
        clustered_mean_time(&sessions, &bootstrap).unwrap()
    };
    let (narrow, wide) = (at(0.8), at(0.95));
    assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
    let plain = mean_time(Exposure::of_sessions(&sessions).unwrap(), 0.95).unwrap();
    assert!(wide.lower <= plain.lower && plain.upper <= wide.upper);
    assert!(wide.method.contains("few") && wide.method.contains("approximate"));
    // The order of the sessions changes nothing.
    let mut turned = sessions.clone();
    turned.reverse();
    let bootstrap = Bootstrap::default();
    assert_eq!(clustered_mean_time(&turned, &bootstrap).unwrap(), wide);
    assert_eq!(
        Exposure::of_sessions(&turned).unwrap(),
        Exposure::of_sessions(&sessions).unwrap()
    );
    assert_eq!(
        kaplan_meier(&turned, 0.95).unwrap(),
        kaplan_meier(&sessions, 0.95).unwrap()
    );
}

#[test]
fn plain_intervals_nest() {
    for d in [0, 1, 30] {
        let (narrow, wide) = (
            find_rate(finds(d, 9.0), 0.8).unwrap(),
            find_rate(finds(d, 9.0), 0.95).unwrap(),
        );
        assert!(wide.lower <= narrow.lower && narrow.upper < wide.upper);
        let other = finds(4, 7.0);
        let narrow = rate_ratio(finds(d, 9.0), other, 0.8).unwrap().ratio;
        let wide = rate_ratio(finds(d, 9.0), other, 0.95).unwrap().ratio;
        assert!(wide.lower <= narrow.lower && narrow.upper < wide.upper);
    }
}

#[test]
fn bad_times_are_errors() {
    let bad = |time| vec![session(1.0, true), session(time, false)];
    assert!(matches!(
        Exposure::of_sessions(&bad(-1.0)),
        Err(StatsError::ItemOutOfRange { index: 1, .. })
    ));
    for time in [f64::NAN, f64::INFINITY] {
        assert!(matches!(
            kaplan_meier(&bad(time), 0.95),
            Err(StatsError::NotFinite { index: 1, .. })
        ));
        assert!(naive_mean_times(&bad(time)).is_err());
        assert!(find_rate(finds(1, time), 0.95).is_err());
        assert!(rate_ratio(finds(1, 1.0), finds(1, time), 0.95).is_err());
    }
    assert!(matches!(
        kaplan_meier(&[], 0.95),
        Err(StatsError::Empty { .. })
    ));
    assert!(matches!(
        clustered_mean_time(&bad(1.0), &Bootstrap::default()),
        Err(StatsError::TooFew {
            have: 1,
            needed: 2,
            ..
        })
    ));
    assert!(finds_needed(-2.0, 1.0, 0.95, 0.8).is_err());
    assert!(finds_needed(2.0, 0.0, 0.95, 0.8).is_err());
    assert!(finds_needed(2.0, 1.0, 0.95, 0.01).is_err());
    assert!(rate_ratio_power(1.0, 1e6, 1.0, 0.95).is_err());
    assert!(rate_ratio_power(1.0, 1.0, f64::NAN, 0.95).is_err());
}
