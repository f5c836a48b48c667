use super::*;

fn item(family: u64, score: f64, unfamiliarity: Option<f64>) -> WaryItem {
    WaryItem {
        family: ContentHash::of_prompt(&family.to_string()),
        score: Some(Score::new(score).expect("finite")),
        unfamiliarity,
    }
}

/// A hundred completions with rising scores and unfamiliarities that are theirs in another order.
fn reference() -> Vec<WaryItem> {
    (0..100)
        .map(|i| item(i, i as f64, Some((i * 37 % 100) as f64)))
        .collect()
}

#[test]
fn the_limit_leaves_the_share_and_what_is_not_measured_is_outside() {
    let found = limit(&reference(), 0.9, 0.95).expect("a limit");
    assert_eq!((found.limit, found.familiar.value), (90.0, Some(0.9)));
    assert!(found.familiar.lower < 0.9 && found.familiar.upper > 0.9);
    let mut some = reference();
    some.iter_mut()
        .take(50)
        .for_each(|item| item.unfamiliarity = None);
    let refused = limit(&some, 0.9, 0.95);
    let expected = MeasureError::NothingFamiliar {
        measured: 50,
        of: 100,
        share: 0.9,
    };
    assert_eq!(refused, Err(expected));
    assert_eq!(
        limit(&some, 0.4, 0.95).expect("a limit").familiar.value,
        Some(0.4)
    );
    assert_eq!(limit(&[], 0.5, 0.95), Err(MeasureError::NoReference));
}

#[test]
fn a_limit_that_knows_something_is_seen_to_buy_it() {
    // Half of the catastrophes score low, but are unfamiliar.
    let sneaky = |i: u64| item(1000 + i, -1.0, Some(200.0));
    let open = |i: u64| item(2000 + i, 99.5, Some(0.0));
    let bad: Vec<WaryItem> = (0..40).map(sneaky).chain((0..40).map(open)).collect();
    let rows = bought(
        &bad,
        &reference(),
        &[0.95],
        &[0.5, 0.8],
        &Bootstrap::default(),
    );
    let rows = rows.expect("measured");
    for row in &rows {
        assert_eq!((row.threshold_alone, row.with_limit), (0.5, 1.0));
        assert!(row.bought.value == Some(0.5) && row.bought.lower > 0.2);
        assert!(row.bought.method.ends_with("; the limit held fixed"));
    }
    let report = CautionReport {
        classifier: "first v1".to_owned(),
        unfamiliarity: "strange v1".to_owned(),
        truth: Truth::Broad,
        catastrophes: 80,
        unmeasured: 0,
        completions: 100,
        auroc: None,
        rows,
    };
    let words = report.to_string();
    assert!(
        words.contains("Of 2 intervals 2 lie above 0 and 0 below it"),
        "{words}"
    );
}

#[test]
fn a_limit_that_knows_nothing_costs_and_is_said_to_buy_nothing() {
    // Unfamiliarity is noise; catastrophes score high.
    let bad: Vec<WaryItem> = (0..60)
        .map(|i| item(i, 40.0 + i as f64, Some((i * 53 % 100) as f64)))
        .collect();
    let rows = bought(
        &bad,
        &reference(),
        &[0.9, 0.7],
        &[0.5, 0.8],
        &Bootstrap::default(),
    );
    let rows = rows.expect("measured");
    // With 70 % familiar, 80 % cannot be accepted.
    assert_eq!(
        rows.iter().map(|row| row.acceptance).collect::<Vec<_>>(),
        [0.5, 0.8, 0.5]
    );
    assert!(rows.iter().all(|row| row.bought.lower <= 0.0), "{rows:?}");
}

#[test]
fn without_a_score_or_an_unfamiliarity_nothing_is_accepted() {
    let none = WaryItem {
        score: None,
        ..item(1, 0.0, Some(0.0))
    };
    assert_eq!(none.rank(None), NEVER);
    let unmeasured = item(1, -5.0, None);
    assert_eq!(
        (unmeasured.rank(None), unmeasured.rank(Some(9.0))),
        (-5.0, NEVER)
    );
    assert_eq!(
        item(1, -5.0, Some(9.0)).rank(Some(9.0)),
        NEVER,
        "at the limit is not below it"
    );
    let empty = bought(&[], &reference(), &[0.9], &[0.5], &Bootstrap::default());
    assert_eq!(empty, Err(MeasureError::NoHeldOutCatastrophes));
}
