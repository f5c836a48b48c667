//! Finds of attacks: whose labels confirm them, what they cost beside random sampling, and that nothing is
//! measured on them.

use crate::world::{World, rows};
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use serde_json::{Value, json};

/// Attempts of the control from labelled catastrophes of a split; half of what passes is below this threshold.
fn attack(world: &World, split: &str, limit: &str) {
    let words = [
        "--json",
        "attack",
        "random",
        "--threshold",
        "0.5",
        "--queries",
        "60",
        "--split",
        split,
        "--limit",
        limit,
    ];
    world.run(&words).good();
}

fn trained() -> (World, Value) {
    let world = World::with_project();
    world.import(120);
    let first = world.train();
    (world, first)
}

fn shown(world: &World, words: &[&str]) -> Value {
    let words = [&["--json", "attack", "show"], words].concat();
    world.run(&words).good().json()
}

fn finds(world: &World, run: &str) -> Vec<Value> {
    let shown = shown(world, &[run, "--finds"]);
    shown[0]["finds"].as_array().expect("finds").clone()
}

fn label(find: &Value, verdict: &str, who: &str, kind: &str) -> String {
    let severity = if verdict == "yes" {
        json!(3)
    } else {
        Value::Null
    };
    let row = json!({ "prompt": find["text"]["prompt"], "completion": find["text"]["completion"],
        "verdict": verdict, "severity": severity, "labeller": who, "labeller_kind": kind });
    row.to_string()
}

fn import(world: &World, what: &str, lines: &[String]) {
    let file = world.file("lines.jsonl", lines.join("\n"));
    let file = file.display().to_string();
    world.run(&["import", what, &file]).good();
}

#[test]
fn models_labels_confirm_where_they_are_asked_for_and_are_called_so() {
    let (world, _) = trained();
    attack(&world, "all", "30");
    let found = finds(&world, "2");
    assert!(found.len() >= 3, "{found:?}");
    import(
        &world,
        "labels",
        &[
            label(&found[0], "yes", "bob", "person"),
            label(&found[1], "no", "bob", "person"),
            label(&found[0], "yes", "a model", "judge"),
            label(&found[1], "yes", "a model", "judge"),
            label(&found[2], "yes", "a model", "judge"),
        ],
    );
    let counts = |by: &str| {
        let shown = shown(&world, &["2", "--by", by]);
        let table = &shown[0]["table"];
        assert_eq!(shown[0]["by"], by);
        (
            table["verified"].as_u64(),
            table["refuted"].as_u64(),
            shown[0]["by_others"].clone(),
        )
    };
    let others = |by: &str, confirmed: u64, labelled: u64| json!({ "by": by, "confirmed": confirmed, "labelled": labelled });
    assert_eq!(counts("people"), (Some(1), Some(1), others("judges", 3, 3)));
    assert_eq!(counts("judges"), (Some(3), Some(0), others("people", 1, 2)));
    let by_people = shown(&world, &["2"]);
    assert_eq!(by_people[0]["by"], "people", "where nothing is said");

    // No table lets models pass for people.
    let said = |words: &[&str]| {
        let words = [&["attack", "show"], words].concat();
        world.run(&words).good().stdout
    };
    for words in [
        &["2", "--by", "judges"][..],
        &["2", "2", "--by", "judges"],
        &["2", "--by", "judges", "--markdown"],
    ] {
        let told = said(words);
        assert!(told.contains("models"), "{told}");
        assert!(!told.contains("No person has confirmed"), "bob has: {told}");
    }
    assert!(!said(&["2", "2", "--markdown"]).contains("models"));
    world
        .run(&["attack", "show", "2", "--by", "everybody"])
        .bad(2, &["people", "judges"]);
}

