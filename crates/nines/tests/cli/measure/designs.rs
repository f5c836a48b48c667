//! Designs: planned, drawn, labelled through files, continued, replaced.

use super::{ends, json, says, simulated};
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

/// Exports a queue, says `verdict` of every row that `labels` allows, and imports it.
fn label_by_file(
    world: &World,
    labeller: &str,
    verdict: impl Fn(usize, &str) -> Option<&'static str>,
) -> usize {
    let out = world.path("queue.jsonl").display().to_string();
    let export = [
        "label",
        "export",
        "--queue",
        "leak",
        "--out",
        &out,
        "--replace",
        "--n",
        "100000",
        "--labeller",
        labeller,
    ];
    world.run(&export).good();
    let mut filled = String::new();
    let mut count = 0;
    for (index, line) in std::fs::read_to_string(&out)
        .expect("read")
        .lines()
        .enumerate()
    {
        let mut row: Value = serde_json::from_str(line).expect("JSON");
        let completion = row["completion"].as_str().expect("text").to_owned();
        if let Some(word) = verdict(index, &completion) {
            row["verdict"] = word.into();
            count += 1;
        }
        filled.push_str(&format!("{row}\n"));
    }
    let file = world.file("filled.jsonl", filled).display().to_string();
    world
        .run(&["label", "import", &file, "--labeller", labeller])
        .good();
    count
}

fn drawn_requests(world: &World, estimate: &str) -> BTreeSet<u64> {
    let shown = json(world, &["measure", "show", estimate, "--rows"]);
    let rows = shown["rows"].as_array().expect("rows").clone();
    rows.iter()
        .map(|row| {
            assert!(row["probability"].as_f64().expect("recorded") > 0.0);
            row["request"].as_u64().expect("a request")
        })
        .collect()
}

#[test]
fn a_guarantee_that_cannot_be_had_is_refused_and_nobody_is_asked_for_labels() {
    let world = simulated();
    let plan = world
        .run(&["measure", "plan", "--leak", "1e-4", "--answers", "200"])
        .good();
    says(&plan, &["29,958 requests", "CANNOT", "--answers 29958"]);
    let plan = json(
        &world,
        &["measure", "plan", "--leak", "1e-4", "--answers", "200"],
    );
    assert_eq!(plan["goal"]["within_reach"], false);
    assert_eq!(
        (&plan["newly_drawn"], &plan["queue"]),
        (&0.into(), &0.into())
    );
    let out = world.path("q.jsonl").display().to_string();
    world
        .run(&["label", "export", "--queue", "leak", "--out", &out])
        .bad(1, &["everything that was drawn is labelled"]);
    // What can be had is planned with equal probabilities.
    let plan = json(
        &world,
        &["measure", "plan", "--leak", "0.02", "--answers", "200"],
    );
    assert_eq!(plan["goal"]["within_reach"], true);
    assert_eq!(plan["allocation"], "proportional");
    assert!(
        plan["bound_without_catastrophes"]
            .as_f64()
            .expect("a bound")
            <= 0.02
    );
}

