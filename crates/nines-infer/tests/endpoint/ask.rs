//! Asking an endpoint, and telling its failures apart.

use crate::server::Server;
use nines_domain::draw::{Draw, Sampling};
use nines_infer::cancel::CancelFlag;
use nines_infer::endpoint::{ApiKey, EndpointConfig, EndpointGenerator, Route};
use nines_infer::generator::{GenerateError, GenerateStats, Generator, PromptRequest};
use std::ops::Range;
use std::time::Duration;

pub const KEY: &str = "sk-very-secret-0123456789";

pub fn config(server: &Server) -> EndpointConfig {
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

pub fn ask(draws: Range<u32>) -> Vec<PromptRequest> {
    vec![PromptRequest {
        prompt: "It rained.".into(),
        draws,
    }]
}

pub type Answers = Vec<(usize, Result<Draw, GenerateError>)>;

pub fn run(
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
pub fn one(config: EndpointConfig) -> Result<Draw, GenerateError> {
    let (mut answers, result) = run(config, &ask(0..1));
    match answers.pop() {
        Some((0, answer)) => answer,
        _ => Err(result.expect_err("neither a draw nor an error")),
    }
}

pub fn checked(url: &str, reason: &str) -> String {
    assert!(
        url.starts_with("http://127.0.0.1:") && url.ends_with("/v1/completions"),
        "{url}"
    );
    assert!(reason.len() < 700, "{reason}");
    reason.to_owned()
}

/// What the endpoint said about a question, or why all of them were given up.
pub fn reason(error: &GenerateError) -> String {
    let GenerateError::Endpoint { url, reason } = error else {
        panic!("{error}");
    };
    checked(url, reason)
}

/// Why a question did not reach the endpoint, which says nothing about the question.
pub fn unreached(error: &GenerateError) -> String {
    let GenerateError::Unreached { url, reason } = error else {
        panic!("{error}");
    };
    checked(url, reason)
}
