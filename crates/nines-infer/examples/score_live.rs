//! Times the score of one edited snippet, as a page shows it while somebody types: from text to logit,
//! tokenizer included, one at a time.
//!
//!     cargo run --release -p nines-infer --example score_live -- CLASSIFIER SNIPPETS.jsonl [PRECISION]
//!
//! CLASSIFIER is a trained classifier's folder; SNIPPETS.jsonl holds `prompt` and `completion`.
//! PRECISION is f32, bf16/amx or bf16/avx512 (default: the fastest). Each snippet is scored once with the last word
//! of its completion taken off.

use nines_domain::snippet::SnippetText;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::scorer::Scorer;
use nines_nn::precision::Precision;
use std::path::Path;
use std::time::Instant;

/// Snippets that are scored, of which some are not counted.
const COUNT: usize = 520;
const UNCOUNTED: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, snippets, more @ ..] = arguments.as_slice() else {
        return Err("usage: score_live CLASSIFIER SNIPPETS.jsonl [PRECISION]".into());
    };
    let precision = match more.first() {
        Some(name) => {
            Precision::from_name(name).ok_or("PRECISION is f32, bf16/amx or bf16/avx512")?
        }
        None => Precision::fastest(),
    };
    if !precision.is_available() {
        return Err(format!("this CPU does not have {precision}").into());
    }
    let scorer =
        ClassifierScorer::load(Path::new(folder), LongPolicy::Refuse)?.with_precision(precision);
    let edited = edited(&std::fs::read_to_string(snippets)?)?;
    let mut milliseconds = Vec::new();
    for (place, snippet) in edited.iter().take(COUNT).enumerate() {
        let started = Instant::now();
        let scores = scorer.score(std::slice::from_ref(snippet), &mut |_| ());
        let taken = started.elapsed().as_secs_f64() * 1e3;
        scores.into_iter().next().ok_or("no answer")??;
        if place >= UNCOUNTED {
            milliseconds.push(taken);
        }
    }
    milliseconds.sort_by(f64::total_cmp);
    let quantile = |q: f64| milliseconds[((milliseconds.len() - 1) as f64 * q).round() as usize];
    println!(
        "{precision}, {} snippets one at a time: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms",
        milliseconds.len(),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99)
    );
    Ok(())
}

fn edited(lines: &str) -> Result<Vec<SnippetText>, Box<dyn std::error::Error>> {
    let mut edited = Vec::new();
    for line in lines.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
        let completion = text("completion");
        if let Some((completion, _)) = completion.trim().rsplit_once(' ') {
            edited.push(SnippetText {
                prompt: text("prompt"),
                completion: completion.to_owned(),
            });
        }
    }
    if edited.len() <= UNCOUNTED {
        return Err(format!("more than {UNCOUNTED} snippets are needed").into());
    }
    Ok(edited)
}
