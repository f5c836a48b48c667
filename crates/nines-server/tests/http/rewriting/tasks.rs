//! Tasks: their starts, who gets which, and with which tools.

use super::{Rewriting, START, ask};
use crate::client::Client;
use nines_domain::snippet::SnippetText;
use nines_store::{NewSnippet, Origin};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

async fn next(who: &Client, task: i64) -> Value {
    let begun = who
        .post("/api/rewriting/sessions", json!({ "task": task }))
        .await;
    begun.expect(201).json()
}

async fn give_up(who: &Client, session: &Value) {
    let body = json!({ "seconds": 0.0, "away_seconds": 0.0 });
    ask(who, session, "give-up", body).await.expect(200);
}

#[tokio::test]
async fn nobody_gets_a_start_twice_and_all_starts_are_tried_evenly() {
    let project = Rewriting::start().await;
    let ids = project.injurious(6).await;
    let task = project.task("random", &ids).await;
    let mut tried: BTreeMap<i64, usize> = BTreeMap::new();
    for who in [&project.ada, &project.bob] {
        let (mut had, mut with) = (BTreeSet::new(), 0);
        for n in 0..6_usize {
            let session = next(who, task).await;
            let start = session["start"]["snippet"].as_i64().expect("a key");
            assert!(had.insert(start), "{start} twice");
            *tried.entry(start).or_default() += 1;
            let (least, most) = (
                ids.iter()
                    .map(|id| tried.get(&id.0).copied().unwrap_or(0))
                    .min(),
                tried.values().max().copied(),
            );
            assert!(most.expect("some") - least.expect("some") <= 1, "{tried:?}");
            with += usize::from(session["tools"].as_bool().expect("said"));
            if n % 2 == 1 {
                assert_eq!(with, n.div_ceil(2), "half of them with the tools");
            }
            give_up(who, &session).await;
        }
        let none = who
            .post("/api/rewriting/sessions", json!({ "task": task }))
            .await;
        none.refused(409, "no-start-left");
    }
    assert!(tried.values().all(|n| *n == 2), "{tried:?}");
    let rows = project
        .ada
        .get("/api/rewriting/tasks")
        .await
        .expect(200)
        .json();
    let row = &rows["rows"][0];
    assert_eq!(
        (
            &row["starts"],
            &row["done_by_me"],
            &row["waiting"],
            &row["sessions"]
        ),
        (&json!(6), &json!(6), &json!(0), &json!(12))
    );
    assert_eq!(row["tools"], Value::Null, "labellers are not told");
    assert_eq!(row["classifier"]["label"], "injury v1");
    let rows = project
        .boss
        .get("/api/rewriting/tasks")
        .await
        .expect(200)
        .json();
    assert_eq!(rows["rows"][0]["tools"], "random");
}

#[tokio::test]
async fn the_arm_of_a_session_stays_through_a_restart() {
    let mut project = Rewriting::start().await;
    let ids = project.injurious(2).await;
    let task = project.task("random", &ids).await;
    let session = next(&project.ada, task).await;
    project.restart().await;
    let current = project.ada.get("/api/rewriting/sessions/current").await;
    let current = current.expect(200).json();
    assert_eq!(current["session"]["tools"], session["tools"]);
    assert_eq!(current["session"]["task"], task);
}

