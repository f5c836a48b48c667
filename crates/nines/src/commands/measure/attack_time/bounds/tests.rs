use super::super::group::{End, Session, Source, Unit};
use super::*;

fn group(sessions: &[(f64, End, u64)]) -> Group {
    let session = |&(minutes, end, attacker)| Session {
        until_find: minutes,
        whole: minutes,
        end,
        attacker,
    };
    Group {
        name: "v1".to_owned(),
        unit: Unit::Minutes,
        source: Source::Coin,
        task: Some(1),
        tools: Some(true),
        open: 0,
        sessions: sessions.iter().map(session).collect(),
    }
}

fn bootstrap() -> Bootstrap {
    Bootstrap {
        resamples: 500,
        ..Bootstrap::default()
    }
}

/// Eight finds after five minutes each that wait, and two who gave up after an hour.
fn waiting() -> Vec<(f64, End, u64)> {
    let mut sessions = vec![(5.0, End::Waiting, 1); 8];
    sessions.extend([(60.0, End::Withstood, 2), (60.0, End::Withstood, 3)]);
    sessions
}

fn labelled(confirmed: usize) -> Group {
    let mut sessions = waiting();
    for (at, session) in sessions.iter_mut().take(8).enumerate() {
        session.1 = if at < confirmed {
            End::Found
        } else {
            End::Withstood
        };
    }
    group(&sessions)
}

#[test]
fn no_bound_is_claimed_that_a_label_to_come_takes_back() {
    let now = group(&waiting());
    let bound = at_least(&now, 0.95).expect("a bound");
    let mean_now = mean(&now, 0.95).expect("a mean");
    let median_now = median(&now, 0.95).expect("a median");
    assert_eq!((bound.value, mean_now.value), (None, None));
    assert!(
        bound.lower < 20.0,
        "8 finds may lie in 160 minutes: {bound:?}"
    );
    for confirmed in 0..=8 {
        let then = labelled(confirmed);
        assert!(bound.lower <= at_least(&then, 0.95).expect("a bound").lower);
        for (now, then) in [
            (&mean_now, mean(&then, 0.95)),
            (&median_now, median(&then, 0.95)),
        ] {
            let then = then.expect("an interval");
            assert!(
                now.lower <= then.lower && then.upper <= now.upper,
                "{now:?} {then:?}"
            );
        }
    }
    let all = labelled(8);
    assert_eq!(bound.lower, at_least(&all, 0.95).expect("a bound").lower);
    assert_eq!(
        mean_now.upper,
        mean(&labelled(0), 0.95).expect("a mean").upper
    );
}

#[test]
fn an_attempt_that_waits_ends_at_its_find_or_with_its_queries() {
    let mut attempts = group(&[(40.0, End::Waiting, 1), (1_000.0, End::Withstood, 2)]);
    attempts.sessions[0].whole = 500.0;
    let times = |sessions: Vec<nines_stats::attack_time::AttackSession>| {
        sessions
            .iter()
            .map(|s| (s.time, s.found))
            .collect::<Vec<_>>()
    };
    assert_eq!(times(attempts.fastest()), [(40.0, true), (1_000.0, false)]);
    assert_eq!(
        times(attempts.slowest()),
        [(500.0, false), (1_000.0, false)]
    );
    let found = mean(&attempts, 0.95).expect("a mean");
    assert!(
        found.lower < 1_040.0 / 3.0 && found.upper.is_infinite(),
        "{found:?}"
    );
}

#[test]
fn a_ratio_holds_whatever_becomes_of_the_finds_that_wait() {
    let slow = group(&[
        (30.0, End::Found, 1),
        (50.0, End::Withstood, 2),
        (45.0, End::Waiting, 3),
    ]);
    let fast = group(&[
        (5.0, End::Found, 1),
        (9.0, End::Found, 2),
        (7.0, End::Waiting, 3),
    ]);
    let now = compared(&fast, &slow, &bootstrap())
        .expect("numbers")
        .expect("times");
    assert_eq!((now.ratio.value, now.p_value), (None, None));
    for (of_fast, of_slow) in [
        (End::Found, End::Found),
        (End::Found, End::Withstood),
        (End::Withstood, End::Found),
        (End::Withstood, End::Withstood),
    ] {
        let (mut fast, mut slow) = (fast.clone(), slow.clone());
        fast.sessions[2].end = of_fast;
        slow.sessions[2].end = of_slow;
        let then = compared(&fast, &slow, &bootstrap())
            .expect("numbers")
            .expect("times");
        assert!(then.p_value.is_some() && then.ratio.value.is_some());
        assert!(now.ratio.lower <= then.ratio.lower && then.ratio.upper <= now.ratio.upper);
        let (now, then) = (now.by_attackers.as_ref(), then.by_attackers);
        let (now, then) = (now.expect("resampled"), then.expect("resampled"));
        assert!(
            now.lower <= then.lower && then.upper <= now.upper,
            "{now:?} {then:?}"
        );
    }
}

#[test]
fn a_group_without_time_says_nothing_and_stops_no_other() {
    let none = group(&[(0.0, End::Found, 1), (0.0, End::Withstood, 2)]);
    for estimate in [mean(&none, 0.95), at_least(&none, 0.95)] {
        let estimate = estimate.expect("no error");
        assert_eq!(
            (estimate.lower, estimate.upper, estimate.value),
            (0.0, f64::INFINITY, None)
        );
    }
    assert_eq!(by_attackers(&none, &bootstrap()), None);
    let other = labelled(8);
    assert_eq!(
        compared(&none, &other, &bootstrap()).expect("no error"),
        None
    );
}
