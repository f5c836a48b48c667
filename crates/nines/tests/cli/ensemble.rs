//! Ensembles: made, calibrated, filtering, scored, attacked, refused with reasons.

use crate::world::{TRAIN, World, rows};
use serde_json::Value;

/// A project with two classifiers that have learnt the task from different seeds.
fn trained() -> World {
    let world = World::with_project();
    world.import(120);
    world.train();
    world.run(&[TRAIN, &["--seed", "1"]].concat()).good();
    world
}

fn create(world: &World, name: &str, combine: &str) -> Value {
    let create = ["--json", "ensemble", "create", name, "--combine", combine];
    let members = ["--member", "hurt@1", "--member", "hurt@2"];
    world.run(&[&create[..], &members].concat()).good().json()
}

fn lines(text: &str) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).expect("a JSON line");
    text.lines().map(read).collect()
}

/// The scores of a file by a classifier.
fn scores(world: &World, classifier: &str, more: &[&str]) -> Vec<Value> {
    let out = format!("{classifier}.jsonl");
    let words = ["score", "some.jsonl", "--threshold", "0.5", "--out", &out];
    let by = ["--classifier", classifier];
    world.run(&[&words[..], &by, more].concat()).good();
    lines(&std::fs::read_to_string(world.path(&out)).expect("written"))
}

fn number(row: &Value, field: &str) -> f64 {
    row[field]
        .as_f64()
        .unwrap_or_else(|| panic!("no {field} in {row}"))
}

#[test]
fn an_ensemble_stands_wherever_a_classifier_does() {
    let world = trained();
    let made = create(&world, "both", "mean");
    assert_eq!(made["ensemble"], "both v1");
    assert_eq!(made["members"][1]["label"], "hurt v2");
    let auroc = &made["metrics"]["test"]["subsets"][0]["auroc"];
    assert!(
        number(auroc, "value") > 0.9 && number(auroc, "lower") < 1.0,
        "{made}"
    );
    // The same again is the same version.
    assert_eq!(create(&world, "both", "mean")["ensemble"], "both v1");
    assert_eq!(create(&world, "both", "max")["ensemble"], "both v2");
    let listed = world.run(&["ensemble", "list"]).good().stdout;
    assert!(
        listed.contains("both v2") && listed.contains("max of hurt v1, hurt v2"),
        "{listed}"
    );
    let shown = world.run(&["ensemble", "show", "both@1"]).good().stdout;
    assert!(
        shown.contains("mean of hurt v1, hurt v2; not calibrated"),
        "{shown}"
    );

    // Scores are the members' combined, in files and in the project.
    world.file("some.jsonl", rows(30));
    let [first, second] = ["hurt@1", "hurt@2"].map(|name| scores(&world, name, &[]));
    let [mean, max] = ["both@1", "both@2"].map(|name| scores(&world, name, &[]));
    for (at, row) in mean.iter().enumerate() {
        let (a, b) = (number(&first[at], "score"), number(&second[at], "score"));
        assert_eq!(number(row, "score"), (a + b) / 2.0);
        assert_eq!(number(&max[at], "score"), a.max(b));
        assert_eq!(row["classifier"], "both v1");
        assert!(a != b && row.get("spread").is_none(), "the members differ");
    }
    for (at, row) in scores(&world, "both@1", &["--disagreement"])
        .iter()
        .enumerate()
    {
        let gap = (number(&first[at], "score") - number(&second[at], "score")).abs();
        assert!((number(row, "gap") - gap).abs() < 1e-12, "{row}");
        assert!(
            (number(row, "spread") - gap / 2.0_f64.sqrt()).abs() < 1e-12,
            "{row}"
        );
    }
    let one = [
        "score",
        "some.jsonl",
        "--threshold",
        "0.5",
        "--out",
        "x.jsonl",
        "--disagreement",
    ];
    world
        .run(&[&one[..], &["--classifier", "hurt@1"]].concat())
        .bad(2, &["only members of an ensemble disagree"]);

    // It has a threshold of its own, and filters by it.
    world
        .run(&["filter", "she walked the garden", "--classifier", "both@1"])
        .bad(1, &["both v1 has no threshold yet"]);
    let calibrate = ["--json", "calibrate", "--confidence", "0", "--fresh", "3"];
    let calibrated = world
        .run(&[&calibrate[..], &["--classifier", "both@1"]].concat())
        .good()
        .json();
    let threshold = number(&calibrated["record"], "threshold");
    let filter = [
        "--json",
        "filter",
        "she walked the garden",
        "--classifier",
        "both@1",
    ];
    let answer = world.run(&filter).good().json();
    let candidates = answer["answers"][0]["candidates"]
        .as_array()
        .expect("a list");
    assert!(!candidates.is_empty());
    for candidate in candidates {
        let ruling = &candidate["ruling"];
        match ruling["verdict"].as_str().expect("a word") {
            "accepted" => assert!(number(ruling, "score") < threshold),
            "rejected" => assert!(number(ruling, "score") >= threshold),
            other => assert_eq!(other, "unscoreable"),
        }
    }
    // The newest scorer is the ensemble, and commands take it where none is named.
    world
        .run(&["calibrate", "--confidence", "0", "--fresh", "3"])
        .good();
    let measured = ["--json", "measure", "leak", "--answers", "12"];
    world.run(&measured).good();
    let report = world
        .run(&["--json", "report", "--out", "page.html"])
        .good()
        .json();
    let versions = report["lineage"]["classifiers"].as_array().expect("a list");
    let of = |name: &str| {
        versions
            .iter()
            .find(|v| v["name"] == name)
            .expect("it is there")
    };
    assert_eq!(
        of("both v2")["parents"],
        serde_json::json!(["hurt v1", "hurt v2"])
    );
    assert_eq!(of("both v2")["trained_on"], of("hurt v1")["trained_on"]);
}

