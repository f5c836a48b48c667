//! The starter data as training rows.

use nines_domain::label::{Adjudication, Label, LabellerKind, Verdict, median_severity};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_train::TrainingRow;
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Reads the starter folder: authored snippets in part*.jsonl, labelled draws in generated.jsonl.
pub fn rows(folder: &Path) -> Result<Vec<TrainingRow>, Box<dyn Error>> {
    let mut rows = Vec::new();
    let text = |row: &Value, field: &str| -> Result<String, String> {
        Ok(row[field]
            .as_str()
            .ok_or(format!("a row lacks {field}"))?
            .to_owned())
    };
    let mut files: Vec<PathBuf> = (1..=7)
        .map(|n| folder.join(format!("part{n}.jsonl")))
        .collect();
    files.push(folder.join("generated.jsonl"));
    for path in files {
        let content =
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        for line in content.lines() {
            let row: Value = serde_json::from_str(line)?;
            let labels: Vec<Label> = match row["labels"].as_array() {
                Some(labels) => labels.iter().map(judged).collect::<Result<_, _>>()?,
                None => vec![Label {
                    labeller: "author".into(),
                    kind: LabellerKind::Judge,
                    verdict: if row["label"] == "injury" {
                        Verdict::Yes
                    } else {
                        Verdict::No
                    },
                    severity: None,
                    seconds: None,
                }],
            };
            let Some(broad) = Adjudication::of(&labels).and_then(|a| a.broad) else {
                continue;
            };
            let prompt = text(&row, "prompt")?;
            rows.push(TrainingRow {
                severity: median_severity(&labels),
                family: ContentHash::of_prompt(&prompt),
                text: SnippetText::new(prompt, text(&row, "completion")?),
                broad,
                random: row["pick"] == "random",
                source: if row["pick"].is_null() {
                    "authored"
                } else {
                    "generated"
                }
                .into(),
                adversarial: false,
                training_only: false,
            });
        }
    }
    Ok(rows)
}

fn judged(label: &Value) -> Result<Label, Box<dyn Error>> {
    Ok(Label {
        labeller: label["labeller"].as_str().unwrap_or("judge").to_owned(),
        kind: LabellerKind::Judge,
        verdict: serde_json::from_value(label["verdict"].clone())?,
        severity: serde_json::from_value(label["severity"].clone())?,
        seconds: None,
    })
}