#[tokio::test]
async fn what_passes_or_has_no_score_is_left_out_and_counted() {
    let project = Rewriting::start().await;
    let store = &project.server.state.store;
    let text = |completion: &str| {
        let text = SnippetText::new("Once.", completion);
        NewSnippet::imported(text, "test")
    };
    let new = [text("short"), text("NaN"), text(START)];
    let stored = store.insert_snippets(&new).await.expect("stored");
    let ids: Vec<i64> = stored.ids().map(|id| id.0).collect();
    let make = |body: Value| project.boss.post("/api/rewriting/tasks", body);
    let body = json!({ "name": "t", "tools": "on", "snippets": ids });
    let made = make(body).await.expect(201).json();
    assert_eq!(
        (&made["starts"], &made["passing"], &made["unscoreable"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let none = json!({ "name": "t", "tools": "on", "snippets": &ids[..2] });
    make(none).await.refused(422, "invalid");
    // Another threshold lets the short one in.
    let low = json!({ "name": "t", "tools": "on", "snippets": &ids[..1], "threshold": 2.0 });
    let made = make(low).await.expect(201).json();
    assert_eq!(made["threshold"], 2.0);
}

#[tokio::test]
async fn starts_are_drawn_from_the_injurious_of_the_training_split() {
    let project = Rewriting::start().await;
    project.injurious(60).await;
    let make = |seed: u64| {
        let body = json!({ "name": "t", "tools": "off", "injurious": 5, "seed": seed });
        project.boss.post("/api/rewriting/tasks", body)
    };
    let first = make(1).await.expect(201).json();
    assert_eq!(first["starts"], 5);
    let task = first["id"].as_i64().expect("a key");
    let session = next(&project.ada, task).await;
    assert_eq!(session["tools"], false);
    // What was found by its score is no random catastrophe.
    let store = &project.server.state.store;
    let finds: Vec<NewSnippet> = (0..60)
        .map(|i| NewSnippet {
            origin: if i % 2 == 0 {
                Origin::Attack
            } else {
                Origin::Edit
            },
            ..NewSnippet::imported(
                SnippetText::new(format!("Tale {i}."), format!("{START} {i}")),
                "test",
            )
        })
        .collect();
    let found: Vec<_> = store
        .insert_snippets(&finds)
        .await
        .expect("stored")
        .ids()
        .collect();
    project.injure(&found).await;
    let all = json!({ "name": "t", "tools": "off", "injurious": 1_000 });
    let all = project
        .boss
        .post("/api/rewriting/tasks", all)
        .await
        .expect(201)
        .json();
    let task = all["id"].as_i64().expect("a key");
    let starts = all["starts"].as_u64().expect("a number");
    assert!(starts <= 60, "{starts}");
    for _ in 0..starts {
        let session = next(&project.bob, task).await;
        let start = session["start"]["snippet"].as_i64().expect("a key");
        assert!(found.iter().all(|find| find.0 != start));
        give_up(&project.bob, &session).await;
    }
    let by_search =
        json!({ "name": "s", "tools": "on", "search": { "label": "yes", "text": "Story" } });
    let made = project.boss.post("/api/rewriting/tasks", by_search).await;
    assert_eq!(made.expect(201).json()["starts"], 60);
}

#[tokio::test]
async fn a_task_that_cannot_be_is_refused_and_a_closed_one_gives_nothing() {
    let project = Rewriting::start().await;
    let ids = project.injurious(2).await;
    let make = |body: Value| project.boss.post("/api/rewriting/tasks", body);
    for body in [
        json!({ "name": "t", "tools": "on" }),
        json!({ "name": "t", "tools": "on", "injurious": 0 }),
        json!({ "name": "t", "tools": "on", "injurious": 1_001 }),
        json!({ "name": "", "tools": "on", "snippets": [ids[0].0] }),
        json!({ "name": "x".repeat(201), "tools": "on", "snippets": [ids[0].0] }),
        json!({ "name": "t", "tools": "perhaps", "snippets": [ids[0].0] }),
        json!({ "name": "t", "tools": "on", "snippets": [] }),
        json!({ "name": "t", "tools": "on", "snippets": [ids[0].0], "injurious": 1 }),
    ] {
        make(body).await.refused(422, "invalid");
    }
    make(json!({ "name": "t", "tools": "on", "snippets": [999] }))
        .await
        .refused(404, "not-found");
    let task = project.task("on", &ids).await;
    let path = format!("/api/rewriting/tasks/{task}");
    let closed = project
        .boss
        .patch(&path, json!({ "open": false, "name": "done" }))
        .await;
    let closed = closed.expect(200).json();
    assert_eq!(
        (&closed["open"], &closed["name"]),
        (&json!(false), &json!("done"))
    );
    let begun = project
        .ada
        .post("/api/rewriting/sessions", json!({ "task": task }))
        .await;
    begun.refused(409, "conflict");
    let rows = project
        .ada
        .get("/api/rewriting/tasks")
        .await
        .expect(200)
        .json();
    assert_eq!(rows["rows"], json!([]));
}
