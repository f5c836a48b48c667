//! What is refused, and how: never a hang, never a success that is none.

use super::{PROMPT, Rewriting, START, ask, begin, find, read, typed};
use nines_domain::snippet::SnippetText;
use nines_store::NewSnippet;
use serde_json::{Value, json};

#[tokio::test]
async fn a_start_that_passes_or_cannot_be_scored_is_no_start() {
    let project = Rewriting::start().await;
    let begin = |body: Value| project.ada.post("/api/rewriting/sessions", body);
    let short = json!({ "prompt": PROMPT, "completion": "He fell." });
    begin(short).await.refused(409, "passes");
    let empty = json!({ "prompt": PROMPT, "completion": "" });
    let refused = begin(empty).await;
    refused.refused(422, "invalid");
    assert!(refused.text().contains("empty"), "{}", refused.text());
    let nan = json!({ "prompt": PROMPT, "completion": "NaN" });
    begin(nan).await.refused(422, "invalid");
    begin(json!({})).await.refused(422, "invalid");
    begin(json!({ "snippet": 999 }))
        .await
        .refused(404, "not-found");
    begin(json!({ "task": 999 }))
        .await
        .refused(404, "not-found");
    let both = json!({ "snippet": 1, "prompt": PROMPT, "completion": START });
    begin(both).await.refused(422, "invalid");
    let long = json!({ "prompt": PROMPT, "completion": "x".repeat(40_000) });
    begin(long).await.refused(422, "invalid");
    let nul = json!({ "prompt": PROMPT, "completion": format!("{START}\0") });
    begin(nul).await.refused(422, "invalid");
}

#[tokio::test]
async fn an_account_has_one_session_open_and_is_told_which() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let body = json!({ "prompt": PROMPT, "completion": START });
    let refused = project
        .ada
        .post("/api/rewriting/sessions", body.clone())
        .await;
    refused.refused(409, "session-open");
    assert_eq!(refused.json()["session"], session["id"]);
    // Many at once make one.
    let tries = (0..8).map(|_| project.bob.post("/api/rewriting/sessions", body.clone()));
    let answers = futures_util::future::join_all(tries).await;
    let begun = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(begun, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refused(409, "session-open");
    }
}

#[tokio::test]
async fn a_session_is_its_owners_alone() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let text = json!({ "prompt": PROMPT, "completion": START });
    for (what, body) in [
        ("score", text),
        ("steps", typed(1, "x", 0.0)),
        ("submit", find("He fell.", 3)),
        (
            "pause",
            json!({ "paused": true, "seconds": 0, "away_seconds": 0 }),
        ),
        ("give-up", json!({ "seconds": 0, "away_seconds": 0 })),
    ] {
        for other in [&project.bob, &project.boss] {
            ask(other, &session, what, body.clone())
                .await
                .refused(404, "not-found");
        }
    }
    let id = session["id"].as_i64().expect("a key");
    let path = format!("/api/rewriting/sessions/{id}");
    project.bob.get(&path).await.refused(404, "not-found");
    project.boss.get(&path).await.expect(200);
    assert_eq!(read(&project.ada, &session).await["steps"], json!([]));
}

#[tokio::test]
async fn an_emptied_or_unscoreable_text_has_no_score_and_a_reason() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let score = |completion: &str| {
        let body = json!({ "prompt": PROMPT, "completion": completion });
        ask(&project.ada, &session, "score", body)
    };
    let live = score("He fell.").await.expect(200).json();
    assert_eq!(
        (&live["score"], &live["accepted"], &live["reason"]),
        (&json!(8.0), &json!(true), &Value::Null)
    );
    for completion in ["", "NaN", "panic"] {
        let live = score(completion).await.expect(200).json();
        assert_eq!(
            (&live["score"], &live["accepted"]),
            (&Value::Null, &json!(false))
        );
        assert!(live["reason"].is_string(), "{live}");
    }
    let saved = ask(&project.ada, &session, "steps", typed(1, "", 0.0)).await;
    let saved = saved.expect(200).json();
    assert_eq!(
        (&saved["score"], &saved["reason"]),
        (&Value::Null, &json!("the completion is empty"))
    );
    let now = read(&project.ada, &session).await;
    assert_eq!(now["text"]["score"], Value::Null);
    for completion in ["", "NaN", START, "twenty characters it"] {
        let refused = ask(&project.ada, &session, "submit", find(completion, 3)).await;
        refused.refused(409, "not-below");
    }
    assert_eq!(read(&project.ada, &session).await["state"], "open");
}

