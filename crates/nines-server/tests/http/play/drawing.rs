//! `POST /api/play/draw`.

use super::Playing;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATH: &str = "/api/play/draw";

fn asked(server: &Playing, prompt: &str, first: u32, n: u32) -> Value {
    let classifiers: Vec<i64> = server.models.iter().map(|model| model.0).collect();
    json!({ "prompt": prompt, "n": n, "first_draw": first, "seed": 7, "classifiers": classifiers,
        "temperature": 0.5 })
}

async fn draw(server: &Playing, body: &Value) -> Response {
    let request = server.researcher.request(Method::POST, PATH);
    let request = request.header(header::CONTENT_TYPE, "application/json");
    request
        .body(body.to_string())
        .send()
        .await
        .expect("an answer")
}

/// Reads a stream to its end.
async fn events(response: Response) -> Vec<Value> {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    let read = response.bytes();
    let bytes = tokio::time::timeout(Duration::from_secs(20), read).await;
    let bytes = bytes.expect("the stream ends").expect("it is whole");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    text.lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| serde_json::from_str(data.trim()).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn candidates_come_with_their_scores_and_the_stream_ends() {
    let server = Playing::start().await;
    let mut told = events(draw(&server, &asked(&server, "Once.", 2, 12)).await).await;
    let last = told.pop().expect("an end");
    assert_eq!(last["event"], "done");
    assert_eq!(last["generator"], "counting");
    let by_draw: BTreeMap<u64, &Value> = told
        .iter()
        .map(|event| (event["draw"].as_u64().expect("a number"), event))
        .collect();
    assert_eq!(
        by_draw.keys().copied().collect::<Vec<_>>(),
        (2..14).collect::<Vec<_>>()
    );
    for (number, candidate) in by_draw {
        assert_eq!(candidate["event"], "candidate");
        let scores = candidate["scores"].as_object().expect("by classifier");
        if number == 13 {
            assert_eq!(candidate["finished"], false);
            assert!(
                candidate["reason"]
                    .as_str()
                    .expect("why")
                    .contains("unlucky")
            );
            assert!(scores.is_empty(), "nothing could accept it");
            continue;
        }
        let text = format!("Draw {number} at seed 7 and 0.5.");
        assert_eq!(candidate["completion"], text);
        assert_eq!(scores.len(), 2);
        let finished = number % 5 != 4;
        assert_eq!(candidate["finished"], finished);
        for score in scores.values() {
            match finished {
                true => assert_eq!(score["score"], text.len() as f64),
                // Whoever goes by scores alone cannot accept it.
                false => assert_eq!(*score, json!({ "reason": "its sentence is unfinished" })),
            }
        }
    }
}

#[tokio::test]
async fn the_same_numbers_give_the_same_candidates() {
    let server = Playing::start().await;
    let texts = |told: Vec<Value>| -> BTreeMap<u64, Value> {
        told.into_iter()
            .filter_map(|event| Some((event["draw"].as_u64()?, event["completion"].clone())))
            .collect()
    };
    let all = texts(events(draw(&server, &asked(&server, "Once.", 0, 8)).await).await);
    let mut parts = texts(events(draw(&server, &asked(&server, "Once.", 0, 3)).await).await);
    parts.extend(texts(
        events(draw(&server, &asked(&server, "Once.", 3, 5)).await).await,
    ));
    assert_eq!(all, parts);
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused() {
    let server = Playing::start().await;
    let with = |field: &str, value: Value| {
        let mut body = asked(&server, "Once.", 0, 1);
        body[field] = value;
        body
    };
    let cases = [
        (with("n", json!(0)), 422),
        (with("n", json!(51)), 422),
        (with("prompt", json!("  ")), 422),
        (with("prompt", json!("a\0b")), 422),
        (with("prompt", json!("x".repeat(40_000))), 422),
        // Longer than any classifier reads: drawing would be in vain.
        (with("prompt", json!("x".repeat(3_000))), 422),
        (with("classifiers", json!([])), 422),
        (with("classifiers", json!([1, 2, 3])), 422),
        (with("classifiers", json!([999])), 404),
        (with("temperature", json!(-1)), 422),
        (with("top_p", json!(0)), 422),
        (with("first_draw", json!(u32::MAX)), 422),
        (with("seed", json!(-1)), 422),
        (with("surprise", json!(1)), 422),
    ];
    for (body, expected) in cases {
        let response = draw(&server, &body).await;
        assert_eq!(response.status().as_u16(), expected, "{body}");
    }
    assert_eq!(
        server.server.bench.generator.drawn.load(Ordering::SeqCst),
        0
    );
}

#[tokio::test]
async fn a_third_drawing_is_refused_until_one_ends() {
    let server = Playing::start().await;
    let slow = asked(&server, "Go slowly.", 0, 50);
    let first = draw(&server, &slow).await;
    let second = draw(&server, &slow).await;
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let third = draw(&server, &slow).await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(third.headers().contains_key(header::RETRY_AFTER));
    // Whoever stops to read frees a place.
    let mut first = first;
    assert!(first.chunk().await.expect("it goes on").is_some());
    drop(first);
    let quick = asked(&server, "Once.", 0, 1);
    let mut status = StatusCode::TOO_MANY_REQUESTS;
    for _ in 0..200 {
        status = draw(&server, &quick).await.status();
        if status == StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(status, StatusCode::OK);
    assert!(server.server.bench.generator.stopped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_browser_that_goes_away_stops_the_generator() {
    let server = Playing::start().await;
    let mut stream = draw(&server, &asked(&server, "Go slowly.", 0, 50)).await;
    let first = stream
        .chunk()
        .await
        .expect("it goes on")
        .expect("something");
    assert!(
        String::from_utf8_lossy(&first).contains("\"candidate\""),
        "{first:?}"
    );
    // The connection closes with it.
    drop(stream);
    let generator = &server.server.bench.generator;
    for _ in 0..500 {
        if generator.stopped.load(Ordering::SeqCst) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(generator.stopped.load(Ordering::SeqCst));
    assert!(generator.drawn.load(Ordering::SeqCst) < 50);
}

#[tokio::test]
async fn a_server_that_stops_ends_the_stream() {
    let mut server = Playing::start().await;
    let stream = draw(&server, &asked(&server, "Go slowly.", 0, 50)).await;
    let stopping = server.server.stop();
    let (_, rest) = tokio::join!(stopping, stream.bytes());
    drop(rest);
    let generator = &server.server.bench.generator;
    assert!(generator.drawn.load(Ordering::SeqCst) < 50);
}
