//! `nines stats agreement`, `compare` and `species`.

use super::{close, json, json_on, on};
use serde_json::Value;

/// Labels of units, one column a labeller, `.` where there is none.
fn labels(units: &[&str]) -> String {
    let mut rows = "item,labeller,label\n".to_owned();
    for (item, unit) in units.iter().enumerate() {
        for (labeller, label) in unit.chars().enumerate() {
            let label = label.to_string().replace('.', "");
            rows.push_str(&format!("{item},r{labeller},{label}\n"));
        }
    }
    rows
}

const BINARY: [&str; 8] = ["110", "000", "111", "010", "000", "101", "001", "111"];

/// Krippendorff's own example, of four labellers.
const KRIPPENDORFF: [&str; 12] = [
    "11.1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", ".555", "..11", ".3..",
];

fn agreement(units: &[&str], metric: &str) -> Value {
    let rows = labels(units);
    json_on(
        &[("a.csv", &rows)],
        &["agreement", "a.csv", "--metric", metric],
    )
}

#[test]
fn agreement_is_that_of_the_literature() {
    close(
        &agreement(&BINARY, "nominal")["alpha"]["value"],
        0.361111111,
        1e-9,
    );
    for (metric, alpha) in [
        ("nominal", 0.743421053),
        ("ordinal", 0.815),
        ("interval", 0.849107143),
    ] {
        let found = agreement(&KRIPPENDORFF, metric);
        close(
            &found["alpha"]["value"],
            alpha,
            if metric == "ordinal" { 5e-4 } else { 1e-9 },
        );
        assert_eq!(
            (&found["items"], &found["compared"]),
            (&12.into(), &11.into())
        );
        let alpha = &found["alpha"];
        assert!(alpha["lower"].as_f64() < alpha["value"].as_f64(), "{alpha}");
    }
    let same = agreement(&["111", "111"], "nominal");
    assert_eq!(same["alpha"]["value"], Value::Null);
}

#[test]
fn agreement_takes_two() {
    for (rows, parts) in [
        (
            "item,labeller,label\n1,ada,1\n2,ada,0\n",
            &["a.csv", "`labeller`", "1 labeller", "at least two"][..],
        ),
        (
            "item,labeller,label\n1,ada,1\n2,bob,0\n",
            &["a.csv", "`item`", "same names"],
        ),
        (
            "item,labeller,label\n1,ada,1\n1,ada,0\n",
            &["line 3", "`labeller`", "labelled item \"1\" before"],
        ),
        (
            "item,labeller,label\n1,,1\n",
            &["line 2", "`labeller`", "missing"],
        ),
        ("item,labeller,label\n1,ada,\n", &["0 labellers"]),
    ] {
        on(&[("a.csv", rows)], &["agreement", "a.csv"]).bad(1, parts);
    }
    let words = ["agreement", "a.csv", "--metric", "ordinal"];
    on(&[("a.csv", "item,labeller,label\n1,ada,low\n")], &words)
        .bad(1, &["line 2", "`label`", "low"]);
}

const COMPARE: [&str; 15] = [
    "compare",
    "--n",
    "200000",
    "--old-only",
    "3000",
    "--old-labelled",
    "600",
    "--old-failures",
    "9",
    "--new-only",
    "2500",
    "--new-labelled",
    "500",
    "--new-failures",
    "2",
];

#[test]
fn disagreements_alone_compare() {
    let found = json(&COMPARE);
    let population = &found["population"];
    close(&population["exact"]["value"], 1.75e-4, 1e-15);
    close(&population["standard_error"], 8.244616e-5, 5e-12);
    close(&found["frame"]["standard_error"], 7.374209e-5, 5e-12);
    close(&population["normal"]["lower"], 1.34e-5, 5e-8);
    close(&population["normal"]["upper"], 3.366e-4, 5e-8);
    for (option, value, parts) in [
        (
            "--old-labelled",
            "3001",
            &["--old-labelled is 3001", "--old-only"][..],
        ),
        (
            "--new-failures",
            "501",
            &["--new-failures is 501", "--new-labelled"],
        ),
        ("--new-only", "197001", &["200001", "--n"]),
        ("--old-failures", "601", &["--old-failures"]),
    ] {
        let mut words = COMPARE;
        let at = words
            .iter()
            .position(|word| *word == option)
            .expect("there");
        words[at + 1] = value;
        on(&[], &words).bad(1, parts);
    }
    // Many failures of the old classifier and none of the new one show which is safer.
    let mut words = COMPARE;
    (words[8], words[14]) = ("90", "0");
    let ended = on(&[], &words).good();
    assert!(
        ended.stdout.contains("The new classifier is safer"),
        "{}",
        ended.stdout
    );
    let mut words = COMPARE;
    (words[6], words[8]) = ("0", "0");
    on(&[], &words).bad(1, &["--old-labelled is 0", "label some"]);
    words[2] = "0";
    on(&[], &words).bad(2, &["--n"]);
}

#[test]
fn modes_not_found_yet() {
    let words = ["species", "--counts", "12,5,4,3,2,1,1,1,1", "--finds", "86"];
    let found = json(&words);
    assert_eq!((&found["modes"], &found["finds"]), (&30.into(), &86.into()));
    close(&found["unseen"]["value"], 0.1395348837, 1e-10);
    close(&found["at_least"]["value"], 44.2325581, 1e-7);
    // By 1.96 these ends are 33.70104 and 84.73207.
    close(&found["at_least"]["lower"], 33.701134, 1e-6);
    close(&found["at_least"]["upper"], 84.730718, 1e-6);
    close(&found["at_least_bias_corrected"]["value"], 40.8720930, 1e-7);
    for (at, expected) in [2.740040, 5.115234, 10.0].into_iter().enumerate() {
        close(&found["to_come"][at]["new_modes"]["value"], expected, 1e-6);
    }
    on(&[], &["species", "--counts", "3,1,1", "--finds", "5"])
        .bad(1, &["make 8 finds", "says 5", "finds of each mode"]);
    on(&[], &["species", "--counts", "0"]).bad(1, &["finds"]);
    on(&[], &["species", "--counts", "1,-1"]).bad(2, &["--counts"]);
}

#[test]
fn people_read_the_same() {
    let rows = labels(&BINARY);
    for (name, words) in [
        ("agreement", &["agreement", "a.csv"][..]),
        ("compare", &COMPARE),
        ("species", &["species", "--counts", "12,5,4,3,2,1,1,1,1"]),
    ] {
        let ended = on(&[("a.csv", &rows)], words).good();
        insta::assert_snapshot!(name, ended.stdout);
    }
}
