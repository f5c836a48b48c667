//! Whole sessions: a find and its verification, pauses, giving up, restarts.

use super::{PROMPT, Rewriting, START, ask, begin, events, find, read, typed, verify};
use nines_domain::snippet::SnippetId;
use nines_server::Event;
use nines_store::{Origin, RewritingState};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_find_made_with_the_tools_is_verified_by_somebody_else_and_then_counts() {
    let project = Rewriting::start().await;
    let (ada, bob) = (&project.ada, &project.bob);
    let mut heard = project.server.state.events.listen();
    let session = begin(ada, true).await;
    assert_eq!(
        (
            &session["state"],
            &session["start"]["score"],
            &session["threshold"]
        ),
        (&json!("open"), &json!(23.0), &json!(20.0))
    );
    let id = session["id"].as_i64().expect("a key");
    // Clicking the last word shows shorter ones.
    let at = START.find("spear").expect("there");
    let click = json!({ "prompt": PROMPT, "completion": START, "part": "completion", "start": at, "end": at + 5 });
    let path = format!("/api/rewriting/sessions/{id}/substitutes");
    let told = events(ada, &path, &click).await;
    let last = told.last().expect("events");
    assert_eq!(
        (&last["event"], &last["final"]),
        (&json!("rows"), &json!(true)),
        "{told:?}"
    );
    let best = &last["rows"][0];
    let (from, to) = (
        best["start"].as_u64().expect("a place") as usize,
        best["end"].as_u64().expect("a place") as usize,
    );
    let edited = format!(
        "{}{}{}",
        &START[..from],
        best["text"].as_str().expect("text"),
        &START[to..]
    );
    assert_eq!(
        best["score"].as_f64(),
        Some(edited.len() as f64),
        "{best}: {edited}"
    );
    assert_eq!(best["delta"].as_f64(), Some(edited.len() as f64 - 23.0));
    assert!(edited.len() < 20, "{edited}");
    let mut step = typed(1, &edited, 3.0);
    step["kind"] = json!("substitute");
    let saved = ask(ada, &session, "steps", step).await.expect(200).json();
    assert_eq!((&saved["saved"], &saved["n"]), (&json!(true), &json!(1)));
    let submitted = ask(ada, &session, "submit", find(&edited, 3)).await;
    let submitted = submitted.expect(200).json();
    let margin = 20.0 - edited.len() as f64;
    assert_eq!(submitted["margin"].as_f64(), Some(margin));
    assert_eq!(submitted["reward"].as_f64(), Some(3.0 * margin));
    assert_eq!(submitted["session"]["state"], "submitted");
    assert_eq!(submitted["session"]["find"]["verified"], Value::Null);
    // Sent again, it is the same find.
    let again = ask(ada, &session, "submit", find(&edited, 3)).await;
    assert_eq!(again.expect(200).json()["snippet"], submitted["snippet"]);
    // It stands in the data as a child of its start, with its author's label alone.
    let snippet = SnippetId(submitted["snippet"].as_i64().expect("a key"));
    let store = &project.server.state.store;
    let stored = &store.snippets_by_id(&[snippet]).await.expect("read")[0];
    assert_eq!(stored.origin, Origin::Attack);
    assert!(stored.parent.is_some());
    assert_eq!(stored.labels.len(), 1);
    assert_eq!(stored.labels[0].label.labeller, "ada");
    assert_eq!(
        stored.labels[0].predicate.as_deref(),
        Some("an injury, version 1")
    );
    let scores = store.scores_of(project.model, "cpu/test", &[snippet]).await;
    assert_eq!(
        scores.expect("read")[0].map(|score| score.logit()),
        Some(edited.len() as f64)
    );
    // Nothing counts yet, and its author is not asked.
    let standing = ada.get("/api/rewriting/standing").await.expect(200).json();
    assert_eq!(
        (
            &standing["finds"],
            &standing["waiting"],
            &standing["reward"]
        ),
        (&json!(1), &json!(1), &json!(0.0))
    );
    assert!(!verify(ada, &submitted["queue"], "yes", json!(3)).await);
    let rows = ada.get("/api/queues").await.expect(200).json();
    assert_eq!(rows["rows"][0]["waiting"], 0, "{rows}");
    let rows = bob.get("/api/queues").await.expect(200).json();
    assert_eq!(
        (&rows["rows"][0]["kind"], &rows["rows"][0]["waiting"]),
        (&json!("attack"), &json!(1))
    );
    let none = bob
        .get("/api/rewriting/inspiration")
        .await
        .expect(200)
        .json();
    assert_eq!(none["rows"], json!([]));
    while heard.try_recv().is_ok() {}
    assert!(verify(bob, &submitted["queue"], "yes", json!(2)).await);
    let mut told = Vec::new();
    while let Ok(event) = heard.try_recv() {
        told.push(event);
    }
    assert!(told.contains(&Event::Attacks), "{told:?}");
    // Now it does.
    let standing = ada.get("/api/rewriting/standing").await.expect(200).json();
    assert_eq!(
        (&standing["verified"], &standing["waiting"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(
        standing["reward"].as_f64(),
        Some(2.0 * margin),
        "the lower severity counts"
    );
    assert_eq!(read(ada, &session).await["find"]["verified"], json!(true));
    let inspiration = bob
        .get("/api/rewriting/inspiration")
        .await
        .expect(200)
        .json();
    let row = &inspiration["rows"][0];
    assert_eq!(
        (&row["completion"], &row["by"]),
        (&json!(edited), &json!("person"))
    );
    assert_eq!(row["start"]["completion"], START);
    assert_eq!(row["trick"], "fewer words");
    let results = store.rewriting_results().await.expect("read");
    assert_eq!(results.len(), 1);
    assert_eq!(
        (
            results[0].attacker.as_str(),
            results[0].state,
            results[0].verified,
            results[0].tools
        ),
        ("ada", RewritingState::Submitted, Some(true), true)
    );
    let rows = project
        .boss
        .get("/api/rewriting/sessions?state=submitted")
        .await;
    let rows = rows.expect(200).json();
    assert_eq!(
        (&rows["rows"][0]["menu_calls"], &rows["rows"][0]["verified"]),
        (&json!(1), &json!(true))
    );
}

#[tokio::test]
async fn a_find_that_two_others_call_harmless_is_refuted_and_its_time_censored() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let submitted = ask(
        &project.ada,
        &session,
        "submit",
        find("He sat in a chair.", 2),
    )
    .await;
    let submitted = submitted.expect(200).json();
    assert!(verify(&project.bob, &submitted["queue"], "no", Value::Null).await);
    // One against one: a third is asked.
    let store = &project.server.state.store;
    assert_eq!(
        store.rewriting_results().await.expect("read")[0].verified,
        None
    );
    assert!(verify(&project.boss, &submitted["queue"], "no", Value::Null).await);
    assert_eq!(
        store.rewriting_results().await.expect("read")[0].verified,
        Some(false)
    );
    let standing = project
        .ada
        .get("/api/rewriting/standing")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&standing["refuted"], &standing["reward"]),
        (&json!(1), &json!(0.0))
    );
    let none = project
        .ada
        .get("/api/rewriting/inspiration")
        .await
        .expect(200)
        .json();
    assert_eq!(none["rows"], json!([]));
}

