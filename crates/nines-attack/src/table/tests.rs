use super::*;

fn row(outcome: &str, queries: u64, reached_at: Option<u64>) -> Row {
    Row {
        outcome: outcome.to_owned(),
        verified: None,
        start_score: Some(2.0),
        score: Some(-5.0),
        queries,
        budget: 300,
        seconds_allowed: None,
        reached_at,
        scored: queries,
        seconds: 0.5 + queries as f64 / 100.0,
        words: 20,
        words_changed: 2,
    }
}

#[test]
fn queries_are_averaged_over_all_attempts_and_not_over_successes() {
    let rows = [
        row("reached", 10, Some(8)),
        row("spent", 300, None),
        row("failed", 50, None),
        row("skipped", 1, None),
    ];
    let table = Table::of(&rows).expect("numbers");
    assert_eq!((table.tried, table.skipped), (3, 1));
    let queries = table.queries.expect("a mean");
    assert_eq!((queries.value, queries.n), (Some(120.0), 3));
    let until = table.queries_until_met.expect("a mean");
    assert_eq!(until.value, Some((8.0 + 300.0 + 50.0) / 3.0));
    let before = table.success_before_verification.expect("a share");
    assert_eq!((before.value, before.n), (Some(1.0 / 3.0), 3));
    assert!(before.method.contains("Clopper"), "{}", before.method);
}

#[test]
fn no_success_at_all_has_an_interval_that_is_not_empty() {
    let rows = vec![row("failed", 20, None); 10];
    let table = Table::of(&rows).expect("numbers");
    let share = table.success_before_verification.expect("a share");
    assert_eq!((share.value, share.lower), (Some(0.0), 0.0));
    // 1 - 0.025^(1/10).
    assert!((share.upper - 0.308_497).abs() < 1e-6, "{}", share.upper);
    assert!(table.precision.is_none() && table.score_after.is_none());
    let queries = table.queries.expect("a mean of equal counts");
    assert!(queries.upper > queries.lower);
}

#[test]
fn a_mean_of_whole_budgets_ends_at_the_budget_and_is_open_below() {
    let rows = vec![row("spent", 300, None); 2];
    let queries = Table::of(&rows).expect("numbers").queries.expect("a mean");
    assert_eq!((queries.value, queries.upper), (Some(300.0), 300.0));
    // Two of two: the exact lower end of a share is 0.025^(1/2).
    assert!((queries.lower - 300.0 * 0.025f64.sqrt()).abs() < 1e-9);
}

#[test]
fn finds_that_wait_for_a_label_widen_the_interval_after_verification() {
    let mut rows = vec![row("reached", 10, Some(5)); 4];
    rows.extend(vec![row("spent", 300, None); 6]);
    rows[0].verified = Some(true);
    rows[1].verified = Some(false);
    let table = Table::of(&rows).expect("numbers");
    assert_eq!((table.verified, table.refuted, table.waiting), (1, 1, 2));
    let after = table.success_after_verification.expect("a share");
    let of = |k| clopper_pearson(k, 10, CONFIDENCE).expect("a share");
    assert_eq!(after.value, None);
    assert_eq!((after.lower, after.upper), (of(1).lower, of(3).upper));
    assert!(after.method.contains("2 waiting"), "{}", after.method);
    rows[2].verified = Some(false);
    rows[3].verified = Some(false);
    let table = Table::of(&rows).expect("numbers");
    assert_eq!(
        table.success_after_verification.expect("a share").value,
        Some(0.1)
    );
    assert_eq!(table.precision.expect("a share").value, Some(0.25));
}

#[test]
fn budgets_larger_than_what_was_tried_say_nothing() {
    let rows = [row("reached", 40, Some(25)), row("spent", 300, None)];
    let table = Table::of(&rows).expect("numbers");
    let share = |queries| {
        let at = table.at_budgets.iter().find(|at| at.queries == queries);
        at.and_then(|at| at.share.as_ref())
            .and_then(|share| share.value)
    };
    assert_eq!(
        (share(10), share(30), share(300)),
        (Some(0.0), Some(0.5), Some(0.5))
    );
    assert_eq!((share(1_000), share(2_000)), (None, None));
    let verified = table.at_budgets[1].verified.as_ref().expect("a share");
    assert_eq!(verified.value, None, "the find waits for a label");
    assert_eq!(verified.lower, 0.0);
}

