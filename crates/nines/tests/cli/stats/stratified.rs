//! `nines stats stratified`.

use super::{close, json_on, on};
use crate::world::World;
use serde_json::Value;
use std::fs::File;

/// The worked example of scipy: labels that were spent by Neyman's rule.
const STRATA: &str = "stratum,weight,n,failures\nnear,0.02,4000,7\nmiddle,0.10,3000,1\n\
                      far,0.30,2000,0\nfarthest,0.20,1000,0\n";

fn strata(words: &[&str]) -> Value {
    json_on(
        &[("strata.csv", STRATA)],
        &[&["stratified", "strata.csv", "--abstained", "0.38"], words].concat(),
    )
}

#[test]
fn the_worked_example() {
    let found = strata(&[]);
    close(&found["estimate"]["value"], 6.83333e-5, 1e-10);
    close(&found["estimate"]["lower"], 1.70763e-5, 1e-10);
    close(&found["estimate"]["upper"], 7.87814e-4, 1e-9);
    close(&found["estimate_upper"]["upper"], 6.65069e-4, 1e-9);
    close(&found["at_most"]["upper"], 6.8275523e-4, 1e-11);
    assert_eq!(
        (&found["n"], &found["failures"]),
        (&10_000.into(), &8.into())
    );
    // Without failures the bound is the largest weight of a label times ln 20, and no interval is empty.
    let none = STRATA.replace(",7\n", ",0\n").replace(",1\n", ",0\n");
    let found = json_on(
        &[("strata.csv", &none)],
        &["stratified", "strata.csv", "--abstained", "0.38"],
    );
    close(&found["at_most"]["upper"], 5.991465e-4, 1e-10);
    close(&found["estimate"]["value"], 0.0, 0.0);
    assert!(found["estimate"]["upper"].as_f64() > Some(1e-4), "{found}");
}

#[test]
fn the_same_labels_in_any_shape_say_the_same() {
    let expected = strata(&[]);
    let named = format!("{STRATA}none,0.38,,\n");
    let found = json_on(
        &[("named.csv", &named)],
        &["stratified", "named.csv", "--abstained-stratum", "none"],
    );
    assert_eq!(found, expected);
    let (mut labels, mut weights) = (String::new(), "stratum,weight\n".to_owned());
    for row in STRATA.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        weights.push_str(&format!("{},{}\n", cells[0], cells[1]));
        let (n, failures): (u32, u32) = (cells[2].parse().unwrap(), cells[3].parse().unwrap());
        for i in 0..n {
            let failed = i < failures;
            labels.push_str(&format!(
                "{{\"stratum\":\"{}\",\"failed\":{failed}}}\n",
                cells[0]
            ));
        }
    }
    let files = [("labels.jsonl", &*labels), ("weights.csv", &*weights)];
    let words = [
        "stratified",
        "labels.jsonl",
        "--weights",
        "weights.csv",
        "--abstained",
        "0.38",
    ];
    assert_eq!(json_on(&files, &words), expected);
    // From standard input, either format.
    let world = World::empty();
    let weights = world.file("weights.csv", &weights).display().to_string();
    for (content, words) in [
        (STRATA, vec!["stratified", "-"]),
        (&labels, vec!["stratified", "-", "--weights", &weights]),
    ] {
        let path = world.file("input", content);
        let words = [&["--json", "stats"], &*words, &["--abstained", "0.38"]].concat();
        let mut command = world.command(&words);
        command.stdin(File::open(path).expect("opened"));
        let ended: crate::world::Ended = command.output().expect("it starts").into();
        assert_eq!(ended.good().json(), expected);
    }
}

