//! `nines select`: strategies, probabilities, queues, and that what a score chose measures nothing.

use crate::world::{TRAIN, World, rows};
use serde_json::{Value, json};

/// Rows of `rows` without their labels.
fn unlabelled(from: usize, to: usize) -> String {
    let all = rows(to);
    let lines = all.lines().skip(2 * from).map(|line| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        json!({ "prompt": row["prompt"], "completion": row["completion"] }).to_string() + "\n"
    });
    lines.collect()
}

/// A world with labelled rows, a classifier `hurt@1`, and rows that nobody has labelled.
fn world() -> (World, Value) {
    let world = World::with_project();
    world.import(60);
    let trained = world.train();
    let file = world
        .file("open.jsonl", unlabelled(60, 160))
        .display()
        .to_string();
    world.run(&["import", "snippets", &file]).good();
    (world, trained)
}

fn select(world: &World, words: &[&str]) -> Value {
    let own = [
        "--json",
        "select",
        "--pool",
        "imported",
        "--threshold",
        "0.5",
    ];
    let own = match words.contains(&"near-threshold") || !words.contains(&"--strategy") {
        true => &own[..],
        false => &own[..4],
    };
    world.run(&[own, words].concat()).good().json()
}

fn items(chosen: &Value) -> &Vec<Value> {
    chosen["items"].as_array().expect("items")
}

/// Labels all that a selection waits for, and returns how many that was.
fn label(world: &World) -> usize {
    label_as(world, "bea")
}

fn label_as(world: &World, labeller: &str) -> usize {
    let out = world.path("queue.jsonl").display().to_string();
    world
        .run(&[
            "label",
            "export",
            "--queue",
            "select",
            "--out",
            &out,
            "--replace",
        ])
        .good();
    let text = std::fs::read_to_string(&out).expect("read");
    let filled: String = text
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).expect("JSON");
            row["verdict"] = "no".into();
            row.to_string() + "\n"
        })
        .collect();
    let file = world.file("filled.jsonl", filled).display().to_string();
    world
        .run(&["label", "import", &file, "--labeller", labeller])
        .good();
    text.lines().count()
}

#[test]
fn what_lies_near_the_threshold_waits_in_a_queue_with_its_probability() {
    let (world, _) = world();
    let rehearsed = select(&world, &["--n", "12", "--dry-run"]);
    assert_eq!(rehearsed["selection"], Value::Null);
    let chosen = select(&world, &["--n", "12"]);
    assert_eq!(
        (&chosen["selection"], &chosen["by_score"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(chosen["items"], rehearsed["items"], "as it was rehearsed");
    assert_eq!(items(&chosen).len(), 12);
    for item in items(&chosen) {
        let p = item["probability"].as_f64().expect("a probability");
        assert!(p > 0.0 && p <= 1.0);
        assert!(
            item["why"].as_str().expect("why").contains("logits"),
            "{item}"
        );
    }
    // The nearest of all is likeliest.
    let most = items(&chosen).iter().max_by(|a, b| {
        let p = |item: &Value| item["probability"].as_f64().expect("a probability");
        p(a).total_cmp(&p(b))
    });
    let worth = |item: &Value| item["worth"].as_f64().expect("worth");
    let nearest = items(&chosen)
        .iter()
        .map(worth)
        .fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(worth(most.expect("an item")), nearest);
    let listed = world.run(&["--json", "select", "list"]).good().json();
    assert_eq!(listed[0]["waiting"], 12);
    let shown = world.run(&["--json", "select", "show", "1"]).good().json();
    assert_eq!(shown["items"].as_array().expect("items").len(), 12);

    // What waits is not chosen again.
    let other = select(&world, &["--n", "12", "--seed", "9"]);
    assert_eq!(other["left_out"]["chosen before"], 12);
    let ids = |chosen: &Value| {
        items(chosen)
            .iter()
            .map(|i| i["snippet"].clone())
            .collect::<Vec<_>>()
    };
    assert!(ids(&other).iter().all(|id| !ids(&chosen).contains(id)));

    assert_eq!(label(&world), 12, "the newest selection's");
    let done = [
        "label",
        "export",
        "--queue",
        "select",
        "--out",
        "none.jsonl",
    ];
    world
        .run(&done)
        .bad(1, &["everything that the selection chose is labelled"]);
    let first = [&done[..], &["--selection", "1"]].concat();
    world.run(&first).good();
    let words = world.run(&["select", "list"]).good().stdout;
    assert!(words.contains("near-threshold"), "{words}");
}

#[test]
fn what_a_score_chose_measures_nothing_and_what_chance_chose_does() {
    let (world, trained) = world();
    let tested = |trained: &Value| {
        trained["test"]["subsets"][0]["items"]
            .as_u64()
            .expect("items")
    };
    let before = tested(&trained);
    select(&world, &["--n", "8", "--split", "test"]);
    assert_eq!(label(&world), 8);
    let after = world.run(&[&["--json"], TRAIN].concat()).good().json();
    assert_eq!(tested(&after), before, "they would flatter or hide");
    select(
        &world,
        &["--strategy", "random", "--n", "8", "--split", "test"],
    );
    assert_eq!(label(&world), 8);
    let after = world.run(&[&["--json"], TRAIN].concat()).good().json();
    assert_eq!(tested(&after), before + 8);
}

#[test]
fn random_texts_near_the_threshold_are_no_reference_for_acceptance() {
    let world = World::with_project();
    world.import(60);
    let trained = world.train();
    let counts = |trained: &Value| {
        let test = &trained["test"];
        let items = test["subsets"][0]["items"].as_u64().expect("items");
        let random = test["random_completions"].as_u64();
        (items, random.expect("a number"))
    };
    let before = counts(&trained).0;
    let drawn: String = unlabelled(60, 160)
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).expect("JSON");
            row["pick"] = "random".into();
            row.to_string() + "\n"
        })
        .collect();
    let file = world.file("drawn.jsonl", drawn).display().to_string();
    world.run(&["import", "snippets", &file]).good();
    select(&world, &["--n", "8", "--split", "test"]);
    assert_eq!(label(&world), 8);
    let after = world.run(&[&["--json"], TRAIN].concat()).good().json();
    assert_eq!(counts(&after), (before, 0), "chosen for their scores");
    select(
        &world,
        &["--strategy", "random", "--n", "8", "--split", "test"],
    );
    assert_eq!(label(&world), 8);
    let after = world.run(&[&["--json"], TRAIN].concat()).good().json();
    assert_eq!(counts(&after), (before + 8, 8));
}

