//! Several processes on one database: nothing is lost, and a killed one leaves nothing half-done.

use crate::data::{label, snippet};
use crate::harness::{Db, contract};
use crate::measuring::distribution;
use crate::runs::{model, run};
use nines_domain::label::Verdict;
use nines_domain::snippet::{ContentHash, RunId, SnippetText};
use nines_store::{
    AttackOutcome, AttackStart, DesignKind, ModelKind, NewAttackAttempt, NewAttackFind, NewDesign, NewPrompt, RunStatus, SnippetFilter, SnippetRef, Store,
    StoreError, StoreUrl,
};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const BATCH: usize = 10_000;

/// Starts this test program again as another process that does one job on a database.
fn child(db: &Db, job: &str, shell: Option<&str>) -> Child {
    let program = std::env::current_exe().expect("this program");
    let arguments = [
        "--exact",
        "processes::does_one_job",
        "--ignored",
        "--nocapture",
    ];
    let mut command = match shell {
        None => Command::new(program),
        Some(before) => {
            let mut command = Command::new("sh");
            command
                .arg("-c")
                .arg(format!("{before}; exec \"$0\" \"$@\""))
                .arg(program);
            command
        }
    };
    command
        .args(arguments)
        .env("NINES_TEST_JOB", job)
        .env("NINES_TEST_JOB_URL", db.raw_url())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process")
}

/// Waits for a line that holds a word.
fn wait_for(child: &mut Child, word: &str) {
    let output = child.stdout.take().expect("its output");
    let mut lines = BufReader::new(output).lines();
    let found = lines.any(|line| line.expect("a line").contains(word));
    assert!(found, "the second process ended without saying {word:?}");
    // Somebody must read on, or the process ends when it says more.
    std::thread::spawn(move || lines.for_each(drop));
}

fn finish(mut child: Child) {
    let output = child.stdout.take();
    let reader = std::thread::spawn(move || output.map(std::io::read_to_string));
    let status = child.wait().expect("it ends");
    let said = reader.join().expect("read");
    assert!(status.success(), "{said:?}");
}

#[test]
#[ignore = "the other tests run it as a second process"]
fn does_one_job() {
    let Ok(job) = std::env::var("NINES_TEST_JOB") else {
        return;
    };
    let url = std::env::var("NINES_TEST_JOB_URL").expect("a database");
    let url: StoreUrl = url.parse().expect("a url");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&url).await.expect("opens");
        match job.split_once(' ').unwrap_or((&job, "")) {
            ("write", name) => write_and_label(&store, name).await,
            ("design", _) => make_designs(&store).await,
            ("bulk", _) => bulk_for_ever(&store).await,
            ("run", _) => {
                store.start_run(&run("train")).await.expect("started");
                println!("started");
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
            ("fill", _) => fill_the_disk(&store).await,
            ("attack", run) => attack_for_ever(&store, run).await,
            other => panic!("no such job: {other:?}"),
        }
        store.close().await;
    });
}

/// Writes snippets, half of them those that the other writers write too, and labels them all.
async fn write_and_label(store: &Store, name: &str) {
    for round in 0..20 {
        let batch: Vec<_> = (0..40)
            .map(|i| {
                let owner = if i % 2 == 0 { "shared" } else { name };
                snippet(&format!("{owner} {round}"), &format!("{i}"))
            })
            .collect();
        let ids: Vec<_> = store
            .insert_snippets(&batch)
            .await
            .expect("stored")
            .ids()
            .collect();
        let labels: Vec<_> = ids
            .iter()
            .map(|id| label(*id, name, Verdict::No, None))
            .collect();
        store.insert_labels(&labels).await.expect("stored");
    }
}

/// Stores designs that other processes store at the same time, in the same order.
async fn make_designs(store: &Store) {
    let distribution = store.distributions().await.expect("read")[0].id;
    let classifier = store.latest_model(ModelKind::Classifier, None);
    let model = classifier.await.expect("read").expect("stored").id;
    for round in 0..200 {
        let new = NewDesign {
            kind: DesignKind::Leak,
            identity: ContentHash::of_prompt(&round.to_string()),
            distribution,
            model,
            record: serde_json::Value::Null,
        };
        let design = store.ensure_design(&new).await.expect("stored");
        assert_eq!(design.identity, new.identity);
    }
}

async fn bulk_for_ever(store: &Store) {
    for round in 0.. {
        let batch: Vec<_> = (0..BATCH)
            .map(|i| {
                snippet(
                    &format!("{} {round} {}", std::process::id(), i / 10),
                    &format!("{i}"),
                )
            })
            .collect();
        println!("begin {round}");
        store.insert_snippets(&batch).await.expect("stored");
    }
}

