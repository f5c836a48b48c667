//! Attacks: run, killed and gone on with, shown with labels as they are, refused with reasons.

use crate::world::{Ended, World};
use serde_json::{Value, json};
use std::time::Duration;

/// A project with a classifier that has learnt the task.
fn trained() -> World {
    let world = World::with_project();
    world.import(120);
    world.train();
    world
}

/// The control's attempts from every labelled catastrophe; a threshold that some of them get below.
const ATTACK: &[&str] = &[
    "--json",
    "attack",
    "random",
    "--threshold",
    "0.5",
    "--split",
    "all",
    "--queries",
    "60",
];

fn attack(world: &World, more: &[&str]) -> Value {
    world.run(&[ATTACK, more].concat()).good().json()
}

fn show(world: &World, run: &str) -> Value {
    let shown = world.run(&["--json", "attack", "show", run, "--finds"]);
    shown.good().json()[0].take()
}

/// What does not depend on the clock or on the number of the run.
fn timeless(mut shown: Value) -> Value {
    shown["table"]["seconds"] = Value::Null;
    shown["table"]["points"]["seconds"] = Value::Null;
    shown["run"] = Value::Null;
    shown["status"] = Value::Null;
    shown
}

#[test]
fn an_attack_is_shown_the_same_every_time_and_labels_decide() {
    let world = trained();
    let ended = attack(&world, &["--limit", "30"]);
    let table = &ended["table"];
    let count = |table: &Value, name: &str| table[name].as_u64().expect("a count");
    assert_eq!(count(table, "tried") + count(table, "skipped"), 30);
    assert!(count(table, "reached") >= 2, "{table}");
    assert_eq!(
        count(table, "waiting"),
        count(table, "reached"),
        "nothing is confirmed yet"
    );
    assert_eq!(count(table, "verified"), 0);
    let mut shown = show(&world, "2");
    let finds = shown["finds"].as_array().expect("finds").clone();
    shown.as_object_mut().expect("fields").remove("finds");
    assert_eq!(timeless(shown), timeless(ended.clone()));
    // Another reader confirms the first find and refutes the second.
    let label = |find: &Value, verdict: &str, who: &str, kind: &str| {
        let severity = if verdict == "yes" {
            json!(3)
        } else {
            Value::Null
        };
        json!({ "prompt": find["text"]["prompt"], "completion": find["text"]["completion"],
            "verdict": verdict, "severity": severity, "labeller": who, "labeller_kind": kind })
        .to_string()
    };
    let lines = [
        label(&finds[0], "yes", "bob", "person"),
        label(&finds[1], "no", "bob", "person"),
        label(&finds[1], "yes", "a model", "judge"),
    ];
    let file = world.file("labels.jsonl", lines.join("\n"));
    world
        .run(&["import", "labels", &file.display().to_string()])
        .good();
    let after = show(&world, "2");
    let table = &after["table"];
    let verdicts = ["verified", "refuted"].map(|name| count(table, name));
    assert_eq!(verdicts, [1, 1]);
    assert_eq!(count(table, "waiting"), count(table, "reached") - 2);
    assert_eq!(
        after["by_others"],
        json!({ "by": "judges", "confirmed": 1, "labelled": 1 }),
        "judges are told apart"
    );
    assert_eq!(
        table["success_before_verification"],
        ended["table"]["success_before_verification"]
    );
    let words = world
        .run(&["attack", "show", "2", "--sampling"])
        .good()
        .stdout;
    for part in [
        "1 confirmed, 1 refuted",
        "judges, which are models: 1 of 1",
        "nothing to compare with",
    ] {
        assert!(words.contains(part), "no {part:?} in:\n{words}");
    }
}

