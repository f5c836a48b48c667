//! `nines stats survival`.

use super::{close, json_on, on};
use serde_json::Value;

/// Sessions of `finds` finds in 780 minutes together.
fn sessions(group: &str, finds: u32) -> String {
    let mean = 780.0 / f64::from(finds);
    let longer = |i: u32| if i.is_multiple_of(2) { 0.5 } else { 1.5 };
    (0..finds)
        .map(|i| format!("{},1,{group}\n", mean * longer(i)))
        .collect()
}

fn two_groups() -> String {
    format!(
        "minutes,found,group\n{}{}",
        sessions("old", 60),
        sessions("new", 30)
    )
}

fn survival(content: &str, words: &[&str]) -> Value {
    json_on(
        &[("a.csv", content)],
        &[&["survival", "a.csv"], words].concat(),
    )
}

/// Eight sessions, three of which end without a find.
const CENSORED: &str = "minutes,found\n12,1\n7,1\n30,0\n30,0\n18,1\n22,1\n30,0\n5,1\n";

#[test]
fn mean_times_and_their_ratio_are_exact() {
    let found = survival(&two_groups(), &["--plan-ratio", "2"]);
    for (group, mean) in [(0, [13.0, 10.0995, 17.0357]), (1, [26.0, 18.2129, 38.5359])] {
        for (end, expected) in ["value", "lower", "upper"].into_iter().zip(mean) {
            close(&found["groups"][group]["mean"][end], expected, 1e-4);
        }
    }
    let compared = &found["compared"];
    close(&compared["ratio"]["value"], 2.0, 1e-12);
    close(&compared["ratio"]["lower"], 1.26989, 1e-5);
    close(&compared["ratio"]["upper"], 3.21172, 1e-5);
    close(&compared["p_value"], 0.0020603, 1e-7);
    let plan = &found["plan"];
    close(&plan["approximate"]["finds"][0], 49.0, 0.05);
    close(&plan["approximate"]["finds"][1], 24.5, 0.05);
    close(&plan["approximate"]["minutes"], 637.0, 0.5);
    // The exact test takes a little more.
    close(&plan["exact"]["minutes"], 650.0, 10.0);
    let turned = survival(&two_groups(), &["--groups", "new,old"]);
    close(&turned["compared"]["ratio"]["value"], 0.5, 1e-12);
    assert_eq!(turned["groups"][0]["group"], "new");
}

#[test]
fn censored_sessions_count() {
    let found = survival(CENSORED, &[]);
    let group = &found["groups"][0];
    close(&group["mean"]["value"], 30.8, 1e-12);
    let steps = group["kaplan_meier"].as_array().expect("steps");
    let expected = [
        (5.0, 0.875),
        (7.0, 0.75),
        (12.0, 0.625),
        (18.0, 0.5),
        (22.0, 0.375),
    ];
    assert_eq!(steps.len(), expected.len());
    for (step, (minutes, without)) in steps.iter().zip(expected) {
        close(&step["minutes"], minutes, 0.0);
        close(&step["without_find"]["value"], without, 1e-12);
        let method = step["without_find"]["method"].as_str().expect("a method");
        assert!(method.contains("approximate"), "{method}");
    }
    assert_eq!(found["compared"], Value::Null);
}

#[test]
fn withstanding_everything_has_a_lower_bound_and_no_mean() {
    let content = format!("minutes,found\n{}", "30,0\n".repeat(16));
    let group = &survival(&content, &[])["groups"][0];
    close(&group["at_least"]["lower"], 160.23, 0.005);
    assert_eq!(group["mean"]["value"], Value::Null);
    assert_eq!(group["mean"]["upper"], Value::Null, "no upper end");
    let words = ["survival", "a.csv", "--plan-ratio", "2"];
    let ended = on(&[("a.csv", &content)], &words).good();
    insta::assert_snapshot!("survival-none", ended.stdout);
}

