//! How jobs end: done, failed, killed, cancelled, tried again.

use crate::world::{World, ask, train};
use nines_jobs::{JobError, JobRequest, SweepRequest};
use nines_store::{JobState, StoreError, TRIES};

/// What the system says of a process.
struct Stat {
    pid: i64,
    /// The process that leads its session.
    leader: i64,
    nice: i64,
}

fn stat(text: &str) -> Stat {
    let (pid, rest) = text.split_once(' ').expect("fields");
    let after_name = rest.rsplit_once(')').expect("a name").1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let number = |text: &str| text.parse().expect("a number");
    Stat {
        pid: number(pid),
        leader: number(fields[3]),
        nice: number(fields[16]),
    }
}

#[tokio::test]
async fn a_job_is_its_command_in_a_session_of_its_own() {
    let world = World::with(
        "echo \"$# $1 $3 $4\"; echo said >&2; \
         cat /proc/$$/stat > how; \
         echo \"$NINES_JOB $NINES_JOB_ATTEMPT\" > which; \
         [ \"$(readlink /proc/$$/fd/0)\" = /dev/null ] && echo nothing > input",
    )
    .await;
    let (supervisor, _driving) = world.supervised();
    let mut changes = supervisor.changes();
    let id = ask(&supervisor).await;
    let done = world.until_state(id, JobState::Done).await;
    assert_eq!(
        (done.attempts, done.error, done.ended.is_some()),
        (1, None, true)
    );
    assert_eq!(world.written("which").await, format!("{id} 1\n"));
    let process = stat(&world.written("how").await);
    let own = stat(&std::fs::read_to_string("/proc/self/stat").expect("read"));
    assert_eq!(process.leader, process.pid, "it leads a session of its own");
    assert_eq!(process.nice, (own.nice + 10).min(19), "it gives way");
    assert_eq!(world.written("input").await, "nothing\n");
    let log = supervisor.log(id, 0).await.expect("read");
    assert!(log.text.starts_with("--- attempt 1, "), "{}", log.text);
    assert!(
        log.text
            .contains(": nines train classifier\n4 --project train classifier\nsaid\n"),
        "{}",
        log.text
    );
    assert_eq!((log.next, log.more), (log.text.len() as u64, false));
    let told = changes.recv().await.expect("told");
    assert_eq!(told.job, Some(id));
    let unknown = supervisor.log(nines_domain::snippet::JobId(99), 0).await;
    assert!(
        matches!(unknown, Err(JobError::Store(StoreError::NotFound { .. }))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_failure_quotes_the_last_words_and_can_be_tried_again() {
    let world = World::with("echo start; echo 'error: the disk is full' >&2; exit 1").await;
    let (supervisor, _driving) = world.supervised();
    let id = ask(&supervisor).await;
    let failed = world.until_state(id, JobState::Failed).await;
    let error = failed.error.expect("an error");
    assert!(
        error.contains("status 1") && error.ends_with("start\nerror: the disk is full"),
        "{error}"
    );
    assert_eq!(failed.attempts, 1, "a failure is not tried again by itself");
    let ended = supervisor.cancel(id).await;
    assert!(
        matches!(ended, Err(JobError::Store(StoreError::JobState { .. }))),
        "{ended:?}"
    );
    world.set("echo better");
    supervisor.retry(id).await.expect("queued again");
    let done = world.until_state(id, JobState::Done).await;
    assert_eq!((done.attempts, done.error), (2, None));
    let log = world.log(id);
    assert!(
        log.contains("the disk is full") && log.ends_with("better\n"),
        "{log}"
    );
    let again = supervisor.retry(id).await;
    assert!(
        matches!(again, Err(JobError::Store(StoreError::JobState { .. }))),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_its_job() {
    let world = World::with("").await;
    std::fs::remove_file(world.path("program")).expect("removed");
    let (supervisor, _driving) = world.supervised();
    let id = ask(&supervisor).await;
    let failed = world.until_state(id, JobState::Failed).await;
    let error = failed.error.expect("an error");
    assert!(
        error.contains("cannot start") && error.contains("No such file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_killed_job_is_started_again_and_goes_on() {
    let world = World::with(
        "if [ -f once ]; then echo went on; exit 0; fi; touch once; echo $$ > pid; sleep 600",
    )
    .await;
    let (supervisor, _driving) = world.supervised();
    let id = ask(&supervisor).await;
    let pid = world.written("pid").await;
    let killed = std::process::Command::new("kill")
        .args(["-KILL", "--", &format!("-{}", pid.trim())])
        .status();
    assert!(killed.expect("kill runs").success());
    let done = world.until_state(id, JobState::Done).await;
    assert_eq!((done.attempts, done.error), (2, None));
}

#[tokio::test]
async fn a_job_that_kills_itself_is_given_up() {
    let world = World::with("echo again >> tries; echo 'out of memory' >&2; kill -KILL $$").await;
    let (supervisor, _driving) = world.supervised();
    let id = ask(&supervisor).await;
    let failed = world.until_state(id, JobState::Failed).await;
    let error = failed.error.expect("an error");
    assert!(
        error.contains("signal 9") && error.contains("out of memory"),
        "{error}"
    );
    assert_eq!(failed.attempts, TRIES);
    assert_eq!(world.written("tries").await.lines().count(), TRIES as usize);
}

#[tokio::test]
async fn cancelling_stops_at_a_safe_point_and_retrying_goes_on() {
    let world = World::with(
        "if [ -f kept ]; then exit 0; fi; \
         trap 'echo kept > kept; exit 130' TERM; echo up > up; while :; do sleep 0.05; done",
    )
    .await;
    let (supervisor, _driving) = world.supervised();
    let running = ask(&supervisor).await;
    let waiting = ask(&supervisor).await;
    world.written("up").await;
    let cancelled = supervisor.cancel(waiting).await.expect("cancelled");
    assert_eq!(
        (cancelled.state, cancelled.attempts),
        (JobState::Cancelled, 0)
    );
    supervisor.cancel(running).await.expect("asked");
    supervisor
        .cancel(running)
        .await
        .expect("asking twice is fine");
    let cancelled = world.until_state(running, JobState::Cancelled).await;
    assert_eq!(cancelled.error, None);
    assert_eq!(
        world.written("kept").await,
        "kept\n",
        "it was told, not killed"
    );
    supervisor.retry(running).await.expect("queued again");
    let done = world.until_state(running, JobState::Done).await;
    assert_eq!(done.attempts, 2);
}

#[tokio::test]
async fn what_does_not_stop_is_killed_with_all_it_started() {
    let world =
        World::with("trap '' TERM; sleep 600 & echo $! > child; wait; wait; sleep 600").await;
    let (supervisor, _driving) = world.supervised();
    let id = ask(&supervisor).await;
    let child = world.written("child").await;
    supervisor.cancel(id).await.expect("asked");
    world.until_state(id, JobState::Cancelled).await;
    let stat = format!("/proc/{}/stat", child.trim());
    for _ in 0..500 {
        match std::fs::read_to_string(&stat) {
            Ok(stat) if !stat.contains(") Z ") => {}
            _ => return,
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("what it started lives on");
}

#[tokio::test]
async fn a_job_stopped_from_outside_is_interrupted() {
    let world =
        World::with("trap 'exit 130' TERM; echo $$ > pid; while :; do sleep 0.05; done").await;
    let (supervisor, _driving) = world.supervised();
    let id = ask(&supervisor).await;
    let pid = world.written("pid").await;
    let told = std::process::Command::new("kill").arg(pid.trim()).status();
    assert!(told.expect("kill runs").success());
    let interrupted = world.until_state(id, JobState::Interrupted).await;
    assert_eq!(interrupted.attempts, 1, "somebody wanted it to stop");
}

#[tokio::test]
async fn a_queue_has_its_end() {
    let world = World::with("sleep 600").await;
    let supervisor = world.supervisor();
    for _ in 0..100 {
        supervisor.ask(&train(), None).await.expect("queued");
    }
    let full = supervisor.ask(&train(), None).await;
    assert!(
        matches!(full, Err(JobError::QueueFull { waiting: 100 })),
        "{full:?}"
    );
}

#[tokio::test]
async fn a_sweep_reads_its_file_from_the_project_and_nothing_else_is_written() {
    let world = World::with("cp \"$5\" copied").await;
    let (supervisor, _driving) = world.supervised();
    let text = "# ../../escape\n[[cells]]\nname = \"plain\"\n";
    let sweep = JobRequest::Sweep(SweepRequest { file: text.into() });
    let first = supervisor.ask(&sweep, None).await.expect("queued");
    assert_eq!(first.kind, "sweep");
    world.until_state(first.id, JobState::Done).await;
    assert_eq!(world.written("copied").await, text);
    let again = supervisor.ask(&sweep, None).await.expect("queued");
    assert_eq!(
        again.arguments, first.arguments,
        "the same sweep is one file"
    );
    let kept = std::fs::read_dir(world.path("runs/sweeps")).expect("a folder");
    assert_eq!(kept.count(), 1);
    let empty = JobRequest::Sweep(SweepRequest { file: " \n".into() });
    let refused = supervisor.ask(&empty, None).await;
    assert!(matches!(
        refused,
        Err(JobError::Refused { field: "file", .. })
    ));
}
