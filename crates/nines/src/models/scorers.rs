//! What scores: found by name, and loaded.

use super::ScorePath;
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::simulated::WorldScorer;
use anyhow::{Context, Result, bail};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::classifier::ClassifierScorer;
use nines_infer::ensemble::Ensemble;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_store::{Calibration, Model, ModelKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Finds what scores, a classifier or an ensemble of them: `NAME`, `NAME@VERSION`, or the newest.
pub async fn classifier(project: &Project, asked: Option<&str>) -> Result<Model> {
    let Some(asked) = asked else {
        let newest = project
            .store
            .latest_model(ModelKind::Classifier, None)
            .await?;
        return newest
            .context("the project has no classifier yet; train one: nines train classifier");
    };
    let found = match asked.rsplit_once('@') {
        Some((name, version)) => {
            let version = version.trim_start_matches('v').parse().with_context(|| {
                format!("{version:?} in {asked:?} is not a version number; write NAME@2")
            })?;
            project
                .store
                .model_version(ModelKind::Classifier, name, version)
                .await?
        }
        None => {
            project
                .store
                .latest_model(ModelKind::Classifier, Some(asked))
                .await?
        }
    };
    match found {
        Some(model) => Ok(model),
        None => {
            let known: Vec<String> = project
                .store
                .models(Some(ModelKind::Classifier))
                .await?
                .iter()
                .map(|model| format!("{}@{}", model.name, model.version))
                .collect();
            bail!(
                "the project has no classifier {asked}; it has: {}",
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            )
        }
    }
}

/// Returns the folder of a stored model.
pub fn folder_of(project: &Project, model: &Model) -> PathBuf {
    project.folder.join(&model.path)
}

/// Finds a classifier's newest calibration on a path, as the classifier has it.
pub async fn calibration_on(
    project: &Project,
    model: &Model,
    path: ScorePath,
) -> Result<Option<Calibration>> {
    let path = path.for_model(project, model).await?.to_string();
    let calibrations = project.store.calibrations(Some(model.id)).await?;
    let mut newest_first = calibrations.into_iter().rev();
    Ok(newest_first.find(|c| c.record["path"].as_str() == Some(&path)))
}

/// Loads what scores: a classifier, or an ensemble of them.
pub async fn scorer(project: &Project, model: &Model, path: ScorePath) -> Result<Arc<dyn Scorer>> {
    scorer_by(project, model, &|version| {
        scorer_of_version(project, version, path)
    })
    .await
}

/// Loads what scores, its trained classifiers by a way of the caller's: who holds some of them need not
/// load them again.
pub async fn scorer_by(
    project: &Project,
    model: &Model,
    load: &(dyn Fn(&Model) -> Result<Arc<dyn Scorer>> + Send + Sync),
) -> Result<Arc<dyn Scorer>> {
    let Some(record) = &model.ensemble else {
        return load(model);
    };
    let mut scorers = Vec::with_capacity(record.members.len());
    for member in members(project, model).await? {
        scorers.push(load(&member).with_context(|| format!("in the ensemble {}", model.label()))?);
    }
    let ensemble = Ensemble::new(&model.name, scorers, record.combine)
        .with_context(|| format!("cannot load the ensemble {}", model.label()))?;
    Ok(Arc::new(ensemble))
}

/// The members of an ensemble, in their order; none for a trained classifier.
pub(super) async fn members(project: &Project, model: &Model) -> Result<Vec<Model>> {
    let mut members = Vec::new();
    for member in model.ensemble.iter().flat_map(|record| &record.members) {
        members.push(project.store.model(member.id).await?);
    }
    Ok(members)
}

/// Loads the scorer of a trained classifier, or of a simulated one.
pub fn scorer_of_version(
    project: &Project,
    model: &Model,
    path: ScorePath,
) -> Result<Arc<dyn Scorer>> {
    let folder = folder_of(project, model);
    let load = || -> Result<Arc<dyn Scorer>> {
        if let Some(known) = WorldScorer::read(&folder)? {
            return Ok(Arc::new(known));
        }
        Ok(scorer_of_folder(&folder, path)?)
    };
    load().with_context(|| format!("cannot load the classifier {}", model.label()))
}

/// Loads the scorer in a classifier folder.
pub fn scorer_of_folder(folder: &Path, path: ScorePath) -> Result<Arc<ClassifierScorer>> {
    let scorer = ClassifierScorer::load(folder, path.long())?;
    Ok(Arc::new(scorer.with_precision(path.precision())))
}

/// Scores snippets on a thread of their own, with a progress bar.
pub async fn score_all(
    scorer: Arc<dyn Scorer>,
    texts: Vec<SnippetText>,
    what: &str,
    output: &Output,
) -> Result<Vec<Result<Score, Unscoreable>>> {
    let total = texts.len() as u64;
    let (sender, mut done) = mpsc::unbounded_channel();
    let thread = tokio::task::spawn_blocking(move || {
        scorer.score(&texts, &mut |n| {
            let _ = sender.send(n as u64);
        })
    });
    let mut progress = Progress::new(output, what, total);
    while let Some(n) = done.recv().await {
        progress.set(n, "");
    }
    let scores = thread.await.context("scoring ended abruptly")?;
    progress.finish(&counted(total, "snippet"));
    Ok(scores)
}
