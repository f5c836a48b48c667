//! `nines stats quality`.

use super::{close, json_on, on};
use serde_json::Value;

fn quality(content: &str, words: &[&str]) -> Value {
    json_on(
        &[("a.csv", content)],
        &[&["quality", "a.csv"], words].concat(),
    )
}

/// Ten pairs of which five need a rating.
const PAIRS: &str = "rejected,preferred\n1,filtered\n0,\n1,unfiltered\n1,unfiltered\n0,\n0,\n1,tie\n\
                     0,\n1,unfiltered\n0,\n";

#[test]
fn the_worked_example() {
    let found = quality(PAIRS, &[]);
    close(&found["guaranteed"]["value"], 0.4, 1e-12);
    close(&found["standard_error"], 0.1, 1e-12);
    assert_eq!((&found["pairs"], &found["rated"]), (&10.into(), &5.into()));
    // A rating of a pair that is even already changes nothing, and is pointed out.
    let rated = PAIRS.replacen("0,\n", "0,filtered\n", 1);
    let with = quality(&rated, &[]);
    assert_eq!(with["guaranteed"], found["guaranteed"]);
    assert_eq!(with["unused_ratings"], 1);
    // Q(1 − Q) against r(r/4 − (Q − ½)²).
    close(&found["times_without_skipping"], 0.24 / 0.0575, 1e-9);
}

#[test]
fn raters_who_agree_are_not_certain() {
    let content = format!("rejected,preferred\n{}", "1,filtered\n".repeat(14));
    let found = quality(&content, &[]);
    assert!(found["guaranteed"]["lower"].as_f64() < Some(0.9), "{found}");
    assert_eq!(found["normal"], Value::Null);
}

#[test]
fn prompts_raters_and_sides_are_looked_at() {
    let mut rows = "rejected,preferred,prompt,rater,side\n".to_owned();
    for i in 0..60 {
        let (preferred, side) = match i % 4 {
            0 => ("filtered", "left"),
            1 => ("unfiltered", "right"),
            2 => ("filtered", "left"),
            _ => ("tie", "right"),
        };
        rows.push_str(&format!("1,{preferred},p{},r{},{side}\n", i / 2, i % 3));
    }
    let found = quality(&rows, &[]);
    assert_eq!(
        (&found["prompts"], &found["raters"]),
        (&30.into(), &3.into())
    );
    assert_eq!(found["guaranteed"]["n"], 30, "prompts are the units");
    assert!(
        found["other_raters"]["method"]
            .as_str()
            .is_some_and(|m| m.contains("3 raters"))
    );
    // The left side wins all 45 decided pairs.
    close(&found["sides"]["left_wins"]["value"], 1.0, 0.0);
    assert_eq!(found["sides"]["favours_a_side"], true);
    let ended = on(&[("a.csv", &rows)], &["quality", "a.csv"]).good();
    insta::assert_snapshot!("quality-raters", ended.stdout);
}

/// Prompts of three kinds that came from p(1 − a)² in place of p(1 − a): shares 0.9, 0.08, 0.02,
/// acceptance 0.98, 0.6, 0.1, preferred 0.45, 0.4, 0.3; quality 0.4923.
fn proposed() -> String {
    let kinds = [(0.9, 0.98, 0.45), (0.08, 0.6, 0.4), (0.02, 0.1, 0.3)];
    let total: f64 = kinds
        .iter()
        .map(|(p, a, _)| p * f64::powi(1.0 - a, 2))
        .sum();
    let mut rows = "rejected,preferred,weight\n".to_owned();
    for (p, a, preferred) in kinds {
        let rho = p * f64::powi(1.0 - a, 2) / total;
        let pairs = (20_000.0 * rho).round();
        let wins = (pairs * preferred).round();
        for i in 0..pairs as u32 {
            let word = if f64::from(i) < wins {
                "filtered"
            } else {
                "unfiltered"
            };
            rows.push_str(&format!("1,{word},{}\n", p * (1.0 - a) / rho));
        }
    }
    rows
}

