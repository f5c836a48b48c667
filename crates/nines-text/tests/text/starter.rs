//! The sentence stop on the starter data, whose authored completions are one sentence each.

use nines_text::{SentenceStop, sentences};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn rows(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/starter");
    let path = PathBuf::from(folder).join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a JSON row"))
        .collect()
}

fn completions(names: &[String]) -> Vec<String> {
    names
        .iter()
        .flat_map(|name| rows(name))
        .map(|row| row["completion"].as_str().expect("text").to_owned())
        .collect()
}

/// Feeds a text character by character and returns the first answer.
fn streamed(text: &str) -> Option<usize> {
    let mut stop = SentenceStop::default();
    text.char_indices()
        .skip(1)
        .find_map(|(at, _)| stop.feed(&text[..at], false))
        .or_else(|| stop.feed(text, true))
}

#[test]
fn authored_completions_stop_at_their_end() {
    let names: Vec<_> = (1..=7).map(|i| format!("part{i}.jsonl")).collect();
    let texts = completions(&names);
    let early: Vec<_> = texts
        .iter()
        .filter(|text| {
            let followed = format!("{text} The next day it rained.");
            streamed(&followed) != Some(text.len())
        })
        .collect();
    let share = 1.0 - early.len() as f64 / texts.len() as f64;
    println!(
        "{} of {} stop at their end",
        texts.len() - early.len(),
        texts.len()
    );
    for text in &early {
        // Chat messages without a full stop, which nothing tells from what follows.
        assert!(text.ends_with(char::is_alphanumeric), "{text}");
    }
    assert!(share >= 0.97, "{share}");
}

#[test]
fn generated_completions_stop_at_their_end_or_hold_a_quotation_open() {
    let texts = completions(&["generated.jsonl".to_owned()]);
    let other: Vec<_> = texts
        .iter()
        .filter(|text| streamed(text) != Some(text.trim_end().len()))
        .collect();
    println!(
        "{} of {} do not stop at their end",
        other.len(),
        texts.len()
    );
    assert!(other.len() as f64 <= 0.03 * texts.len() as f64);
    // They were cut inside a quotation, which this stop never does: it asks for more.
    let cut_inside = other.iter().filter(|text| streamed(text).is_none()).count();
    assert!(cut_inside + 5 >= other.len(), "{cut_inside}");
}

#[test]
fn prompts_have_three_sentences() {
    let names: Vec<_> = (1..=7).map(|i| format!("part{i}.jsonl")).collect();
    let prompts: BTreeSet<String> = names
        .iter()
        .flat_map(|name| rows(name))
        .map(|row| row["prompt"].as_str().expect("text").to_owned())
        .collect();
    let other = prompts.iter().filter(|p| sentences(p).len() != 3).count();
    println!(
        "{other} of {} prompts are not three sentences",
        prompts.len()
    );
    assert!(other as f64 <= 0.02 * prompts.len() as f64);
}
