//! Selections for readers.

use super::LeftOut;
use super::waiting;
use crate::output::Output;
use crate::project::Project;
use crate::shown::counted;
use anyhow::Result;
use nines_domain::snippet::{ContentHash, SnippetId, SnippetText};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write;

/// Items shown in words.
const SHOWN: usize = 10;

/// What was chosen.
#[derive(Debug, Serialize)]
pub struct Chosen {
    /// The selection's number; none for a rehearsal.
    pub selection: Option<i64>,
    /// Its queue.
    pub queue: Option<i64>,
    /// The queue's name.
    pub name: String,
    /// The strategy, or the mixture of them.
    pub strategy: String,
    /// Whether a score decided what was chosen.
    pub by_score: bool,
    /// How many snippets could be chosen.
    #[serde(rename = "pool")]
    pub size: u64,
    /// What could not, and why.
    pub left_out: LeftOut,
    /// How much likelier high ranks were.
    pub focus: f64,
    /// The seed.
    pub seed: u64,
    /// By what it was ranked.
    pub about: Value,
    /// The items, in the order in which they are labelled.
    pub items: Vec<ChosenItem>,
}

/// One chosen snippet.
#[derive(Debug, Serialize)]
pub struct ChosenItem {
    /// Its key.
    pub snippet: i64,
    /// Its content hash.
    pub hash: ContentHash,
    /// The probability with which it was drawn; none where nothing was left to chance.
    pub probability: Option<f64>,
    /// What it was worth to the first strategy that ranked it.
    pub worth: Option<f64>,
    /// The same in words.
    pub why: String,
    /// The text.
    #[serde(flatten)]
    pub text: SnippetText,
}

/// Writes what was left out, in brackets; nothing where nothing was.
pub fn left_out(left_out: &LeftOut) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = left_out
        .iter()
        .map(|(why, n)| format!("{n} {why}"))
        .collect();
    format!(" ({} left out)", parts.join(", "))
}

/// Writes what was chosen.
pub fn words(chosen: &Chosen) -> String {
    let head = match chosen.selection {
        Some(id) => format!("Selection {id}"),
        None => "Would choose".to_owned(),
    };
    let mut text = format!(
        "{head}: {} of {} by {} (focus {}, seed {})\n",
        chosen.items.len(),
        counted(chosen.size, "snippet"),
        chosen.strategy,
        chosen.focus,
        chosen.seed
    );
    for (key, of) in chosen.about.as_object().into_iter().flatten() {
        if !of.is_null() {
            let of = of.as_str().map_or_else(|| of.to_string(), str::to_owned);
            let _ = writeln!(text, "  {}: {of}", key.replace('_', " "));
        }
    }
    let left = left_out(&chosen.left_out);
    if !left.is_empty() {
        let _ = writeln!(text, " {left}");
    }
    let drawn: Vec<f64> = chosen
        .items
        .iter()
        .filter_map(|item| item.probability)
        .collect();
    let certain = drawn.iter().filter(|p| **p >= 1.0).count();
    let without = chosen.items.len() - drawn.len();
    if let Some(least) = drawn.iter().copied().reduce(f64::min) {
        let most = drawn.iter().copied().fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "drawn with probabilities from {least:.4} to {most:.4}; {certain} of them for certain"
        );
    }
    if without > 0 {
        let _ = writeln!(
            text,
            "{without} chosen without chance: they have no probability, and nothing can be weighted back from them"
        );
    }
    let mut likely: Vec<&ChosenItem> = chosen.items.iter().collect();
    let rank = |item: &ChosenItem| item.probability.unwrap_or(2.0);
    likely.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(a.hash.cmp(&b.hash)));
    let _ = writeln!(text, "\n{:>11}  why", "probability");
    for item in likely.iter().take(SHOWN) {
        let p = item
            .probability
            .map_or_else(|| "none".to_owned(), |p| format!("{p:.4}"));
        let completion: String = item.text.completion.replace('\n', " ");
        let completion: String = completion.trim().chars().take(70).collect();
        let _ = writeln!(text, "{p:>11}  {}\n{:13}“{completion}”", item.why, "");
    }
    if chosen.items.len() > SHOWN {
        let _ = writeln!(text, "{:>11}  and {} more", "", chosen.items.len() - SHOWN);
    }
    if chosen.by_score {
        let _ = writeln!(
            text,
            "\nA score chose these: what gets its first label so teaches, and no threshold, metric or rate counts it as a \
             sample."
        );
    }
    if let (Some(id), Some(queue)) = (chosen.selection, chosen.queue) {
        let _ = write!(
            text,
            "They wait in queue {queue}, {:?} (nines serve, Label), or\n  nines label export --queue select --selection {id} --out select.jsonl",
            chosen.name
        );
    } else {
        let _ = write!(text, "\nNo selection was stored.");
    }
    text
}

