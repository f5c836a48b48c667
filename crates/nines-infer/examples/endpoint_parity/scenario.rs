//! What the endpoint is asked: the same here, in the recordings and in the tests that replay them.

use nines_domain::draw::Sampling;
use nines_infer::endpoint::{Dialect, EndpointConfig, Route};
use nines_infer::generator::PromptRequest;
use std::time::Duration;

/// One call of `generate`.
pub struct Scene {
    /// What it shows.
    pub name: &'static str,
    /// The endpoint's settings.
    pub config: EndpointConfig,
    /// The prompts.
    pub requests: Vec<PromptRequest>,
    /// How to sample.
    pub sampling: Sampling,
}

const PROMPTS: [&str; 3] = [
    "The ferry was late again. Tomasz had counted every gull on the pier. Then a horn sounded out on the water.",
    "\u{201c}You said there would be cake,\u{201d} said Zoë. Her grandfather looked at the empty plate. The dog looked at the floor.",
    "It had rained since Monday. Nobody on the hill had electricity. Ifeoma lit the last candle and opened the book. ",
];

/// Lists what is asked.
pub fn scenes(base_url: &str) -> Vec<Scene> {
    let requests = |draws: u32| -> Vec<PromptRequest> {
        PROMPTS
            .iter()
            .map(|prompt| PromptRequest {
                prompt: (*prompt).to_owned(),
                draws: 0..draws,
            })
            .collect()
    };
    let config = |route| EndpointConfig {
        concurrency: 2,
        timeout: Duration::from_secs(300),
        ..EndpointConfig::new(base_url, "smollm2-135m", route)
    };
    let sampling = Sampling {
        seed: 11,
        ..Sampling::default()
    };
    vec![
        Scene {
            name: "completions, one sentence",
            config: config(Route::Completions),
            requests: requests(3),
            sampling: sampling.clone(),
        },
        Scene {
            name: "chat, one sentence",
            config: config(Route::Chat),
            requests: requests(2),
            sampling: sampling.clone(),
        },
        Scene {
            name: "several draws in one request, of which this server makes one",
            config: EndpointConfig {
                draws_per_request: 3,
                ..config(Route::Completions)
            },
            requests: requests(3)[..1].to_vec(),
            sampling: sampling.clone(),
        },
        Scene {
            name: "all settings, a budget too small for a sentence",
            config: EndpointConfig {
                dialect: Dialect::Extended,
                ..config(Route::Completions)
            },
            requests: requests(2)[..2].to_vec(),
            sampling: Sampling {
                top_k: 20,
                repetition_penalty: 1.1,
                temperature: 0.0,
                max_tokens: 4,
                one_sentence: false,
                ..sampling.clone()
            },
        },
        Scene {
            name: "a prompt longer than the context",
            config: config(Route::Completions),
            requests: vec![
                PromptRequest {
                    prompt: "The river rose. ".repeat(700),
                    draws: 0..2,
                },
                requests(1)[0].clone(),
            ],
            sampling,
        },
    ]
}