#[test]
fn a_user_plans_labels_by_file_measures_adds_labels_and_reads_why() {
    let world = simulated();
    let plan = json(
        &world,
        &["measure", "plan", "--labels", "120", "--answers", "400"],
    );
    let queue = plan["queue"].as_u64().expect("a count");
    assert!((90..150).contains(&queue), "{queue}");
    let before = world.run(&["measure", "leak"]).good();
    says(
        &before,
        &[
            "Nothing that was drawn is labelled yet",
            "label export --queue leak",
        ],
    );
    // Every tenth answer is called a catastrophe.
    let labelled = label_by_file(&world, "ada", |i, _| {
        Some(if i % 10 == 0 { "yes" } else { "no" })
    });
    assert_eq!(labelled as u64, queue);
    let leak = json(&world, &["measure", "leak"]);
    let report = &leak["by"][0]["report"];
    assert_eq!(leak["by"][0]["labels_of"], "people");
    assert_eq!(report["waiting"], 0);
    let (value, lower, upper) = ends(&report["broad"]["leak"]);
    assert!(
        lower < value && value < upper && lower > 0.0,
        "{value} {lower} {upper}"
    );
    assert!((0.04..0.2).contains(&value), "{value}");
    let bound = report["broad"]["at_most"]["upper"]
        .as_f64()
        .expect("a bound");
    assert!(bound > value);
    // Every catastrophe goes to a second labeller, and nothing else does.
    let positives = labelled.div_ceil(10);
    assert_eq!(leak["queue"].as_u64(), Some(positives as u64));
    assert_eq!(leak["by"][0]["confirmed"]["by_two"], 0);
    let second = label_by_file(&world, "bea", |_, _| Some("yes"));
    assert_eq!(second, positives);
    let leak = json(&world, &["measure", "leak"]);
    assert_eq!(
        leak["by"][0]["confirmed"]["by_two"].as_u64(),
        Some(positives as u64)
    );
    assert_eq!(leak["queue"], 0);
    // More labels continue the same design: what was drawn stays drawn.
    let first = leak["by"][0]["estimates"][1].to_string();
    let drawn = drawn_requests(&world, &first);
    let more = json(&world, &["measure", "plan", "--labels", "200"]);
    assert_eq!(more["design"], leak["design"]);
    label_by_file(&world, "ada", |_, _| Some("no"));
    let continued = json(&world, &["measure", "leak"]);
    let later = continued["by"][0]["estimates"][1].to_string();
    let drawn_later = drawn_requests(&world, &later);
    assert!(drawn.is_subset(&drawn_later) && drawn_later.len() > drawn.len());
    let (_, wide_lower, wide_upper) = ends(&leak["by"][0]["report"]["broad"]["at_most"]);
    let (_, lower, upper) = ends(&continued["by"][0]["report"]["broad"]["at_most"]);
    assert!(upper - lower < wide_upper - wide_lower);
    let shown = world.run(&["measure", "show", &first]).good();
    says(
        &shown,
        &[
            "leak.broad",
            "It says how often a request is answered",
            "labels of people",
            "Uncorrected",
            "Design 1",
        ],
    );
    let all = world.run(&["measure", "show"]).good();
    says(&all, &["leak.strict.bound", "leak.abstention"]);
}

#[test]
fn labels_out_of_their_order_are_no_sample() {
    let world = simulated();
    json(
        &world,
        &["measure", "plan", "--labels", "100", "--answers", "200"],
    );
    // Somebody labels from the middle on.
    label_by_file(&world, "ada", |i, _| (i >= 30).then_some("no"));
    let leak = json(&world, &["measure", "leak"]);
    assert_eq!(leak["by"].as_array().map(Vec::len), Some(0));
    let why = leak["not_yet"][0].as_str().expect("a reason");
    assert!(why.contains("answer it from its beginning"), "{why}");
    // Once the beginning is there too, all of it counts.
    label_by_file(&world, "ada", |_, _| Some("no"));
    let leak = json(&world, &["measure", "leak"]);
    let report = &leak["by"][0]["report"];
    assert_eq!(
        (&report["waiting"], &report["broad"]["leak"]["value"]),
        (&0.into(), &0.0.into())
    );
}

#[test]
fn another_threshold_is_another_design_and_labels_are_used_again() {
    let world = simulated();
    json(
        &world,
        &["measure", "plan", "--labels", "150", "--answers", "300"],
    );
    label_by_file(&world, "ada", |_, _| Some("no"));
    let wide = json(&world, &["measure", "leak"]);
    let strict = [
        "measure",
        "leak",
        "--threshold",
        "0.2",
        "--labels",
        "150",
        "--answers",
        "300",
    ];
    let other = json(&world, &strict);
    assert_ne!(wide["design"], other["design"]);
    let queue = other["queue"].as_u64().expect("a count");
    assert!(
        queue < 100,
        "most answers are the same texts, with labels: {queue} wait"
    );
    label_by_file(&world, "ada", |_, _| Some("no"));
    let other = json(&world, &["measure", "leak", "--threshold", "0.2"]);
    // The report draws both against their thresholds, and speaks of the calibrated one.
    let out = world.path("r.html").display().to_string();
    let report = json(&world, &["report", "--out", &out]);
    let strict = &report["leak_by_threshold"]["readings"][0];
    let uppers: Vec<f64> = strict["assumption_free"]["points"]
        .as_array()
        .expect("points")
        .iter()
        .map(|p| p["upper"].as_f64().expect("a bound"))
        .collect();
    let bound = |found: &Value| ends(&found["by"][0]["report"]["strict"]["at_most"]).2;
    assert_eq!(uppers, [bound(&other), bound(&wide)]);
    let own = wide["frame"]["filter"]["threshold"].as_f64();
    assert_eq!(report["threshold"].as_f64(), own);
}

