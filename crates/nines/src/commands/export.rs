//! `nines export`: rows and classifiers for other tools, each with its card.

use crate::cards;
use crate::cli::ExportCommand;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::ensemble::Disagreement;
use nines_domain::estimate::Estimate;
use nines_domain::snippet::{ContentHash, SnippetId};
use nines_io::{
    DataCard, ExportedLabel, ExportedScore, LabelCounts, ModelCard, SnippetRow, TableWriter,
    Written,
};
use nines_measure::classifier_metrics::{ClassifierMetrics, SubsetMetrics};
use nines_store::{Calibration, Model, ModelKind, Snippet, SnippetFilter};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What made a card.
const MADE_BY: &str = concat!("nines ", env!("CARGO_PKG_VERSION"));

/// Runs `nines export`.
pub async fn run(project: &Project, command: ExportCommand, output: &Output) -> Result<()> {
    match command {
        ExportCommand::Snippets { out } => snippets(project, &out, output).await,
        ExportCommand::Labels { out } => labels(project, &out, output).await,
        ExportCommand::Scores { out } => scores(project, &out, output).await,
        ExportCommand::Classifier { classifier, out } => {
            let folder = export_classifier(project, classifier.as_deref(), &out).await?;
            output.result(&json!({ "folder": folder }), || {
                format!(
                    "{}: loads with transformers' AutoModelForSequenceClassification and \
                     AutoTokenizer; README.md is its card",
                    folder.display()
                )
            });
            Ok(())
        }
        ExportCommand::Card { classifier, out } => {
            card(project, classifier.as_deref(), &out, output).await
        }
    }
}

/// Writes a classifier's card, whole or not at all.
async fn card(project: &Project, asked: Option<&str>, out: &Path, output: &Output) -> Result<()> {
    let model = models::classifier(project, asked).await?;
    let card = cards::card(project, &model).await?;
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let mut staging = tempfile::NamedTempFile::new_in(parent)
        .with_context(|| format!("cannot write in {}", parent.display()))?;
    let mut text = serde_json::to_vec_pretty(&card)?;
    text.push(b'\n');
    staging
        .write_all(&text)
        .and_then(|()| staging.as_file().sync_all())
        .with_context(|| format!("cannot write in {}", parent.display()))?;
    staging
        .persist(out)
        .with_context(|| format!("cannot make {}", out.display()))?;
    let numbers = counted(card.metrics.len() as u64, "number");
    output.result(&json!({ "file": out, "classifier": card.label }), || {
        format!(
            "the card of {} in {}, with {numbers}",
            card.label,
            out.display()
        )
    });
    Ok(())
}

async fn snippets(project: &Project, out: &Path, output: &Output) -> Result<()> {
    let all = project.store.snippets(&SnippetFilter::default()).await?;
    let hashes: HashMap<SnippetId, ContentHash> = all.iter().map(|s| (s.id, s.hash)).collect();
    let mut writer = TableWriter::create(out)?;
    for (line, snippet) in (1..).zip(&all) {
        writer.write(&row(line, snippet, &hashes))?;
    }
    finish(
        project,
        writer.finish()?,
        &all,
        "A row is a snippet with its labels.",
        output,
    )
}

fn row(line: u64, snippet: &Snippet, hashes: &HashMap<SnippetId, ContentHash>) -> SnippetRow {
    SnippetRow {
        line,
        text: snippet.text.clone(),
        source: Some(snippet.source.clone()),
        family: Some(snippet.family),
        parent: snippet.parent.and_then(|id| hashes.get(&id).copied()),
        origin: Some(snippet.origin.as_str().to_owned()),
        labels: snippet.labels.iter().map(|l| l.label.clone()).collect(),
        meta: meta(snippet),
    }
}

/// What is known of a snippet besides its text and labels, the verdict that counts included.
fn meta(snippet: &Snippet) -> Map<String, Value> {
    let mut meta = snippet.meta.as_object().cloned().unwrap_or_default();
    if let Some(adjudication) = &snippet.adjudication {
        meta.insert("adjudication".to_owned(), json!(adjudication));
    }
    meta
}

async fn labels(project: &Project, out: &Path, output: &Output) -> Result<()> {
    let all = project.store.snippets(&SnippetFilter::labelled()).await?;
    let mut writer = TableWriter::create(out)?;
    for snippet in &all {
        for label in &snippet.labels {
            writer.write(&ExportedLabel {
                text: snippet.text.clone(),
                label: Some(label.label.clone()),
            })?;
        }
    }
    finish(
        project,
        writer.finish()?,
        &all,
        "A row is one label of one snippet.",
        output,
    )
}