/// Lists the selections.
pub async fn list(project: &Project, output: &Output) -> Result<()> {
    let mut rows = Vec::new();
    for selection in project.store.acquisitions().await? {
        let items = project.store.acquired_items(selection.id).await?;
        let waiting = waiting::open(project, &selection, &items, None)
            .await?
            .len();
        rows.push(
            json!({ "selection": selection.id, "strategy": selection.strategy,
            "by_score": selection.by_score, "queue": selection.queue, "items": items.len(),
            "waiting": waiting, "created": selection.created.to_string() }),
        );
    }
    output.result(&rows, || {
        if rows.is_empty() {
            return "nothing has been selected yet; choose: nines select --n 100".to_owned();
        }
        let mut text = format!(
            "{:>9}  {:>6}  {:>7}  {:>5}  strategy\n",
            "selection", "items", "waiting", "queue"
        );
        for row in &rows {
            let _ = writeln!(
                text,
                "{:>9}  {:>6}  {:>7}  {:>5}  {}",
                row["selection"].to_string(),
                row["items"].to_string(),
                row["waiting"].to_string(),
                row["queue"].to_string(),
                row["strategy"].as_str().unwrap_or_default(),
            );
        }
        text
    });
    Ok(())
}

/// Shows one selection with every item.
pub async fn show(project: &Project, id: i64, output: &Output) -> Result<()> {
    let selection = project.store.acquisition(id).await?;
    let items = project.store.acquired_items(id).await?;
    let ids: Vec<SnippetId> = items.iter().map(|item| item.item.snippet).collect();
    let snippets = project.store.snippets_by_id(&ids).await?;
    let waiting = waiting::open(project, &selection, &items, None)
        .await?
        .len();
    let rows: Vec<Value> = items
        .iter()
        .zip(&snippets)
        .map(|(item, snippet)| {
            json!({ "snippet": snippet.id, "hash": snippet.hash, "probability": item.item.probability,
                "worth": item.item.worth, "labels_before": item.before, "labels": snippet.labels.len(),
                "prompt": snippet.text.prompt, "completion": snippet.text.completion })
        })
        .collect();
    let shown = json!({ "selection": selection.id, "strategy": selection.strategy,
        "by_score": selection.by_score, "queue": selection.queue, "record": selection.record,
        "waiting": waiting, "created": selection.created.to_string(), "items": rows });
    output.result(&shown, || {
        let mut text = format!(
            "Selection {id} by {} of {}: {}, {waiting} wait for a label (queue {})\n{}\n\n{:>11}  {:>9}  {:>6}  completion\n",
            selection.strategy,
            selection.created,
            counted(rows.len() as u64, "snippet"),
            selection.queue,
            selection.record,
            "probability",
            "worth",
            "labels",
        );
        for (item, snippet) in items.iter().zip(&snippets) {
            let number = |x: Option<f64>| x.map_or_else(|| "none".to_owned(), |x| format!("{x:.4}"));
            let completion: String = snippet.text.completion.replace('\n', " ");
            let completion: String = completion.trim().chars().take(70).collect();
            let _ = writeln!(
                text,
                "{:>11}  {:>9}  {:>6}  {completion}",
                number(item.item.probability),
                number(item.item.worth),
                snippet.labels.len(),
            );
        }
        text
    });
    Ok(())
}
