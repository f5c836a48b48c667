//! How long what attacks ask of models takes, on this machine: the gradient of one snippet, the next
//! words, and texts that share a context.
//!
//!     cargo run --release -p nines-infer --example model_speed -- CLASSIFIER_FOLDER

use nines_domain::snippet::SnippetText;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::gradients::Differentiable;
use nines_infer::language_model::{Continuation, LanguageModel};
use nines_infer::local::LocalGenerator;
use nines_nn::precision::Precision;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

const LEFT: &str = "Behind the tavern at Three Fords they race snails, and the snails are the size of \
    ponies. Imogen had her whole purse on Thunderclap. He had been in the lead since Monday, and nobody \
    at the fence remembered a slower or a more careful race than this one. On the last bend the saddle \
    came loose, and the rider, who was seven and brave and";
const RIGHT: &str = " fell into the long wet grass.";

/// Seconds of all cores that this process has used, where the system tells (Linux).
fn used() -> f64 {
    let line = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = line.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Runs something some times and prints the median, the slowest, and what a run costs in time of all
/// cores: on a busy machine the last says more.
fn time(
    what: &str,
    mut run: impl FnMut() -> Result<usize, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let count = run()?;
    let (mut times, before) = (Vec::new(), used());
    for _ in 0..15 {
        let started = Instant::now();
        run()?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let cost = (used() - before) / times.len() as f64 * 1e3;
    times.sort_by(f64::total_cmp);
    println!(
        "{what} ({count}): median {:.1} ms, slowest {:.1} ms, {cost:.0} ms of cores",
        times[7], times[14]
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(folder) = std::env::args().nth(1) {
        let scorer = ClassifierScorer::load(&PathBuf::from(folder), LongPolicy::Refuse)?;
        let snippet = [SnippetText::new(LEFT, RIGHT.trim())];
        time("gradient, tokens", || {
            let found = scorer.gradients(&snippet).remove(0)?;
            Ok(found.encoded.len())
        })?;
    }
    let file = nines_models::resolve("smollm2-135m")?
        .gguf()
        .ok_or("the default generator is no GGUF file")?;
    for precision in [Precision::Float32, Precision::fastest()] {
        let generator = LocalGenerator::open(&file, precision)?;
        println!(
            "{precision}: {} tokens of left context",
            generator.tokenizer().encode(LEFT)?.len()
        );
        let words = generator.next_words(LEFT, 48)?;
        time("next words", || Ok(generator.next_words(LEFT, 48)?.len()))?;
        let texts: Vec<String> = words
            .iter()
            .map(|word| format!("{}{RIGHT}", word.word))
            .collect();
        let texts: Vec<Continuation<'_>> = texts
            .iter()
            .map(|text| Continuation {
                context: LEFT,
                text,
            })
            .collect();
        time("texts after one context, tokens", || {
            let mut tokens = 0;
            for found in generator.log_probabilities(&texts) {
                tokens += found?.tokens;
            }
            Ok(tokens)
        })?;
    }
    Ok(())
}