async fn scores(project: &Project, out: &Path, output: &Output) -> Result<()> {
    let mut writer = TableWriter::create(out)?;
    let mut exported = Vec::new();
    for model in project.store.models(Some(ModelKind::Classifier)).await? {
        let calibrations = project.store.calibrations(Some(model.id)).await?;
        for of in ScorePath::all() {
            let path = of.to_string();
            // A threshold speaks of the scores of its own path alone; the newest counts.
            let on_this_path = |c: &&Calibration| c.record["path"].as_str() == Some(&path);
            let calibration = calibrations.iter().rev().find(on_this_path);
            let scores = project.store.scores(model.id, &path).await?;
            let ids: Vec<SnippetId> = scores.iter().map(|(id, _)| *id).collect();
            let snippets = project.store.snippets_by_id(&ids).await?;
            let apart = disagreements(project, &model, of, &ids).await?;
            for (((_, score), snippet), disagreement) in scores.iter().zip(snippets).zip(apart) {
                writer.write(&ExportedScore {
                    text: snippet.text.clone(),
                    score: *score,
                    classifier: model.label(),
                    path: path.clone(),
                    accepted: calibration.map(|c| c.threshold.accepts(*score)),
                    source: Some(snippet.source.clone()),
                    disagreement,
                })?;
                exported.push(snippet);
            }
        }
    }
    // A snippet has a row for each classifier and path, and is counted once.
    exported.sort_by_key(|snippet| snippet.id);
    exported.dedup_by_key(|snippet| snippet.id);
    finish(
        project,
        writer.finish()?,
        &exported,
        "A row is one score of one snippet by one classifier on one scoring path: `score` is the \
         logit, `p` its sigmoid, `accepted` the verdict of the newest threshold that was calibrated \
         on that path. `spread` and `gap` say how far an ensemble's members are apart: the standard \
         deviation of their logits, and the highest less the lowest.",
        output,
    )
}

/// How far an ensemble's members are apart on snippets, by their own stored scores; none where one is missing,
/// and for a trained classifier.
async fn disagreements(
    project: &Project,
    model: &Model,
    path: ScorePath,
    ids: &[SnippetId],
) -> Result<Vec<Option<Disagreement>>> {
    let mut rows: Vec<Vec<Option<f64>>> = vec![Vec::new(); ids.len()];
    for member in model.ensemble.iter().flat_map(|record| &record.members) {
        let stored = project.store.model(member.id).await?;
        let path = path.for_model(project, &stored).await?.to_string();
        let scores = project.store.scores_of(member.id, &path, ids).await?;
        for (row, score) in rows.iter_mut().zip(scores) {
            row.push(score.map(|score| score.logit()));
        }
    }
    let apart = |row: Vec<Option<f64>>| {
        let logits: Option<Vec<f64>> = row.into_iter().collect();
        Disagreement::of(&logits?)
    };
    Ok(rows.into_iter().map(apart).collect())
}

/// Writes the data card beside the file and says what was written.
fn finish(
    project: &Project,
    written: Written,
    snippets: &[Snippet],
    what: &str,
    output: &Output,
) -> Result<()> {
    let mut labels = LabelCounts::default();
    let mut sources = std::collections::BTreeMap::<&str, u64>::new();
    for snippet in snippets {
        snippet.labels.iter().for_each(|l| labels.add(&l.label));
        *sources.entry(&snippet.source).or_default() += 1;
    }
    let card = DataCard {
        title: format!("Data of the project {}", project.config.project.name),
        what: what.to_owned(),
        predicate: project.config.predicate.label(),
        how_made: "Exported from a nines project; `source` names where each row came from."
            .to_owned(),
        licence: None,
        counts: sources
            .into_iter()
            .map(|(source, n)| (format!("snippets from {source}"), n))
            .collect(),
        labels: Some(labels),
        files: vec![written.clone()],
        made_by: MADE_BY.to_owned(),
    };
    let card_path = card_path(&written.path);
    card.write(&card_path)?;
    output.result(
        &json!({ "file": written.path, "rows": written.rows, "sha256": written.sha256,
            "card": card_path }),
        || {
            format!(
                "{} in {}; the data card is {}",
                counted(written.rows, "row"),
                written.path.display(),
                card_path.display()
            )
        },
    );
    Ok(())
}

fn card_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".card.md");
    PathBuf::from(name)
}

