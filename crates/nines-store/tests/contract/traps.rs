//! Traps that tools which verify attacks have fallen into.

use crate::data::snippet;
use crate::harness::contract;
use crate::labelling::{no, people, run_out, work, yes};
use crate::runs::{model, run};
use nines_domain::snippet::SnippetText;
use nines_store::{
    AttackOutcome, AttackStart, ModelKind, NewAttackAttempt, NewAttackFind, QueueKind, Store,
};
use serde_json::json;
use std::collections::BTreeSet;

/// Stores one attempt with so many finds in a run of its own, and returns the attempt.
async fn finds(store: &Store, count: usize) -> (nines_domain::snippet::RunId, NewAttackAttempt) {
    let classifier = model(ModelKind::Classifier, "first", "d");
    let model = store.insert_model(&classifier).await.expect("stored").id;
    let start = [snippet("A knight rode.", "He was hurt.")];
    let start = store.insert_snippets(&start).await.expect("stored").rows[0].id;
    let find = |i: usize| NewAttackFind {
        text: SnippetText::new("A knight rode.", format!("He was hurt {i}.")),
        score: -5.5,
        log_weight: None,
        queued: true,
    };
    let attempt = NewAttackAttempt {
        position: 0,
        recipe: "typos".into(),
        model,
        start: AttackStart::Stored(start),
        outcome: AttackOutcome::Reached,
        why: None,
        judge: None,
        start_score: Some(2.5),
        score: Some(-5.5),
        threshold: -4.0,
        queries: 120,
        scored: 90,
        seconds: 0.25,
        words: 6,
        words_changed: Some(1),
        seed: 1,
        detail: json!({}),
        finds: (0..count).map(find).collect(),
    };
    let run = store.start_run(&run("attack")).await.expect("started").id;
    store
        .insert_attack_attempt(run, &attempt)
        .await
        .expect("stored");
    (run, attempt)
}

contract! {
    // Dynabench's validators were told that there was nothing to do while 980 of 1,022 examples waited: whoever
    // takes an item and goes, skips one or disagrees must not keep the others from the rest.
    async fn verification_queue_starvation(db) {
        let store = db.open().await;
        let who = people(db, 3).await;
        let (_, attempt) = finds(&store, 6).await;
        let queue = store.queues().await.expect("read").remove(0);
        assert_eq!((queue.kind, queue.waiting), (QueueKind::Attack, 6));
        // The first takes one and goes.
        let left = store.next_assignment(queue.id, &who[0], &[]).await.expect("leased");
        let left = left.assignment.expect("an item").snippet;
        let mut seen = BTreeSet::new();
        for turn in 0..5 {
            let answer = if turn % 2 == 0 { yes(3) } else { no() };
            let done = work(&store, queue.id, &who[1], answer).await.expect("five are left");
            assert!(seen.insert(done) && done != left, "each once");
        }
        assert!(work(&store, queue.id, &who[1], no()).await.is_none(), "the last is leased");
        run_out(db).await;
        let listed = store.queues_of(who[2].account, true).await.expect("listed");
        assert_eq!(listed[0].waiting_for_me, 1, "the last one is shown as work");
        assert_eq!(work(&store, queue.id, &who[2], no()).await, Some(left), "it came back");
        assert_eq!(store.queue(queue.id).await.expect("read").waiting, 0);
        // Finding the same texts again gives nobody new work, and new ones do.
        let again = store.start_run(&run("attack")).await.expect("started").id;
        store.insert_attack_attempt(again, &attempt).await.expect("stored");
        assert_eq!(store.queue(queue.id).await.expect("read").waiting, 0);
        let mut more = attempt.clone();
        more.position = 1;
        more.finds[0].text.completion = "He was hurt anew.".into();
        store.insert_attack_attempt(again, &more).await.expect("stored");
        assert_eq!(store.queue(queue.id).await.expect("read").waiting, 1);
        for labeller in &who {
            assert_eq!(store.queues_of(labeller.account, true).await.expect("listed")[0].waiting_for_me, 1);
        }
    }

    // PyRIT's retries counted as fresh attempts: an attempt that is stored again, after a crash or by a second
    // process, is the same attempt, and its finds are the same finds.
    async fn retries_counted_as_fresh_attempts(db) {
        let store = db.open().await;
        let (run, attempt) = finds(&store, 2).await;
        let mut retried = attempt.clone();
        (retried.queries, retried.seconds) = (7, 99.0);
        for _ in 0..3 {
            assert!(!store.insert_attack_attempt(run, &retried).await.expect("met again"));
        }
        let stored = store.attack_attempts(&[run]).await.expect("read");
        assert_eq!(stored.len(), 1);
        assert_eq!((stored[0].queries, stored[0].seconds, stored[0].finds.len()), (120, 0.25, 2));
        assert_eq!(store.queues().await.expect("read")[0].items, 2);
    }
}