#[test]
fn the_members_of_a_stored_ensemble_are_scored_once() {
    let world = trained();
    create(&world, "both", "mean");
    let stored = |name: &str| {
        let words = ["--json", "score", "--stored", "--classifier", name];
        world.run(&words).good().json()
    };
    assert_eq!(stored("hurt@1")["scored"], 240);
    assert_eq!(stored("both")["scored"], 240);
    // Scoring the ensemble has scored its other member too.
    assert_eq!(stored("hurt@2")["scored"], 0);
    let out = ["export", "scores", "--out", "scores.jsonl"];
    world.run(&out).good();
    let text = std::fs::read_to_string(world.path("scores.jsonl")).expect("written");
    let rows = lines(&text);
    assert_eq!(rows.len(), 3 * 240);
    let of = |name: &str| -> Vec<f64> {
        let rows = rows.iter().filter(|row| row["classifier"] == name);
        rows.map(|row| number(row, "score")).collect()
    };
    let (first, second, both) = (of("hurt v1"), of("hurt v2"), of("both v1"));
    let apart: Vec<&Value> = rows
        .iter()
        .filter(|row| row["classifier"] == "both v1")
        .collect();
    for (at, score) in both.iter().enumerate() {
        assert_eq!(*score, (first[at] + second[at]) / 2.0);
        assert!((number(apart[at], "gap") - (first[at] - second[at]).abs()).abs() < 1e-12);
    }
    let alone = rows.iter().filter(|row| row["classifier"] == "hurt v1");
    assert!(alone.clone().count() == 240 && alone.clone().all(|row| row["gap"].is_null()));
}

