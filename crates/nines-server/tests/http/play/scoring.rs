//! `POST /api/score`.

use super::Playing;
use super::doubles::hold;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

fn snippets(completions: &[&str]) -> Value {
    let snippet = |completion: &&str| json!({ "prompt": "Once.", "completion": completion });
    json!({ "snippets": completions.iter().map(snippet).collect::<Vec<_>>() })
}

#[tokio::test]
async fn scores_come_in_order_and_what_has_none_says_why() {
    let server = Playing::start().await;
    let asked = snippets(&["four", "", "NaN", "panic", "sixsix"]);
    let (status, answer) = server.post("/api/score", &asked).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["classifier"], server.models[1].0, "the newest");
    assert_eq!(answer["threshold"], Value::Null, "not calibrated");
    let scores = answer["scores"].as_array().expect("a list");
    assert_eq!(scores[0], json!({ "score": 4.0 }));
    assert_eq!(scores[4], json!({ "score": 6.0 }));
    for unscoreable in &scores[1..4] {
        assert!(unscoreable["reason"].is_string(), "{unscoreable}");
        assert!(unscoreable.get("score").is_none(), "{unscoreable}");
    }
    assert_eq!(scores[1]["reason"], "the completion is empty");
    // It goes on after the panic.
    let (_, answer) = server.post("/api/score", &snippets(&["four"])).await;
    assert_eq!(answer["scores"][0]["score"], 4.0);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let server = Playing::start().await;
    let many: Vec<&str> = vec!["x"; 65];
    let long = "x".repeat(40_000);
    let mut unknown = snippets(&["x"]);
    unknown["classifier"] = json!(999);
    let cases = [
        (snippets(&[]), StatusCode::UNPROCESSABLE_ENTITY),
        (snippets(&many), StatusCode::UNPROCESSABLE_ENTITY),
        (snippets(&[&long]), StatusCode::UNPROCESSABLE_ENTITY),
        (snippets(&["a\0b"]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "snippets": "x" }), StatusCode::UNPROCESSABLE_ENTITY),
        (unknown, StatusCode::NOT_FOUND),
    ];
    for (body, expected) in cases {
        let (status, problem) = server.post("/api/score", &body).await;
        assert_eq!(status, expected, "{problem}");
        assert!(problem["detail"].is_string());
    }
}

#[tokio::test]
async fn a_full_queue_answers_429_and_when_to_come_back() {
    let server = Playing::start().await;
    let held = hold(&server.server.bench.scorer);
    // 15 000 tokens each: one is being scored, two wait, the next finds no room.
    let long = "x ".repeat(15_000);
    let asked = snippets(&[&long]);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let (client, asked) = (server.researcher.clone(), asked.clone());
        waiting.push(tokio::spawn(async move {
            client.post("/api/score", asked).await
        }));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let refused = server.researcher.post("/api/score", asked).await;
    refused.refused(429, "too-many");
    let seconds = refused.header("retry-after").expect("when to come back");
    assert!(
        (1..=30).contains(&seconds.parse().expect("a number")),
        "{seconds}"
    );
    drop(held);
    for waiting in waiting {
        let answer = waiting.await.expect("no panic");
        answer.expect(200);
    }
}
