//! Jobs: asked for, claimed once, driven, ended, asked for again.

use crate::harness::contract;
use crate::runs::run;
use nines_domain::snippet::{JobId, RunId};
use nines_store::{Job, JobEnd, JobState, NewJob, Process, RunStatus, Store, StoreError, TRIES};

fn job(kind: &str) -> NewJob {
    NewJob {
        kind: kind.into(),
        title: format!("{kind} something"),
        arguments: vec![kind.into(), "--name".into(), "a \"b\" c".into()],
        requested_by: Some("ada".into()),
    }
}

async fn claimed(store: &Store) -> Job {
    let job = store.claim_job(1).await.expect("asked");
    job.expect("one waits")
}

/// A process of this machine that has surely ended.
fn ended() -> Process {
    let mut process = Process::this();
    process.started += 1;
    process
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(
        matches!(outcome, Err(StoreError::JobState { .. })),
        "{outcome:?}"
    );
}

contract! {
    async fn a_job_waits_its_turn_and_ends_as_its_command_does(db) {
        let store = db.open().await;
        assert_eq!(store.claim_job(1).await.expect("asked"), None);
        let first = store.enqueue_job(&job("train")).await.expect("queued");
        let second = store.enqueue_job(&job("score")).await.expect("queued");
        assert_eq!((first.state, first.attempts, first.process.is_none()), (JobState::Queued, 0, true));
        assert_eq!(first.arguments, job("train").arguments);
        let claim = claimed(&store).await;
        assert_eq!((claim.id, claim.state, claim.attempts), (first.id, JobState::Running, 1));
        assert_eq!(claim.process, Some(Process::this()));
        assert_eq!(store.claim_job(1).await.expect("asked"), None, "one at a time");
        assert_eq!(store.claim_job(2).await.expect("asked").map(|job| job.id), Some(second.id));
        let done = store.end_job(first.id, 1, &JobEnd::Done).await.expect("ended").expect("its attempt");
        assert_eq!((done.state, done.ended.is_some(), done.error), (JobState::Done, true, None));
        assert_eq!(store.end_job(first.id, 1, &JobEnd::Interrupted).await.expect("looked"), None);
        let why = JobEnd::Failed("the disk\0 is full".into());
        let failed = store.end_job(second.id, 1, &why).await.expect("ended").expect("its attempt");
        assert_eq!((failed.state, failed.error.as_deref()), (JobState::Failed, Some("the disk\u{fffd} is full")));
        let newest_first = store.jobs(None, 10).await.expect("listed");
        assert_eq!(newest_first.iter().map(|job| job.id).collect::<Vec<_>>(), [second.id, first.id]);
        let older = store.jobs(Some(second.id), 10).await.expect("listed");
        assert_eq!(older, [store.job(first.id).await.expect("read")]);
        assert!(matches!(store.job(JobId(99)).await, Err(StoreError::NotFound { .. })));
    }

    async fn a_job_is_claimed_by_one_supervisor(db) {
        let store = db.open().await;
        for _ in 0..6 {
            store.enqueue_job(&job("train")).await.expect("queued");
        }
        let mut claims = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let url = db.url.clone();
            claims.spawn(async move {
                let store = Store::open(&url).await.expect("opens");
                store.claim_job(4).await.expect("asked").map(|job| job.id)
            });
        }
        let mut ids: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 4, "four at once, each claimed once");
        assert_eq!(db.number("SELECT COUNT(*) FROM jobs WHERE state = 'running'").await, 4);
        assert_eq!(db.number("SELECT MAX(attempts) FROM jobs").await, 1);
    }

    async fn a_death_is_started_again_until_the_tries_are_spent(db) {
        let store = db.open().await;
        let id = store.enqueue_job(&job("train")).await.expect("queued").id;
        let died = JobEnd::Died("killed by signal 9".into());
        for attempt in 1..=TRIES {
            assert_eq!(claimed(&store).await.attempts, attempt);
            assert_eq!(store.end_dead_job(id, attempt, &died).await.expect("looked"), None, "this process lives");
            assert!(store.attend_job(id, attempt, &ended()).await.expect("noted"));
            assert!(store.job(id).await.expect("read").seems_dead());
            assert!(store.end_dead_job(id, attempt, &died).await.expect("noted").is_some());
            // What was taken for dead comes back and must not go on.
            assert!(!store.attend_job(id, attempt, &Process::this()).await.expect("looked"));
            assert!(!store.job_heartbeat(id, attempt).await.expect("looked"));
            assert_eq!(store.end_job(id, attempt, &JobEnd::Done).await.expect("looked"), None);
        }
        let failed = store.job(id).await.expect("read");
        assert_eq!((failed.state, failed.error.as_deref()), (JobState::Failed, Some("killed by signal 9")));
        let again = store.retry_job(id).await.expect("queued again");
        assert_eq!((again.state, again.attempts, again.error), (JobState::Queued, TRIES, None));
        let claim = claimed(&store).await;
        assert_eq!((claim.id, claim.attempts), (id, TRIES + 1));
        assert!(!store.job_heartbeat(id, 1).await.expect("looked"), "an earlier attempt stays over");
        assert!(store.job_heartbeat(id, TRIES + 1).await.expect("noted"));
    }

    async fn cancelling_takes_the_waiting_at_once_and_tells_the_running(db) {
        let store = db.open().await;
        let running = store.enqueue_job(&job("train")).await.expect("queued").id;
        let waiting = store.enqueue_job(&job("score")).await.expect("queued").id;
        refused(store.retry_job(waiting).await);
        claimed(&store).await;
        let cancelled = store.cancel_job(waiting).await.expect("cancelled");
        assert_eq!((cancelled.state, cancelled.ended.is_some()), (JobState::Cancelled, true));
        refused(store.cancel_job(waiting).await);
        let asked = store.cancel_job(running).await.expect("asked");
        assert_eq!((asked.state, asked.cancel_requested), (JobState::Running, true));
        let tellers = [store.stop_job(running, 1).await, store.stop_job(running, 1).await];
        assert_eq!(tellers.map(|told| told.expect("noted")), [true, false], "it is told once");
        refused(store.retry_job(running).await);
        let ended = store.end_job(running, 1, &JobEnd::Interrupted).await.expect("ended");
        assert_eq!(ended.map(|job| job.state), Some(JobState::Cancelled));
        let again = store.retry_job(running).await.expect("queued again");
        assert_eq!((again.state, again.cancel_requested, again.told_to_stop), (JobState::Queued, false, None));
        // A death after a cancelling is no reason to start again; a success is one.
        claimed(&store).await;
        store.cancel_job(running).await.expect("asked");
        let ended = store.end_job(running, 2, &JobEnd::Died("killed".into())).await.expect("ended");
        assert_eq!(ended.map(|job| job.state), Some(JobState::Cancelled));
        store.retry_job(running).await.expect("queued again");
        claimed(&store).await;
        store.cancel_job(running).await.expect("asked");
        let ended = store.end_job(running, 3, &JobEnd::Done).await.expect("ended");
        assert_eq!(ended.map(|job| job.state), Some(JobState::Done));
        refused(store.retry_job(running).await);
    }

    async fn a_run_and_its_job_know_each_other(db) {
        let store = db.open().await;
        let id = store.enqueue_job(&job("calibrate")).await.expect("queued").id;
        claimed(&store).await;
        let draws = store.start_run(&run("generate")).await.expect("started");
        assert_eq!(draws.job, None);
        assert!(store.link_run(id, 1, draws.id).await.expect("linked"));
        let main = store.start_run(&run("calibrate")).await.expect("started");
        assert!(store.link_run(id, 1, main.id).await.expect("linked"));
        assert_eq!(store.job(id).await.expect("read").run, Some(main.id));
        let both = store.runs_by_id(&[main.id, draws.id]).await.expect("read");
        assert_eq!(both.iter().map(|run| (run.id, run.job)).collect::<Vec<_>>(),
            [(draws.id, Some(id)), (main.id, Some(id))]);
        assert!(!store.link_run(id, 7, draws.id).await.expect("looked"), "no such attempt");
        let dangling = store.link_run(id, 1, RunId(99)).await;
        assert!(matches!(dangling, Err(StoreError::Dangling { .. })), "{dangling:?}");
        assert_eq!(store.running_runs().await.expect("read").len(), 2);
        store.finish_run(main.id, &serde_json::json!(1)).await.expect("finished");
        let page = store.runs_before(None, None, 1).await.expect("read");
        assert_eq!(page.iter().map(|run| (run.id, run.status)).collect::<Vec<_>>(), [(main.id, RunStatus::Done)]);
        let page = store.runs_before(Some(main.id), Some("generate"), 5).await.expect("read");
        assert_eq!(page.iter().map(|run| run.id).collect::<Vec<_>>(), [draws.id]);
    }

    async fn metrics_are_read_on_from_a_step(db) {
        let store = db.open().await;
        let run = store.start_run(&run("train")).await.expect("started").id;
        let metrics: Vec<_> = (1..=5)
            .flat_map(|step| ["loss", "gradient_norm"].map(|name| nines_store::NewMetric {
                step, name: name.into(), value: if step == 2 { f64::NAN } else { step as f64 },
            }))
            .collect();
        store.record_metrics(run, &metrics).await.expect("stored");
        let (all, more) = store.metrics_after(run, None, 10).await.expect("read");
        assert_eq!((all.len(), more), (10, false));
        let (some, more) = store.metrics_after(run, Some(3), 3).await.expect("read");
        let read: Vec<_> = some.iter().map(|m| (m.step, m.name.as_str())).collect();
        assert_eq!((read, more), (vec![(4, "gradient_norm"), (4, "loss"), (5, "gradient_norm")], true));
    }
}
