//! Comparison, agreement, attack time, forecast, margin.

use super::{ends, json, says, simulated};
use crate::world::World;

#[test]
fn two_thresholds_are_compared_where_they_differ() {
    let world = simulated();
    let compare = [
        "measure",
        "compare",
        "simulated@1",
        "simulated@1",
        "--second-threshold",
        "0.001",
        "--labels",
        "80",
        "--answers",
        "300",
    ];
    let drawn = json(&world, &compare);
    assert!(drawn["queue"].as_u64().expect("a count") > 0);
    assert_eq!(drawn["by"].as_array().map(Vec::len), Some(0));
    world
        .run(&["simulate", "label", "--queue", "compare"])
        .good();
    let found = json(&world, &compare);
    let report = &found["by"][0]["report"];
    assert_eq!(report["waiting"], 0);
    let (value, lower, upper) = ends(&report["broad"]);
    assert!(lower < value && value < upper);
    says(
        &world.run(&compare).good(),
        &["equal ones need no label", "first minus second"],
    );
    world
        .run(&[
            "measure",
            "compare",
            "simulated@1",
            "simulated@1",
            "--answers",
            "300",
        ])
        .bad(1, &["the same filter"]);
}

#[test]
fn filters_that_hardly_ever_agree_are_compared_too() {
    let world = World::empty();
    world.run(&["simulate", "new", "project"]).good();
    let compare = [
        "measure",
        "compare",
        "simulated",
        "simulated",
        "--second-threshold",
        "0.0001",
        "--answers",
        "300",
    ];
    json(&world, &compare);
    world
        .run(&["simulate", "label", "--queue", "compare"])
        .good();
    let found = json(&world, &compare);
    let (value, lower, upper) = ends(&found["by"][0]["report"]["strict"]);
    assert!(
        lower < value && value < upper && upper - lower < 0.2,
        "{found}"
    );
}

#[test]
fn agreement_takes_two_people() {
    let world = World::with_project();
    world.import(6);
    world
        .run(&["measure", "agreement"])
        .bad(1, &["two people", "1 people"]);
    let world = simulated();
    let agreement = world.run(&["measure", "agreement"]).good();
    says(
        &agreement,
        &["Agreement of ada, bea", "Krippendorff's alpha"],
    );
    let found = json(&world, &["measure", "agreement"]);
    let (disagree, lower, upper) = ends(&found["disagree"]);
    assert_eq!((disagree, lower), (0.0, 0.0));
    assert!(upper > 0.0, "no disagreement seen is not none");
}

#[test]
fn attack_times_count_the_sessions_that_found_nothing() {
    let world = World::with_project();
    world
        .run(&["measure", "attack-time"])
        .bad(1, &["no attack sessions", "nines import sessions"]);
    // Times until a find or the end at 30 minutes: 5 finds in 154 minutes.
    let sessions = "attacker,group,minutes,found\n\
        ann,before,12,yes\nann,before,7,yes\nann,before,30,no\nben,before,30,no\n\
        ben,before,18,yes\nben,before,22,yes\ncat,before,30,no\ncat,before,5,yes\n\
        ann,after,30,no\nben,after,30,no\ncat,after,30,no\ncat,after,30,no\n";
    let file = world.file("sessions.csv", sessions).display().to_string();
    world.run(&["import", "sessions", &file]).good();
    says(
        &world.run(&["import", "sessions", &file]).good(),
        &["0 sessions stored, 12 there"],
    );
    let found = json(&world, &["measure", "attack-time"]);
    let before = &found["groups"][0];
    assert!((ends(&before["mean"]).0 - 30.8).abs() < 1e-9, "{before}");
    let after = &found["groups"][1];
    assert_eq!(
        (&after["group"], &after["finds"]),
        (&"after".into(), &0.into())
    );
    assert!(after["mean"]["value"].is_null() && after["mean"]["upper"].is_null());
    // 120 minutes without a find: at least 120 / ln 20.
    let least = after["at_least"]["lower"].as_f64().expect("a bound");
    assert!((least - 120.0 / 20f64.ln()).abs() < 1e-9);
    says(
        &world.run(&["measure", "attack-time"]).good(),
        &["after: 0 finds", "at least"],
    );
    let bad = world
        .file("bad.csv", "attacker,minutes,found\nann,-3,yes\n")
        .display()
        .to_string();
    world
        .run(&["import", "sessions", &bad])
        .bad(1, &["line 2", "minutes", "above 0"]);
}

#[test]
fn forecast_and_margin_say_what_they_are() {
    let world = simulated();
    let forecast = world
        .run(&["measure", "forecast", "--answers", "300"])
        .good();
    says(&forecast, &["A forecast, not a measurement", "worst of"]);
    let margin = world.run(&["measure", "margin"]).good();
    says(
        &margin,
        &[
            "A margin below 0 is accepted",
            "severity 3",
            "More caution",
            "promise nothing",
        ],
    );
    let found = json(&world, &["measure", "margin"]);
    let growth = found["growth"].as_array().expect("a list");
    let margins: Vec<f64> = growth
        .iter()
        .map(|g| g["margin"].as_f64().expect("a number"))
        .collect();
    assert!(
        margins.is_sorted_by(|a, b| a >= b),
        "the worst never gets better: {margins:?}"
    );
    let caution = found["caution"].as_array().expect("a list");
    let acceptance: Vec<f64> = caution.iter().map(|c| ends(&c["acceptance"]).0).collect();
    assert!(acceptance.is_sorted_by(|a, b| a >= b), "{acceptance:?}");
}