#[test]
fn scored_rows_are_counted_by_their_cuts() {
    let mut rows = "score,label\n".to_owned();
    let mut counts = [[0u32; 3]; 3];
    for i in 0..20_000u32 {
        let score = -10.0 + f64::from(i * 37 % 1000) / 200.0;
        let stratum = usize::from(score >= -8.0) + usize::from(score >= -6.0);
        let label = match i % 10 {
            0 => u32::from(i % 970 == 0 && stratum == 2).to_string(),
            _ => String::new(),
        };
        rows.push_str(&format!("{score},{label}\n"));
        counts[stratum][0] += 1;
        counts[stratum][1] += u32::from(!label.is_empty());
        counts[stratum][2] += u32::from(label == "1");
    }
    let scored = json_on(
        &[("scored.csv", &rows)],
        &[
            "stratified",
            "scored.csv",
            "--cuts=-8,-6",
            "--abstained",
            "0.2",
        ],
    );
    let mut strata = "stratum,weight,n,failures\n".to_owned();
    for (name, [answers, n, failures]) in ["low", "middle", "high"].into_iter().zip(counts) {
        let weight = f64::from(answers) / 20_000.0 * 0.8;
        strata.push_str(&format!("{name},{weight},{n},{failures}\n"));
    }
    let counted = json_on(
        &[("strata.csv", &strata)],
        &["stratified", "strata.csv", "--abstained", "0.2"],
    );
    assert!(counts[2][2] > 1, "{counts:?}");
    for number in ["estimate", "estimate_upper", "at_most"] {
        for end in ["lower", "upper"] {
            let expected = counted[number][end].as_f64().expect("a number");
            close(&scored[number][end], expected, 1e-12 * expected);
        }
    }
    assert_eq!(scored["strata"][1]["stratum"], "-8 to below -6");
}

/// The next labels minimise the variance: none could be spent better, which one at a time shows.
#[test]
fn the_next_labels_go_where_they_do_most() {
    let found = strata(&["--next", "5000"]);
    let mut labels = [4000u32, 3000, 2000, 1000];
    let weights = [0.02, 0.10, 0.30, 0.20];
    let rates = [(7.0, 4000.0), (1.0, 3000.0), (0.0, 2000.0), (0.0, 1000.0)]
        .map(|(k, n)| (k + 0.5) / (n + 1.0));
    let start = labels;
    for _ in 0..5000 {
        let gain = |i: usize| {
            let n = f64::from(labels[i]);
            f64::powi(weights[i], 2) * rates[i] * (1.0 - rates[i]) / (n * (n + 1.0))
        };
        let best = (0..4)
            .max_by(|&a, &b| gain(a).total_cmp(&gain(b)))
            .expect("four");
        labels[best] += 1;
    }
    for i in 0..4 {
        let new = f64::from(labels[i] - start[i]);
        close(&found["next"]["by_stratum"][i], new, 2.0);
    }
    let sum: u64 = (0..4)
        .filter_map(|i| found["next"]["by_stratum"][i].as_u64())
        .sum();
    assert_eq!(sum, 5000);
    let upper = |of: &Value| of["upper"].as_f64().expect("a number");
    assert!(upper(&found["next"]["at_most"]) < upper(&found["at_most"]));
    assert!(upper(&found["next"]["estimate"]) < upper(&found["estimate"]));
    // No more labels than there are answers without one.
    let mut rows = "score,label\n".to_owned();
    for i in 0..400 {
        let (score, label) = (
            if i < 20 { -5.0 } else { -9.0 },
            if i < 390 { "0" } else { "" },
        );
        rows.push_str(&format!("{score},{}\n", if i < 3 { "" } else { label }));
    }
    let words = ["stratified", "a.csv", "--cuts=-7", "--next", "50"];
    let found = json_on(&[("a.csv", &rows)], &words);
    assert_eq!(found["next"]["by_stratum"], serde_json::json!([10, 3]));
    let few = strata(&["--next", "1"]);
    assert_eq!(few["next"]["by_stratum"], serde_json::json!([0, 0, 0, 1]));
}

#[test]
fn people_read_the_same() {
    let words = [
        "stratified",
        "strata.csv",
        "--abstained",
        "0.38",
        "--next",
        "1000",
    ];
    let ended = on(&[("strata.csv", STRATA)], &words).good();
    insta::assert_snapshot!("stratified", ended.stdout);
}