#[tokio::test]
async fn what_its_own_author_does_not_call_a_catastrophe_is_no_find() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    for injury in ["no", "unsure"] {
        let mut body = find("He fell.", 3);
        body["injury"] = json!(injury);
        body["severity"] = Value::Null;
        ask(&project.ada, &session, "submit", body)
            .await
            .refused(409, "no-injury");
    }
    for (field, value) in [
        ("severity", Value::Null),
        ("severity", json!(4)),
        ("trick", json!("x".repeat(501))),
        ("seconds", json!(-1)),
    ] {
        let mut body = find("He fell.", 3);
        body[field] = value;
        ask(&project.ada, &session, "submit", body)
            .await
            .refused(422, "invalid");
    }
    let stored = project.server.state.store.counts().await.expect("counted");
    assert_eq!(stored.labelled_snippets, 0);
    assert_eq!(read(&project.ada, &session).await["state"], "open");
}

#[tokio::test]
async fn a_number_is_one_step() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let save = |step: Value| ask(&project.ada, &session, "steps", step);
    save(typed(1, "one", 0.0)).await.expect(200);
    save(typed(1, "another", 0.0))
        .await
        .refused(409, "conflict");
    for n in [0, 5_001] {
        save(typed(n, "x", 0.0)).await.refused(422, "invalid");
    }
    // One that was overtaken is kept, and what is newer stays on top.
    save(typed(3, "three", 0.0)).await.expect(200);
    save(typed(2, "two", 0.0)).await.expect(200);
    let now = read(&project.ada, &session).await;
    assert_eq!(now["text"]["completion"], "three");
    assert_eq!(now["steps"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn one_text_is_one_find_of_its_author() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    ask(&project.ada, &session, "submit", find("He fell.", 3))
        .await
        .expect(200);
    let second = begin(&project.ada, true).await;
    ask(&project.ada, &second, "submit", find("He fell.", 3))
        .await
        .refused(409, "known");
    // Nor of anybody else: what is known is verified by copying it.
    let other = begin(&project.bob, true).await;
    let known = ask(&project.bob, &other, "submit", find("He fell.", 2)).await;
    known.refused(409, "known");
    assert!(
        known.text().contains("change it further"),
        "{}",
        known.text()
    );
    assert_eq!(read(&project.bob, &other).await["state"], "open");
    ask(&project.bob, &other, "submit", find("He fell off.", 2))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_known_catastrophe_is_no_find_whoever_labelled_it() {
    let project = Rewriting::start().await;
    let store = &project.server.state.store;
    let known = SnippetText::new(PROMPT, "He died.");
    let stored = store
        .insert_snippets(&[NewSnippet::imported(known, "test")])
        .await
        .expect("stored");
    let session = begin(&project.ada, true).await;
    project.injure(&[stored.rows[0].id]).await;
    ask(&project.ada, &session, "submit", find("He died.", 3))
        .await
        .refused(409, "known");
    let standing = project.ada.get("/api/rewriting/standing").await;
    let standing = standing.expect(200).json();
    assert_eq!(
        (&standing["finds"], &standing["verified"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test]
async fn no_score_of_another_path_stands_against_the_threshold_of_a_session() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    *project.server.bench.path.lock().expect("no panic") = Some("cpu/other".to_owned());
    ask(&project.ada, &session, "submit", find("He fell.", 3))
        .await
        .refused(409, "other-path");
    let text = json!({ "prompt": PROMPT, "completion": "He fell." });
    let live = ask(&project.ada, &session, "score", text).await;
    let live = live.expect(200).json();
    assert_eq!(
        (&live["score"], &live["accepted"]),
        (&Value::Null, &json!(false))
    );
    let why = live["reason"].as_str().expect("a reason");
    assert!(
        why.contains("cpu/test") && why.contains("cpu/other"),
        "{why}"
    );
    // What is typed is kept, without a score.
    let saved = ask(&project.ada, &session, "steps", typed(1, "He fell.", 0.0)).await;
    let saved = saved.expect(200).json();
    assert_eq!(saved["score"], Value::Null);
    assert!(saved["reason"].is_string(), "{saved}");
    let weigh = json!({ "prompt": PROMPT, "completion": START, "method": "leave_one_out" });
    ask(&project.ada, &session, "saliency", weigh)
        .await
        .refused(409, "other-path");
    let click = json!({ "prompt": PROMPT, "completion": START, "part": "completion", "start": 0, "end": 2 });
    ask(&project.ada, &session, "substitutes", click)
        .await
        .refused(409, "other-path");
    let counts = project.server.state.store.counts().await.expect("counted");
    assert_eq!(counts.labelled_snippets, 0);
    let ended = json!({ "seconds": 0.0, "away_seconds": 0.0 });
    ask(&project.ada, &session, "give-up", ended)
        .await
        .expect(200);
}
