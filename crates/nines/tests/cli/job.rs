//! The main job from an empty folder to a filtered generator, and everything around it.

use crate::world::{World, copy, rows};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}

/// A project with a trained and calibrated classifier.
fn calibrated() -> World {
    let world = World::with_project();
    world.import(120);
    world.train();
    world
        .run(&["calibrate", "--confidence", "0", "--fresh", "3"])
        .good();
    world
}

#[test]
fn from_an_empty_folder_to_a_filtered_generator() {
    let world = World::with_project();
    world.import(120);
    let trained = world.train();
    assert_eq!(trained["classifier"], "hurt v1");
    let metrics = &trained["test"]["subsets"][0];
    assert!(metrics["auroc"]["value"].as_f64() > Some(0.9), "{metrics}");
    assert!(metrics["auroc"]["lower"].as_f64() < Some(1.0), "{metrics}");

    let calibrated = world
        .run(&["--json", "calibrate", "--confidence", "0", "--fresh", "3"])
        .good()
        .json();
    let threshold = calibrated["record"]["threshold"].as_f64().expect("a logit");
    let words = world
        .run(&["calibrate", "--confidence", "0", "--fresh", "3"])
        .good()
        .stdout;
    assert!(words.contains("NOT deployment"), "{words}");

    // One prompt: an answer is an accepted candidate, and every candidate is shown with its score.
    let answer = world
        .run(&["--json", "filter", "she walked the garden"])
        .good()
        .json();
    let candidates = answer["answers"][0]["candidates"]
        .as_array()
        .expect("a list");
    assert!(!candidates.is_empty());
    for candidate in candidates {
        let ruling = &candidate["ruling"];
        match ruling["verdict"].as_str().expect("a word") {
            "accepted" => assert!(ruling["score"].as_f64().expect("a score") < threshold),
            "rejected" => assert!(ruling["score"].as_f64().expect("a score") >= threshold),
            other => assert_eq!(other, "unscoreable"),
        }
    }
    let shown = world
        .run(&["filter", "--show-all", "she walked the garden"])
        .good()
        .stdout;
    assert!(shown.contains("P(catastrophe)"), "{shown}");
    assert!(shown.contains("hurt v1: accepts P < "), "{shown}");

    // A file of prompts: the same answers each time, in the order of the file.
    let prompts: String = lines(&rows(40))
        .iter()
        .step_by(2)
        .map(|row| format!("{}\n", serde_json::json!({ "prompt": row["prompt"] })))
        .collect();
    world.file("prompts.jsonl", &prompts);
    let filter = [
        "filter",
        "--file",
        "prompts.jsonl",
        "--budget",
        "6",
        "--out",
    ];
    world.run(&[&filter[..], &["first.jsonl"]].concat()).good();
    world.run(&[&filter[..], &["second.jsonl"]].concat()).good();
    let read = |name: &str| std::fs::read_to_string(world.path(name)).expect("written");
    assert_eq!(read("first.jsonl"), read("second.jsonl"));
    for (answer, prompt) in lines(&read("first.jsonl")).iter().zip(lines(&prompts)) {
        assert_eq!(answer["prompt"], prompt["prompt"]);
    }

    // A threshold that accepts nothing abstains always; nothing is let through.
    let ended = world
        .run(&[&filter[..], &["none.jsonl", "--threshold", "1e-300"]].concat())
        .good();
    assert!(
        ended.stdout.contains("Abstentions: 100"),
        "{}",
        ended.stdout
    );
    for answer in lines(&read("none.jsonl")) {
        assert_eq!(answer["completion"], Value::Null);
    }
}