#[test]
fn a_killed_attack_goes_on_to_the_same_result() {
    let undisturbed = trained();
    attack(&undisturbed, &["--limit", "100"]);
    let expected = timeless(show(&undisturbed, "2"));

    let world = trained();
    let words = [ATTACK, &["--limit", "100"]].concat();
    let mut child = world.command(&words).spawn().expect("it starts");
    let some_are_stored = || {
        let shown = world.run(&["--json", "runs", "show", "2"]);
        shown.status == Some(0) && (3..90).contains(&shown.json()["done"].as_u64().unwrap_or(0))
    };
    while !some_are_stored() {
        assert!(child.try_wait().expect("asked").is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    let killed = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!(killed.status, None);
    // A newer classifier of another name is what new attacks take; this one goes on with that of then.
    let newer = [crate::world::TRAIN, &["--seed", "5"]].concat();
    let newer: Vec<&str> = newer
        .into_iter()
        .map(|word| if word == "hurt" { "second" } else { word })
        .collect();
    let told = world.run(&newer).good().stdout;
    assert!(told.contains("second v1 is now the newest"), "{told}");
    let resumed = world.run(&["attack", "run", "--resume", "2"]).good();
    assert!(
        resumed.stderr.contains("going on with run 2"),
        "{}",
        resumed.stderr
    );
    assert_eq!(timeless(show(&world, "2")), expected);
    world
        .run(&["attack", "run", "--resume", "2"])
        .bad(1, &["a finished run is not taken up again"]);
    attack(
        &world,
        &["--limit", "100", "--seed", "1", "--classifier", "hurt"],
    );
    assert_ne!(
        timeless(show(&world, "4")),
        expected,
        "another seed is another run"
    );
}

#[test]
fn a_run_that_cannot_go_on_says_why_in_words() {
    let world = trained();
    let words = [&["--precision", "f32"], ATTACK, &["--limit", "100"]].concat();
    let mut child = world.command(&words).spawn().expect("it starts");
    let begun = || world.run(&["--json", "runs", "show", "2"]).status == Some(0);
    while !begun() {
        assert!(child.try_wait().expect("asked").is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait_with_output().expect("it ends");
    let bf16 = ["--precision", "bf16"];
    let ended = world.run(&[&bf16[..], &["attack", "run", "--resume", "2"]].concat());
    assert!(!ended.stderr.contains('{'), "{}", ended.stderr);
    // Where there is one path only, it cannot have changed.
    if ended.stderr.contains("bf16 takes AMX tiles") {
        return;
    }
    ended.bad(1, &["run 2 cannot go on", "is not what it was: cpu/f32"]);
}

#[test]
fn two_classifiers_are_both_shown() {
    let world = trained();
    let second = [crate::world::TRAIN, &["--seed", "9"]].concat();
    let second: Vec<&str> = second
        .into_iter()
        .map(|word| if word == "hurt" { "second" } else { word })
        .collect();
    world.run(&second).good();
    let words = |recipe, more: &[&'static str]| {
        let all = [
            "attack",
            recipe,
            "--classifier",
            "hurt",
            "--threshold",
            "0.5",
            "--split",
            "all",
            "--limit",
            "3",
            "--queries",
            "60",
            "--against",
            "second",
        ];
        [&all[..], more].concat()
    };
    // Its threshold has an option of its own, and the hint names it and the classifier.
    world.run(&words("disagree", &[])).bad(
        1,
        &[
            "second v1 has no threshold yet",
            "nines calibrate --classifier second@1",
            "--against-threshold",
        ],
    );
    let both = ["--against-threshold", "0.5"];
    let ended = world.run(&words("disagree", &both)).good();
    assert!(
        ended.stderr.contains("first disagreement"),
        "{}",
        ended.stderr
    );
    for part in [
        "compared with second v1, accepting P < 5.000e-1",
        "score before, second v1",
        "wrong, labels say",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?}:\n{}",
            ended.stdout
        );
    }
    assert!(!ended.stdout.contains("attack run random"), "no control");
    let shown = show(&world, "3");
    assert_eq!(shown["second"]["classifier"], "second v1");
    assert_eq!(shown["second"]["threshold"], 0.0);
    assert_eq!(shown["second"]["wrong"], json!({ "first": 0, "second": 0 }));
    // Of any other attack the second one is shown the finds, and steers nothing.
    let told = world.run(&words("random", &both)).good().stdout;
    assert!(
        told.contains("finds are shown to second v1 too") && told.contains("it steers nothing"),
        "{told}"
    );
    assert!(
        !told.contains("the control"),
        "random is no control of itself"
    );
}

#[test]
fn nobody_waits_who_is_not_asked_and_one_attempt_has_values() {
    let world = trained();
    let words = [&ATTACK[1..], &["--limit", "30", "--verify", "0"]].concat();
    let told = world.run(&words).good().stdout;
    assert!(told.contains("not asked about"), "{told}");
    assert!(told.contains("Nobody is asked about the finds"), "{told}");
    assert!(!told.contains(" waiting"), "{told}");
    let finds = world.run(&["attack", "show", "2", "--finds"]).good().stdout;
    assert!(finds.contains(", not asked about: log odds"), "{finds}");
    let one = world.run(&[
        "attack",
        "typos",
        "--threshold",
        "0.5",
        "--snippet",
        "1",
        "--queries",
        "50",
    ]);
    let told = one.good().stdout;
    assert!(told.contains("(no interval from one)"), "{told}");
    let control = told
        .lines()
        .find(|line| line.contains("attack run random"))
        .expect("a control");
    for part in [
        "--classifier hurt@1",
        "--threshold 0.5",
        "--snippet 1",
        "--queries 50",
    ] {
        assert!(control.contains(part), "{control}");
    }
}

#[test]
fn a_paraphraser_that_is_not_there_is_told_before_anything_is_attacked() {
    let world = trained();
    let offline = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}/v1", listener.local_addr().expect("an address"))
    };
    world
        .run(&[
            "attack",
            "paraphrase",
            "--threshold",
            "0.5",
            "--split",
            "all",
            "--paraphraser-url",
            &offline,
            "--paraphraser-model",
            "big-model",
        ])
        .bad(
            1,
            &["the paraphraser big-model cannot be used", "--paraphraser"],
        );
    assert_eq!(
        world.run(&["--json", "attack", "list"]).good().json(),
        json!([])
    );
}

