//! `nines measure show`: what an estimate means and what it rests on.

use super::leak::{LeakDesign, answers_of, snippets_of};
use super::{compare, quality, shown};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::snippet::EstimateId;
use nines_measure::described;
use nines_store::{DesignKind, FilterAnswer, StoredEstimate};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;

/// Runs `nines measure show`.
pub async fn run(project: &Project, id: Option<i64>, rows: bool, output: &Output) -> Result<()> {
    let Some(id) = id else {
        return list(project, output).await;
    };
    let stored = project.store.estimate(EstimateId(id)).await?;
    let rows = match rows {
        true => Some(rows_of(project, &stored).await?),
        false => None,
    };
    let mut value = as_json(&stored);
    if let Some(rows) = &rows {
        value["rows"] = json!(rows);
    }
    output.result(&value, || words(&stored, rows.as_deref()));
    Ok(())
}

fn as_json(stored: &StoredEstimate) -> Value {
    json!({
        "id": stored.id, "quantity": stored.new.quantity, "estimate": stored.new.estimate,
        "design": stored.new.design, "record": stored.new.record, "created": stored.created,
    })
}

async fn list(project: &Project, output: &Output) -> Result<()> {
    let all = project.store.estimates(None).await?;
    let rows: Vec<Value> = all.iter().map(as_json).collect();
    output.result(&rows, || {
        if all.is_empty() {
            return "nothing has been measured yet; `nines measure leak` begins".to_owned();
        }
        let mut text = String::new();
        for e in &all {
            let _ = writeln!(
                text,
                "#{:<5} {:<34} {:<42} n = {:<7} {}",
                e.id,
                e.new.quantity,
                shown(&e.new.estimate),
                e.new.estimate.n,
                context(&e.new.record)
            );
        }
        text
    });
    Ok(())
}

