//! The numbers: kept fresh beside requests, never computed while somebody waits.

use crate::server::Server;
use nines_domain::account::Role;
use nines_domain::snippet::SnippetText;
use nines_server::Event;
use nines_server::reliability::watch;
use nines_store::NewSnippet;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn numbers_move_as_labels_come_and_are_not_computed_for_each() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let before = client.get("/api/reliability").await.expect(200).json();
    assert_eq!(
        (&before["computed"], &before["stale"]),
        (&json!(null), &json!(true))
    );
    let new: Vec<NewSnippet> = (0..40)
        .map(|n| NewSnippet::imported(SnippetText::new("p", format!("c{n}")), "test"))
        .collect();
    let stored = server
        .state
        .store
        .insert_snippets(&new)
        .await
        .expect("stored");
    let mut events = server.state.events.listen();
    let watching = tokio::spawn(watch(server.state.clone()));
    let told = async || loop {
        if let Ok(Event::Reliability) = events.recv().await {
            return;
        }
    };
    let mut told = told;
    timeout(Duration::from_secs(5), told())
        .await
        .expect("first numbers");
    let first = client.get("/api/reliability").await.expect(200).json();
    assert!(
        first["computed"].is_string() && first["stale"] == false,
        "{first}"
    );
    assert_eq!(server.bench.computed.load(Ordering::Relaxed), 1);

    let started = Instant::now();
    for id in stored.ids() {
        let path = format!("/api/snippets/{id}/labels");
        client
            .post(&path, json!({"verdict": "no"}))
            .await
            .expect(201);
        sleep(Duration::from_millis(30)).await;
    }
    timeout(Duration::from_secs(8), told())
        .await
        .expect("newer numbers");
    sleep(Duration::from_secs(3)).await;
    let computed = server.bench.computed.load(Ordering::Relaxed);
    let most = 2 + started.elapsed().as_secs() / 2;
    assert!(
        (2..=most).contains(&computed),
        "{computed} times in {:?}",
        started.elapsed()
    );
    let last = client.get("/api/reliability").await.expect(200).json();
    assert_eq!(last["stale"], false);
    assert_ne!(last["computed"], first["computed"]);

    // What touches no number computes nothing.
    server.state.events.tell(Event::Run {
        run: None,
        job: None,
    });
    sleep(Duration::from_millis(500)).await;
    assert_eq!(server.bench.computed.load(Ordering::Relaxed), computed);
    watching.abort();
}

#[tokio::test]
async fn a_plan_that_cannot_be_says_why_and_leaves_no_queue() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let refused = client
        .post(
            "/api/reliability/plan",
            json!({"kind": "leak", "labels": 100}),
        )
        .await;
    refused.refused(422, "invalid");
    assert!(
        refused.text().contains("there is no design"),
        "{}",
        refused.text()
    );
    for body in [
        json!({"kind": "leak", "labels": 1_000_001}),
        json!({"kind": "leak", "labels": -1}),
        json!({"kind": "leak", "shell": "rm"}),
        json!({"kind": "quality"}),
        json!({"kind": "other"}),
    ] {
        client
            .post("/api/reliability/plan", body)
            .await
            .refused(422, "invalid");
    }
    let queues = client.get("/api/queues").await.expect(200).json();
    assert_eq!(queues["rows"], json!([]));
}
