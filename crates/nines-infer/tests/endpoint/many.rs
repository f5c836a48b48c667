//! Many draws at once: which fail alone, and what stops them all.

use crate::ask::{ask, config, reason, run, unreached};
use crate::server::{Reply, Request, Server};
use nines_domain::draw::Sampling;
use nines_infer::cancel::CancelFlag;
use nines_infer::endpoint::{EndpointConfig, EndpointGenerator};
use nines_infer::generator::{Generator, PromptRequest};
use serde_json::json;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
