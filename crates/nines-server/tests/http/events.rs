//! Live events.

use crate::server::Server;
use nines_domain::account::Role;
use nines_server::Event;
use reqwest::{Method, Response};
use std::time::{Duration, Instant};

async fn heard(stream: &mut Response) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_secs(5), stream.chunk());
    let bytes = chunk.await.expect("something in time").ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn whoever_listens_hears_what_changes() {
    let mut server = Server::start().await;
    let labeller = server.signed_in_as(Role::Labeller).await;
    let request = labeller.request(Method::GET, "/api/events");
    let mut stream = request.send().await.expect("an answer");
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["cache-control"], "no-cache");
    server.state.events.tell(Event::Labelled);
    let run = Event::Run {
        run: Some(7),
        job: None,
    };
    assert_eq!(
        heard(&mut stream).await.as_deref(),
        Some("data: {\"event\":\"labelled\"}\n\n")
    );
    server.state.events.tell(run);
    let told = heard(&mut stream).await;
    assert_eq!(
        told.as_deref(),
        Some("data: {\"event\":\"run\",\"run\":7,\"job\":null}\n\n")
    );
    let stopping = Instant::now();
    server.stop().await;
    assert!(
        stopping.elapsed() < Duration::from_secs(2),
        "{:?}",
        stopping.elapsed()
    );
    assert_eq!(heard(&mut stream).await, None);
}

#[tokio::test]
async fn whoever_is_signed_out_hears_no_more() {
    let server = Server::start_impatient().await;
    let labeller = server.signed_in_as(Role::Labeller).await;
    let request = labeller.request(Method::GET, "/api/events");
    let mut stream = request.send().await.expect("an answer");
    server.state.events.tell(Event::Guide);
    assert!(heard(&mut stream).await.is_some());
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.state.events.tell(Event::Guide);
    assert!(heard(&mut stream).await.is_some(), "still signed in");
    labeller.delete("/api/session").await.expect(204);
    assert_eq!(heard(&mut stream).await, None);
}

#[tokio::test]
async fn whoever_is_too_slow_is_told_so() {
    let server = Server::start().await;
    let mut receiver = server.state.events.listen();
    for _ in 0..300 {
        server.state.events.tell(Event::Queues);
    }
    assert!(
        receiver.recv().await.is_err(),
        "the channel does not grow without end"
    );
}

#[tokio::test]
async fn one_account_does_not_take_all_connections() {
    let server = Server::start().await;
    let labeller = server.signed_in_as(Role::Labeller).await;
    let other = server.signed_in_as(Role::Labeller).await;
    let listen = || labeller.request(Method::GET, "/api/events").send();
    let mut streams = Vec::new();
    for _ in 0..16 {
        let stream = listen().await.expect("an answer");
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    let refused = labeller.get("/api/events").await;
    refused.refused(429, "too-many");
    assert_eq!(refused.header("retry-after"), Some("30"));
    let another = other.request(Method::GET, "/api/events").send().await;
    assert_eq!(another.expect("an answer").status(), 200);
    labeller.get("/api/session").await.expect(200);
    drop(streams.pop());
    let freed = async {
        while listen().await.expect("an answer").status() != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), freed)
        .await
        .expect("a place is free again");
}
