//! What is sent.

use super::{Dialect, EndpointConfig, Route};
use crate::generator::GenerateError;
use nines_domain::draw::Sampling;
use nines_domain::snippet::ContentHash;
use serde_json::{Value, json};

/// Makes sure that the endpoint can be asked to sample this way.
pub(super) fn check(config: &EndpointConfig, sampling: &Sampling) -> Result<(), GenerateError> {
    let is_extended = sampling.top_k != 0 || sampling.repetition_penalty != 1.0;
    if config.dialect == Dialect::OpenAi && is_extended {
        return Err(GenerateError::Sampling(
            "OpenAI's interface has neither top-k nor a repetition penalty; switch them off, or choose the extended dialect if the endpoint understands them".into(),
        ));
    }
    Ok(())
}

/// Returns the seed that a draw is asked for with: a function of the generation's seed, the prompt
/// and the draw alone. It fits 31 bits, which every server takes.
pub(super) fn seed(sampling: &Sampling, prompt: &str, draw: u32) -> u64 {
    let prompt = ContentHash::of_prompt(prompt).to_string();
    let fields = [&*sampling.seed.to_string(), &prompt, &*draw.to_string()];
    ContentHash::of_fields("endpoint draw", &fields).prefix_u64() & 0x7fff_ffff
}

/// Writes the request for `count` draws of a prompt, from `draw` on.
pub(super) fn body(
    config: &EndpointConfig,
    sampling: &Sampling,
    prompt: &str,
    draw: u32,
    count: u32,
) -> Value {
    let mut body = json!({
        "model": config.model,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed(sampling, prompt, draw),
        "n": count,
        "stream": false,
    });
    match config.route {
        // Models put a space before a word, so a prompt that ends in one would stand apart.
        Route::Completions => body["prompt"] = prompt.trim_end().into(),
        Route::Chat => {
            body["messages"] = json!([
                {"role": "system", "content": config.instruction},
                {"role": "user", "content": prompt},
            ]);
        }
    }
    if config.dialect == Dialect::Extended {
        body["top_k"] = sampling.top_k.into();
        body["min_p"] = 0.0.into();
        body["repeat_penalty"] = sampling.repetition_penalty.into();
        body["repetition_penalty"] = sampling.repetition_penalty.into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_depends_on_seed_prompt_and_draw_alone() {
        let sampling = Sampling::default();
        let other = Sampling {
            seed: 1,
            ..Sampling::default()
        };
        let seeds = [
            seed(&sampling, "a", 0),
            seed(&sampling, "a", 1),
            seed(&sampling, "b", 0),
            seed(&other, "a", 0),
        ];
        for (i, seed) in seeds.iter().enumerate() {
            assert!(!seeds[..i].contains(seed) && *seed < 1 << 31);
        }
    }

    #[test]
    fn settings_that_cannot_be_sent_are_refused() {
        let mut config = EndpointConfig::new("http://h", "m", Route::Completions);
        let sampling = Sampling {
            top_k: 40,
            ..Sampling::default()
        };
        assert!(matches!(
            check(&config, &sampling),
            Err(GenerateError::Sampling(_))
        ));
        config.dialect = Dialect::Extended;
        assert_eq!(check(&config, &sampling), Ok(()));
        assert_eq!(body(&config, &sampling, "p", 0, 1)["top_k"], 40);
    }
}