#[test]
fn a_wrong_proposal_is_repaired() {
    let found = quality(&proposed(), &[]);
    close(&found["normal"]["value"], 0.4923, 1e-4);
    close(&found["effective_ratings"], 0.15749 * 20_000.0, 20.0);
    assert_eq!(
        found["guaranteed"],
        Value::Null,
        "nothing bounds the weights"
    );
    let known = quality(&proposed(), &["--rejection-rate", "0.068"]);
    close(&known["normal"]["value"], 0.4923, 1e-4);
    close(&known["unweighted"], 0.4894896, 1e-4);
    // What is missed is a part of what is rejected.
    let words = ["--rejection-rate", "0.078", "--missed-mass", "0.01"];
    let missed = quality(&proposed(), &words);
    for (end, moved) in [("lower", -0.005), ("upper", 0.005)] {
        let expected = known["normal"][end].as_f64().expect("a number") + moved;
        close(&missed["normal"][end], expected, 1e-12);
    }
    let bounded = quality(&proposed(), &["--largest-weight", "1.5"]);
    let (lower, upper) = (
        &bounded["guaranteed"]["lower"],
        &bounded["guaranteed"]["upper"],
    );
    assert!(lower.as_f64() < Some(0.4923) && upper.as_f64() > Some(0.4923));
    let missed = quality(
        &proposed(),
        &["--largest-weight", "1.5", "--missed-mass", "0.01"],
    );
    assert_eq!(
        missed["guaranteed"]["value"],
        Value::Null,
        "only bounds are known"
    );
    close(
        &missed["guaranteed"]["lower"],
        lower.as_f64().expect("a number") - 0.005,
        1e-12,
    );
    close(
        &missed["guaranteed"]["upper"],
        upper.as_f64().expect("a number") + 0.005,
        1e-12,
    );
}

#[test]
fn people_read_the_same() {
    let weighted = proposed();
    for (name, content, words) in [
        ("quality", PAIRS, &[][..]),
        (
            "quality-weighted",
            &weighted,
            &["--rejection-rate", "0.068", "--missed-mass", "0.01"],
        ),
    ] {
        let ended = on(
            &[("a.csv", content)],
            &[&["quality", "a.csv"], words].concat(),
        )
        .good();
        insta::assert_snapshot!(name, ended.stdout);
    }
}

#[test]
fn pairs_that_cannot_be_are_refused() {
    for (rows, parts) in [
        (
            "rejected,preferred\n0,\n1,\n",
            &["line 3", "`preferred`", "must be rated"][..],
        ),
        (
            "rejected,preferred\n1,left\n",
            &["line 2", "`preferred`", "left"],
        ),
        (
            "rejected,preferred\n,tie\n",
            &["line 2", "`rejected`", "missing"],
        ),
        (
            "rejected,preferred,side\n1,tie,top\n",
            &["line 2", "`side`", "top"],
        ),
        (
            "rejected,preferred,weight\n1,tie,-1\n",
            &["line 2", "`weight`", "negative"],
        ),
        (
            "rejected,preferred,weight\n1,tie,NaN\n",
            &["line 2", "`weight`", "NaN"],
        ),
        (
            "rejected,preferred,weight\n1,tie,1\n1,tie,\n",
            &["line 3", "`weight`", "everywhere"],
        ),
        (
            "rejected,preferred,weight\n1,tie,\n1,tie,1\n",
            &["line 3", "`weight`", "everywhere"],
        ),
        (
            "rejected,preferred,weight\n1,tie,0\n",
            &["a.csv", "sum of the weights"],
        ),
        (
            "rejected,preferred,rater\n1,tie,\n1,tie,a\n",
            &["line 3", "`rater`", "for each"],
        ),
        (
            "rejected,preferred,prompt\n1,tie,a\n1,tie,\n",
            &["line 3", "`prompt`", "everywhere"],
        ),
    ] {
        on(&[("a.csv", rows)], &["quality", "a.csv"]).bad(1, parts);
    }
    for option in ["--missed-mass", "--largest-weight", "--rejection-rate"] {
        on(&[("a.csv", PAIRS)], &["quality", "a.csv", option, "0.5"]).bad(2, &[option, "weight"]);
    }
    let words = [
        "quality",
        "a.csv",
        "--rejection-rate",
        "0.01",
        "--missed-mass",
        "0.01",
    ];
    on(&[("a.csv", &proposed())], &words).bad(2, &["--missed-mass", "below"]);
    let words = ["quality", "a.csv", "--largest-weight", "1"];
    on(&[("a.csv", &proposed())], &words).bad(1, &["`weight`", "above the 1 of --largest-weight"]);
    let words = ["quality", "a.csv", "--rejection-rate", "0.1"];
    on(
        &[("a.csv", "rejected,preferred,weight\n1,tie,1\n0,,1\n")],
        &words,
    )
    .bad(1, &["line 3", "`rejected`", "--rejection-rate"]);
}