#[test]
fn finds_that_wait_go_out_to_a_file_and_their_labels_come_back() {
    let (world, _) = trained();
    attack(&world, "all", "30");
    let found = finds(&world, "2");
    import(&world, "labels", &[label(&found[0], "no", "bob", "person")]);
    let out = world.path("finds.jsonl").display().to_string();
    let export = |more: &[&str]| {
        let words = [
            "label",
            "export",
            "--replace",
            "--queue",
            "attack",
            "--out",
            &out,
        ];
        world.run(&[&words[..], more].concat())
    };
    let texts: std::collections::BTreeSet<String> =
        found.iter().map(|find| find["text"].to_string()).collect();
    let written = || -> Vec<Value> {
        let lines = std::fs::read_to_string(&out).expect("written");
        let row = |line| serde_json::from_str(line).expect("a row");
        lines.lines().map(row).collect()
    };
    export(&["--run", "2", "--labeller-kind", "judge"]).good();
    assert_eq!(written().len(), texts.len(), "judges have labelled none");
    export(&[]).good();
    let waiting = written();
    assert_eq!(waiting.len(), texts.len() - 1);
    let labels: Vec<String> = waiting
        .iter()
        .map(|row| label(&json!({ "text": row }), "yes", "ada", "person"))
        .collect();
    import(&world, "labels", &labels);
    let table = shown(&world, &["2"])[0]["table"].clone();
    assert_eq!(
        (table["refuted"].as_u64(), table["waiting"].as_u64()),
        (Some(1), Some(0))
    );
    export(&[]).bad(1, &["no find of an attack waits"]);
    export(&["--design", "1"]).bad(2, &["--run", "--design"]);
}

#[test]
fn random_draws_that_models_labelled_serve_models_and_not_people() {
    let (world, _) = trained();
    attack(&world, "all", "20");
    attack(&world, "all", "20");
    let found = finds(&world, "2");
    import(
        &world,
        "labels",
        &[label(&found[0], "yes", "a model", "judge")],
    );
    // Draws as the starter's are: imported, picked at random, labelled by models.
    let draws: Vec<String> = rows(120)
        .lines()
        .step_by(2)
        .map(|row| {
            let row: Value = serde_json::from_str(row).expect("a row");
            json!({ "prompt": row["prompt"], "completion": "the garden was still", "verdict": "no",
                "labeller": "a model", "labeller_kind": "judge", "pick": "random",
                "generator": "a tiny one" })
            .to_string()
        })
        .collect();
    import(&world, "snippets", &draws);
    let by_judges = ["2", "--sampling", "--by", "judges"];
    let unscored = shown(&world, &by_judges)[0]["controls"]["without"].clone();
    let why = unscored.as_str().expect("a reason");
    assert!(why.contains("nines score --stored"), "{why}");
    world.run(&["score", "--stored"]).good();
    let controls = shown(&world, &by_judges)[0]["controls"].clone();
    let rows = controls["sampled"]["rows"].as_str().expect("draws");
    for part in ["random draws", "judges (models)", "a tiny one"] {
        assert!(rows.contains(part), "{rows}");
    }
    // None of n is a catastrophe: random sampling takes at least so many labels, and one find of one confirmed.
    let share = &controls["sampled"]["share"];
    assert_eq!(share["value"], 0.0);
    let most = share["upper"].as_f64().expect("a bound");
    let least = controls["sampled"]["labels_per_find"]["lower"].as_f64();
    assert_eq!(least, Some(1.0 / most));
    let precision = controls["precision"]["lower"].as_f64().expect("a bound");
    let fewer = controls["fewer_labels"]["lower"].as_f64();
    assert!((fewer.expect("a bound") - precision / most).abs() < 1e-9);
    let by_people = shown(&world, &["2", "--sampling"])[0]["controls"].clone();
    let why = by_people["without"].as_str().expect("a reason");
    assert!(why.contains("labelled by people"), "{why}");

    // Several runs are one table, and what holds for both is said once.
    let words = [
        "attack",
        "show",
        "2",
        "3",
        "--sampling",
        "--markdown",
        "--by",
        "judges",
    ];
    let told = world.run(&words).good().stdout;
    let heads = told
        .lines()
        .filter(|line| line.starts_with("| recipe | run | labels per confirmed find |"));
    assert_eq!(heads.count(), 1, "{told}");
    assert!(told.contains("| *random sampling* |"), "{told}");
    assert_eq!(told.matches("Random sampling rests on").count(), 1);
}

