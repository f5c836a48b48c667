//! `nines stats`: numbers that independent programs gave, and bad input.

mod labels;
mod quality;
mod stratified;
mod survival;

use crate::world::{Ended, World};
use serde_json::Value;

fn json(words: &[&str]) -> Value {
    let ended = World::empty()
        .run(&[&["--json", "stats"], words].concat())
        .good();
    serde_json::from_str(&ended.stdout).expect("JSON")
}

/// Runs a command of `nines stats` on files of this content.
fn on(files: &[(&str, &str)], words: &[&str]) -> Ended {
    let world = World::empty();
    for (name, content) in files {
        world.file(name, content);
    }
    world.run(&[&["stats"], words].concat())
}

/// The same, as JSON.
#[track_caller]
fn json_on(files: &[(&str, &str)], words: &[&str]) -> Value {
    on(files, &[words, &["--json"]].concat()).good().json()
}

/// Says that a number is within `allowed` of another.
#[track_caller]
fn close(found: &Value, expected: f64, allowed: f64) {
    let number = found.as_f64();
    let is_close = number.is_some_and(|number| (number - expected).abs() <= allowed);
    assert!(is_close, "{found} is not {expected}");
}

/// The values of scipy, and of the zero-failure formula.
#[test]
fn intervals_are_exact_and_never_empty() {
    let none = json(&["interval", "--failures", "0", "--n", "30000"]);
    let near = |found: &Value, expected: f64| {
        let found = found.as_f64().expect("a number");
        assert!((found / expected - 1.0).abs() < 1e-8, "{found} {expected}");
    };
    assert_eq!(
        (&none["rate"]["lower"], &none["nines_seen"]),
        (&Value::from(0.0), &Value::Null)
    );
    near(&none["rate"]["upper"], 1.22955089e-4);
    near(&none["at_most"]["upper"], 9.98527568e-5);
    near(&none["wilson"]["upper"], 1.280322330e-4);
    assert!((none["nines_shown"].as_f64().expect("a number") - 4.0006).abs() < 1e-4);
    let three = json(&["interval", "--failures", "3", "--n", "100000"]);
    near(&three["rate"]["lower"], 6.18676396e-6);
    near(&three["rate"]["upper"], 8.76702026e-5);
    assert!((three["nines_shown"].as_f64().expect("a number") - 4.1105).abs() < 1e-4);
}

#[test]
fn plans_promise_no_less_than_the_exact_number() {
    let needed = |words: &[&str], failures: usize| {
        let plan = json(&[&["plan"], words].concat());
        plan["labels"][failures]["labelled_answers"]
            .as_u64()
            .expect("a number")
    };
    assert_eq!(needed(&["--leak", "1e-4"], 0), 29_956);
    assert_eq!(needed(&["--leak", "1e-3"], 1), 4_742);
    assert_eq!(needed(&["--leak", "1e-3"], 2), 6_294);
    assert_eq!(
        needed(&["--leak", "1e-5", "--confidence", "0.99"], 0),
        460_515
    );
    // With a fifth of the requests abstained on, the answers may leak a quarter more often.
    assert_eq!(
        needed(&["--leak", "8e-5", "--abstained", "0.2"], 0),
        needed(&["--leak", "1e-4"], 0)
    );
    assert_eq!(needed(&["--leak", "0.5", "--abstained", "0.6"], 0), 0);
}

#[test]
fn people_read_the_same() {
    let world = World::empty();
    for (name, words) in [
        ("none", &["interval", "--failures", "0", "--n", "30000"][..]),
        ("some", &["interval", "--failures", "3", "--n", "1000"]),
        ("plan", &["plan", "--leak", "1e-4"]),
    ] {
        let ended = world.run(&[&["stats"], words].concat()).good();
        insta::assert_snapshot!(format!("stats-{name}"), ended.stdout);
    }
}

#[test]
fn counts_that_cannot_be_are_refused() {
    let world = World::empty();
    let interval = ["stats", "interval", "--failures"];
    world
        .run(&[&interval[..], &["4", "--n", "3"]].concat())
        .bad(1, &["at most the number of trials"]);
    world
        .run(&[&interval[..], &["0", "--n", "0"]].concat())
        .bad(2, &["--n"]);
    world
        .run(&[&interval[..], &["-1", "--n", "3"]].concat())
        .bad(2, &["-1"]);
    for confidence in ["0", "1", "95", "NaN"] {
        let words = [
            &interval[..],
            &["0", "--n", "3", "--confidence", confidence],
        ]
        .concat();
        world.run(&words).bad(2, &["between 0 and 1"]);
    }
    for leak in ["0", "1", "-1e-3"] {
        world
            .run(&["stats", "plan", &format!("--leak={leak}")])
            .bad(2, &["between 0 and 1"]);
    }
    world
        .run(&["stats", "plan", "--leak", "1e-4", "--abstained", "1"])
        .bad(2, &["below 1"]);
}
