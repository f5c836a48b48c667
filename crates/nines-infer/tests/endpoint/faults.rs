//! Everything that can go wrong on the way to an endpoint and back.

use crate::server::{Reply, Request, Server};
use nines_domain::draw::{Draw, Finish, Sampling};
use nines_infer::cancel::CancelFlag;
use nines_infer::endpoint::{ApiKey, EndpointConfig, EndpointGenerator, Route};
use nines_infer::generator::{GenerateError, GenerateStats, Generator, PromptRequest};
use serde_json::json;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const KEY: &str = "sk-very-secret-0123456789";

fn config(server: &Server) -> EndpointConfig {
    EndpointConfig {
        key: Some(ApiKey::new(KEY).expect("a key")),
        first_wait: Duration::from_millis(2),
        longest_wait: Duration::from_millis(300),
        timeout: Duration::from_secs(10),
        retries: 3,
        concurrency: 1,
        ..EndpointConfig::new(&server.url, "m", Route::Completions)
    }
}

fn ask(draws: Range<u32>) -> Vec<PromptRequest> {
    vec![PromptRequest {
        prompt: "It rained.".into(),
        draws,
    }]
}

type Answers = Vec<(usize, Result<Draw, GenerateError>)>;

fn run(
    config: EndpointConfig,
    requests: &[PromptRequest],
) -> (Answers, Result<GenerateStats, GenerateError>) {
    let generator = EndpointGenerator::new(config).expect("a generator");
    let mut answers = Vec::new();
    let result = generator.generate(
        requests,
        &Sampling::default(),
        &mut |request, draw| answers.push((request, draw)),
        &CancelFlag::default(),
    );
    for text in answers
        .iter()
        .map(|a| format!("{a:?}"))
        .chain([format!("{result:?}"), format!("{generator:?}")])
    {
        assert!(!text.contains(KEY), "{text}");
    }
    (answers, result)
}

/// Runs one draw and returns it or its error.
fn one(config: EndpointConfig) -> Result<Draw, GenerateError> {
    let (mut answers, result) = run(config, &ask(0..1));
    match answers.pop() {
        Some((0, answer)) => answer,
        _ => Err(result.expect_err("neither a draw nor an error")),
    }
}

fn checked(url: &str, reason: &str) -> String {
    assert!(
        url.starts_with("http://127.0.0.1:") && url.ends_with("/v1/completions"),
        "{url}"
    );
    assert!(reason.len() < 700, "{reason}");
    reason.to_owned()
}

/// What the endpoint said about a question, or why all of them were given up.
fn reason(error: &GenerateError) -> String {
    let GenerateError::Endpoint { url, reason } = error else {
        panic!("{error}");
    };
    checked(url, reason)
}

