//! Everything that can go wrong with one question on its way to an endpoint and back.

use crate::ask::{KEY, config, one, reason, unreached};
use crate::server::{Reply, Server};
use nines_domain::draw::{Draw, Finish};
use nines_infer::endpoint::{EndpointConfig, EndpointGenerator, Route};
use nines_infer::generator::Generator;
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn a_good_answer_is_a_draw() {
    let server = Server::start(|_, _| Reply::text(" He ran home. Then"));
    let draw = one(config(&server)).expect("a draw");
    assert_eq!(
        draw,
        Draw {
            draw: 0,
            completion: "He ran home.".into(),
            finish: Finish::Sentence,
            tokens: 5
        }
    );
    let request = &server.requests()[0];
    assert_eq!(request.path, "/v1/completions");
    assert_eq!(
        request.header("authorization"),
        Some(&*format!("Bearer {KEY}"))
    );
    assert_eq!(request.body["prompt"], "It rained.");
}

#[test]
fn without_a_key_none_is_sent() {
    let server = Server::start(|_, _| Reply::text(" He ran home. Then"));
    let config = EndpointConfig {
        key: None,
        ..config(&server)
    };
    assert!(one(config).is_ok());
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[test]
fn what_may_pass_is_asked_again() {
    let faults: Vec<Reply> = vec![
        Reply::bytes(500, b"oops"),
        Reply::bytes(503, b"<html>busy</html>"),
        Reply::json(429, &json!({"error": {"message": "slow down"}})),
        Reply::bytes(408, b""),
        Reply::Cut(b"{\"choices\": [".to_vec()),
        Reply::Hang,
    ];
    for fault in faults {
        let told = fault.clone();
        let server = Server::start(move |number, _| match number {
            0 => told.clone(),
            _ => Reply::text(" He ran home. Then"),
        });
        assert!(one(config(&server)).is_ok(), "{fault:?}");
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{fault:?}");
        assert_eq!(requests[0].body, requests[1].body, "the same draw");
    }
}

#[test]
fn the_server_says_how_long_to_wait_up_to_a_limit() {
    let in_the_future =
        httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(3600));
    for (after, least) in [
        ("0.2", 200),
        ("1000000", 300),
        ("nonsense", 0),
        (&*in_the_future, 300),
        ("-5", 0),
    ] {
        let after = after.to_owned();
        let server = Server::start(move |number, _| match number {
            0 => Reply::bytes(429, b"").with("retry-after", &after),
            _ => Reply::text(" He ran home. Then"),
        });
        let started = Instant::now();
        assert!(one(config(&server)).is_ok());
        let waited = started.elapsed();
        assert!(waited >= Duration::from_millis(least), "{waited:?}");
        assert!(waited < Duration::from_secs(5), "{waited:?}");
    }
}

#[test]
fn what_will_not_pass_is_not_asked_again() {
    let faults: Vec<(Reply, &str)> = vec![
        (
            Reply::json(
                400,
                &json!({"error": {"message": "context length exceeded"}}),
            ),
            "context length exceeded",
        ),
        (Reply::bytes(422, b"[]"), "422"),
        (
            Reply::json(401, &json!({"error": format!("wrong key {KEY}")})),
            "wrong key ***",
        ),
        (Reply::bytes(403, b""), "refuses the key"),
        (
            Reply::json(404, &json!({"detail": "no such model"})),
            "no such model",
        ),
        (
            Reply::bytes(307, b"").with("location", "http://user:pw@elsewhere.test/x?token=1"),
            "http://elsewhere.test/x",
        ),
        (Reply::bytes(200, b""), "not JSON"),
        (Reply::bytes(200, b"{\"choices\""), "not JSON"),
        (Reply::bytes(200, &[b'"', 0xff, 0xfe, b'"']), "not JSON"),
        (
            Reply::bytes(200, b"<html><body>Please sign in</body></html>"),
            "Please sign in",
        ),
        (Reply::bytes(200, b"[]"), "no list of choices"),
        (Reply::json(200, &json!({"choices": []})), "no choices"),
        (
            Reply::json(200, &json!({"choices": [{"text": null}]})),
            "not a text",
        ),
        (
            Reply::json(200, &json!({"choices": [{"text": ["a"]}]})),
            "not a text",
        ),
        (
            Reply::json(
                200,
                &json!({"choices": [{"message": {"content": "He ran."}}]}),
            ),
            "not a text",
        ),
        (Reply::text("  \n "), "no text"),
        (
            Reply::json(
                200,
                &json!({"error": {"message": format!("key {KEY} is over its quota")}}),
            ),
            "over its quota",
        ),
        (
            Reply::bytes(200, format!("{{\"x\": \"{KEY}\"").as_bytes()),
            "***",
        ),
    ];
    for (fault, word) in faults {
        let told = fault.clone();
        let server = Server::start(move |_, _| told.clone());
        let reason = reason(&one(config(&server)).expect_err("a fault"));
        assert!(reason.contains(word), "{fault:?}: {reason}");
        assert_eq!(server.requests().len(), 1, "{fault:?}");
    }
}

