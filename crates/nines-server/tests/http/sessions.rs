//! Signing in and out, cookies, CSRF, limits, and when sessions end.

use crate::server::{PASSWORD, Server};
use nines_domain::account::Role;
use reqwest::Method;
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;

#[tokio::test]
async fn somebody_signs_in_and_out() {
    let server = Server::start().await;
    server.register("Ann Lee", Role::Labeller).await;
    let answer = server
        .nobody()
        .sign_in(" ann lee ", PASSWORD)
        .await
        .expect(200);
    let session = answer.json();
    assert_eq!(session["account"]["name"], "Ann Lee");
    assert_eq!(session["account"]["role"], "labeller");
    assert_eq!(session["project"]["predicate_version"], 1);
    assert_eq!(session["project"]["id"].as_str().map(str::len), Some(32));
    let ann = server.nobody().taking(&answer);
    assert_eq!(ann.get("/api/session").await.expect(200).json(), session);
    let out = ann.delete("/api/session").await.expect(204);
    let cookie = out.header("set-cookie").expect("a cookie");
    assert!(
        cookie.starts_with(&format!("{}=;", server.cookie)) && cookie.contains("Max-Age=0"),
        "{cookie}"
    );
    ann.get("/api/session").await.refused(401, "signed-out");
}

#[tokio::test]
async fn the_cookie_is_for_this_site_and_no_script() {
    let server = Server::start().await;
    server.register("ann", Role::Labeller).await;
    let attributes = |answer: &crate::client::Answer| -> Vec<String> {
        let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
        cookie.split("; ").skip(1).map(str::to_owned).collect()
    };
    let plain = server.nobody().sign_in("ann", PASSWORD).await.expect(200);
    assert_eq!(
        attributes(&plain),
        ["HttpOnly", "SameSite=Strict", "Path=/"]
    );
    let ann = server.nobody().taking(&plain);
    assert_eq!(ann.token().len(), 64);
    let tls = Server::start_with(|state| {
        let settings = nines_server::Settings {
            tls: true,
            ..(*state.settings).clone()
        };
        state.settings = settings.into();
    })
    .await;
    tls.register("ann", Role::Labeller).await;
    let secure = tls.nobody().sign_in("ann", PASSWORD).await.expect(200);
    assert_eq!(
        attributes(&secure),
        ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"]
    );
    assert_eq!(
        secure.header("strict-transport-security"),
        Some("max-age=31536000")
    );
    assert_eq!(plain.header("strict-transport-security"), None);
}