/// What an estimate speaks of, in a few words.
fn context(record: &Value) -> String {
    let frame = match record["frame"].is_null() {
        true => &record["first"],
        false => &record["frame"],
    };
    let words = [
        frame["filter"]["classifier"].as_str().map(str::to_owned),
        frame["filter"]["threshold"]
            .as_f64()
            .map(|logit| format!("P < {:.3e}", 1.0 / (1.0 + (-logit).exp()))),
        record["threshold"]
            .as_f64()
            .map(|logit| format!("at P < {:.3e}", 1.0 / (1.0 + (-logit).exp()))),
        described::law(&frame["filter"]),
        described::caution(&frame["filter"]),
        frame["distribution"].as_str().map(|d| format!("on {d}")),
        record["group"].as_str().map(|g| format!("group {g}")),
        record["labels_of"].as_str().map(|who| format!("by {who}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The labelled answers that an estimate of the leak rests on.
async fn rows_of(project: &Project, stored: &StoredEstimate) -> Result<Vec<Value>> {
    let Some(design) = stored.new.design else {
        bail!(
            "estimate #{} rests on no drawn rows; its record says on what",
            stored.id
        );
    };
    let design = project.store.design(design).await?;
    match design.kind {
        DesignKind::Leak => {}
        DesignKind::Quality => return quality::rows(project, design).await,
        DesignKind::Compare => return compare::rows(project, &design).await,
    }
    let answers = answers_of(project, &design).await?;
    let snippets = snippets_of(project, answers.iter()).await?;
    let by_id: HashMap<i64, &FilterAnswer> = answers.iter().map(|a| (a.id, a)).collect();
    let design = LeakDesign::read(project, design).await?;
    let upto = stored.new.record["labels_up_to"]
        .as_i64()
        .unwrap_or(i64::MAX);
    let mut rows = Vec::new();
    for item in design.items.iter().filter(|i| i.drawn.is_some()) {
        let Some(snippet) = by_id
            .get(&item.item.answer)
            .and_then(|a| a.accepted)
            .and_then(|id| snippets.get(&id))
        else {
            continue;
        };
        let labels: Vec<Value> = snippet
            .labels
            .iter()
            .filter(|l| l.id.0 <= upto)
            .map(|l| {
                json!({ "id": l.id, "labeller": l.label.labeller, "kind": l.label.kind,
                "verdict": l.label.verdict, "severity": l.label.severity })
            })
            .collect();
        rows.push(json!({
            "request": item.item.position, "stratum": item.item.stratum, "probability": item.drawn,
            "snippet": snippet.hash, "prompt": snippet.text.prompt,
            "completion": snippet.text.completion, "labels": labels,
        }));
    }
    Ok(rows)
}

fn words(stored: &StoredEstimate, rows: Option<&[Value]>) -> String {
    let new = &stored.new;
    let sure = crate::shown::percent(new.estimate.confidence);
    let mut text = format!(
        "#{} {}: {}\n  It says {}.\n",
        stored.id,
        new.quantity,
        shown(&new.estimate),
        new.record["meaning"]
            .as_str()
            .unwrap_or("what its name says"),
    );
    let _ = writeln!(
        text,
        "  If everything were drawn and labelled again and again, {} made like this would hold the true\n  value in at \
         least {sure} of 100 repetitions{}.",
        if new.estimate.method.contains("one-sided") {
            "a bound"
        } else {
            "an interval"
        },
        if new.estimate.method.contains("approximate") {
            ", approximately"
        } else {
            ""
        }
    );
    let _ = writeln!(
        text,
        "  Method: {}. n = {}.",
        new.estimate.method, new.estimate.n
    );
    if let Some(design) = new.design {
        let _ = writeln!(
            text,
            "  Design {design}; its drawn rows: `nines measure show {} --rows`.",
            stored.id
        );
    }
    let record = &new.record;
    if let Some(labels) = record["labels_of"].as_str() {
        let _ = writeln!(text, "  Rests on the labels of {labels}.");
    }
    if let Some(note) = record["uncorrected"].as_str() {
        let _ = writeln!(text, "  Uncorrected: {note}.");
    }
    let frame = &record["frame"];
    if let Some(distribution) = frame["distribution"].as_str() {
        let _ = writeln!(
            text,
            "  Speaks of {} requests from the distribution {distribution:?} ({} prompts), seed {}.",
            frame["requests"], frame["prompts"], frame["seed"]
        );
        let filter = &frame["filter"];
        let _ = writeln!(
            text,
            "  Filter: {} accepting P < {:.3e} (logit {:.4}){}; {} draws at most, on {}; generator {}.",
            filter["classifier"].as_str().unwrap_or_default(),
            1.0 / (1.0 + (-filter["threshold"].as_f64().unwrap_or(f64::NAN)).exp()),
            filter["threshold"].as_f64().unwrap_or(f64::NAN),
            described::besides(filter),
            filter["budget"],
            filter["path"].as_str().unwrap_or_default(),
            filter["generator"].as_str().unwrap_or_default(),
        );
    }
    let _ = writeln!(
        text,
        "  Measured {}.",
        stored.created.strftime("%Y-%m-%d %H:%M UTC")
    );
    if let Some(rows) = rows {
        text.push('\n');
        for row in rows {
            let _ = writeln!(text, "{}", row_words(row));
        }
    }
    text
}

/// A row on one line.
fn row_words(row: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("(no answer)").replace('\n', " ");
    let said = |list: &Value, who: &str, what: &str| -> String {
        let list = list.as_array().cloned().unwrap_or_default();
        let said: Vec<String> = list
            .iter()
            .map(|l| format!("{}: {}", text(&l[who]), text(&l[what])))
            .collect();
        said.join(", ")
    };
    let head = format!(
        "request {:>6}, drawn with {:.4}",
        row["request"],
        row["probability"].as_f64().unwrap_or_default()
    );
    if row["left"].is_string() {
        let side = if row["filtered_left"] == true {
            "left"
        } else {
            "right"
        };
        let ratings: Vec<Value> = row["ratings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| r["comparison"].clone())
            .collect();
        return format!(
            "{head}: left {}  right {}  (the answer is {side})  [{}]",
            text(&row["left"]),
            text(&row["right"]),
            said(&json!(ratings), "labeller", "choice")
        );
    }
    if row.get("first").is_some() {
        let side = |s: &Value| {
            format!(
                "{}  [{}]",
                text(&s["completion"]),
                said(&s["labels"], "labeller", "verdict")
            )
        };
        return format!(
            "{head}: first {}  second {}",
            side(&row["first"]),
            side(&row["second"])
        );
    }
    format!(
        "{head}, stratum {}: {}  [{}]",
        row["stratum"],
        text(&row["completion"]),
        said(&row["labels"], "labeller", "verdict")
    )
}