#[test]
fn it_gives_up_in_the_end() {
    for fault in [
        Reply::bytes(500, b"down"),
        Reply::Hang,
        Reply::Cut(b"{".to_vec()),
    ] {
        let told = fault.clone();
        let server = Server::start(move |_, _| told.clone());
        let reason = unreached(&one(config(&server)).expect_err("a fault"));
        assert!(reason.contains("asked 4 times"), "{fault:?}: {reason}");
        assert_eq!(server.requests().len(), 4, "{fault:?}");
    }
}

#[test]
fn a_slow_answer_is_no_answer() {
    let server = Server::start(|_, _| Reply::Drip);
    let config = EndpointConfig {
        timeout: Duration::from_millis(150),
        retries: 1,
        ..config(&server)
    };
    let started = Instant::now();
    let reason = unreached(&one(config).expect_err("too slow"));
    assert!(
        reason.contains("no answer within 0.15 s (asked 2 times)"),
        "{reason}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_endless_answer_is_cut_off() {
    let server = Server::start(|_, _| Reply::Flood);
    let config = EndpointConfig {
        max_response_bytes: 100_000,
        ..config(&server)
    };
    let reason = reason(&one(config).expect_err("too long"));
    assert!(reason.contains("longer than 100000 bytes"), "{reason}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn it_can_be_used_and_dropped_inside_another_runtime() {
    let server = Server::start(|_, _| Reply::text(" He ran home. Then"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        assert!(one(config(&server)).is_ok());
    });
}

#[test]
fn only_a_configured_proxy_is_used() {
    let server = Server::start(|_, _| Reply::text(" He ran home. Then"));
    let proxied = EndpointConfig {
        proxy: Some(server.url.clone()),
        ..EndpointConfig::new("http://far.away.test/v1", "m", Route::Completions)
    };
    assert!(one(proxied).is_ok());
    assert_eq!(
        server.requests()[0].path,
        "http://far.away.test/v1/completions"
    );
    // Nobody listens at this one, so a client that read it would fail.
    let nobody = "http://127.0.0.1:9";
    let run = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "faults::a_good_answer_is_a_draw"])
        .envs([
            ("HTTP_PROXY", nobody),
            ("http_proxy", nobody),
            ("ALL_PROXY", nobody),
        ])
        .output()
        .expect("ran");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_generators_name_tells_its_settings_and_no_secret() {
    let server = Server::start(|_, _| Reply::Hang);
    let id = |change: &dyn Fn(&mut EndpointConfig)| {
        let mut config = config(&server);
        change(&mut config);
        EndpointGenerator::new(config).expect("a generator").id()
    };
    let plain = id(&|_| {});
    assert!(plain.contains("model m") && !plain.contains(KEY), "{plain}");
    assert_eq!(plain, id(&|c| c.concurrency = 9));
    assert_ne!(plain, id(&|c| c.model = "n".into()));
    assert_ne!(plain, id(&|c| c.draws_per_request = 2));
    let chat = id(&|c| c.route = Route::Chat);
    assert_ne!(
        chat,
        id(&|c| (c.route, c.instruction) = (Route::Chat, "Go on.".into()))
    );
}