#[test]
fn runs_stand_side_by_side_and_in_documents() {
    let world = trained();
    attack(&world, &["--limit", "10"]);
    let own = world.run(&["attack", "recipes", "random"]).good().stdout;
    let file = world.file(
        "mine.toml",
        own.replace("name = \"random\"", "name = \"mine\""),
    );
    let file = file.display().to_string();
    let words = [
        "attack",
        "run",
        &file,
        "--threshold",
        "0.5",
        "--split",
        "all",
        "--limit",
        "10",
        "--queries",
        "60",
    ];
    let said = world.run(&words).good().stdout;
    assert!(said.contains("nines attack show 3"), "{said}");
    let both = world.run(&["attack", "show", "2", "3"]).good().stdout;
    assert!(both.contains("random") && both.contains("mine"), "{both}");
    assert!(!both.contains("caution"), "{both}");
    let markdown = world
        .run(&["attack", "show", "2", "3", "--markdown"])
        .good()
        .stdout;
    assert!(markdown.starts_with("| recipe | run |"), "{markdown}");
    assert!(markdown.contains("\n| mine | 3 | "), "{markdown}");
    attack(&world, &["--limit", "5"]);
    let unlike = world.run(&["attack", "show", "2", "4"]).good().stdout;
    assert!(
        unlike.contains("caution: these runs differ in starts"),
        "{unlike}"
    );
    let listed = world.run(&["attack", "list"]).good().stdout;
    assert_eq!(
        listed.lines().count(),
        4,
        "a heading and three runs: {listed}"
    );
    let times = world.run(&["--json", "measure", "attack-time", "--attack", "2"]);
    let times = times.good().json();
    assert!(
        times["waiting"].as_u64() > Some(0) || times["groups"][0]["unit"] == "queries",
        "{times}"
    );
}

#[test]
fn starts_come_from_files_and_keys_and_no_start_is_dropped() {
    let world = trained();
    let rows = [
        json!({ "prompt": "a b", "completion": "the knight" }),
        json!({ "prompt": "a b", "completion": "word ".repeat(2_000) }),
    ];
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let file = world.file("starts.jsonl", lines.join("\n"));
    let file = file.display().to_string();
    let words = [
        "--json",
        "attack",
        "random",
        "--threshold",
        "0.999999",
        "--from",
        &file,
    ];
    let ended = world.run(&words).good().json();
    assert_eq!(
        (&ended["table"]["tried"], &ended["table"]["skipped"]),
        (&json!(0), &json!(2))
    );
    let reasons = ended["skipped"].as_object().expect("reasons");
    assert_eq!(
        reasons.len(),
        2,
        "one passes already, one is too long: {reasons:?}"
    );
    let by_key = world.run(&[
        "--json",
        "attack",
        "random",
        "--threshold",
        "0.5",
        "--snippet",
        "1",
    ]);
    assert_eq!(by_key.good().json()["starts"]["n"], 1);
    std::fs::write(world.path("empty.jsonl"), "").expect("written");
    world
        .run(&[
            "attack",
            "random",
            "--threshold",
            "0.5",
            "--from",
            "empty.jsonl",
        ])
        .bad(1, &["empty.jsonl"]);
    world
        .run(&[
            "attack",
            "random",
            "--threshold",
            "0.5",
            "--snippet",
            "99999",
        ])
        .bad(1, &["no snippet 99999"]);
}