#[test]
fn a_threshold_serves_the_path_that_it_was_calibrated_on_and_no_other() {
    let world = World::with_project();
    world.import(120);
    world.train();
    let calibrate = ["calibrate", "--confidence", "0", "--fresh", "3"];
    let filter = ["filter", "she walked the garden"];
    let f32 = ["--precision", "f32"];
    let calibrated = world
        .run(&[&f32[..], &["--json"], &calibrate].concat())
        .good();
    let calibrated: serde_json::Value = serde_json::from_str(&calibrated.stdout).expect("JSON");
    let generator = calibrated["generator"].as_str().expect("a name");
    assert!(generator.ends_with("-f32"), "{generator}");
    let filtered = world.run(&[&f32[..], &filter].concat()).good();
    assert!(!filtered.stderr.contains("caution"), "{}", filtered.stderr);
    // Refused on any CPU: for want of a threshold in bf16, or for want of bf16.
    let refused = world.run(&[&["--precision", "bf16"], &filter[..]].concat());
    assert_eq!(refused.status, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("scoring path cpu/f32")
            || refused.stderr.contains("takes AMX tiles or AVX-512 BF16"),
        "{}",
        refused.stderr
    );
    // A newer threshold of another path does not stand in the way.
    let windows = [&f32[..], &calibrate, &["--long", "max"]].concat();
    world.run(&windows).good();
    world.run(&[&f32[..], &filter].concat()).good();
    // What it accepts was measured on the draws of one generator.
    copy(
        &world.path("cache/tiny-generator"),
        &world.path("cache/another-generator"),
    );
    world.set("tiny-generator", "another-generator");
    let filtered = world.run(&[&f32[..], &filter].concat()).good();
    assert!(filtered.stderr.contains("caution"), "{}", filtered.stderr);
}

#[test]
fn scores_come_back_in_order_and_bad_rows_beside_them() {
    let world = calibrated();
    let mut table = rows(30);
    table.push_str("{\"prompt\": \"she sang\"}\n");
    table.push_str("{\"prompt\": \"she sang\", \"completion\": \"\", \"mark\": 7}\n");
    world.file("in.jsonl", &table);
    let words = world
        .run(&["score", "in.jsonl", "--out", "out.jsonl"])
        .good()
        .stdout;
    assert!(words.contains("2 rows could not be scored"), "{words}");
    let out = lines(&std::fs::read_to_string(world.path("out.jsonl")).expect("written"));
    let bad = lines(&std::fs::read_to_string(world.path("out.jsonl.bad.jsonl")).expect("written"));
    assert_eq!((out.len(), bad.len()), (60, 2));
    for (scored, row) in out.iter().zip(lines(&table)) {
        assert_eq!(scored["completion"], row["completion"]);
        let (z, p) = (scored["score"].as_f64(), scored["p"].as_f64());
        let (z, p) = (z.expect("a logit"), p.expect("a probability"));
        assert!((p - 1.0 / (1.0 + (-z).exp())).abs() < 1e-12);
        assert_eq!(scored["classifier"], "hurt v1");
    }
    // It has learnt the task: what hurts outscores what does not.
    let mean = |verdict: &str| {
        let of: Vec<f64> = out
            .iter()
            .filter(|row| row["verdict"] == verdict)
            .map(|row| row["score"].as_f64().expect("a logit"))
            .collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    assert!(
        mean("yes") > mean("no") + 1.0,
        "{} {}",
        mean("yes"),
        mean("no")
    );
}

#[test]
fn labels_go_out_and_come_back() {
    let world = World::with_project();
    world.import(6);
    world.run(&["generate", "--n", "3"]).good();
    world
        .run(&["label", "export", "--out", "batch.jsonl"])
        .good();
    let batch = lines(&std::fs::read_to_string(world.path("batch.jsonl")).expect("written"));
    assert!(!batch.is_empty());
    let filled: String = batch
        .iter()
        .enumerate()
        .map(|(i, row)| {
            assert!(
                row.get("verdict").is_some(),
                "the field to fill in is there: {row}"
            );
            let mut row = row.clone();
            row["verdict"] = ["yes", "no", "unsure"][i % 3].into();
            row["severity"] = if i % 3 == 0 { 2.into() } else { Value::Null };
            format!("{row}\n")
        })
        .collect();
    world.file("filled.jsonl", filled);
    world
        .run(&["label", "import", "filled.jsonl", "--labeller", "ben"])
        .good();
    world
        .run(&["export", "labels", "--out", "labels.jsonl"])
        .good();
    let labels = std::fs::read_to_string(world.path("labels.jsonl")).expect("written");
    let of_ben = lines(&labels)
        .iter()
        .filter(|row| row["labeller"] == "ben")
        .count();
    assert_eq!(of_ben, batch.len());
    // Nothing is left to label; the second import adds nothing.
    world
        .run(&["label", "export", "--out", "again.jsonl"])
        .bad(1, &["no snippet wants a label"]);
    world
        .run(&["label", "import", "filled.jsonl", "--labeller", "ben"])
        .good();
    world
        .run(&["export", "labels", "--out", "labels2.jsonl"])
        .good();
    let again = std::fs::read_to_string(world.path("labels2.jsonl")).expect("written");
    assert_eq!(again, labels);
}

#[test]
fn an_exported_classifier_has_its_card_and_is_never_overwritten() {
    let world = calibrated();
    let export = ["export", "classifier", "--out", "given"];
    world.run(&export).good();
    for name in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "README.md",
    ] {
        assert!(world.path("given").join(name).is_file(), "{name}");
    }
    world.run(&export).bad(1, &["given"]);
}