#[test]
fn quality_goes_out_as_pairs_and_comes_back_as_choices() {
    let world = World::empty();
    world.run(&["simulate", "new", "project"]).good();
    let drawn = json(
        &world,
        &["measure", "quality", "--pairs", "40", "--answers", "200"],
    );
    let queue = drawn["queue"].as_u64().expect("a count");
    assert!(queue > 20, "{queue}");
    let out = world.path("pairs.csv").display().to_string();
    world
        .run(&["label", "export", "--queue", "quality", "--out", &out])
        .good();
    let text = std::fs::read_to_string(&out).expect("read");
    assert!(text.starts_with("prompt,left,right,choice"), "{text}");
    assert!(
        !text.contains("filtered"),
        "raters must not see which is which"
    );
    let filled: String = text
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("{line}\n"),
            i if i % 2 == 0 => format!("{line}left\n"),
            _ => format!("{line}same\n"),
        })
        .collect();
    let file = world.file("filled.csv", &filled).display().to_string();
    let import = ["import", "comparisons", &file, "--labeller", "ada"];
    says(&world.run(&import).good(), &["comparisons stored"]);
    says(&world.run(&import).good(), &["0 comparisons stored"]);
    let quality = json(&world, &["measure", "quality", "--pairs", "40"]);
    let report = &quality["by"][0]["report"];
    let (value, lower, upper) = ends(&report["quality"]);
    assert!(lower < value && value < upper);
    assert_eq!(
        (&report["waiting"], &quality["queue"]),
        (&0.into(), &0.into())
    );
    let (left, ..) = ends(&report["left_wins"]);
    assert_eq!(left, 1.0);
    says(
        &world.run(&["measure", "quality", "--pairs", "40"]).good(),
        &["raters favour a side"],
    );
    let strange = world
        .file(
            "strange.csv",
            "prompt,left,right,choice\nno,such,text,left\n",
        )
        .display()
        .to_string();
    world
        .run(&["import", "comparisons", &strange, "--labeller", "ada"])
        .bad(1, &["line 2", "`left`", "no such completion"]);
}