/// Stores attempts with two finds each, one after another, for ever.
async fn attack_for_ever(store: &Store, run: &str) {
    let run = RunId(run.parse().expect("a run"));
    let classifier = store.latest_model(ModelKind::Classifier, None);
    let model = classifier.await.expect("read").expect("stored").id;
    for position in 0.. {
        if position == 5 {
            println!("begin");
        }
        let find = |n: u64| NewAttackFind {
            text: SnippetText::new("p", format!("find {position} {n}")),
            score: -5.0,
            log_weight: None,
            queued: true,
        };
        let new = NewAttackAttempt {
            position,
            recipe: "typos".into(),
            model,
            start: AttackStart::New(snippet("p", &format!("start {position}"))),
            outcome: AttackOutcome::Reached,
            why: None,
            judge: None,
            start_score: Some(1.0),
            score: Some(-5.0),
            threshold: -4.0,
            queries: 10,
            scored: 10,
            seconds: 0.1,
            words: 2,
            words_changed: Some(1),
            seed: position,
            detail: serde_json::Value::Null,
            finds: vec![find(0), find(1)],
        };
        store
            .insert_attack_attempt(run, &new)
            .await
            .expect("stored");
    }
}

async fn fill_the_disk(store: &Store) {
    let text = "long ".repeat(400);
    let batch: Vec<_> = (0..5_000)
        .map(|i| snippet(&format!("{i} {text}"), "c"))
        .collect();
    let refused = store
        .insert_snippets(&batch)
        .await
        .expect_err("the disk is full");
    let told = matches!(
        refused,
        StoreError::Disk { .. } | StoreError::DiskFull { .. }
    );
    assert!(told, "{refused:?}");
    // The same handle goes on with what fits.
    store
        .insert_snippets(&[snippet("small", "c")])
        .await
        .expect("stored");
}

