//! How often every interval of this crate holds a known truth, at a size that tests can afford. The
//! page of all coverages is written by the example `coverage`, from the same code.

#[path = "../examples/coverage/suite.rs"]
mod suite;

use std::sync::LazyLock;
use suite::plan::Plan;
use suite::tally::{NOMINAL, Rule, Sheet};
use suite::{Section, audit, modes, table};

static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| {
    let plan = Plan::reduced();
    suite::FAMILIES
        .iter()
        .map(|(_, measure)| measure(&plan))
        .collect()
});

#[test]
fn no_interval_covers_too_seldom() {
    let audit = audit(&SECTIONS);
    assert!(audit.checks > 500, "{} checks", audit.checks);
    assert!(
        audit.faults.is_empty(),
        "{} of {} checks fail:\n{}",
        audit.faults.len(),
        audit.checks,
        audit.faults.join("\n")
    );
}

#[test]
fn every_family_has_rows_and_every_row_repetitions() {
    for section in SECTIONS.iter() {
        assert!(section.rows.len() >= 10, "{}", section.title);
        for row in &section.rows {
            let counted = row.repetitions.is_none_or(|n| n > 0);
            // Where few failures are expected no normal interval may ever be trusted.
            assert!(
                counted || row.interval.contains("when trusted"),
                "{} ({}) gave no interval at all",
                row.interval,
                row.setting
            );
        }
    }
}

#[test]
fn threads_change_nothing() {
    let with = |threads| {
        modes::measure(&Plan {
            threads,
            ..Plan::reduced()
        })
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn the_page_names_what_breaks() {
    let page = table::page(&Plan::reduced(), &SECTIONS);
    let (_, breaking) = page
        .split_once("## Where methods break")
        .expect("a heading");
    for method in [
        "Wald",
        "wilson",
        "false_omission_rate, taken for the leak",
        "power_tuned",
        "mode_number: Classic",
        "clustered_mean_time",
    ] {
        assert!(breaking.contains(method), "{method}");
    }
}

/// A row of 1,000 repetitions of a 95 % interval of which some miss.
fn row(missed: u64, rule: Rule, method: &str) -> suite::tally::Row {
    let mut sheet = Sheet::default();
    for repetition in 0..1_000 {
        sheet.turn_to(repetition, 1.0);
        sheet.record("made up", rule, 0.5, |confidence| {
            Some(nines_stats::IntervalEstimate {
                value: None,
                lower: if repetition < missed { 0.6 } else { 0.4 },
                upper: 1.0,
                confidence,
                method: method.to_owned(),
                n: 1,
            })
        });
    }
    sheet.rows("made up", 1, true).remove(0)
}

#[test]
fn the_rules_catch_what_they_should() {
    let faults = |missed, rule, method| row(missed, rule, method).faults(1e-6).len();
    // All three confidences miss a fifth of the time.
    assert_eq!(faults(200, Rule::Word, "exact"), 3);
    assert_eq!(faults(200, Rule::Word, "approximate"), 0);
    assert_eq!(faults(200, NOMINAL, "approximate"), 3);
    assert_eq!(faults(200, Rule::Shown, "exact"), 0);
    // 0.94 is not significantly below 0.95 in 1,000 repetitions, but it is below 0.99.
    assert_eq!(faults(60, Rule::Word, "exact"), 1);
    assert_eq!(faults(0, Rule::Word, "exact"), 0);
    let figure = Rule::Figures([None, Some(0.84), None]);
    assert_eq!(faults(160, figure, "approximate"), 0);
    assert_eq!(faults(300, figure, "approximate"), 1);
    assert_eq!(faults(0, Rule::Broken, "approximate"), 1);
    assert_eq!(faults(200, Rule::Broken, "approximate"), 0);
}
