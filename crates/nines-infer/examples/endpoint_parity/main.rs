//! Drives a real OpenAI-compatible server over both routes and checks what comes back.
//!
//! `cargo run -p nines-infer --example endpoint_parity -- http://127.0.0.1:8000`, with
//! llama-cpp-python's server serving SmolLM2 there; `golden/parity_endpoint.py` does both. Prints a
//! JSON line for each draw, and ends with status 1 where a promise is broken.

mod scenario;

use nines_domain::draw::{Draw, Finish};
use nines_infer::cancel::CancelFlag;
use nines_infer::endpoint::EndpointGenerator;
use nines_infer::generator::{GenerateError, Generator};
use nines_text::SentenceStop;
use scenario::{Scene, scenes};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: endpoint_parity BASE_URL");
        return ExitCode::from(2);
    };
    let mut broken = 0;
    for scene in scenes(&url) {
        match run(&scene) {
            Ok(()) => eprintln!("ok      {}", scene.name),
            Err(reason) => {
                eprintln!("BROKEN  {}: {reason}", scene.name);
                broken += 1;
            }
        }
    }
    ExitCode::from(u8::from(broken > 0))
}

/// Plays a scene and checks what any server must keep to.
fn run(scene: &Scene) -> Result<(), String> {
    let generator = EndpointGenerator::new(scene.config.clone()).map_err(|e| e.to_string())?;
    let mut told: Vec<(usize, Result<Draw, GenerateError>)> = Vec::new();
    let stats = generator
        .generate(
            &scene.requests,
            &scene.sampling,
            &mut |request, draw| told.push((request, draw)),
            &CancelFlag::default(),
        )
        .map_err(|e| e.to_string())?;
    let asked: usize = scene.requests.iter().map(|r| r.draws.len()).sum();
    if told.len() != asked {
        return Err(format!(
            "{} draws were asked for, {} came",
            asked,
            told.len()
        ));
    }
    told.sort_by_key(|(request, draw)| (*request, draw.as_ref().map_or(0, |draw| draw.draw)));
    let mut tokens = 0;
    for (request, draw) in &told {
        let is_too_long = scene.requests[*request].prompt.len() > 8000;
        match draw {
            Ok(draw) => {
                println!(
                    "{}",
                    serde_json::json!({"scene": scene.name, "request": request, "draw": draw})
                );
                check(scene, draw)?;
                tokens += draw.tokens as u64;
            }
            Err(error) if is_too_long => println!(
                "{}",
                serde_json::json!({"scene": scene.name, "request": request, "error": error.to_string()})
            ),
            Err(error) => return Err(error.to_string()),
        }
        if is_too_long && draw.is_ok() {
            return Err("a prompt longer than the context was continued".into());
        }
    }
    if tokens != stats.tokens || stats.seconds <= 0.0 {
        return Err(format!(
            "{tokens} tokens came, but the statistics say {stats:?}"
        ));
    }
    Ok(())
}

fn check(scene: &Scene, draw: &Draw) -> Result<(), String> {
    let text = &draw.completion;
    let end = SentenceStop::default().feed(text, true);
    if text.is_empty() || text != text.trim() {
        return Err(format!("{text:?} is empty or has blanks around it"));
    }
    if draw.tokens == 0 || draw.tokens > scene.sampling.max_tokens {
        return Err(format!("{text:?} has {} tokens", draw.tokens));
    }
    if draw.finish == Finish::Sentence && end.is_some_and(|end| end < text.len()) {
        return Err(format!("{text:?} is more than one sentence"));
    }
    if !scene.sampling.one_sentence && draw.finish == Finish::Sentence {
        return Err("a sentence was cut where none was asked for".into());
    }
    Ok(())
}
