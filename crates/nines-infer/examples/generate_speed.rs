//! Measures how fast the default generator writes: completions for starter prompts.
//!
//!     cargo run --release -p nines-infer --example generate_speed -- [PROMPTS] [DRAWS] [BATCH] [FILE]
//!
//! PROMPTS and DRAWS are 50 and 8 unless given. Prints tokens a second, and the most memory used.

use nines_domain::draw::{Finish, Sampling};
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{Generator, PromptRequest};
use nines_infer::local::{DEFAULT_BATCH, LocalGenerator};
use std::error::Error;
use std::path::Path;

#[derive(serde::Deserialize)]
struct Row {
    prompt: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| -> Result<usize, Box<dyn Error>> {
        Ok(arguments.next().map_or(Ok(default), |text| text.parse())?)
    };
    let (count, draws, batch) = (number(50)?, number(8)?, number(DEFAULT_BATCH)?);
    let file = match arguments.next() {
        Some(file) => file.into(),
        None => nines_models::resolve("smollm2-135m")?
            .gguf()
            .ok_or("the default generator has no GGUF file")?,
    };
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/starter/generated.jsonl");
    let mut prompts: Vec<String> = Vec::new();
    for line in std::fs::read_to_string(starter)?.lines() {
        let row: Row = serde_json::from_str(line)?;
        if prompts.len() < count && !prompts.contains(&row.prompt) {
            prompts.push(row.prompt);
        }
    }
    let requests: Vec<PromptRequest> = prompts
        .into_iter()
        .map(|prompt| PromptRequest {
            prompt,
            draws: 0..draws as u32,
        })
        .collect();
    let generator = LocalGenerator::open(&file)?.with_batch(batch);
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