#[tokio::test]
async fn tokens_and_passwords_are_not_in_the_database() {
    let server = Server::start().await;
    let ann = server.register("ann", Role::Labeller).await;
    let made = ann
        .post("/api/account/tokens", json!({"name": "script"}))
        .await
        .expect(201);
    let api_token = made.json()["token"].as_str().expect("a token").to_owned();
    let file = server.state.settings.folder.join("nines.db");
    let mut stored = std::fs::read(&file).expect("the database");
    stored.extend(std::fs::read(file.with_extension("db-wal")).unwrap_or_default());
    for secret in [
        ann.token(),
        PASSWORD,
        &api_token,
        api_token.trim_start_matches("nines_"),
    ] {
        let found = stored.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!found, "{secret} is stored");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_told_alike() {
    let server = Server::start().await;
    server.register("ann", Role::Labeller).await;
    let wrong = server.nobody().sign_in("ann", "not the password").await;
    let unknown = server.nobody().sign_in("nobody at all", PASSWORD).await;
    let no_name = server.nobody().sign_in("\u{202e}", PASSWORD).await;
    let long = server.nobody().sign_in("ann", &"x".repeat(100_000)).await;
    wrong.refused(401, "credentials");
    for other in [&unknown, &no_name, &long] {
        assert_eq!(other.text(), wrong.text());
        assert_eq!(other.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn too_many_wrong_passwords_wait_and_right_ones_do_not() {
    let server = Server::start().await;
    server.register("ann", Role::Labeller).await;
    server.register("bob", Role::Labeller).await;
    for _ in 0..12 {
        server.nobody().sign_in("bob", PASSWORD).await.expect(200);
    }
    for _ in 0..10 {
        server
            .nobody()
            .sign_in("ann", "not the password")
            .await
            .refused(401, "credentials");
    }
    let refused = server.nobody().sign_in("Ann", PASSWORD).await;
    refused.refused(429, "too-many");
    let wait: u64 = refused
        .header("retry-after")
        .expect("a time")
        .parse()
        .expect("seconds");
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(refused.json()["retry_after_seconds"], wait);
    server.nobody().sign_in("bob", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn many_sign_in_at_once_and_the_rest_still_answers() {
    let server = Server::start().await;
    server.register("ann", Role::Labeller).await;
    let mut storm = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = server.nobody();
        storm.spawn(async move { client.sign_in("ann", PASSWORD).await.status });
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let asked = std::time::Instant::now();
    server.nobody().get("/api/health").await.expect(200);
    assert!(
        asked.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    let statuses = storm.join_all().await;
    // One name has ten attempts under way at once; each success gives its own back.
    assert!(
        statuses.iter().all(|status| [200, 429].contains(status)),
        "{statuses:?}"
    );
    assert!(
        statuses.iter().filter(|status| **status == 200).count() >= 10,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn another_site_can_do_nothing() {
    let server = Server::start().await;
    let ann = server.register("ann", Role::Labeller).await;
    let own = format!("http://{}", server.address);
    let sign_out = |name: &'static str, value: String| {
        let request = ann
            .request(Method::DELETE, "/api/session")
            .header(name, value);
        crate::client::Client::send(request)
    };
    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        sign_out("origin", origin.to_owned())
            .await
            .refused(403, "forbidden");
    }
    sign_out("sec-fetch-site", "cross-site".into())
        .await
        .refused(403, "forbidden");
    let credentials = json!({"name": "ann", "password": PASSWORD}).to_string();
    let foreign = server
        .nobody()
        .request(Method::POST, "/api/session")
        .header("content-type", "application/json")
        .header("origin", "https://evil.example")
        .body(credentials);
    crate::client::Client::send(foreign)
        .await
        .refused(403, "forbidden");
    let bare = server.nobody().request(Method::DELETE, "/api/session");
    let bare = bare.header("cookie", format!("{}={}", server.cookie, ann.token()));
    crate::client::Client::send(bare).await.refused(403, "csrf");
    let allowed = ann.get("/api/session").await.expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), None);
    sign_out("origin", own).await.expect(204);
}

#[tokio::test]
async fn sessions_end_unused_and_in_the_end() {
    let server = Server::start().await;
    let admin = server.account("root", Role::Admin).await;
    let raw = Database::connect(format!(
        "sqlite://{}",
        server.state.settings.folder.join("nines.db").display()
    ))
    .await
    .expect("a raw connection");
    for (column, hours, status) in [
        ("last_seen", 11, 200),
        ("last_seen", 13, 401),
        ("created", 13 * 24, 200),
        ("created", 15 * 24, 401),
    ] {
        let client = server.client_of(admin).await;
        client.get("/api/session").await.expect(200);
        let ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
        let ago = ago.strftime("%Y-%m-%dT%H:%M:%S.000001Z");
        let newest = "(SELECT MAX(id) FROM sessions)";
        let sql = format!("UPDATE sessions SET {column} = '{ago}' WHERE id = {newest}");
        raw.execute_unprepared(&sql).await.expect("changed");
        client.get("/api/session").await.expect(status);
    }
    raw.close().await.expect("closed");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let server = Server::start().await;
    let here = server.register("ann", Role::Labeller).await;
    let answer = server.nobody().sign_in("ann", PASSWORD).await.expect(200);
    let there = server.nobody().taking(&answer);
    let change = |old: &str, new: &str| json!({"old": old, "new": new});
    let path = "/api/account/password";
    here.put(path, change("wrong password", "another password"))
        .await
        .refused(422, "invalid");
    here.put(path, change(PASSWORD, "short"))
        .await
        .refused(422, "invalid");
    there.get("/api/session").await.expect(200);
    here.put(path, change(PASSWORD, "another password"))
        .await
        .expect(204);
    here.get("/api/session").await.expect(200);
    there.get("/api/session").await.refused(401, "signed-out");
    server
        .nobody()
        .sign_in("ann", PASSWORD)
        .await
        .refused(401, "credentials");
    server
        .nobody()
        .sign_in("ann", "another password")
        .await
        .expect(200);
}

#[tokio::test]
async fn two_projects_on_one_host_keep_their_own_cookies() {
    let (here, there) = (Server::start().await, Server::start().await);
    let ann = here.register("ann", Role::Labeller).await;
    let bob = there.register("bob", Role::Labeller).await;
    // A browser sends all cookies of a host to all its ports.
    let both = format!(
        "{}={}; {}={}",
        here.cookie,
        ann.token(),
        there.cookie,
        bob.token()
    );
    for (server, name) in [(&here, "ann"), (&there, "bob")] {
        let request = server.nobody().request(Method::GET, "/api/session");
        let answer = crate::client::Client::send(request.header("cookie", &both)).await;
        assert_eq!(answer.expect(200).json()["account"]["name"], name);
    }
}

#[tokio::test]
async fn a_password_of_the_proxy_beside_our_cookie_does_no_harm() {
    let server = Server::start().await;
    let ann = server.signed_in_as(Role::Labeller).await;
    let with = |client: &crate::client::Client, word: &'static str| {
        let request = client.request(Method::GET, "/api/session");
        crate::client::Client::send(request.header("authorization", word))
    };
    with(&ann, "Basic YW5uOnNlY3JldA==").await.expect(200);
    with(&ann, "Bearer nothing")
        .await
        .refused(401, "signed-out");
    with(&server.nobody(), "Basic YW5uOnNlY3JldA==")
        .await
        .refused(401, "signed-out");
}

#[tokio::test]
async fn behind_a_proxy_who_guesses_locks_out_nobody_at_another_address() {
    let server = Server::start_with(|state| {
        let settings = nines_server::Settings {
            tls: true,
            origin: "https://nines.example".into(),
            ..(*state.settings).clone()
        };
        state.settings = settings.into();
    })
    .await;
    server.register("ann", Role::Labeller).await;
    let attempt = |password: &str, from: &str| {
        let body = json!({"name": "ann", "password": password}).to_string();
        let request = server
            .nobody()
            .request(Method::POST, "/api/session")
            .header("content-type", "application/json")
            .header("origin", "https://nines.example")
            .header("x-forwarded-for", format!("10.1.1.1, {from}"))
            .body(body);
        crate::client::Client::send(request)
    };
    for _ in 0..10 {
        attempt("not the password", "198.51.100.9")
            .await
            .refused(401, "credentials");
    }
    attempt(PASSWORD, "198.51.100.9")
        .await
        .refused(429, "too-many");
    attempt(PASSWORD, "203.0.113.5").await.expect(200);
}