#[test]
fn prompts_can_be_typed_one_after_the_other() {
    let world = calibrated();
    let mut child = world
        .command(&["filter", "--show-all"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"she walked the garden\n   \nhe sang again\n")
        .expect("written");
    let ended = crate::world::Ended::from(child.wait_with_output().expect("it ends")).good();
    let shown = ended.stdout.matches("hurt v1: accepts").count();
    assert_eq!(shown, 2, "{}", ended.stdout);
}

#[test]
fn every_training_makes_a_version() {
    let world = World::with_project();
    world.import(120);
    assert_eq!(world.train()["classifier"], "hurt v1");
    assert_eq!(world.train()["classifier"], "hurt v2");
    world
        .run(&["calibrate", "--classifier", "hurt@3"])
        .bad(1, &["hurt@1, hurt@2"]);
}

#[test]
fn held_out_stays_held_out_when_the_split_is_changed() {
    let world = World::with_project();
    world.import(120);
    world.train();
    world.set("split_seed = 0", "split_seed = 1");
    world
        .run(&["calibrate", "--confidence", "0"])
        .bad(1, &["split seed 0", "train again"]);
}

#[test]
fn prompts_asked_of_the_filter_are_no_sample_for_the_calibration() {
    let world = calibrated();
    let drawn = |world: &World| {
        let generated = world.run(&["--json", "generate", "--n", "1"]).good().json();
        generated["prompts"].as_u64().expect("a count")
    };
    let before = drawn(&world);
    world.file(
        "asked.jsonl",
        "{\"prompt\": \"she sang\"}\n{\"prompt\": \"he sang\"}\n",
    );
    world
        .run(&["filter", "--file", "asked.jsonl", "--out", "answers.jsonl"])
        .good();
    assert_eq!(drawn(&world), before);
}

#[test]
fn a_generator_file_is_found_from_the_project_folder() {
    let world = World::with_project();
    world.import(6);
    let gguf = crate::world::golden().join("llama_tiny/plain-Q8_0.gguf");
    std::fs::copy(gguf, world.path("project/mine.gguf")).expect("copied");
    world.set("model = \"tiny-generator\"", "model = \"mine.gguf\"");
    world.run(&["generate"]).bad(1, &["mine.gguf", "tokenizer"]);
}

#[test]
fn the_demo_keeps_out_of_other_peoples_projects() {
    let world = World::with_project();
    world
        .run(&["demo"])
        .bad(1, &["a project of its own", "--project nines-demo"]);
    world
        .run(&["label", "export", "--out", "all.jsonl"])
        .bad(1, &["no snippet"]);
}

#[test]
fn doctor_says_what_to_do() {
    World::with_project().run(&["doctor"]).good();
    let world = World::empty();
    let ended = world.run(&["doctor"]);
    assert_eq!(ended.status, Some(1), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("nines models pull minilm-l6"),
        "{}",
        ended.stdout
    );
}