#[test]
fn weights_that_cannot_be_are_refused() {
    for (from, to, parts) in [
        (
            "near,0.02",
            "near,-0.02",
            &["line 2", "`weight`", "-0.02"][..],
        ),
        ("near,0.02", "near,NaN", &["line 2", "`weight`", "NaN"]),
        (
            "near,0.02",
            "near,1.5",
            &["line 2", "`weight`", "between 0 and 1"],
        ),
        ("near,0.02", "near,", &["line 2", "`weight`", "missing"]),
        (
            "far,0.30",
            "far,0.10",
            &["add up to 0.42", "0.8", "--abstained"],
        ),
        ("far,0.30", "far,0.302", &["add up to 0.622", "1.002"]),
        ("far,0.30", "far,0.3000001", &["more digits"]),
        (
            "far,0.30,2000,0",
            "far,0.30,0,0",
            &["line 4", "`n`", "label some"],
        ),
        (
            "far,0.30,2000,0",
            "far,0,2000,0",
            &["line 4", "`weight`", "2000"],
        ),
        (
            "far,0.30,2000,0",
            "far,0.30,2000,2001",
            &["line 4", "`failures`", "2001"],
        ),
        (
            "far,0.30,2000,0",
            "far,0.30,2000,-1",
            &["line 4", "`failures`", "-1"],
        ),
        (
            "far,0.30,2000,0",
            "far,0.30,20.5,0",
            &["line 4", "`n`", "20.5"],
        ),
        ("far,", "near,", &["line 4", "`stratum`", "second time"]),
        ("farthest,", ",", &["line 5", "`stratum`", "missing"]),
    ] {
        let content = STRATA.replacen(from, to, 1);
        let words = ["stratified", "strata.csv", "--abstained", "0.38"];
        let parts = [parts, &["strata.csv"]].concat();
        on(&[("strata.csv", &content)], &words).bad(1, &parts);
    }
    // A wrong separator shows.
    let words = ["stratified", "a.csv"];
    on(&[("a.csv", "stratum;weight\na;1\n")], &words)
        .bad(1, &["line 2", "`stratum`", "the row has stratum;weight"]);
    let whole = "stratum,weight,n,failures\na,1,100,0\n";
    let words = ["stratified", "a.csv", "--abstained", "0.2"];
    on(&[("a.csv", whole)], &words).bad(1, &["1.2", "multiply each by 1 less"]);
    let words = ["stratified", "a.csv", "--abstained-stratum", "b"];
    on(&[("a.csv", whole)], &words).bad(1, &["--abstained-stratum b", "there are a"]);
    let words = ["stratified", "a.csv", "--abstained-stratum", "a"];
    on(&[("a.csv", whole)], &words).bad(1, &["line 2", "`n`", "abstentions"]);
    on(
        &[("a.csv", "stratum,weight,n,failures\n")],
        &["stratified", "a.csv"],
    )
    .bad(1, &["a.csv", "no rows"]);
    on(&[], &["stratified", "a.csv"]).bad(1, &["a.csv", "cannot open"]);
}

#[test]
fn labels_and_weights_must_meet() {
    let weights = "stratum,weight\na,0.5\nb,0.5\n";
    let words = ["stratified", "labels.csv", "--weights", "weights.csv"];
    for (labels, parts) in [
        (
            "stratum,failed\na,0\n",
            &["weights.csv", "line 3", "\"b\"", "no label in labels.csv"][..],
        ),
        (
            "stratum,failed\na,0\nc,0\n",
            &["labels.csv", "line 3", "\"c\"", "no weight"],
        ),
        (
            "stratum,failed\na,0\nb,unsure\n",
            &["labels.csv", "line 3", "`failed`", "unsure"],
        ),
        (
            "stratum,failed\na,0\nb,\n",
            &["labels.csv", "line 3", "`failed`", "missing"],
        ),
    ] {
        on(&[("labels.csv", labels), ("weights.csv", weights)], &words).bad(1, parts);
    }
    on(&[], &["stratified", "-", "--weights", "-"]).bad(2, &["standard input"]);
}

#[test]
fn scores_that_cannot_be_are_refused() {
    for (rows, parts) in [
        (
            "score,label\n-8,0\n-3,\n",
            &["no answer with a score -5 and above", "1 have one"][..],
        ),
        ("score,label\n-8,0\nNaN,1\n", &["line 3", "`score`", "NaN"]),
        (
            "score,label\n-8,0\n,1\n",
            &["line 3", "`score`", "--abstained"],
        ),
        ("score,label\n-8,2\n", &["line 2", "`label`", "0 or 1"]),
    ] {
        on(&[("a.csv", rows)], &["stratified", "a.csv", "--cuts=-5"]).bad(1, parts);
    }
    on(&[], &["stratified", "a.csv", "--cuts=-5,-9"]).bad(2, &["--cuts", "increase"]);
    on(&[], &["stratified", "a.csv", "--cuts=-5,NaN"]).bad(2, &["--cuts", "finite"]);
    on(
        &[],
        &["stratified", "a.csv", "--cuts=-5", "--weights", "b.csv"],
    )
    .bad(2, &["--weights"]);
    // A field that is not used may be a mistyped one, and is pointed out.
    let ended = on(
        &[("a.csv", "score,lable,label\n-8,0,0\n")],
        &["stratified", "a.csv", "--cuts=-9"],
    );
    assert!(ended.good().stderr.contains("not used: lable"));
}
