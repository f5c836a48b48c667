//! Commands that are stopped or killed keep what they had done, and go on when given again.

use crate::world::{Ended, TRAIN, World};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A training long enough to be stopped on its way.
fn long_training() -> Vec<&'static str> {
    let mut words = vec!["--json"];
    words.extend(TRAIN);
    words
        .iter()
        .map(|w| if *w == "12" { "40" } else { w })
        .collect()
}

/// Waits until a run has left a checkpoint or a log, which is when it is under way.
fn under_way(child: &mut Child, folder: &Path) {
    let started = Instant::now();
    while std::fs::read_dir(folder).map_or(0, |entries| entries.count()) == 0 {
        assert!(child.try_wait().expect("asked").is_none(), "it ended early");
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "it never began"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}

fn weights(trained: &Value) -> &Value {
    let digest = &trained["record"]["weights_digest"];
    assert!(digest.is_string(), "{trained}");
    digest
}

#[test]
fn a_stopped_and_a_killed_training_end_like_an_undisturbed_one() {
    let undisturbed = World::with_project();
    undisturbed.import(120);
    let expected = undisturbed.run(&long_training()).good().json();

    for name in ["-INT", "-KILL"] {
        let world = World::with_project();
        world.import(120);
        let mut child = world.command(&long_training()).spawn().expect("it starts");
        under_way(&mut child, &world.path("project/runs"));
        std::thread::sleep(Duration::from_millis(100));
        signal(&child, name);
        let ended = Ended::from(child.wait_with_output().expect("it ends"));
        if name == "-INT" {
            ended.bad(130, &["the same command goes on"]);
        } else {
            assert_eq!(ended.status, None);
        }
        world.run(&["calibrate"]).bad(1, &["has no classifier"]);
        let resumed = world.run(&long_training()).good();
        assert!(
            resumed.stderr.contains("going on with run 1"),
            "{}",
            resumed.stderr
        );
        assert_eq!(weights(&resumed.json()), weights(&expected), "after {name}");
    }
}

#[test]
fn ctrl_c_ends_the_wait_for_a_prompt() {
    let world = World::with_project();
    world.import(120);
    world.train();
    let mut child = world
        .command(&["filter", "--threshold", "0.9"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let input = child.stdin.take();
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let asked = said.by_ref().map_while(Result::ok);
    assert!(
        { asked }.any(|line| line.contains("type a prompt")),
        "it asks for a prompt"
    );
    signal(&child, "-INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let last: Vec<String> = said.map_while(Result::ok).collect();
    assert!(
        last.join("\n").contains("answers given are stored"),
        "{last:?}"
    );
    drop(input);
}

#[test]
fn a_killed_generation_goes_on_to_the_same_completions() {
    let generate = ["--json", "generate", "--n", "40"];
    let export = |world: &World| {
        world
            .run(&["export", "snippets", "--out", "all.jsonl"])
            .good();
        let text = std::fs::read_to_string(world.path("all.jsonl")).expect("written");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let undisturbed = World::with_project();
    undisturbed.import(120);
    undisturbed.run(&generate).good();

    let world = World::with_project();
    world.import(120);
    let mut child = world.command(&generate).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(400));
    if child.try_wait().expect("asked").is_none() {
        signal(&child, "-KILL");
    }
    child.wait_with_output().expect("it ends");
    let made = world.run(&generate).good().json();
    assert_eq!(
        made["present"].as_u64().expect("a count") + made["made"].as_u64().expect("a count"),
        120 * 40
    );
    assert_eq!(export(&world), export(&undisturbed));
}
