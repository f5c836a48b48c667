//! Servers that are killed, started again, or there twice.

use crate::world::{World, ask, myself, supervisor};
use nines_jobs::Attempt;
use nines_store::{JobEnd, JobState, NewRun, Store, StoreUrl};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The folder that this test program works in when it is another process.
fn folder() -> Option<PathBuf> {
    std::env::var_os("NINES_TEST_FOLDER").map(PathBuf::from)
}

async fn store_in(folder: &Path) -> Store {
    let url = StoreUrl::Sqlite(folder.join("nines.db"));
    Store::open(&url).await.expect("opens")
}

/// A server: a supervisor that drives until it is killed.
#[tokio::test]
#[ignore = "the other tests run it as a second process"]
async fn drives() {
    if let Some(folder) = folder() {
        let store = store_in(&folder).await;
        supervisor(&store, folder).run().await;
    }
}

/// A command as nines has them: names itself, makes a run, ends when the file `go` is there.
#[tokio::test]
#[ignore = "the other tests run it as a second process"]
async fn does_a_job() {
    let Some(folder) = folder() else {
        return;
    };
    let store = store_in(&folder).await;
    let attempt = Attempt::of_this_process().expect("read").expect("a job");
    attempt.attend(&store).await.expect("its turn");
    let new = NewRun {
        kind: "train".into(),
        config: serde_json::Value::Null,
        seed: None,
        device: "cpu".into(),
        total: Some(2),
    };
    let run = store.start_run(&new).await.expect("started").id;
    attempt.work_on(&store, run).await.expect("linked");
    std::fs::write(folder.join("up"), "up\n").expect("written");
    while !folder.join("go").exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let result = serde_json::json!(1);
    store.finish_run(run, &result).await.expect("finished");
    if !folder.join("silent").exists() {
        attempt.end(&store, &JobEnd::Done).await.expect("recorded");
    }
}

fn doing_a_job(folder: &str) -> String {
    format!(
        "export NINES_TEST_FOLDER='{folder}'; {}",
        myself("restarts::does_a_job")
    )
}

/// Starts a server as another process.
fn server(world: &World) -> Child {
    let script = myself("restarts::drives");
    Command::new("sh")
        .args(["-c", &script])
        .env("NINES_TEST_FOLDER", world.path(""))
        .stdout(Stdio::null())
        .spawn()
        .expect("a server")
}

async fn with_a_command() -> World {
    let world = World::with("").await;
    world.set(&doing_a_job(&world.path("").display().to_string()));
    world
}

#[tokio::test]
async fn a_job_outlives_its_killed_server_and_is_taken_up_by_the_next() {
    let world = with_a_command().await;
    let mut first = server(&world);
    let id = ask(&world.supervisor()).await;
    world.written("up").await;
    first.kill().expect("killed");
    first.wait().expect("gone");
    let alive = world.store.job(id).await.expect("read");
    let process = alive.process.clone().expect("named");
    assert!(!process.has_surely_ended(), "{alive:?}");

    let mut second = server(&world);
    tokio::time::sleep(Duration::from_millis(700)).await;
    let adopted = world.store.job(id).await.expect("read");
    assert_eq!(
        (adopted.state, adopted.attempts, adopted.process),
        (JobState::Running, 1, Some(process)),
        "nothing is started twice"
    );
    std::fs::write(world.path("go"), "").expect("written");
    let done = world.until_state(id, JobState::Done).await;
    let run = world
        .store
        .run(done.run.expect("linked"))
        .await
        .expect("read");
    assert_eq!((done.attempts, run.job), (1, Some(id)));
    second.kill().expect("killed");
    second.wait().expect("gone");
}

#[tokio::test]
async fn an_adopted_job_is_cancelled_like_any_other() {
    let world = with_a_command().await;
    let mut first = server(&world);
    let id = ask(&world.supervisor()).await;
    world.written("up").await;
    first.kill().expect("killed");
    first.wait().expect("gone");
    let (supervisor, _driving) = world.supervised();
    supervisor.cancel(id).await.expect("asked");
    let cancelled = world.until_state(id, JobState::Cancelled).await;
    assert!(cancelled.process.expect("named").has_surely_ended());
}

#[tokio::test]
async fn a_job_that_died_without_a_server_is_started_again() {
    let world = with_a_command().await;
    let mut first = server(&world);
    let id = ask(&world.supervisor()).await;
    world.written("up").await;
    first.kill().expect("killed");
    first.wait().expect("gone");
    let process = world.store.job(id).await.expect("read").process;
    let pid = process.expect("named").pid.to_string();
    let killed = Command::new("kill").args(["-KILL", &pid]).status();
    assert!(killed.expect("kill runs").success());
    std::fs::write(world.path("go"), "").expect("written");
    let (_supervisor, _driving) = world.supervised();
    let done = world.until_state(id, JobState::Done).await;
    assert_eq!(done.attempts, 2);
    let first_run = world.store.runs(None).await.expect("read").pop();
    let first_run = first_run.expect("the killed one").status;
    assert_eq!(first_run, nines_store::RunStatus::Interrupted);
}

#[tokio::test]
async fn a_job_whose_run_was_finished_is_not_done_again() {
    let world = with_a_command().await;
    std::fs::write(world.path("silent"), "").expect("written");
    let mut first = server(&world);
    let id = ask(&world.supervisor()).await;
    world.written("up").await;
    first.kill().expect("killed");
    first.wait().expect("gone");
    // The process ends after its run, and without a word: as if it was killed right then.
    std::fs::write(world.path("go"), "").expect("written");
    let (_supervisor, _driving) = world.supervised();
    let done = world.until_state(id, JobState::Done).await;
    assert_eq!(done.attempts, 1);
}

#[tokio::test]
async fn two_servers_do_each_job_once_and_one_at_a_time() {
    let world = World::with(
        "mkdir busy || echo two at once >> ran; echo $NINES_JOB >> ran; sleep 0.05; rmdir busy",
    )
    .await;
    let mut servers = [server(&world), server(&world)];
    let (supervisor, _driving) = world.supervised();
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(ask(&supervisor).await);
    }
    for id in &ids {
        let done = world.until_state(*id, JobState::Done).await;
        assert_eq!(done.attempts, 1);
    }
    let ran = world.written("ran").await;
    let mut counts = BTreeMap::new();
    for line in ran.lines() {
        *counts.entry(line.to_owned()).or_insert(0) += 1;
    }
    let expected = ids.iter().map(|id| (id.to_string(), 1)).collect();
    assert_eq!(counts, expected);
    for server in &mut servers {
        server.kill().expect("killed");
        server.wait().expect("gone");
    }
}
