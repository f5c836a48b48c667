//! Runs and jobs: listed, shown, stopped, and gone on with after a kill.

use crate::world::{Ended, TRAIN, World};
use nines_domain::snippet::JobId;
use nines_jobs::{JobRequest, Program, Settings, Supervisor};
use nines_store::{Job, JobState, NewJob, Store, StoreUrl};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

async fn store(world: &World) -> Store {
    let url = StoreUrl::Sqlite(world.path("project/nines.db"));
    Store::open(&url).await.expect("opens")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

/// The jobs of a project, done by the built program with the world's cache.
async fn supervisor(world: &World) -> Supervisor {
    let program = world.file(
        "program",
        format!(
            "#!/bin/sh\nNINES_CACHE='{}' exec '{}' \"$@\"\n",
            world.path("cache").display(),
            env!("CARGO_BIN_EXE_nines")
        ),
    );
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, executable).expect("made executable");
    let settings = Settings {
        look_every: Duration::from_millis(50),
        ..Settings::default()
    };
    let program = Program::new(program, world.path("project"));
    Supervisor::new(store(world).await, program, settings)
}

async fn until(store: &Store, job: JobId, is: impl Fn(&Job) -> bool) -> Job {
    let started = Instant::now();
    loop {
        let job = store.job(job).await.expect("read");
        if is(&job) {
            return job;
        }
        assert!(started.elapsed() < Duration::from_secs(300), "{job:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn request(value: Value) -> JobRequest {
    serde_json::from_value(value).expect("a request")
}

/// A training long enough to be killed on its way.
fn training() -> JobRequest {
    request(
        json!({"kind": "train", "name": "hurt", "epochs": 40, "batch": 8,
        "learning_rate": 0.005}),
    )
}

#[test]
fn runs_are_listed_and_shown() {
    let world = World::with_project();
    let none = world.run(&["runs", "list"]).good();
    assert!(
        none.stdout.contains("nothing has run yet"),
        "{}",
        none.stdout
    );
    world.import(120);
    world.train();
    world.run(&["generate", "--n", "2"]).good();
    let listed = world.run(&["runs", "list"]).good().stdout;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(lines[0].starts_with("run "), "{listed}");
    assert!(
        lines[1].contains("generate") && lines[1].contains("240 of 240"),
        "{listed}"
    );
    assert!(
        lines[2].starts_with("1 ") && lines[2].contains("train"),
        "{listed}"
    );
    assert!(lines[2].ends_with("hurt, from tiny-base"), "{listed}");
    let trained = world
        .run(&["--json", "runs", "list", "--kind", "train"])
        .good();
    let run = &trained.json()["runs"][0];
    assert_eq!((&run["id"], &run["status"]), (&json!(1), &json!("done")));
    assert!(
        run["done"].as_u64() > Some(0) && run["total"].is_u64(),
        "{run}"
    );
    let shown = world.run(&["--json", "runs", "show", "1"]).good().json();
    for name in ["loss", "gradient_norm", "learning_rate", "validation/auroc"] {
        assert!(shown["metrics"][name].is_array(), "no {name}: {shown}");
    }
    let words = world.run(&["runs", "show", "1"]).good().stdout;
    assert!(words.starts_with("run 1: train, done"), "{words}");
    world.run(&["runs", "show", "9"]).bad(1, &["no run 9"]);
    world.run(&["runs", "show", "job9"]).bad(1, &["no job 9"]);
    world.run(&["runs", "show", "nine"]).bad(2, &["job3"]);
    world
        .run(&["runs", "cancel", "1"])
        .bad(1, &["run 1 is done"]);
}

#[test]
fn a_run_is_stopped_from_another_terminal() {
    let world = World::with_project();
    world.import(120);
    let mut words = TRAIN.to_vec();
    words
        .iter_mut()
        .filter(|w| **w == "12")
        .for_each(|w| *w = "400");
    let child = world.command(&words).spawn().expect("it starts");
    let started = Instant::now();
    while !world.path("project/runs/000001").exists() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it never began"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let told = world.run(&["runs", "cancel", "1"]).good();
    assert!(told.stdout.contains("next safe point"), "{}", told.stdout);
    Ended::from(child.wait_with_output().expect("it ends")).bad(130, &["run 1 was stopped"]);
    let run = world.run(&["--json", "runs", "show", "1"]).good().json();
    assert_eq!(run["status"], "cancelled");
}

#[test]
fn stored_snippets_are_scored_once() {
    let world = World::with_project();
    world.import(120);
    world
        .run(&["score", "--stored"])
        .bad(1, &["no classifier yet"]);
    world.train();
    let scored = world.run(&["--json", "score", "--stored"]).good().json();
    let count = scored["scored"].as_u64().expect("a count");
    assert!(count > 0 && scored["classifier"] == "hurt v1", "{scored}");
    world
        .run(&["export", "scores", "--out", "scores.jsonl"])
        .good();
    let rows = std::fs::read_to_string(world.path("scores.jsonl")).expect("written");
    assert_eq!(rows.lines().count(), 240, "each snippet has one score");
    let again = world.run(&["--json", "score", "--stored"]).good().json();
    assert_eq!(again["scored"], 0);
    let run = world
        .run(&["--json", "runs", "list", "--kind", "score"])
        .good()
        .json();
    let run = &run["runs"][1];
    assert_eq!(
        (&run["done"], &run["total"]),
        (&json!(count), &json!(count))
    );
    world
        .run(&["score", "--stored", "rows.jsonl"])
        .bad(2, &["--stored"]);
    world.run(&["score"]).bad(2, &["required"]);
    world.run(&["score", "rows.jsonl"]).bad(2, &["--out"]);
}

#[test]
fn a_jobs_command_names_its_runs_and_a_late_one_does_nothing() {
    let world = World::with_project();
    world.import(6);
    let job = runtime().block_on(async {
        let new = NewJob {
            kind: "generate".into(),
            title: "Generate".into(),
            arguments: vec!["generate".into()],
            requested_by: None,
        };
        let store = store(&world).await;
        store.enqueue_job(&new).await.expect("queued");
        store
            .claim_job(1)
            .await
            .expect("asked")
            .expect("one waits")
            .id
    });
    let as_job = |attempt: &str| {
        let mut command = world.command(&["generate"]);
        command.env("NINES_JOB", job.to_string());
        command.env("NINES_JOB_ATTEMPT", attempt);
        Ended::from(command.output().expect("it starts"))
    };
    as_job("7").bad(1, &["attempt 7 at job 1 is over"]);
    as_job("x").bad(1, &["NINES_JOB_ATTEMPT"]);
    as_job("1").good();
    let shown = world.run(&["--json", "runs", "show", "job1"]).good().json();
    assert_eq!(
        (&shown["state"], &shown["run"]),
        (&json!("done"), &json!(1))
    );
    let run = world.run(&["--json", "runs", "show", "1"]).good().json();
    assert_eq!((&run["job"], &run["done"]), (&json!(1), &json!(24)));
    as_job("1").bad(1, &["attempt 1 at job 1 is over"]);
    world
        .run(&["runs", "cancel", "job1"])
        .bad(1, &["it has ended"]);
}

#[test]
fn a_killed_training_job_goes_on_by_itself_and_ends_as_if_undisturbed() {
    let weights = |world: &World| -> Vec<u8> {
        let folder = PathBuf::from("project/models/hurt-run000001/model.safetensors");
        std::fs::read(world.path(&folder.display().to_string())).expect("weights")
    };
    let worlds = [false, true].map(|kill| {
        let world = World::with_project();
        world.import(120);
        runtime().block_on(async {
            let supervisor = supervisor(&world).await;
            let driven = supervisor.clone();
            tokio::spawn(async move { driven.run().await });
            let store = store(&world).await;
            let id = supervisor.ask(&training(), None).await.expect("queued").id;
            if kill {
                let job = until(&store, id, |job| job.run.is_some()).await;
                let run = job.run.expect("linked");
                while store.run(run).await.expect("read").done < 20 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let pid = store
                    .job(id)
                    .await
                    .expect("read")
                    .process
                    .expect("named")
                    .pid;
                let killed = Command::new("kill")
                    .args(["-KILL", &pid.to_string()])
                    .status();
                assert!(killed.expect("kill runs").success());
            }
            let done = until(&store, id, |job| !job.state.is_open()).await;
            assert_eq!(done.state, JobState::Done, "{done:?}");
            assert_eq!(done.attempts, if kill { 2 } else { 1 });
            let log = supervisor.log(id, 0).await.expect("read").text;
            assert_eq!(log.contains("going on with run 1"), kill, "{log}");
        });
        world
    });
    assert!(weights(&worlds[0]) == weights(&worlds[1]));
    // One training is one version, however often it was started.
    worlds[1]
        .run(&["calibrate", "--classifier", "hurt@2"])
        .bad(1, &["it has: hurt@1"]);
}

#[test]
fn a_job_is_cancelled_without_a_server() {
    let world = World::with_project();
    world.import(120);
    let id = runtime().block_on(async {
        let supervisor = supervisor(&world).await;
        let driven = supervisor.clone();
        let driving = tokio::spawn(async move { driven.run().await });
        let store = store(&world).await;
        let id = supervisor.ask(&training(), None).await.expect("queued").id;
        until(&store, id, |job| job.run.is_some()).await;
        // The server goes; its job stays.
        driving.abort();
        id
    });
    let told = world.run(&["runs", "cancel", &format!("job{id}")]).good();
    assert!(told.stdout.contains("next safe point"), "{}", told.stdout);
    runtime().block_on(async {
        let store = store(&world).await;
        let job = until(&store, id, |job| !job.state.is_open()).await;
        assert_eq!(job.state, JobState::Cancelled);
    });
}

#[test]
fn an_attack_job_ends_in_its_table() {
    let world = World::with_project();
    world.import(120);
    world.train();
    world
        .run(&["calibrate", "--confidence", "0", "--fresh", "3"])
        .good();
    for recipe in ["hole-shapes", "typos"] {
        let (run, log) = runtime().block_on(async {
            let supervisor = supervisor(&world).await;
            let driven = supervisor.clone();
            let driving = tokio::spawn(async move { driven.run().await });
            let store = store(&world).await;
            let asked = json!({"kind": "attack", "recipe": recipe, "limit": 5, "queries": 80});
            let id = supervisor.ask(&request(asked), None).await;
            let id = id.expect("queued").id;
            let done = until(&store, id, |job| !job.state.is_open()).await;
            let log = supervisor.log(id, 0).await.expect("read").text;
            assert_eq!(done.state, JobState::Done, "{log}");
            driving.abort();
            (done.run.expect("linked"), log)
        });
        // Who looks at the job sees the table, and how to see it again.
        for part in [
            &format!("{recipe} attacks hurt v1"),
            "success before labels",
            "success by queries",
            &format!("nines attack show {run}"),
        ] {
            assert!(log.contains(part), "no {part:?} in:\n{log}");
        }
        let number = run.to_string();
        let shown = world.run(&["--json", "attack", "show", &number]).good();
        let shown = &shown.json()[0];
        assert_eq!(
            (&shown["recipe"], &shown["status"]),
            (&json!(recipe), &json!("done"))
        );
        let count = |name: &str| shown["table"][name].as_u64().expect("a count");
        assert_eq!(count("tried") + count("skipped"), 5, "{shown}");
        assert!(count("tried") > 0 && count("broken") == 0, "{shown}");
        assert_eq!(shown["budget"]["queries"], 80);
        let kept = world
            .run(&["--json", "runs", "show", &number])
            .good()
            .json();
        assert_eq!((&kept["done"], &kept["total"]), (&json!(5), &json!(5)));
    }
}