/// Copies a classifier's folder, whole or not at all, and writes its model card.
async fn export_classifier(project: &Project, asked: Option<&str>, out: &Path) -> Result<PathBuf> {
    let model = models::classifier(project, asked).await?;
    if let Some(record) = &model.ensemble {
        bail!(
            "{} is an ensemble ({record}) and has no folder of its own; export its members one by one",
            model.label()
        );
    }
    let from = models::folder_of(project, &model);
    if out.exists() {
        bail!("{} exists already; choose another name", out.display());
    }
    let parent = out
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let staging = tempfile::Builder::new()
        .prefix(".nines-export-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write in {}", parent.display()))?;
    for entry in
        std::fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))?
    {
        let entry = entry?;
        std::fs::copy(entry.path(), staging.path().join(entry.file_name()))
            .with_context(|| format!("cannot copy {}", entry.path().display()))?;
    }
    let parent_model = match model.parent {
        Some(id) => project.store.model(id).await?.name,
        None => "unknown".to_owned(),
    };
    ModelCard {
        version: model.label(),
        base_model: parent_model,
        licence: None,
        predicate: project.config.predicate.label(),
        training_data: training_data(project).await?,
        how_trained: format!(
            "```json\n{}\n```",
            serde_json::to_string_pretty(&model.config)?
        ),
        metrics: card_metrics(&model.metrics)?,
        measured_on: measured_on(&model.metrics)?,
        thresholds: thresholds(project, &model).await?,
        loading: loading(&model),
        made_by: MADE_BY.to_owned(),
    }
    .write(staging.path())?;
    std::fs::rename(staging.keep(), out)
        .with_context(|| format!("cannot make {}", out.display()))?;
    Ok(out.to_owned())
}

/// Says on whose labels classifiers of the project rest: people and judges apart.
async fn training_data(project: &Project) -> Result<String> {
    let counts = project.store.counts().await?;
    Ok(format!(
        "Adjudicated broad labels (any yes) of the project's training split. The project holds {} \
         labelled snippets: {} labels by people, {} by judges (models).",
        counts.labelled_snippets, counts.labels_by_people, counts.labels_by_judges
    ))
}

/// Lists the thresholds that were chosen for a classifier, each with its rule.
async fn thresholds(project: &Project, model: &Model) -> Result<Vec<String>> {
    let calibrations = project.store.calibrations(Some(model.id)).await?;
    Ok(calibrations
        .iter()
        .map(|c| {
            let path = c.record["path"].as_str().unwrap_or("an unknown path");
            format!("{}: {} (of scores on {path})", c.threshold, c.rule)
        })
        .collect())
}

/// Says how to load a classifier whose pooling transformers' own class does not have.
fn loading(model: &Model) -> Option<String> {
    let pooling = model.config["config"]["pooling"].as_str()?;
    (pooling != "pooler").then(|| {
        format!(
            "The head pools by `{pooling}`, which AutoModelForSequenceClassification does not do: \
             it will not load this folder. `nines` does."
        )
    })
}

/// Reads the metrics on the test split; a version that was trained without one has none.
fn test_metrics(metrics: &Value) -> Result<Option<ClassifierMetrics>> {
    let test = metrics.get("test").filter(|test| !test.is_null());
    test.map(|test| serde_json::from_value(test.clone()))
        .transpose()
        .context("the stored test metrics cannot be read")
}

/// Lists the estimates in a stored version's metrics, with the data each speaks of.
pub fn card_metrics(metrics: &Value) -> Result<Vec<(String, String, Estimate)>> {
    let mut found = Vec::new();
    for subset in test_metrics(metrics)?.iter().flat_map(|test| &test.subsets) {
        let on = format!("test split, {}", subset.subset.as_str());
        let ranking = [("AUROC", &subset.auroc), ("AUPRC", &subset.auprc)];
        for (name, estimate) in ranking {
            let estimate = estimate.as_ref();
            found.extend(estimate.map(|e| (name.to_owned(), on.clone(), e.clone())));
        }
        for at in &subset.recall_at {
            let name = format!("recall at {} % acceptance", 100.0 * at.asked);
            found.push((name, on.clone(), at.recall.clone()));
        }
    }
    for name in ["auroc", "auprc"] {
        let value = metrics["validation"].get(name);
        let estimate = value.and_then(|value| serde_json::from_value(value.clone()).ok());
        let on = "validation split, which chose the checkpoint".to_owned();
        found.extend(estimate.map(|estimate| (name.to_uppercase(), on, estimate)));
    }
    Ok(found)
}

/// Says what each part of the test split holds, and whose labels its numbers rest on.
pub fn measured_on(metrics: &Value) -> Result<Vec<String>> {
    let Some(test) = test_metrics(metrics)? else {
        return Ok(Vec::new());
    };
    let words = |subset: &SubsetMetrics| {
        format!(
            "test split, {}: {} snippets, {} of them catastrophes; labelled: {}; left out: {} \
             undecided, {} without a score",
            subset.subset.as_str(),
            subset.items,
            subset.catastrophes,
            subset.labels,
            subset.undecided,
            subset.unscoreable,
        )
    };
    Ok(test.subsets.iter().map(words).collect())
}

#[cfg(test)]
mod tests;
