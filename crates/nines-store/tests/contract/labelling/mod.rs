//! Labelling by many people at once.

mod answers;
mod checks;
mod crowd;
mod leasing;
mod records;
mod speed;
mod withdrawals;

use crate::data::snippet;
use crate::harness::Db;
use nines_domain::account::AccountId;
use nines_domain::label::{Severity, Verdict};
use nines_domain::snippet::SnippetId;
use nines_store::{Answer, Labeller, NewQueue, Queue, QueueKind, Store};
use sea_orm::ConnectionTrait;
use serde_json::Value;

pub const PREDICATE: &str = "an injury, version 1";

/// Makes accounts `person 1` to `person N`.
pub async fn people(db: &Db, n: i64) -> Vec<Labeller> {
    let raw = db.raw().await;
    for i in 1..=n {
        raw.execute_unprepared(&format!(
            "INSERT INTO accounts (name, name_key, role, active, created) \
             VALUES ('person {i}', 'person {i}', 'labeller', true, '2026-01-01T00:00:00Z')"
        ))
        .await
        .expect("an account");
    }
    raw.close().await.expect("closed");
    (1..=n)
        .map(|i| Labeller {
            account: AccountId(i),
            name: format!("person {i}"),
        })
        .collect()
}

pub async fn snippets(store: &Store, n: usize) -> Vec<SnippetId> {
    let new: Vec<_> = (0..n)
        .map(|i| snippet(&format!("prompt {}", i / 4), &format!("completion {i}")))
        .collect();
    let stored = store.insert_snippets(&new).await.expect("stored");
    stored.ids().collect()
}

pub fn new_queue(kind: QueueKind, overlap: u32) -> NewQueue {
    NewQueue {
        kind,
        name: format!("{} queue", kind.as_str()),
        design: None,
        record: Value::Null,
        overlap,
        created_by: None,
    }
}

/// Makes a queue of single snippets.
pub async fn queue(store: &Store, kind: QueueKind, overlap: u32, ids: &[SnippetId]) -> Queue {
    let made = store
        .ensure_queue(&new_queue(kind, overlap))
        .await
        .expect("a queue");
    let items: Vec<_> = ids.iter().map(|id| (*id, None)).collect();
    let added = store.fill_queue(made.id, &items).await.expect("filled");
    assert_eq!(added, ids.len());
    store.queue(made.id).await.expect("read")
}

pub fn no() -> Answer {
    Answer {
        verdict: Verdict::No,
        severity: None,
        seconds: 4.5,
        away_seconds: 0.0,
    }
}

pub fn yes(severity: u8) -> Answer {
    Answer {
        verdict: Verdict::Yes,
        severity: Some(Severity::try_from(severity).expect("1 to 3")),
        ..no()
    }
}

pub fn unsure() -> Answer {
    Answer {
        verdict: Verdict::Unsure,
        ..no()
    }
}

/// Takes the next item of a queue and answers it. Returns which snippet that was.
pub async fn work(store: &Store, queue: i64, who: &Labeller, answer: Answer) -> Option<SnippetId> {
    let leased = store
        .next_assignment(queue, who, &[])
        .await
        .expect("leased");
    let given = leased.assignment?;
    store
        .save_answer(given.id, who, &answer, PREDICATE)
        .await
        .expect("saved");
    Some(given.snippet)
}

/// Lets every open lease run out.
pub async fn run_out(db: &Db) {
    let raw = db.raw().await;
    raw.execute_unprepared(
        "UPDATE assignments SET expires = '2020-01-01T00:00:00Z' WHERE state = 'open'",
    )
    .await
    .expect("run out");
    raw.close().await.expect("closed");
}