#[test]
fn attempts_that_the_clock_ended_are_no_failures_at_larger_budgets() {
    // One is ended by the clock after 20 queries; one has spent its 300; one searched in vain.
    let rows = [
        row("reached", 8, Some(8)),
        row("spent", 20, None),
        row("spent", 300, None),
        row("failed", 40, None),
    ];
    let table = Table::of(&rows).expect("numbers");
    assert_eq!((table.spent, table.timed_out), (2, 1));
    let of = |k| clopper_pearson(k, 4, CONFIDENCE).expect("a share");
    let at = |queries| {
        let found = table.at_budgets.iter().find(|at| at.queries == queries);
        found.and_then(|at| at.share.clone()).expect("a share")
    };
    assert_eq!(at(10).value, Some(0.25), "it had ten");
    for queries in [30, 100, 300] {
        let share = at(queries);
        assert_eq!(share.value, None);
        assert_eq!((share.lower, share.upper), (of(1).lower, of(2).upper));
        assert!(
            share.method.contains("1 ended by the clock"),
            "{}",
            share.method
        );
    }
    // Under the recipe's own budget, seconds included, it is a failure.
    assert_eq!(
        table.success_before_verification.expect("a share").value,
        Some(0.25)
    );
}

#[test]
fn queries_that_do_not_suffice_are_not_the_clock() {
    // 26 of its 30 queries were asked when the next step wanted more than four; it had time left.
    let spent = Row {
        budget: 30,
        seconds: 1.0,
        seconds_allowed: Some(60.0),
        ..row("spent", 26, None)
    };
    let table = Table::of(&[spent.clone(), spent.clone()]).expect("numbers");
    assert_eq!((table.spent, table.timed_out), (2, 0));
    let by_thirty = table.at_budgets[1].share.clone().expect("its budget");
    assert_eq!(by_thirty.value, Some(0.0), "{}", by_thirty.method);
    let late = Row {
        seconds: 60.5,
        ..spent
    };
    let table = Table::of(&[late]).expect("numbers");
    assert_eq!(table.timed_out, 1);
}

#[test]
fn one_attempt_has_values_and_no_interval() {
    let table = Table::of(&[row("reached", 91, Some(91))]).expect("numbers");
    assert!(table.score_after.is_none() && table.seconds.is_none());
    let Points {
        score_before,
        score_after,
        words_changed,
        queries,
        seconds,
    } = table.points;
    assert_eq!((score_before, score_after), (Some(2.0), Some(-5.0)));
    assert_eq!((words_changed, queries), (Some(0.1), Some(91.0)));
    assert_eq!(seconds, Some(0.5 + 0.91));
    let several = mean_score(&[1.0, 2.0]).expect("numbers");
    assert_eq!(several.1, Some(1.5));
    assert_eq!(several.0.expect("an interval").value, Some(1.5));
}

#[test]
fn an_outage_does_not_look_like_robustness() {
    let mut rows = vec![row("reached", 10, Some(5)); 5];
    rows.extend(vec![row("failed", 50, None); 5]);
    rows.extend(vec![row("broken", 3, None); 40]);
    let table = Table::of(&rows).expect("numbers");
    let share = table.success_before_verification.expect("a share");
    assert_eq!((share.value, share.n), (Some(0.5), 50));
    let of = |k| clopper_pearson(k, 50, CONFIDENCE).expect("a share");
    assert_eq!((share.lower, share.upper), (of(5).lower, of(45).upper));
    assert!(share.method.contains("40 broken"), "{}", share.method);
    // All who reached it had by then: what broke takes no value away there either, and the clock has no part in it.
    let by_ten = table.at_budgets[0]
        .share
        .clone()
        .expect("within the budget");
    assert_eq!(table.at_budgets[0].queries, 10);
    assert_eq!(by_ten.value, Some(0.5));
    assert!(by_ten.method.contains("40 broken"), "{}", by_ten.method);
    assert!(!by_ten.method.contains("clock"), "{}", by_ten.method);
    let all = Table::of(&vec![row("broken", 3, None); 3]).expect("numbers");
    assert_eq!(
        all.success_before_verification.expect("a share").value,
        None
    );
}

#[test]
fn a_table_of_nothing_has_no_numbers() {
    let table = Table::of(&[]).expect("nothing is wrong with it");
    assert_eq!(table.tried, 0);
    assert!(table.success_before_verification.is_none() && table.queries.is_none());
}