#[test]
fn every_strategy_says_why() {
    let (world, _) = world();
    world.run(&[TRAIN, &["--seed", "1"]].concat()).good();
    let of = |words: &[&str]| select(&world, &[words, &["--n", "6", "--dry-run"]].concat());
    let apart = of(&[
        "--strategy",
        "disagreement",
        "--classifiers",
        "hurt@1,hurt@2",
    ]);
    assert!(
        items(&apart)
            .iter()
            .all(|i| i["why"].as_str().expect("why").contains("logits apart"))
    );
    let far = of(&["--strategy", "diverse"]);
    assert!(items(&far).iter().all(|i| i["probability"].is_null()));
    assert!(far["about"]["centres"].as_u64().expect("centres") > 10);
    let mixed = of(&["--mix", "near-threshold=0.5,random=0.5"]);
    let p = |item: &Value| item["probability"].as_f64().expect("a probability");
    let size = mixed["pool"].as_f64().expect("a pool");
    assert!(
        items(&mixed)
            .iter()
            .all(|item| p(item) >= 0.5 * 6.0 / size - 1e-9)
    );
    let random = of(&["--strategy", "random"]);
    assert_eq!(random["by_score"], false);
    assert!(
        items(&random)
            .iter()
            .all(|item| (p(item) - 6.0 / size).abs() < 1e-12)
    );
    let words = world
        .run(&[
            "select",
            "--strategy",
            "diverse",
            "--pool",
            "imported",
            "--n",
            "3",
            "--dry-run",
        ])
        .good()
        .stdout;
    for part in [
        "Would choose: 3",
        "without chance",
        "No selection was stored",
    ] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn a_surprising_label_is_the_first_to_be_given_again() {
    let (world, _) = world();
    // Scores of classifiers that never saw the label.
    world
        .run(&[TRAIN, &["--cross-validate", "2"]].concat())
        .good();
    let runs = world
        .run(&["--json", "runs", "list", "--kind", "cross-validate"])
        .good()
        .json();
    let run = runs["runs"][0]["id"].to_string();
    // Labels that are plainly wrong, so that labellers disagree.
    let all = rows(60);
    let wrong: Vec<String> = all
        .lines()
        .skip(1)
        .step_by(2)
        .take(40)
        .map(|line| {
            line.replace("\"no\"", "\"yes\"")
                .replace("\"ada\"", "\"eve\"")
        })
        .collect();
    let file = world
        .file("wrong.jsonl", wrong.join("\n"))
        .display()
        .to_string();
    world.run(&["import", "labels", &file]).good();
    let words = [
        "--json",
        "select",
        "--strategy",
        "relabel",
        "--n",
        "5",
        "--focus",
        "20",
    ];
    let chosen = world.run(&words).good().json();
    assert!(
        items(&chosen).iter().all(|i| i["why"]
            .as_str()
            .expect("why")
            .contains("labellers disagree")),
        "{chosen}"
    );
    let waiting = world.run(&["--json", "select", "list"]).good().json();
    assert_eq!(waiting[0]["waiting"], 5, "a label more is wanted of each");
    let words = [
        "--json",
        "select",
        "--strategy",
        "relabel",
        "--n",
        "5",
        "--out-of-fold",
        &run,
    ];
    assert_eq!(
        world.run(&words).good().json()["about"]["out_of_fold"].to_string(),
        run
    );
}

#[test]
fn what_is_labelled_again_stays_in_the_metrics() {
    let world = World::with_project();
    world.import(60);
    let crossed = || {
        let words = [&["--json"], TRAIN, &["--cross-validate", "2"]].concat();
        let result = world.run(&words).good().json();
        result["scores"].as_array().expect("scores").len()
    };
    let before = crossed();
    assert_eq!(before, 120);
    let words = [
        "select",
        "--strategy",
        "relabel",
        "--n",
        "20",
        "--out-of-fold",
        "1",
    ];
    world.run(&words).good();
    assert_eq!(crossed(), before, "to ask again takes nothing out");
    assert_eq!(label(&world), 20);
    assert_eq!(crossed(), before);
}

#[test]
fn an_item_waits_for_as_many_people_as_were_asked_for() {
    let (world, _) = world();
    select(
        &world,
        &["--strategy", "random", "--n", "4", "--overlap", "2"],
    );
    let waiting = || world.run(&["--json", "select", "list"]).good().json()[0]["waiting"].clone();
    assert_eq!(label_as(&world, "bea"), 4);
    assert_eq!(waiting(), 4, "one more of each");
    assert_eq!(label_as(&world, "cid"), 4);
    assert_eq!(waiting(), 0);
}

#[test]
fn what_cannot_be_chosen_says_why() {
    let (world, _) = world();
    let refused = |status, words: &[&str], parts: &[&str]| {
        let own = ["select", "--pool", "imported", "--dry-run"];
        world.run(&[&own[..], words].concat()).bad(status, parts);
    };
    refused(
        1,
        &["--n", "9000", "--threshold", "0.5"],
        &["9000 were asked for", "can be chosen"],
    );
    refused(
        1,
        &["--classifier", "nobody", "--threshold", "0.5"],
        &["no classifier nobody", "hurt@1"],
    );
    refused(
        2,
        &["--strategy", "disagreement"],
        &["at least two classifiers"],
    );
    let same = ["--strategy", "disagreement", "--classifiers", "hurt@1,hurt"];
    refused(1, &same, &["named twice"]);
    refused(2, &["--strategy", "nearest"], &["there is no strategy"]);
    refused(2, &["--mix", "random=0.5,diverse=0.4"], &["sum to 0.9"]);
    refused(
        2,
        &["--strategy", "random", "--threshold", "0.5"],
        &["--threshold is for near-threshold"],
    );
    refused(
        2,
        &["--out-of-fold", "3"],
        &["--out-of-fold is for relabel"],
    );
    refused(2, &["--focus", "-1"], &["--focus"]);
    refused(
        2,
        &["--strategy", "random", "--classifier", "hurt"],
        &["--classifier has no effect"],
    );
    refused(2, &["--strategy", "relabel"], &["--pool is for"]);
    for (words, part) in [
        (&["--split", "test"][..], "in the train split alone"),
        (&["--split", "all"], "in the train split alone"),
        (&["--again"], "--again has no effect"),
        (
            &["--out-of-fold", "3", "--classifier", "hurt"],
            "--classifier has no effect",
        ),
    ] {
        let own = ["select", "--strategy", "relabel"];
        world.run(&[&own[..], words].concat()).bad(2, &[part]);
    }
    world.run(&["select", "--n", "3"]).bad(
        1,
        &["nothing to choose from", "nines generate --split train"],
    );
    world
        .run(&["select", "show", "7"])
        .bad(1, &["no selection 7"]);
    let export = ["label", "export", "--queue", "select", "--out", "x.jsonl"];
    world
        .run(&export)
        .bad(1, &["nothing has been selected yet"]);
    let wrong = [
        "label",
        "export",
        "--queue",
        "leak",
        "--selection",
        "1",
        "--out",
        "x.jsonl",
    ];
    world
        .run(&wrong)
        .bad(2, &["--selection is of --queue select"]);
}

#[test]
fn a_file_of_snippets_can_be_chosen_from() {
    let (world, _) = world();
    let file = world
        .file("more.jsonl", unlabelled(160, 220))
        .display()
        .to_string();
    let words = [
        "--json",
        "select",
        "--from",
        &file,
        "--threshold",
        "0.5",
        "--n",
        "4",
    ];
    let chosen = world.run(&words).good().json();
    assert_eq!(items(&chosen).len(), 4);
    let other = world
        .file("other.jsonl", unlabelled(220, 230))
        .display()
        .to_string();
    let listed = || {
        let words = ["select", "--strategy", "random", "--pool", "imported"];
        let rehearsal = ["--json", "--n", "2", "--dry-run", "--split", "all"];
        let chosen = world.run(&[&words[..], &rehearsal].concat()).good().json();
        chosen["pool"].clone()
    };
    let before = listed();
    world
        .run(&["select", "--from", &other, "--n", "2", "--dry-run"])
        .bad(2, &["imports its file first", "--pool imported"]);
    assert_eq!(listed(), before, "a rehearsal imports nothing");
    let completions = std::fs::read_to_string(&file).expect("read");
    for item in items(&chosen) {
        let completion = item["completion"].as_str().expect("text");
        assert!(completions.contains(completion), "{completion}");
    }
}

#[test]
fn strategies_are_compared_at_equal_cost_and_go_on_where_they_stopped() {
    let world = World::with_project();
    let picked: String = rows(100)
        .lines()
        .map(|line| {
            let pick = if line.contains("\"no\"") {
                "random"
            } else {
                "first"
            };
            format!("{}, \"pick\": \"{pick}\"}}\n", line.trim_end_matches('}'))
        })
        .collect();
    let file = world.file("picked.jsonl", picked).display().to_string();
    world.run(&["import", "snippets", &file]).good();
    let own = [
        "--json",
        "select",
        "compare",
        "--results",
        "active",
        "--strategies",
        "near-threshold;diverse;disagreement",
        "--budgets",
        "12,24",
        "--seeds",
        "0",
        "--validation",
        "12",
        "--epochs",
        "2",
        "--steps",
        "12",
        "--batch",
        "8",
        "--learning-rate",
        "0.005",
    ];
    world
        .run(&[&own[..], &["--table-only"]].concat())
        .bad(1, &["holds no results"]);
    let one = world
        .run(&[&own[..], &["--limit", "1"]].concat())
        .good()
        .json();
    assert_eq!(one["missing"], 7);
    let kept = world.path("active/near-threshold-0-12.json");
    let first = std::fs::read(&kept).expect("kept");
    let all = world.run(&own).good().json();
    assert_eq!(all["missing"], 0);
    assert_eq!(std::fs::read(&kept).expect("kept"), first, "made once");
    let strategies = all["strategies"].as_array().expect("strategies");
    let names: Vec<&str> = strategies
        .iter()
        .filter_map(|s| s["strategy"].as_str())
        .collect();
    assert_eq!(
        names,
        ["near-threshold", "diverse", "disagreement", "random"]
    );
    for strategy in strategies {
        let points = strategy["points"].as_array().expect("points");
        let labels: Vec<u64> = points.iter().filter_map(|p| p["labels"].as_u64()).collect();
        assert_eq!(labels, [12, 24]);
        let is_random = strategy["strategy"] == "random";
        assert_eq!(points[1]["auroc_gain"].is_null(), is_random, "{strategy}");
    }
    // All start from the same labels, and see no more of others than they chose.
    let cell = |name: &str| -> Value {
        let text = std::fs::read(world.path(&format!("active/{name}.json"))).expect("kept");
        serde_json::from_slice(&text).expect("JSON")
    };
    let (near, random) = (cell("near-threshold-0-12"), cell("random-0-12"));
    assert_eq!(
        (&near["labels"], &near["scores"]),
        (&random["labels"], &random["scores"])
    );
    let later = cell("near-threshold-0-24")["labels"]
        .as_array()
        .expect("labels")
        .clone();
    assert_eq!(later[..12], near["labels"].as_array().expect("labels")[..]);
    assert_eq!(later[12..], near["next"].as_array().expect("next")[..]);
    let words = world
        .run(&[&own[1..], &["--table-only", "--markdown"]].concat())
        .good()
        .stdout;
    assert!(words.contains("| near-threshold | 24 |"), "{words}");
    assert_eq!(near["identity"]["recipe"]["keep"], "last");
    let other = own.map(|word| if word == "12,24" { "12,20" } else { word });
    world.run(&other).bad(1, &["other budgets"]);
    let falling = own.map(|word| if word == "12,24" { "24,12" } else { word });
    world.run(&falling).bad(2, &["--budgets"]);
}
