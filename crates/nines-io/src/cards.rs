//! Cards: what a data file or a classifier folder is, how it was made and what it may be used for.

use crate::error::IoError;
use crate::export::{Written, write_atomically};
use nines_domain::estimate::Estimate;
use nines_domain::label::{Label, LabellerKind, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// How many labels there are, people's and judges' apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LabelCounts {
    /// Counts by labeller kind and verdict.
    counts: BTreeMap<(&'static str, &'static str), u64>,
    /// Labellers by kind.
    labellers: BTreeMap<&'static str, std::collections::BTreeSet<String>>,
}

impl LabelCounts {
    /// Counts a label.
    pub fn add(&mut self, label: &Label) {
        let kind = label.kind.as_str();
        *self
            .counts
            .entry((kind, label.verdict.as_str()))
            .or_default() += 1;
        self.labellers
            .entry(kind)
            .or_default()
            .insert(label.labeller.clone());
    }

    /// Returns how many labels of a kind say a verdict.
    pub fn of(&self, kind: LabellerKind, verdict: Verdict) -> u64 {
        let key = (kind.as_str(), verdict.as_str());
        self.counts.get(&key).copied().unwrap_or_default()
    }

    fn table(&self) -> String {
        let mut text = String::from(
            "| labelled by | labellers | yes | no | unsure |\n|---|---|---|---|---|\n",
        );
        let names = [
            (LabellerKind::Person, "people"),
            (LabellerKind::Judge, "judges (models)"),
        ];
        for (kind, name) in names {
            let labellers = self.labellers.get(kind.as_str()).map_or(0, |set| set.len());
            let [yes, no, unsure] =
                [Verdict::Yes, Verdict::No, Verdict::Unsure].map(|verdict| self.of(kind, verdict));
            let _ = writeln!(text, "| {name} | {labellers} | {yes} | {no} | {unsure} |");
        }
        text
    }
}

/// The card of an exported data file.
#[derive(Debug, Clone, PartialEq)]
pub struct DataCard {
    /// Its title.
    pub title: String,
    /// What a row is, in a sentence or two.
    pub what: String,
    /// The predicate that the labels are about, with its version.
    pub predicate: String,
    /// How the rows were made and chosen.
    pub how_made: String,
    /// The licence (SPDX), where the project states one.
    pub licence: Option<String>,
    /// Further counts, such as snippets by source.
    pub counts: Vec<(String, u64)>,
    /// The labels, where the rows have any.
    pub labels: Option<LabelCounts>,
    /// The files.
    pub files: Vec<Written>,
    /// The program and version that wrote them.
    pub made_by: String,
}

impl DataCard {
    /// Returns the card in Markdown, with the front matter that the Hugging Face hub reads.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("---\n");
        let licence = self.licence.as_deref().unwrap_or("unknown");
        let _ = writeln!(text, "license: {}", yaml(&licence.to_lowercase()));
        let _ = writeln!(text, "pretty_name: {}\n---\n", yaml(&self.title));
        let _ = writeln!(
            text,
            "# {}\n\n{}\n",
            one_line(&self.title),
            self.what.trim()
        );
        let _ = writeln!(text, "- **Predicate:** {}", one_line(&self.predicate));
        let _ = writeln!(
            text,
            "- **Licence:** {}",
            self.licence.as_deref().map_or_else(
                || "not stated; ask the owner before you publish or share it".to_owned(),
                one_line
            )
        );
        let _ = writeln!(text, "- **Written by:** {}\n", one_line(&self.made_by));
        let _ = writeln!(text, "## How it was made\n\n{}\n", self.how_made.trim());
        if !self.counts.is_empty() {
            text.push_str("## Counts\n\n| what | n |\n|---|---|\n");
            for (what, n) in &self.counts {
                let _ = writeln!(text, "| {} | {n} |", cell(what));
            }
            text.push('\n');
        }
        if let Some(labels) = &self.labels {
            let _ = writeln!(
                text,
                "## Labels\n\nLabels of people and of judges (models that label) are different evidence; they are \
                 counted apart, and every label row says which it is.\n\n{}",
                labels.table()
            );
        }
        text.push_str("## Files\n\n| file | rows | bytes | SHA-256 |\n|---|---|---|---|\n");
        for file in &self.files {
            let name = file
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {} | `{}` |",
                cell(&name),
                file.rows,
                file.bytes,
                file.sha256
            );
        }
        text
    }

    /// Writes the card, whole or not at all.
    ///
    /// # Errors
    /// [`IoError::DiskFull`], [`IoError::Io`].
    pub fn write(&self, path: &Path) -> Result<Written, IoError> {
        write_atomically(path, self.to_markdown().as_bytes())
    }
}