/// Attackers that find at very different rates.
fn unequal() -> String {
    let mut rows = "minutes,found,group,attacker\n".to_owned();
    for (group, slower) in [("old", 1.0), ("new", 2.0)] {
        for attacker in 1..=6 {
            for session in 1..=5 {
                let minutes = slower * f64::from(attacker * attacker * session);
                rows.push_str(&format!("{minutes},1,{group},attacker {attacker}\n"));
            }
        }
    }
    rows
}

#[test]
fn attackers_that_differ_widen_the_interval() {
    let found = survival(&unequal(), &[]);
    assert_eq!(found["seed"], 0);
    let group = &found["groups"][0];
    assert_eq!(group["attackers"], 6);
    let upper = |of: &Value| of["upper"].as_f64().expect("a number");
    assert!(
        upper(&group["by_attacker"]) > 1.2 * upper(&group["mean"]),
        "{group}"
    );
    // Attackers are slower by the same factor, so that the ratio is all the surer.
    close(&found["compared"]["by_attacker"]["value"], 2.0, 1e-12);
    // The order of rows changes nothing, another seed something.
    let mut rows: Vec<String> = unequal().lines().map(str::to_owned).collect();
    rows[1..].reverse();
    let turned = survival(&rows.join("\n"), &["--groups", "old,new"]);
    assert_eq!(turned, found);
    let other = survival(&unequal(), &["--seed", "7"]);
    assert_ne!(other["groups"][0]["by_attacker"], group["by_attacker"]);
    assert_eq!(other["seed"], 7);
    let alone = survival("minutes,found,attacker\n5,1,ada\n7,0,ada\n", &[]);
    assert_eq!(
        (&alone["groups"][0]["attackers"], &alone["seed"]),
        (&1.into(), &Value::Null)
    );
}

#[test]
fn people_read_the_same() {
    for (name, content, words) in [
        ("survival-censored", CENSORED.to_owned(), &[][..]),
        (
            "survival-attackers",
            unequal(),
            &["--plan-ratio", "1.5", "--power", "0.9"],
        ),
    ] {
        let words = [&["survival", "a.csv"], words].concat();
        let ended = on(&[("a.csv", &content)], &words).good();
        insta::assert_snapshot!(name, ended.stdout);
    }
}

#[test]
fn sessions_that_cannot_be_are_refused() {
    for (rows, parts) in [
        (
            "minutes,found\n5,1\n-3,0\n",
            &["line 3", "`minutes`", "-3"][..],
        ),
        ("minutes,found\nNaN,1\n", &["line 2", "`minutes`", "NaN"]),
        ("minutes,found\ninf,1\n", &["line 2", "`minutes`", "finite"]),
        ("minutes,found\n5,2\n", &["line 2", "`found`", "0 or 1"]),
        ("minutes,found\n5,\n", &["line 2", "`found`", "missing"]),
        (
            "minutes,found,group\n5,1,a\n6,1,\n",
            &["line 3", "`group`", "everywhere"],
        ),
        (
            "minutes,found,attacker\n5,1,\n6,1,a\n",
            &["line 3", "`attacker`", "everywhere"],
        ),
        (
            "minutes,found\n0,1\n",
            &["a.csv", "the total time of attack"],
        ),
        ("minutes,found\n", &["no rows"]),
    ] {
        on(&[("a.csv", rows)], &["survival", "a.csv"]).bad(1, parts);
    }
    let content = two_groups();
    let bad = |words: &[&str], status, parts: &[&str]| {
        on(
            &[("a.csv", &content)],
            &[&["survival", "a.csv"], words].concat(),
        )
        .bad(status, parts);
    };
    bad(&["--groups", "old,newer"], 1, &["newer", "new"]);
    bad(&["--plan-ratio", "1"], 2, &["--plan-ratio", "above 1"]);
    bad(&["--plan-ratio", "2", "--power", "1"], 2, &["--power"]);
    bad(&["--confidence", "95"], 2, &["between 0 and 1"]);
}