#[test]
fn distributions_are_named_mixed_and_re_weighted() {
    let world = simulated();
    let add = |words: &[&str]| world.run(&[&["measure", "distribution", "add"], words].concat());
    add(&["grim", "--words", "knight,king,sailor", "--enrich", "20"]).good();
    add(&["half", "--mix", "test=0.5,grim=0.5"]).good();
    add(&["grim"]).bad(1, &["taken", "never changes"]);
    add(&["test"]).bad(2, &["name of a split"]);
    add(&["other", "--mix", "nothing=1"]).bad(1, &["no distribution \"nothing\"", "grim"]);
    add(&["minus", "--mix", "test=-1"]).bad(2, &["no number above 0"]);
    add(&["more", "--mix", "test=0.5,grim=0.6"]).bad(2, &["1.1, not to 1"]);
    add(&["none", "--words", "unicorn"]).bad(1, &["none of the", "holds one of these words"]);
    let list = json(&world, &["measure", "distribution", "list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(3));
    json(
        &world,
        &["measure", "plan", "--labels", "150", "--answers", "300"],
    );
    label_by_file(&world, "ada", |i, _| {
        Some(if i % 9 == 0 { "yes" } else { "no" })
    });
    let leak = json(&world, &["measure", "leak"]);
    for name in ["grim", "half"] {
        let other = &leak["by"][0]["reweighted"][name];
        let (value, lower, upper) = ends(&other["broad"]["leak"]);
        assert!(lower <= value && value < upper, "{other}");
        let effective = other["effective"].as_f64().expect("a share");
        assert!(effective > 0.0 && effective < 1.0, "{effective}");
        assert_eq!(other["missing"], 0.0);
    }
}

#[test]
fn one_stream_of_completions_gives_the_quality_at_many_thresholds() {
    let world = World::empty();
    world.run(&["simulate", "new", "project"]).good();
    let curve = [
        "measure",
        "quality",
        "--pairs",
        "60",
        "--answers",
        "300",
        "--curve",
        "0.01,0.3,0.9999999",
    ];
    let drawn = json(&world, &curve);
    assert!(drawn["queue"].as_u64().expect("a count") > 60);
    world
        .run(&["simulate", "label", "--queue", "quality"])
        .good();
    let found = json(&world, &curve);
    let points = found["by"][0]["curve"].as_array().expect("a list").clone();
    assert_eq!((points.len(), &found["queue"]), (3, &0.into()));
    let informative: Vec<u64> = points
        .iter()
        .map(|p| p["informative"].as_u64().expect("a count"))
        .collect();
    assert!(informative.is_sorted_by(|a, b| a >= b), "{informative:?}");
    // Where everything is accepted there is nothing to prefer, but that was only seen so often.
    let (value, lower, upper) = ends(&points[2]["quality"]);
    assert_eq!(value, 0.5);
    assert!(
        lower < 0.5 && upper > 0.5 && upper - lower < 0.05,
        "{lower} {upper}"
    );
    let rows = json(
        &world,
        &[
            "measure",
            "show",
            &found["by"][0]["estimates"][0].to_string(),
            "--rows",
        ],
    );
    assert!(rows["rows"].as_array().is_some_and(|rows| rows.len() >= 60));
    world
        .run(&["measure", "quality", "--curve", "0.0000001"])
        .bad(2, &["less cautious", "never made"]);
}

#[test]
fn asking_again_draws_nothing_and_stores_nothing_new() {
    let world = simulated();
    let rehearsed = json(
        &world,
        &[
            "measure",
            "plan",
            "--labels",
            "80",
            "--answers",
            "200",
            "--dry-run",
        ],
    );
    assert_eq!(
        (&rehearsed["draws"], &rehearsed["queue"]),
        (&false.into(), &0.into())
    );
    let drawn = json(&world, &["measure", "plan", "--labels", "80"]);
    assert_eq!(drawn["labels"], rehearsed["labels"]);
    label_by_file(&world, "ada", |i, _| {
        Some(if i == 3 { "yes" } else { "no" })
    });
    let first = json(&world, &["measure", "leak"]);
    let again = json(&world, &["measure", "leak"]);
    assert_eq!(first, again, "the same numbers under the same numbers");
    let quality = json(&world, &["measure", "quality", "--pairs", "8"]);
    assert!(quality["newly_drawn"].as_u64().expect("a count") > 0);
    let quality = json(&world, &["measure", "quality"]);
    assert_eq!(quality["newly_drawn"], 0);
    // An older design keeps its queue under its number.
    let number = first["design"].to_string();
    json(
        &world,
        &[
            "measure",
            "plan",
            "--labels",
            "80",
            "--threshold",
            "0.2",
            "--answers",
            "200",
        ],
    );
    let out = world.path("old.jsonl").display().to_string();
    let export = [
        "label", "export", "--queue", "leak", "--out", &out, "--design",
    ];
    let old = json(&world, &[&export[..], &[&number]].concat());
    assert_eq!(old["waiting"], first["queue"]);
    world
        .run(&[&export[..], &["99", "--replace"]].concat())
        .bad(1, &["no leak design 99"]);
}

#[test]
fn judges_have_a_queue_and_a_number_of_their_own() {
    let world = simulated();
    json(
        &world,
        &["measure", "plan", "--labels", "60", "--answers", "150"],
    );
    label_by_file(&world, "ada", |_, _| Some("no"));
    let out = world.path("judge.jsonl").display().to_string();
    let export = [
        "label",
        "export",
        "--queue",
        "leak",
        "--out",
        &out,
        "--labeller-kind",
        "judge",
    ];
    let queue = json(&world, &export)["rows"].as_u64().expect("a count");
    assert!(
        queue > 30,
        "people's labels take nothing from the judges' queue: {queue}"
    );
    let filled: String = std::fs::read_to_string(&out)
        .expect("read")
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).expect("JSON");
            row["verdict"] = "yes".into();
            format!("{row}\n")
        })
        .collect();
    let file = world.file("judged.jsonl", filled).display().to_string();
    let import = [
        "label",
        "import",
        &file,
        "--labeller",
        "model",
        "--labeller-kind",
        "judge",
    ];
    world.run(&import).good();
    let leak = json(&world, &["measure", "leak"]);
    let by = leak["by"].as_array().expect("two kinds").clone();
    assert_eq!(
        (&by[0]["labels_of"], &by[1]["labels_of"]),
        (&"people".into(), &"judges".into())
    );
    assert_eq!(by[0]["report"]["broad"]["leak"]["value"], 0.0);
    assert!(ends(&by[1]["report"]["broad"]["leak"]).1 > 0.3);
}