/// The card of a classifier folder.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// The classifier's version.
    pub version: String,
    /// The model that it was fine-tuned from.
    pub base_model: String,
    /// The licence (SPDX), where one is stated.
    pub licence: Option<String>,
    /// The predicate, with its version.
    pub predicate: String,
    /// What it was trained on, and on whose labels (people, judges).
    pub training_data: String,
    /// How it was trained: loss, schedule, seed, device.
    pub how_trained: String,
    /// Its measurements: the metric, what data it speaks of, and the estimate.
    pub metrics: Vec<(String, String, Estimate)>,
    /// What each part of the data holds that it was measured on: how many, and whose labels.
    pub measured_on: Vec<String>,
    /// Thresholds, each with its rule and the distribution it speaks of.
    pub thresholds: Vec<String>,
    /// How to load it, where that is not the usual way (other poolings than transformers' own).
    pub loading: Option<String>,
    /// The program and version that made it.
    pub made_by: String,
}

impl ModelCard {
    /// Returns the card in Markdown, with the front matter that the Hugging Face hub reads.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("---\n");
        let licence = self.licence.as_deref().unwrap_or("unknown");
        let _ = writeln!(text, "license: {}", yaml(&licence.to_lowercase()));
        let _ = writeln!(text, "base_model: {}", yaml(&self.base_model));
        text.push_str("pipeline_tag: text-classification\nlibrary_name: transformers\n");
        text.push_str("tags:\n- text-classification\n- rejection-filter\n---\n\n");
        let _ = writeln!(text, "# Classifier {}\n", one_line(&self.version));
        let _ = writeln!(
            text,
            "Scores a snippet (a prompt with its completion, given as a segment pair) by the logit of one catastrophe: \
             **{}**. P(catastrophe) is the sigmoid of the logit. It is one part of a filter, which accepts a \
             completion below a threshold and draws again otherwise; by itself it promises nothing.\n",
            one_line(&self.predicate)
        );
        let _ = writeln!(text, "- **Base model:** {}", one_line(&self.base_model));
        let _ = writeln!(
            text,
            "- **Licence:** {}",
            self.licence
                .as_deref()
                .map_or_else(|| "not stated".to_owned(), one_line)
        );
        let _ = writeln!(text, "- **Made by:** {}\n", one_line(&self.made_by));
        let _ = writeln!(text, "## Training data\n\n{}\n", self.training_data.trim());
        let _ = writeln!(text, "## Training\n\n{}\n", self.how_trained.trim());
        text.push_str("## Measurements\n\n");
        if self.metrics.is_empty() {
            text.push_str("None recorded.\n\n");
        } else {
            text.push_str(
                "| metric | on | value [interval] | method | n |\n|---|---|---|---|---|\n",
            );
            for (metric, on, estimate) in &self.metrics {
                let _ = writeln!(
                    text,
                    "| {} | {} | {estimate} | {} | {} |",
                    cell(metric),
                    cell(on),
                    cell(&estimate.method),
                    estimate.n
                );
            }
            text.push('\n');
        }
        if !self.measured_on.is_empty() {
            for part in &self.measured_on {
                let _ = writeln!(text, "- {}", one_line(part));
            }
            text.push('\n');
        }
        if !self.thresholds.is_empty() {
            text.push_str("## Thresholds\n\n");
            for threshold in &self.thresholds {
                let _ = writeln!(text, "- {}", one_line(threshold));
            }
            text.push('\n');
        }
        text.push_str("## Loading\n\n");
        match &self.loading {
            Some(loading) => {
                let _ = writeln!(text, "{}", loading.trim());
            }
            None => text.push_str(
                "```python\nfrom transformers import AutoModelForSequenceClassification, AutoTokenizer\n\
                 model = AutoModelForSequenceClassification.from_pretrained(\".\").eval()\n\
                 tokenizer = AutoTokenizer.from_pretrained(\".\")\n\
                 logit = model(**tokenizer(prompt, completion, return_tensors=\"pt\")).logits[0, 0]\n```\n",
            ),
        }
        text
    }

    /// Writes the card as `README.md` of the classifier's folder, whole or not at all.
    ///
    /// # Errors
    /// [`IoError::DiskFull`], [`IoError::Io`].
    pub fn write(&self, folder: &Path) -> Result<Written, IoError> {
        write_atomically(&folder.join("README.md"), self.to_markdown().as_bytes())
    }
}

/// Returns text as a YAML string: JSON strings are YAML strings.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}