/// Why a question did not reach the endpoint, which says nothing about the question.
fn unreached(error: &GenerateError) -> String {
    let GenerateError::Unreached { url, reason } = error else {
        panic!("{error}");
    };
    checked(url, reason)
}

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
fn nobody_listens() {
    let server = Server::start(|_, _| Reply::Hang);
    let config = EndpointConfig {
        concurrency: 2,
        retries: 1,
        ..config(&server)
    };
    drop(server);
    std::thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    let (answers, result) = run(config, &ask(0..1000));
    let error = reason(&result.expect_err("nobody"));
    assert!(error.contains("cannot be reached"), "{error}");
    // It stops soon, and does not try every draw.
    assert!(answers.len() < 10, "{}", answers.len());
    assert!(answers.iter().all(|(_, answer)| answer.is_err()));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn nobody_listens_to_a_few_draws_either() {
    for (draws, concurrency) in [(1, 4), (2, 4), (3, 4)] {
        let server = Server::start(|_, _| Reply::Hang);
        let config = EndpointConfig {
            concurrency,
            retries: 0,
            ..config(&server)
        };
        drop(server);
        std::thread::sleep(Duration::from_millis(50));
        let (answers, result) = run(config, &ask(0..draws));
        let error = reason(&result.expect_err("nobody"));
        assert!(error.contains("cannot be reached"), "{error}");
        for (_, answer) in &answers {
            unreached(answer.as_ref().expect_err("nobody"));
        }
    }
}

#[test]
fn a_few_draws_of_which_one_is_answered_go_on() {
    let server = Server::start(|number, _| match number {
        0 => Reply::text(" He ran home. Then"),
        _ => Reply::bytes(503, b"busy"),
    });
    let config = EndpointConfig {
        retries: 0,
        concurrency: 3,
        ..config(&server)
    };
    let (answers, result) = run(config, &ask(0..3));
    assert_eq!(answers.len(), 3);
    assert_eq!(result.expect("it is there").tokens, 5);
}

#[test]
fn a_refused_key_stops_everything() {
    let server = Server::start(|_, _| Reply::bytes(401, b"{}"));
    let config = EndpointConfig {
        concurrency: 3,
        ..config(&server)
    };
    let (answers, result) = run(config, &ask(0..500));
    assert!(reason(&result.expect_err("refused")).contains("refuses the key"));
    assert!(answers.is_empty());
    assert!(server.requests().len() <= 3);
}

#[test]
fn one_bad_answer_fails_alone() {
    let server = Server::start(|_, request| {
        if request.body["prompt"] == "bad" {
            Reply::bytes(400, b"no")
        } else {
            Reply::text(" He ran home. Then")
        }
    });
    let prompt = |text: &str, draws| PromptRequest {
        prompt: text.into(),
        draws,
    };
    let requests = [
        prompt("a", 3..6),
        prompt("bad", 0..2),
        prompt("b", 0..1),
        prompt("none", 4..4),
    ];
    let config = EndpointConfig {
        concurrency: 4,
        ..config(&server)
    };
    let (mut answers, result) = run(config, &requests);
    answers.sort_by_key(|(request, answer)| (*request, answer.as_ref().map_or(0, |d| d.draw)));
    let told: Vec<_> = answers
        .iter()
        .map(|(request, answer)| (*request, answer.as_ref().ok().map(|draw| draw.draw)))
        .collect();
    assert_eq!(
        told,
        [
            (0, Some(3)),
            (0, Some(4)),
            (0, Some(5)),
            (1, None),
            (1, None),
            (2, Some(0))
        ]
    );
    assert_eq!(result.expect("goes on").tokens, 20);
    assert_eq!(server.requests().len(), 6, "only what was asked for");
}

#[test]
fn a_seed_belongs_to_its_draw() {
    let seeds = |draws: Range<u32>| {
        let server = Server::start(|_, _| Reply::text(" He ran home. Then"));
        let (_, result) = run(config(&server), &ask(draws));
        result.expect("answers");
        server
            .requests()
            .iter()
            .map(|r| r.body["seed"].as_u64().expect("a seed"))
            .collect::<Vec<_>>()
    };
    let all = seeds(0..6);
    assert_eq!(seeds(2..4), all[2..4]);
    assert_eq!(seeds(4..6), all[4..6]);
}

#[test]
fn several_draws_come_in_one_answer_where_the_server_can() {
    let choices = |request: &Request| {
        let n = request.body["n"].as_u64().expect("a number");
        let choices: Vec<_> = (0..n)
            .rev()
            .map(|i| json!({"text": format!(" He ran {i} miles. So"), "index": i, "finish_reason": "length"}))
            .collect();
        Reply::json(
            200,
            &json!({"choices": choices, "usage": {"completion_tokens": 7 * n}}),
        )
    };
    let server = Server::start(move |_, request| choices(request));
    let config = EndpointConfig {
        draws_per_request: 3,
        ..config(&server)
    };
    let (answers, _) = run(config, &ask(0..5));
    let texts: Vec<_> = answers
        .iter()
        .map(|(_, a)| a.as_ref().expect("a draw").completion.clone())
        .collect();
    assert_eq!(
        texts,
        [
            "He ran 0 miles.",
            "He ran 1 miles.",
            "He ran 2 miles.",
            "He ran 0 miles.",
            "He ran 1 miles."
        ]
    );
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.body["n"].as_u64())
        .collect();
    assert_eq!(asked, [Some(3), Some(2)]);
}

#[test]
fn no_more_requests_are_under_way_than_allowed() {
    static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_, _| {
        MOST.fetch_max(
            UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1,
            Ordering::SeqCst,
        );
        std::thread::sleep(Duration::from_millis(30));
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
        Reply::text(" He ran home. Then")
    });
    let config = EndpointConfig {
        concurrency: 3,
        ..config(&server)
    };
    let (answers, _) = run(config, &ask(0..12));
    assert_eq!(answers.len(), 12);
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}

#[test]
fn cancelling_keeps_what_is_done_and_leaves_at_once() {
    let server = Server::start(|number, _| {
        if number < 3 {
            Reply::text(" He ran home. Then")
        } else {
            Reply::Drip
        }
    });
    let config = EndpointConfig {
        timeout: Duration::from_secs(60),
        ..config(&server)
    };
    let generator = EndpointGenerator::new(config).expect("a generator");
    let cancel = CancelFlag::default();
    let flag = Mutex::new(cancel.clone());
    let mut draws = 0;
    let started = Instant::now();
    let stats = generator
        .generate(
            &ask(0..100),
            &Sampling::default(),
            &mut |_, draw| {
                assert!(draw.is_ok());
                draws += 1;
                if draws == 3 {
                    flag.lock().expect("not poisoned").cancel();
                }
            },
            &cancel,
        )
        .expect("what is done");
    assert_eq!((draws, stats.tokens), (3, 15));
    assert!(started.elapsed() < Duration::from_secs(5));
    let nothing = generator.generate(
        &ask(0..9),
        &Sampling::default(),
        &mut |_, _| panic!("cancelled"),
        &cancel,
    );
    assert_eq!(nothing.expect("nothing").tokens, 0);
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