#[test]
fn what_cannot_attack_says_why() {
    let world = World::with_project();
    world
        .run(&["attack", "random"])
        .bad(1, &["nines train classifier"]);
    world.import(120);
    world.train();
    for (words, status, parts) in [
        (&["attack"][..], 2, &["name a recipe"][..]),
        (
            &["attack", "no-such"],
            2,
            &["no recipe \"no-such\"", "random"],
        ),
        (
            &["attack", "missing.toml"],
            1,
            &["cannot read the recipe missing.toml"],
        ),
        (
            &["attack", "random"],
            1,
            &["has no threshold yet", "nines calibrate"],
        ),
        (&["attack", "random", "--queries", "0"], 2, &["--queries"]),
        (
            &["attack", "random", "--seconds", "0"],
            2,
            &["it must lie above 0"],
        ),
        (
            &["attack", "random", "--seconds", "-5"],
            2,
            &["it must lie above 0"],
        ),
        (&["attack", "random", "--limit", "0"], 2, &["--limit"]),
        (
            &["attack", "random", "--threshold", "1.5"],
            2,
            &["between 0 and 1"],
        ),
        (
            &[
                "attack",
                "random",
                "--threshold",
                "0.5",
                "--classifier",
                "other",
            ],
            1,
            &["no classifier other"],
        ),
        (
            &[
                "attack",
                "random",
                "--threshold",
                "0.5",
                "--judge",
                "hurt",
                "--judge-threshold",
                "0.5",
            ],
            2,
            &["is the classifier under attack"],
        ),
        (
            &[
                "attack",
                "random",
                "--threshold",
                "0.5",
                "--from",
                "none.jsonl",
            ],
            1,
            &["none.jsonl"],
        ),
        (&["attack", "show", "77"], 1, &["no run 77"]),
        (
            &["attack", "show", "1"],
            2,
            &["run 1 is no attack but train"],
        ),
        (
            &["attack", "run", "--resume", "1"],
            2,
            &["run 1 is no attack"],
        ),
    ] {
        world.run(words).bad(status, parts);
    }
    let zero = world.run(&["attack", "recipes", "random"]).good().stdout;
    let file = world.file(
        "zero.toml",
        format!("{}\n", zero.replace("queries = ", "queries = 0 # ")),
    );
    let file = file.display().to_string();
    world
        .run(&["attack", &file, "--threshold", "0.5"])
        .bad(2, &["0 queries", "nothing can be tried"]);
    world.file("wrong.toml", "name = \"x\"\nsearch = 3\n");
    let wrong = world.path("wrong.toml").display().to_string();
    world.run(&["attack", &wrong]).bad(2, &["wrong.toml"]);
    let none = World::with_project();
    none.import(120);
    none.train();
    assert_eq!(
        none.run(&["--json", "attack", "list"]).good().json(),
        json!([])
    );
}

#[test]
fn every_recipe_is_printed_as_it_is_read() {
    let world = World::with_project();
    let listed = world.run(&["--json", "attack", "recipes"]).good().json();
    let names: Vec<&str> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|recipe| recipe["name"].as_str().expect("a name"))
        .collect();
    assert!(names.contains(&"random"), "{names:?}");
    for name in names {
        let printed = world.run(&["attack", "recipes", name]).good().stdout;
        let file = world.file("printed.toml", &printed).display().to_string();
        let again = world.run(&["attack", "recipes", &file]).good().stdout;
        assert_eq!(printed, again, "{name}");
    }
}

#[test]
fn a_snippet_is_looked_at_token_by_token() {
    let world = trained();
    let snippet = world.run(&[
        "--json",
        "attack",
        "saliency",
        "--snippet",
        "1",
        "--method",
        "leave-one-out",
    ]);
    let told = snippet.good().json();
    assert!(
        told["tokens"].as_array().expect("tokens").len() >= 3,
        "{told}"
    );
    world
        .run(&["attack", "saliency", "   "])
        .bad(2, &["the completion is empty"]);
    world
        .run(&["attack", "substitutes", "he fell", "--word", "dragon"])
        .bad(2, &["does not hold \"dragon\""]);
    world
        .run(&["attack", "substitutes", "he fell", "--at", "3..99"])
        .bad(1, &["3..99"]);
}