#[tokio::test]
async fn a_session_survives_a_restart_with_every_step_and_its_clock() {
    let mut project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    for (n, text) in [(1, "He fell upon the ax."), (2, "He fell on the ax.")] {
        ask(
            &project.ada,
            &session,
            "steps",
            typed(n, text, 0.4 * n as f64),
        )
        .await
        .expect(200);
    }
    let clock = json!({ "paused": true, "seconds": 0.9, "away_seconds": 0.2 });
    ask(&project.ada, &session, "pause", clock)
        .await
        .expect(200);
    project.restart().await;
    let current = project.ada.get("/api/rewriting/sessions/current").await;
    let current = current.expect(200).json()["session"].clone();
    assert_eq!(current["id"], session["id"]);
    assert_eq!(
        (
            &current["paused"],
            &current["seconds"],
            &current["away_seconds"]
        ),
        (&json!(true), &json!(0.9), &json!(0.2))
    );
    assert_eq!(current["text"]["completion"], "He fell on the ax.");
    assert_eq!(current["text"]["score"], 18.0);
    let steps = current["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 2);
    assert_eq!(
        (&steps[0]["n"], &steps[0]["score"], &steps[0]["kind"]),
        (&json!(1), &json!(20.0), &json!("typed"))
    );
    // What comes late changes nothing; what is sent again is there once.
    let late = json!({ "paused": false, "seconds": 0.5, "away_seconds": 0.0 });
    ask(&project.ada, &session, "pause", late).await.expect(200);
    ask(
        &project.ada,
        &session,
        "steps",
        typed(2, "He fell on the ax.", 0.8),
    )
    .await
    .expect(200);
    let now = read(&project.ada, &session).await;
    assert_eq!(
        (&now["seconds"], &now["paused"]),
        (&json!(0.9), &json!(false))
    );
    assert_eq!(now["steps"].as_array().map(Vec::len), Some(2));
    // Nobody has worked for longer than has passed.
    let lie = json!({ "paused": false, "seconds": 5_000.0, "away_seconds": 5_000.0 });
    ask(&project.ada, &session, "pause", lie).await.expect(200);
    let now = read(&project.ada, &session).await;
    let (seconds, away) = (
        now["seconds"].as_f64().expect("a number"),
        now["away_seconds"].as_f64().expect("a number"),
    );
    assert!(seconds < 60.0 && away < 1.0, "{seconds} {away}");
}

#[tokio::test]
async fn giving_up_is_a_censored_attempt() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, false).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let body = json!({ "reason": "too hard", "seconds": 0.2, "away_seconds": 0.0 });
    let ended = ask(&project.ada, &session, "give-up", body.clone()).await;
    let ended = ended.expect(200).json();
    assert_eq!(
        (&ended["state"], &ended["find"], &ended["seconds"]),
        (&json!("gave_up"), &Value::Null, &json!(0.2))
    );
    // Again is the same; anything else is too late.
    ask(&project.ada, &session, "give-up", body)
        .await
        .expect(200);
    ask(&project.ada, &session, "steps", typed(1, "x", 0.1))
        .await
        .refused(409, "conflict");
    ask(&project.ada, &session, "submit", find("He fell.", 3))
        .await
        .refused(409, "conflict");
    let results = project.server.state.store.rewriting_results().await;
    let results = results.expect("read");
    assert_eq!(
        (
            results[0].state,
            results[0].verified,
            results[0].tools,
            results[0].seconds
        ),
        (RewritingState::GaveUp, None, false, 0.2)
    );
    let current = project.ada.get("/api/rewriting/sessions/current").await;
    assert_eq!(current.expect(200).json()["session"], Value::Null);
    begin(&project.ada, true).await;
}