#[test]
fn an_ensemble_is_attacked_by_its_gradients() {
    let world = trained();
    create(&world, "both", "mean");
    let attack = [
        "--json",
        "attack",
        "hotflip",
        "--threshold",
        "0.5",
        "--split",
        "all",
    ];
    let few = ["--limit", "6", "--queries", "40"];
    let many = ["--limit", "6", "--queries", "1000", "--seconds", "600"];
    let ended = world.run(&[&attack[..], &many].concat()).good().json();
    let table = &ended["table"];
    let count = |name: &str| table[name].as_u64().expect("a count");
    assert_eq!(count("tried") + count("skipped"), 6, "{table}");
    assert!(count("reached") > 0 && count("broken") == 0, "{table}");
    // A member is no judge of the ensemble that it is in.
    let judge = ["--judge", "hurt@1", "--judge-threshold", "0.5"];
    world
        .run(&[&attack[..], &few, &judge].concat())
        .bad(2, &["hurt v1 and both v1", "share a classifier"]);
    // One against the other: what fools the member while the ensemble holds.
    let against = [
        "--classifier",
        "hurt@1",
        "--against",
        "both",
        "--against-threshold",
        "0.5",
    ];
    let compare = [
        "--json",
        "attack",
        "disagree",
        "--threshold",
        "0.5",
        "--split",
        "all",
    ];
    world.run(&[&compare[..], &few, &against].concat()).good();
}

#[test]
fn what_makes_no_ensemble_is_refused() {
    let world = trained();
    let create = |words: &[&str]| world.run(&[&["ensemble", "create"], words].concat());
    create(&["one", "--member", "hurt@1"]).bad(2, &["2 to 16 members", "1 --member"]);
    create(&["two", "--member", "hurt@1", "--member", "hurt@1"])
        .bad(1, &["hurt v1", "there twice"]);
    create(&["two", "--member", "hurt@1", "--member", "nobody"])
        .bad(1, &["no classifier nobody", "hurt@1, hurt@2"]);
    create(&["hurt", "--member", "hurt@1", "--member", "hurt@2"])
        .bad(1, &["a classifier named \"hurt\" already"]);
    create(&["a b", "--member", "hurt@1", "--member", "hurt@2"]).bad(2, &["a name begins"]);
    create(&["both", "--member", "hurt@1", "--member", "hurt@2"]).good();
    create(&["more", "--member", "both", "--member", "hurt@2"])
        .bad(1, &["both v1", "ensemble itself"]);
    world
        .run(&["train", "classifier", "--name", "both"])
        .bad(1, &["both is the name of an ensemble"]);
    world
        .run(&[
            "export",
            "classifier",
            "--classifier",
            "both",
            "--out",
            "copy",
        ])
        .bad(1, &["both v1 is an ensemble", "export its members"]);
    world
        .run(&["ensemble", "show", "hurt"])
        .bad(1, &["hurt v2 is a trained classifier, no ensemble"]);
    // A member whose files are gone leaves no score, and so nothing is accepted.
    let first = std::fs::read_dir(world.path("project/models")).expect("listed");
    let first = first
        .filter_map(Result::ok)
        .next()
        .expect("a folder")
        .path();
    std::fs::remove_file(first.join("model.safetensors")).expect("removed");
    world
        .run(&["filter", "she sang", "--threshold", "0.9"])
        .bad(
            1,
            &["in the ensemble both v1", "cannot load the classifier hurt"],
        );
}

#[test]
fn members_of_another_split_are_refused() {
    let world = trained();
    world.set("split_seed = 0", "split_seed = 1");
    let members = ["--member", "hurt@1", "--member", "hurt@2"];
    let create = [&["ensemble", "create", "both"][..], &members].concat();
    world
        .run(&create)
        .bad(1, &["hurt v1 was trained under the split seed 0"]);
}

#[test]
fn a_new_ensemble_says_that_it_is_the_newest_and_is_not_compared_before_it_is_calibrated() {
    let world = trained();
    let made = world.run(&[
        "ensemble", "create", "both", "--member", "hurt@1", "--member", "hurt@2",
    ]);
    let words = made.good().stdout;
    assert!(
        words.contains("both v1 is now the newest") && words.contains("accepts nothing before"),
        "{words}"
    );
    // Nothing of the first filter is drawn for a comparison that could not end.
    world
        .run(&["measure", "compare", "hurt@1", "both", "--threshold", "0.5"])
        .bad(1, &["both v1 has no threshold yet", "--second-threshold"]);
    let runs = world.run(&["--json", "runs", "list", "--kind", "frame"]);
    assert_eq!(runs.good().json()["runs"], serde_json::json!([]));
}
