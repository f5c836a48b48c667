//! Who may call what.

use crate::server::{ADMIN, LABELLER, NOBODY, RESEARCHER, Server};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn only_researchers_and_admins_play() {
    let server = Server::start().await;
    let model = server.models[0].0;
    let points = format!("/api/classifiers/{model}/operating-points");
    let snippet = json!({ "prompt": "Once.", "completion": "Then." });
    let score = json!({ "snippets": [snippet] });
    let draw = json!({ "prompt": "Once.", "n": 1, "seed": 0, "classifiers": [model] });
    let rows: [(Method, &str, Option<&Value>, StatusCode); 6] = [
        (Method::GET, "/api/classifiers", None, StatusCode::OK),
        (Method::GET, &points, None, StatusCode::OK),
        (Method::GET, "/api/play/settings", None, StatusCode::OK),
        (Method::POST, "/api/score", Some(&score), StatusCode::OK),
        (Method::POST, "/api/play/draw", Some(&draw), StatusCode::OK),
        (
            Method::POST,
            "/api/play/send",
            Some(&snippet),
            StatusCode::CREATED,
        ),
    ];
    for (method, path, body, allowed) in rows {
        let callers = [
            (ADMIN, allowed),
            (RESEARCHER, allowed),
            (LABELLER, StatusCode::FORBIDDEN),
            (NOBODY, StatusCode::UNAUTHORIZED),
        ];
        for (by, expected) in callers {
            let answer = server.send(by, method.clone(), path, body).await;
            assert_eq!(answer.status(), expected, "{method} {path} by {by:?}");
        }
    }
}
