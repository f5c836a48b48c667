//! Measures how fast a generator writes.
//!
//!     cargo run --release -p nines-infer --example generate_speed -- MODEL.gguf PROMPTS.jsonl [DRAWS] [BATCH] [PRECISION]
//!
//! DRAWS is 8 unless given. Two prompts are continued first, untimed, to warm up. Prints tokens a
//! second, and the most memory used.

use nines_domain::draw::{Finish, Sampling};
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{Generator, PromptRequest};
use nines_infer::local::{DEFAULT_BATCH, LocalGenerator};
use nines_nn::precision::Precision;
use std::error::Error;
use std::path::Path;

#[derive(serde::Deserialize)]
struct Row {
    prompt: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, prompts, ..] = &arguments[..] else {
        return Err(
            "usage: generate_speed MODEL.gguf PROMPTS.jsonl [DRAWS] [BATCH] [PRECISION]".into(),
        );
    };
    let number = |place: usize, default: usize| {
        let given = arguments.get(place);
        given.map_or(Ok(default), |text| text.parse())
    };
    let (draws, batch) = (number(2, 8)?, number(3, DEFAULT_BATCH)?);
    let prompts = std::fs::read_to_string(prompts)?
        .lines()
        .map(|line| Ok(serde_json::from_str::<Row>(line)?.prompt))
        .collect::<Result<Vec<String>, serde_json::Error>>()?;
    let requests: Vec<PromptRequest> = prompts
        .into_iter()
        .map(|prompt| PromptRequest {
            prompt,
            draws: 0..draws as u32,
        })
        .collect();
    let precision = match arguments.get(4) {
        Some(name) => Precision::from_name(name)
            .ok_or("PRECISION is f32, bf16/amx, bf16/avx512 or bf16/portable")?,
        None => Precision::fastest(),
    };
    let generator = LocalGenerator::open(Path::new(file), precision)?.with_batch(batch);
    generator.generate(
        &requests[..requests.len().min(2)],
        &Sampling::default(),
        &mut |_, _| {},
        &CancelFlag::default(),
    )?;
    let (mut completions, mut unfinished) = (0, 0);
    let stats = generator.generate(
        &requests,
        &Sampling::default(),
        &mut |request, outcome| match outcome {
            Ok(draw) => {
                completions += 1;
                unfinished += usize::from(draw.finish == Finish::Budget);
                if draw.draw == 0 && request < 5 {
                    println!("{:?}: {}", draw.finish, draw.completion);
                }
            }
            Err(error) => println!("{error}"),
        },
        &CancelFlag::default(),
    )?;
    println!(
        "{completions} completions ({unfinished} unfinished), {} tokens in {:.2} s: {:.0} tokens a second at batch {batch}; most memory {} MiB",
        stats.tokens,
        stats.seconds,
        stats.tokens as f64 / stats.seconds,
        peak_memory_mib().unwrap_or(0),
    );
    Ok(())
}

fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}
