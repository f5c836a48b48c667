//! What is refused, and how: bodies, paths, methods, slow clients; and the headers of every answer.

use crate::client::{Client, read_out};
use crate::server::Server;
use nines_domain::account::Role;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

async fn post(server: &Server, kind: Option<&str>, body: Vec<u8>) -> crate::client::Answer {
    let mut request = server
        .nobody()
        .request(Method::POST, "/api/session")
        .body(body);
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    Client::send(request).await
}

#[tokio::test]
async fn bodies_that_cannot_be_are_refused_cleanly() {
    let server = Server::start().await;
    let kind = Some("application/json");
    post(&server, kind, b"{\"name\": ".to_vec())
        .await
        .refused(400, "bad-request");
    post(&server, kind, b"".to_vec())
        .await
        .refused(400, "bad-request");
    post(&server, kind, b"[]".to_vec())
        .await
        .refused(422, "invalid");
    post(&server, kind, b"{\"name\": 7, \"password\": []}".to_vec())
        .await
        .refused(422, "invalid");
    post(&server, kind, vec![0xff, 0xfe, 0x00])
        .await
        .refused(400, "bad-request");
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    post(&server, kind, deep).await.refused(422, "invalid");
    let good = json!({"name": "a", "password": "b"})
        .to_string()
        .into_bytes();
    post(&server, None, good.clone())
        .await
        .refused(415, "content-type");
    post(&server, Some("text/plain"), good.clone())
        .await
        .refused(415, "content-type");
    let form = Some("application/x-www-form-urlencoded");
    post(&server, form, b"name=a&password=b".to_vec())
        .await
        .refused(415, "content-type");
    post(&server, kind, vec![b' '; (1 << 20) + 1])
        .await
        .refused(413, "too-large");
    post(&server, kind, good).await.refused(401, "credentials");
}

#[tokio::test]
async fn a_body_that_hides_its_length_is_no_larger() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    let head = "POST /api/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let piece = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..20 {
        // The server may well have closed by now.
        if stream.write_all(piece.as_bytes()).await.is_err() {
            break;
        }
    }
    let heard = read_out(&mut stream).await;
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
    assert!(heard.contains("/problems/too-large"), "{heard}");
}

#[tokio::test]
async fn slow_bodies_and_slow_heads_are_cut_off() {
    let server = Server::start_impatient().await;
    let start = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    let head = "POST /api/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let heard = read_out(&mut stream).await;
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
    assert!(heard.contains("/problems/slow"), "{heard}");
    // One byte at a time is no way around it.
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let dripping = Instant::now();
    while stream.write_all(b" ").await.is_ok() && dripping.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut heard = [0u8; 12];
        if let Ok(n) = stream.try_read(&mut heard) {
            assert_eq!(&heard[..n], b"HTTP/1.1 408");
            break;
        }
    }
    assert!(
        dripping.elapsed() < Duration::from_secs(5),
        "{:?}",
        dripping.elapsed()
    );
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    stream
        .write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .await
        .expect("sent");
    let silent = Instant::now();
    read_out(&mut stream).await;
    assert!(
        silent.elapsed() < Duration::from_millis(1900),
        "closed, and not by us"
    );
    assert!(start.elapsed() < Duration::from_secs(20));
    server.nobody().get("/api/health").await.expect(200);
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    let server = Server::start().await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(200_000));
    let heard = server.nobody().raw(long.as_bytes()).await;
    assert!(
        heard.is_empty() || heard.starts_with("HTTP/1.1 4"),
        "{heard}"
    );
    let many = format!(
        "GET /api/health HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "a: b\r\n".repeat(500)
    );
    let heard = server.nobody().raw(many.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 431"), "{heard}");
}

