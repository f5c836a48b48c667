//! `POST /api/play/send`.

use super::Playing;
use nines_domain::snippet::SnippetId;
use nines_store::{NewQueue, Origin, QueueChange, QueueKind, SnippetFilter};
use reqwest::StatusCode;
use serde_json::{Value, json};

const PATH: &str = "/api/play/send";

fn drawn(draw: u32) -> Value {
    json!({ "prompt": "Once.", "completion": format!("Draw {draw} at seed 7 and 0.5."),
        "seed": 7, "draw": draw, "temperature": 0.5 })
}

#[tokio::test]
async fn a_draw_is_stored_with_where_it_comes_from_and_queued_once() {
    let server = Playing::start().await;
    let (status, sent) = server.post(PATH, &drawn(4)).await;
    assert_eq!(status, StatusCode::CREATED, "{sent}");
    let (_, again) = server.post(PATH, &drawn(4)).await;
    assert_eq!(sent, again, "sending twice is sending once");
    let store = server.store();
    let id = SnippetId(sent["snippet"].as_i64().expect("a key"));
    let snippet = &store.snippets_by_id(&[id]).await.expect("stored")[0];
    assert_eq!(snippet.origin, Origin::Generate);
    assert_eq!(snippet.text.completion, "Draw 4 at seed 7 and 0.5.");
    let sampler = &store.samplers().await.expect("listed")[0];
    assert_eq!(
        (sampler.generator.as_str(), sampler.sampling.seed),
        ("counting", 7)
    );
    let generation = &store.generations(sampler, None).await.expect("listed")[0];
    assert_eq!((generation.snippet, generation.draw.draw), (id, 4));
    assert!(
        !generation.draw.finish.is_finished(),
        "as the generator says, not as the browser does"
    );
    let queues = store.queues_with(id).await.expect("listed");
    assert_eq!(queues.len(), 1);
    assert_eq!((queues[0].kind, queues[0].items), (QueueKind::Sent, 1));
    assert_eq!(queues[0].id, sent["queue"].as_i64().expect("a key"));
    // The next one goes into the same queue.
    let (_, other) = server.post(PATH, &drawn(5)).await;
    assert_eq!(other["queue"], sent["queue"]);
}

#[tokio::test]
async fn nothing_is_stored_as_a_draw_that_the_generator_does_not_make() {
    let server = Playing::start().await;
    let mut lie = drawn(4);
    lie["completion"] = json!("He lived happily ever after.");
    let (status, problem) = server.post(PATH, &lie).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let mut half = drawn(4);
    half["draw"] = Value::Null;
    let (status, _) = server.post(PATH, &half).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(server.store().samplers().await.expect("listed").is_empty());
}

#[tokio::test]
async fn a_text_by_hand_is_stored_as_one() {
    let server = Playing::start().await;
    let body = json!({ "prompt": "Once.", "completion": "He lived happily ever after." });
    let (status, sent) = server.post(PATH, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{sent}");
    let id = SnippetId(sent["snippet"].as_i64().expect("a key"));
    let snippet = &server.store().snippets_by_id(&[id]).await.expect("stored")[0];
    assert_eq!(snippet.origin, Origin::Edit);
    let empty = json!({ "prompt": "Once.", "completion": " " });
    let (status, _) = server.post(PATH, &empty).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn candidates_go_into_queues_of_their_kind_alone() {
    let server = Playing::start().await;
    let new = |kind| NewQueue {
        kind,
        name: "mine".to_owned(),
        design: None,
        record: json!({}),
        overlap: 1,
        created_by: None,
    };
    let store = server.store();
    let random = store
        .ensure_queue(&new(QueueKind::Random))
        .await
        .expect("made");
    let own = store
        .ensure_queue(&new(QueueKind::Sent))
        .await
        .expect("made");
    let mut body = drawn(1);
    for (queue, expected) in [(random.id, 422), (own.id, 201), (999, 404)] {
        body["queue"] = json!(queue);
        let (status, answer) = server.post(PATH, &body).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
    }
    assert_eq!(store.queue(own.id).await.expect("there").items, 1);
    assert_eq!(store.queue(random.id).await.expect("there").items, 0);
    let close = QueueChange {
        open: Some(false),
        ..QueueChange::default()
    };
    store.change_queue(own.id, &close).await.expect("closed");
    let (mut closed, mut none) = (drawn(2), drawn(3));
    closed["queue"] = json!(own.id);
    let (status, _) = server.post(PATH, &closed).await;
    assert_eq!(status, StatusCode::CONFLICT);
    none["queue"] = Value::Null;
    let (_, sent) = server.post(PATH, &none).await;
    assert_ne!(sent["queue"], own.id, "a closed queue is not waited in");
    // What was refused left nothing behind.
    let stored = store
        .snippets(&SnippetFilter::default())
        .await
        .expect("listed");
    assert_eq!(stored.len(), 2);
}