contract! {
    async fn processes_that_write_at_once_lose_nothing(db) {
        let children: Vec<_> = ["ada", "bob"].map(|name| child(db, &format!("write {name}"), None)).into();
        let store = db.open().await;
        write_and_label(&store, "cyd").await;
        children.into_iter().for_each(finish);
        let stored = store.snippets(&SnippetFilter::default()).await.expect("read");
        assert_eq!(stored.len(), 20 * 20 * 4);
        for snippet in stored {
            let labellers = if snippet.text.prompt.starts_with("shared") { 3 } else { 1 };
            assert_eq!(snippet.labels.len(), labellers, "{}", snippet.text.prompt);
            // Whoever came last saw the labels of all before.
            assert_eq!(snippet.adjudication.map(|a| a.labels), Some(labellers));
        }
    }

    async fn processes_that_make_one_design_at_once_make_one_row(db) {
        let store = db.open().await;
        let prompts = store.insert_prompts(&[NewPrompt::new("a", "test")]).await.expect("stored");
        let prompts: Vec<_> = prompts.ids().collect();
        store.insert_distribution(&distribution("uniform", &prompts)).await.expect("stored");
        store.insert_model(&model(ModelKind::Classifier, "injury", "d")).await.expect("stored");
        let children = [child(db, "design", None), child(db, "design", None)];
        make_designs(&store).await;
        children.into_iter().for_each(finish);
        assert_eq!(db.number("SELECT COUNT(*) FROM designs").await, 200);
    }

    async fn a_killed_process_leaves_whole_batches(db) {
        let store = db.open().await;
        for delay in [5, 60, 150, 400] {
            let mut child = child(db, "bulk", None);
            wait_for(&mut child, "begin 0");
            std::thread::sleep(Duration::from_millis(delay));
            child.kill().expect("killed");
            child.wait().expect("gone");
            let snippets = db.number("SELECT COUNT(*) FROM snippets").await;
            assert_eq!(snippets % BATCH as i64, 0, "after {delay} ms");
        }
        if !db.is_postgres() {
            let whole = db.number("SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'").await;
            assert_eq!(whole, 1);
        }
        // The dead writer's lock does not outlive it.
        store.insert_snippets(&[snippet("after", "all")]).await.expect("stored");
    }

    async fn a_killed_attack_leaves_whole_attempts(db) {
        let store = db.open().await;
        store.insert_model(&model(ModelKind::Classifier, "first", "d")).await.expect("stored");
        for delay in [5, 60, 150] {
            let new = store.start_run(&run("attack")).await.expect("started").id;
            let mut child = child(db, &format!("attack {new}"), None);
            wait_for(&mut child, "begin");
            std::thread::sleep(Duration::from_millis(delay));
            child.kill().expect("killed");
            child.wait().expect("gone");
            let attempts = store.attack_attempts(&[new]).await.expect("read");
            assert!(attempts.len() >= 5, "after {delay} ms");
            assert!(attempts.iter().zip(0..).all(|(a, n)| a.position == n && a.finds.len() == 2));
            // Finds and starts are the same in every run, so that nothing is counted twice.
            let most = db.number("SELECT MAX(position) + 1 FROM attack_attempts").await;
            assert_eq!(db.number("SELECT COUNT(*) FROM snippets").await, 3 * most);
            assert_eq!(db.number("SELECT COUNT(*) FROM queue_items").await, 2 * most);
            assert_eq!(db.number("SELECT CAST(SUM(waiting) AS BIGINT) FROM queues").await, 2 * most);
        }
    }

    async fn a_killed_run_is_found_and_taken_up_again(db) {
        let store = db.open().await;
        let mut child = child(db, "run", None);
        wait_for(&mut child, "started");
        assert!(store.mark_interrupted_runs().await.expect("looked").is_empty());
        child.kill().expect("killed");
        child.wait().expect("gone");
        let dead = store.mark_interrupted_runs().await.expect("looked");
        assert_eq!(dead.iter().map(|run| run.status).collect::<Vec<_>>(), [RunStatus::Interrupted]);
        let new = run("train");
        let found = store.resumable_run("train", &new.config, new.seed).await.expect("looked");
        let resumed = store.resume_run(found.expect("one").id).await.expect("resumed");
        assert_eq!(resumed.process.pid, i64::from(std::process::id()));
    }

    async fn labellers_at_once_are_all_seen_by_the_adjudication(db) {
        let store = db.open().await;
        let new: Vec<_> = (0..20).map(|i| snippet("p", &format!("{i}"))).collect();
        let ids: Vec<_> = store.insert_snippets(&new).await.expect("stored").ids().collect();
        let mut labellers = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (url, mut ids) = (db.url.clone(), ids.clone());
            labellers.spawn(async move {
                let store = Store::open(&url).await.expect("opens");
                // Half of them go through the snippets the other way round.
                if number % 2 == 0 {
                    ids.reverse();
                }
                let mine = |id: &_| label(*id, &format!("labeller {number}"), Verdict::No, None);
                store.insert_labels(&ids[..10].iter().map(mine).collect::<Vec<_>>()).await.expect("stored");
                for id in &ids[10..] {
                    store.insert_labels(&[mine(id)]).await.expect("stored");
                }
            });
        }
        labellers.join_all().await;
        for snippet in store.snippets(&SnippetFilter::default()).await.expect("read") {
            assert_eq!(snippet.labels.len(), 8);
            assert_eq!(snippet.adjudication.map(|a| a.labels), Some(8));
        }
    }

    async fn writers_that_meet_head_on_give_way_and_both_succeed(db) {
        let prompts: Vec<_> = (0..6_000).map(|i| NewPrompt::new(format!("prompt {i}"), "test")).collect();
        db.open().await.close().await;
        let mut writers = tokio::task::JoinSet::new();
        for backwards in [false, true] {
            let (url, mut mine) = (db.url.clone(), prompts.clone());
            writers.spawn(async move {
                let store = Store::open(&url).await.expect("opens");
                if backwards {
                    mine.reverse();
                }
                store.insert_prompts(&mine).await.expect("stored").new_count()
            });
        }
        let new: usize = writers.join_all().await.into_iter().sum();
        assert_eq!(new, prompts.len(), "each prompt is new to exactly one writer");
        assert_eq!(db.number("SELECT COUNT(*) FROM prompts").await, 6_000);
    }

    async fn versions_taken_at_once_are_all_different(db) {
        db.open().await.close().await;
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let url = db.url.clone();
            writers.spawn(async move {
                let store = Store::open(&url).await.expect("opens");
                let new = model(ModelKind::Classifier, "injury", "d");
                store.insert_model(&new).await.expect("stored").version
            });
        }
        let mut versions = writers.join_all().await;
        versions.sort_unstable();
        assert_eq!(versions, (1..=8).collect::<Vec<_>>());
    }

    async fn a_model_met_by_many_at_once_is_stored_once(db) {
        let store = db.open().await;
        for round in 0..20 {
            let mut writers = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let store = store.clone();
                let new = model(ModelKind::Base, "minilm", &format!("d{round}"));
                writers.spawn(async move { store.ensure_model(&new).await.expect("stored") });
            }
            let met = writers.join_all().await;
            assert!(met.iter().all(|one| one.version == round + 1), "{met:?}");
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM models").await, 20);
    }
}

#[test]
fn a_disk_that_fills_up_leaves_nothing_half_written() {
    crate::harness::on_sqlite(async |db: &Db| {
        let store = db.open().await;
        store
            .insert_snippets(&[snippet("before", "c")])
            .await
            .expect("stored");
        store.close().await;
        // No file of the second process may grow beyond 2,000 blocks of 512 (or 1,024) bytes.
        finish(child(db, "fill", Some("trap '' XFSZ; ulimit -f 2000")));
        let store = db.open().await;
        let stored = store
            .snippets(&SnippetFilter::default())
            .await
            .expect("read");
        let prompts: Vec<_> = stored.iter().map(|s| s.text.prompt.as_str()).collect();
        assert_eq!(prompts, ["before", "small"]);
        let hash = stored[0].hash;
        let labels = [crate::data::label(stored[0].id, "ada", Verdict::No, None)];
        store.insert_labels(&labels).await.expect("stored");
        let again = store
            .snippet_by_hash(&hash)
            .await
            .expect("read")
            .expect("there");
        assert_eq!(again.labels.len(), 1);
        assert!(matches!(labels[0].snippet, SnippetRef::Id(_)));
    });
}
