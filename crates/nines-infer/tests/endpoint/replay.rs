//! Recordings of llama-cpp-python's server, played back.

use crate::scenario::scenes;
use crate::server::{Reply, Server};
use nines_domain::draw::{Draw, Finish};
use nines_infer::cancel::CancelFlag;
use nines_infer::endpoint::EndpointGenerator;
use nines_infer::generator::{GenerateError, Generator};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

fn recordings() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/fixtures/openai");
    ["completions.json", "chat.json"]
        .iter()
        .flat_map(|name| {
            let path = PathBuf::from(folder).join(name);
            let text =
                fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            serde_json::from_str::<Vec<Value>>(&text).expect("a list of recordings")
        })
        .collect()
}

/// Plays back what the real server answered to the same request; any other request is refused.
fn player() -> Server {
    let recordings = recordings();
    Server::start(move |_, request| {
        let recorded = recordings
            .iter()
            .find(|r| r["path"] == request.path && r["request"] == request.body);
        match recorded {
            Some(r) => Reply::json(
                r["status"].as_u64().expect("a status") as u16,
                &r["response"],
            ),
            None => Reply::bytes(422, format!("not recorded: {}", request.body).as_bytes()),
        }
    })
}

/// The raw text that the real server gave for a request with this seed.
fn raw(path: &str, response: &Value) -> String {
    let choice = &response["choices"][0];
    let text = if path.ends_with("chat/completions") {
        &choice["message"]["content"]
    } else {
        &choice["text"]
    };
    text.as_str().expect("a text").to_owned()
}

#[test]
fn a_real_servers_answers_become_draws() {
    let server = player();
    let recordings = recordings();
    let texts: Vec<String> = recordings
        .iter()
        .filter(|r| r["status"] == 200)
        .map(|r| raw(r["path"].as_str().expect("a path"), &r["response"]))
        .collect();
    let mut finishes = [0; 3];
    for scene in scenes(&server.url) {
        let generator = EndpointGenerator::new(scene.config.clone()).expect("a generator");
        let mut told: Vec<(usize, Result<Draw, GenerateError>)> = Vec::new();
        generator
            .generate(
                &scene.requests,
                &scene.sampling,
                &mut |request, draw| told.push((request, draw)),
                &CancelFlag::default(),
            )
            .expect("answers");
        let asked: usize = scene.requests.iter().map(|r| r.draws.len()).sum();
        assert_eq!(told.len(), asked, "{}", scene.name);
        for (request, draw) in told {
            if scene.requests[request].prompt.len() > 8000 {
                let error = draw.expect_err("too long").to_string();
                assert!(error.contains("maximum context length"), "{error}");
                continue;
            }
            let draw = draw.expect("a draw");
            finishes[draw.finish as usize] += 1;
            assert!(
                texts
                    .iter()
                    .any(|text| text.trim().starts_with(&draw.completion)),
                "{draw:?}"
            );
            assert!(draw.tokens > 0 && draw.tokens <= scene.sampling.max_tokens);
            if !scene.sampling.one_sentence {
                assert_eq!((draw.finish, draw.tokens), (Finish::Budget, 4));
            }
        }
    }
    assert!(finishes[Finish::Sentence as usize] > 5, "{finishes:?}");
    assert!(finishes[Finish::Budget as usize] > 3, "{finishes:?}");
    // Every recording was asked for, and nothing else.
    let asked = server.requests();
    for recording in &recordings {
        assert!(
            asked.iter().any(|r| r.body == recording["request"]),
            "{}",
            recording["request"]
        );
    }
    assert!(asked.iter().all(|r| {
        recordings
            .iter()
            .any(|recording| r.body == recording["request"])
    }));
}