#[test]
fn labelled_finds_move_no_threshold_and_no_metric() {
    let (world, first) = trained();
    let calibrate = || {
        let words = ["--json", "calibrate", "--classifier", "hurt@1"];
        let words = [&words[..], &["--confidence", "0", "--fresh", "3"]].concat();
        world.run(&words).good().json()["record"].clone()
    };
    let before = calibrate();
    // A person calls all of them catastrophes, though the classifier accepts them.
    let label_finds = |run: &str| {
        let lines: Vec<String> = finds(&world, run)
            .iter()
            .map(|find| label(find, "yes", "bob", "person"))
            .collect();
        assert!(!lines.is_empty(), "run {run} found nothing");
        import(&world, "labels", &lines);
    };
    let attacked = |split: &str| {
        attack(&world, split, "100");
        let listed = world.run(&["--json", "attack", "list"]).good().json();
        listed[0]["run"].as_i64().expect("a number").to_string()
    };
    for split in ["test", "calibration", "validation"] {
        label_finds(&attacked(split));
    }
    // So are texts that a person changed, which no attack stored.
    let edited: Vec<String> = rows(120)
        .lines()
        .map(|row| serde_json::from_str::<Value>(row).expect("a row"))
        .filter(|row| {
            let prompt = row["prompt"].as_str().expect("a prompt");
            Split::of_family(&ContentHash::of_prompt(prompt), 0) != Split::Train
        })
        .map(|row| {
            json!({ "prompt": row["prompt"], "completion": "all was well", "origin": "edit",
                "verdict": "yes", "severity": 3, "labeller": "bob", "labeller_kind": "person" })
            .to_string()
        })
        .collect();
    import(&world, "snippets", &edited);
    assert_eq!(calibrate(), before);
    let second = world.train();
    for field in ["best", "weights_digest", "counts"] {
        assert_eq!(second["record"][field], first["record"][field], "{field}");
    }
    assert_eq!(second["test"]["subsets"], first["test"]["subsets"]);

    // In the training split they teach, and still measure nothing.
    label_finds(&attacked("train"));
    assert_eq!(calibrate(), before);
    let third = world.train();
    assert_ne!(
        third["record"]["weights_digest"],
        first["record"]["weights_digest"]
    );
    let sizes = |trained: &Value| {
        let subsets = trained["test"]["subsets"].as_array().expect("a list");
        let of = |subset: &Value| (subset["subset"].clone(), subset["items"].clone());
        subsets.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&third), sizes(&first));
}

#[test]
fn what_was_chosen_by_its_score_is_no_start() {
    let (world, _) = trained();
    let starts = || {
        let words = [
            "--json",
            "attack",
            "random",
            "--threshold",
            "0.5",
            "--queries",
            "1",
        ];
        let all = ["--split", "all", "--limit", "1000"];
        world.run(&[&words[..], &all].concat()).good();
        let listed = world.run(&["--json", "attack", "list"]).good().json();
        let run = listed[0]["run"].as_i64().expect("a number").to_string();
        shown(&world, &[&run])[0]["starts"]["n"].clone()
    };
    let before = starts();
    // Many near-copies of one start, which somebody rewrote until they passed.
    let edited: Vec<String> = (0..30)
        .map(|n| {
            json!({ "prompt": format!("Story {n}."), "completion": "all was well", "origin": "edit",
                "verdict": "yes", "severity": 3, "labeller": "bob", "labeller_kind": "person" })
            .to_string()
        })
        .collect();
    import(&world, "snippets", &edited);
    assert_eq!(starts(), before);
}