#[tokio::test]
async fn path_tricks_reach_no_file_and_no_endpoint() {
    let server = Server::start().await;
    let ask = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        server.nobody().raw(request.as_bytes()).await
    };
    for path in [
        "/../Cargo.toml",
        "/../../Cargo.toml",
        "/assets/../../../Cargo.toml",
        "/..%2f..%2fCargo.toml",
        "/%2e%2e/%2e%2e/Cargo.toml",
        "/%2e%2e%2f%2e%2e%2fetc/passwd.txt",
        "/..\\..\\Cargo.toml",
        "//etc/passwd.txt",
        "/etc/passwd.txt%00.html",
        "/assets//../../Cargo.toml",
        "/api/../Cargo.toml",
        "/%ff%fe.txt",
    ] {
        let heard = ask(path).await;
        assert!(heard.starts_with("HTTP/1.1 404"), "{path}: {heard}");
        assert!(heard.contains("/problems/not-found"), "{path}: {heard}");
        assert!(
            !heard.contains("workspace") && !heard.contains("root:"),
            "{path}: {heard}"
        );
    }
    for path in [
        "//api/session",
        "/api//session",
        "/api/./session",
        "/api/session/",
        "/api/x/../session",
        "/api/%2e%2e/api/session",
        "/api",
        "/api/",
        "/API/..%2fapi/audit.x",
        "/api/invitations/%ff",
    ] {
        let heard = ask(path).await;
        assert!(heard.starts_with("HTTP/1.1 404"), "{path}: {heard}");
    }
    for request in [
        "GET http://evil.example/api/health HTTP/1.1",
        "GET api/health HTTP/1.1",
        "GARBAGE",
    ] {
        let request = format!("{request}\r\nhost: x\r\nconnection: close\r\n\r\n");
        let heard = server.nobody().raw(request.as_bytes()).await;
        assert!(!heard.contains("HTTP/1.1 5"), "{request}: {heard}");
    }
}

#[tokio::test]
async fn methods_that_are_not_there_are_refused() {
    let server = Server::start().await;
    let nobody = server.nobody();
    let answer = nobody.delete("/api/health").await;
    answer.refused(405, "method");
    assert!(answer.header("allow").expect("methods").contains("GET"));
    nobody
        .post("/label", json!({}))
        .await
        .refused(405, "method");
    let traced = nobody.call(Method::TRACE, "/api/health", None).await;
    traced.refused(405, "method");
    let options = nobody.call(Method::OPTIONS, "/api/session", None).await;
    assert_eq!(options.header("access-control-allow-origin"), None);
    nobody
        .call(Method::HEAD, "/api/health", None)
        .await
        .expect(200);
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let server = Server::start().await;
    let labeller = server.signed_in_as(Role::Labeller).await;
    let nobody = server.nobody();
    let answers = [
        nobody.get("/api/health").await.expect(200),
        labeller.get("/api/session").await.expect(200),
        nobody.get("/api/session").await.expect(401),
        labeller.get("/api/audit").await.expect(403),
        nobody.get("/api/nothing").await.expect(404),
        nobody.get("/nothing.txt").await.expect(404),
        nobody.get("/label/7").await,
        nobody.delete("/api/health").await.expect(405),
        post(&server, None, Vec::new()).await.expect(415),
        post(&server, Some("application/json"), vec![b' '; 2 << 20])
            .await
            .expect(413),
        labeller.delete("/api/session").await.expect(204),
    ];
    for answer in answers {
        let at = format!("{} {}", answer.status, answer.text());
        let policy = answer.header("content-security-policy").expect(&at);
        let scripts = policy
            .split("; ")
            .find(|part| part.starts_with("script-src"));
        assert_eq!(scripts, Some("script-src 'self'"), "{at}");
        assert!(policy.starts_with("default-src 'none'"), "{at}");
        assert!(policy.contains("frame-ancestors 'none'"), "{at}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {at}");
        }
        let kept = answer.header("cache-control");
        assert!(
            kept == Some("no-store") || kept == Some("no-cache"),
            "{kept:?} of {at}"
        );
        assert_eq!(answer.header("server"), None, "{at}");
    }
}

#[tokio::test]
async fn whoever_takes_no_answer_is_cut_off() {
    let server = Server::start_impatient().await;
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    let many = b"GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    // Questions without end, and not one answer read: buffers fill, then the server waits a second.
    let asking = async { while stream.write_all(&many).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), asking)
        .await
        .expect("the server closes the connection");
    server.nobody().get("/api/health").await.expect(200);
}

#[tokio::test]
async fn somebody_who_is_not_signed_in_fills_little_memory() {
    let server = Server::start().await;
    let kind = Some("application/json");
    let body = json!({"name": "ann", "password": "x".repeat(300 << 10)}).to_string();
    post(&server, kind, body.clone().into_bytes())
        .await
        .refused(413, "too-large");
    server
        .nobody()
        .post("/api/setup", json!({"token": body}))
        .await
        .refused(413, "too-large");
}
