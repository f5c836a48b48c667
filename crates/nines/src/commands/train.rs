//! `nines train classifier`: adjudicated labels become a classifier version.

mod recipe;
mod teaching;
mod testing;
mod watch;

pub use testing::test_metrics;

use crate::cards;
use crate::cli::TrainArgs;
use crate::data::{self, Chosen};
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::project::Project;
use crate::{interrupt, runs, style};
use anyhow::{Context, Result, bail};
use nines_measure::classifier_metrics::ClassifierMetrics;
use nines_measure::style::StyleCheck;
use nines_store::{Model, ModelKind, NewModel, Run};
use nines_train::cross_validation::{CrossValidation, CrossValidationJob};
use nines_train::record::{AdversarialFit, FitCounts};
use nines_train::{CheckpointCadence, Job, TrainingData, TrainingRecord, cross_validate, train};
use recipe::recipe;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;
use teaching::teach;
use watch::watched;

/// The field of a version's configuration that says who taught it.
pub const TEACHER: &str = "teacher";

/// What a training made.
#[derive(Serialize)]
pub struct Trained {
    /// The classifier's name and version.
    pub classifier: String,
    /// Its folder.
    pub folder: PathBuf,
    /// How training went.
    pub record: TrainingRecord,
    /// Metrics on the test split.
    pub test: ClassifierMetrics,
    /// What it makes of the style of attacks.
    pub style: StyleCheck,
    /// The stored version.
    #[serde(skip)]
    pub model: Model,
}

/// Runs `nines train classifier`.
pub async fn run(project: &Project, args: TrainArgs, output: &Output) -> Result<()> {
    if let Some(folds) = args.cross_validate {
        let (result, folder) = validate(project, &args, folds, output).await?;
        output.result(&result, || cross_validation_words(&result, &folder));
        return Ok(());
    }
    let trained = classifier(project, &args, output).await?;
    output.result(&trained, || words(&trained));
    Ok(())
}

/// Trains a classifier version, or finishes one that was interrupted.
pub async fn classifier(project: &Project, args: &TrainArgs, output: &Output) -> Result<Trained> {
    let cancel = interrupt::flag()?;
    refuse_ensemble_name(project, &args.name).await?;
    let config = recipe(project, args)?;
    let snippets = data::labelled(project).await?;
    let seed = project.config.project.split_seed;
    let base = models::base(project, args.base.as_deref())?;
    let mut chosen = data::training_rows(&snippets, seed);
    let taught = teach(project, &args.teaching, &snippets, &mut chosen.rows, output).await?;
    let data = training_data(chosen, output)?;
    let path = ScorePath::of(project, args.long)?;
    let mut record = json!({ "name": args.name, "base": base.name, "base_digest": base.digest,
        "recipe": config, "data": data.digest() });
    if let Some(taught) = &taught {
        record["teacher"] = json!(taught);
    }
    let run = runs::begin(project, output, "train", record, Some(config.seed)).await?;
    let folder = project
        .models()
        .join(format!("{}-run{:0>6}", args.name, run.id));
    let work = async {
        let roles = data.split(config.split_seed);
        let counts = cards::data_counts(&data, &roles, config.split_seed);
        let run_folder = project.run_folder(run.id);
        std::fs::create_dir_all(&run_folder)
            .with_context(|| format!("cannot make {}", run_folder.display()))?;
        let label = project.config.predicate.name.clone();
        let (job_folder, job_config, job_cancel) = (folder.clone(), config.clone(), cancel.clone());
        let base_folder = base.folder.clone();
        let record = watched(project, run.id.0, output, move |observer| {
            let job = Job {
                base: &base_folder,
                data: &data,
                roles: &roles,
                config: &job_config,
                cadence: CheckpointCadence::default(),
                run_folder: &run_folder,
                cancel: &job_cancel,
            };
            train(job, &job_folder, &label, observer)
        })
        .await?;
        let scorer = models::scorer_of_folder(&folder, path)?;
        let test = test_metrics(project, scorer.clone(), &snippets, output).await?;
        let threshold = style::threshold_before_calibration(&test)?;
        let pairs = style::pairs(project, scorer, &snippets, output).await?;
        let style = style::checked(&pairs, threshold)?;
        let metrics = json!({ "validation": record.best, "test": test, "style": style,
            "path": path.for_folder(&folder).to_string(), "data": counts });
        let mut identity = serde_json::to_value(&record.identity)?;
        if let Some(taught) = &taught {
            identity[TEACHER] = json!(taught);
        }
        let made = (identity, record.weights_digest.clone());
        let model = store_version(project, args, &run, &folder, &base, made, metrics).await?;
        let result = json!({ "classifier": model.label(), "test": test, "best": record.best });
        let trained = Trained {
            classifier: model.label(),
            folder: folder.clone(),
            record,
            test,
            style,
            model,
        };
        Ok((trained, result))
    };
    runs::conclude(project, run.id, &cancel, work).await
}

/// Refuses a name that ensembles have, before anything is trained under it.
async fn refuse_ensemble_name(project: &Project, name: &str) -> Result<()> {
    let store = &project.store;
    let newest = store
        .latest_model(ModelKind::Classifier, Some(name))
        .await?;
    if newest.is_some_and(|model| model.ensemble.is_some()) {
        bail!("{name} is the name of an ensemble; choose another with --name");
    }
    Ok(())
}

fn training_data(chosen: Chosen, output: &Output) -> Result<TrainingData> {
    let Chosen { rows, left_out } = chosen;
    if left_out > 0 {
        output.note(&format!(
            "{} left out, since a score chose {}: outside the training split nothing is chosen or measured by them",
            counted(left_out as u64, "labelled find or edit"),
            if left_out == 1 { "it" } else { "them" },
        ));
    }
    if rows.is_empty() && left_out > 0 {
        bail!(
            "all labelled snippets are finds of attacks or edits, by which nothing is measured; bring others with \
             `nines import snippets FILE`"
        );
    }
    if rows.is_empty() {
        bail!(
            "the project has no labelled snippets to train on; bring some with \
             `nines import snippets FILE` or `nines label import FILE`"
        );
    }
    Ok(TrainingData::new(rows)?)
}

async fn store_version(
    project: &Project,
    args: &TrainArgs,
    run: &Run,
    folder: &std::path::Path,
    base: &models::Base,
    (identity, digest): (serde_json::Value, String),
    mut metrics: serde_json::Value,
) -> Result<Model> {
    metrics[cards::PREDICATE] = json!(project.config.predicate.label());
    let parent = project
        .store
        .ensure_model(&NewModel {
            kind: ModelKind::Base,
            name: base.name.clone(),
            path: base.path.clone(),
            digest: base.digest.clone(),
            config: serde_json::Value::Null,
            metrics: serde_json::Value::Null,
            parent: None,
            run: None,
        })
        .await?;
    let path = folder
        .strip_prefix(&project.folder)
        .unwrap_or(folder)
        .to_string_lossy()
        .into_owned();
    // A run that was stopped after this point finds its version.
    let versions = project.store.models(Some(ModelKind::Classifier)).await?;
    if let Some(model) = versions.into_iter().find(|model| model.run == Some(run.id)) {
        return Ok(model);
    }
    Ok(project
        .store
        .insert_model(&NewModel {
            kind: ModelKind::Classifier,
            name: args.name.clone(),
            path,
            digest,
            config: identity,
            metrics,
            parent: Some(parent.id),
            run: Some(run.id),
        })
        .await?)
}

async fn validate(
    project: &Project,
    args: &TrainArgs,
    folds: u64,
    output: &Output,
) -> Result<(CrossValidation, PathBuf)> {
    let cancel = interrupt::flag()?;
    let config = recipe(project, args)?;
    let snippets = data::labelled(project).await?;
    let data = training_data(data::validated_rows(&snippets), output)?;
    let base = models::base(project, args.base.as_deref())?;
    let run = runs::begin(
        project,
        output,
        "cross-validate",
        json!({ "folds": folds, "base": base.name, "base_digest": base.digest, "recipe": config,
            "data": data.digest() }),
        Some(config.seed),
    )
    .await?;
    let folder = project.run_folder(run.id);
    let work = async {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let (job_folder, job_cancel) = (folder.clone(), cancel.clone());
        let base_folder = base.folder.clone();
        let result = watched(project, run.id.0, output, move |observer| {
            let job = CrossValidationJob {
                base: &base_folder,
                data: &data,
                folds,
                config: &config,
                cadence: CheckpointCadence::default(),
                folder: &job_folder,
                keep_first: None,
                cancel: &job_cancel,
            };
            cross_validate(job, observer)
        })
        .await?;
        let summary = json!({ "pooled": result.pooled, "by_source": result.by_source });
        Ok((result, summary))
    };
    let result = runs::conclude(project, run.id, &cancel, work).await?;
    Ok((result, folder))
}

fn words(trained: &Trained) -> String {
    let mut text = String::new();
    let record = &trained.record;
    let _ = writeln!(
        text,
        "{}: keeps the weights after {} of {} updates, {:.0} s",
        trained.classifier, record.best_step, record.steps, record.seconds
    );
    for counts in &record.counts {
        let _ = writeln!(
            text,
            "  {:<10} {:>5} snippets of {} prompt families, {} catastrophes",
            counts.role.as_str(),
            counts.rows,
            counts.families,
            counts.catastrophes
        );
    }
    if let Some(fit) = &record.adversarial_fit {
        let _ = writeln!(text, "{}", fit_words(fit));
    }
    let _ = writeln!(text, "test split, never trained on:");
    let _ = writeln!(text, "{}", trained.test);
    let _ = writeln!(text, "{}", trained.style);
    let _ = write!(
        text,
        "in {}\n{} is now the newest, which attacks, Rewrite, Reliability and every other command take unless they are \
         told another (--classifier NAME@VERSION)\nnext: nines calibrate",
        trained.folder.display(),
        trained.classifier
    );
    text
}

/// Says whether the finds and edits that a run learnt from were learnt, beside its other rows.
fn fit_words(fit: &AdversarialFit) -> String {
    let of = |counts: &FitCounts| {
        format!(
            "{} of {} on their side, loss {:.3}",
            counts.fitted, counts.rows, counts.loss
        )
    };
    format!(
        "learnt by heart: finds and edits {}; other training snippets {}",
        of(&fit.adversarial),
        of(&fit.others)
    )
}

fn cross_validation_words(result: &CrossValidation, folder: &std::path::Path) -> String {
    let mut text = format!(
        "{} out-of-fold scores of {} folds\n",
        result.scores.len(),
        result.records.len()
    );
    let pooled = ("pooled", &result.pooled);
    let sources = result.by_source.iter().map(|(name, m)| (name.as_str(), m));
    for (name, metrics) in std::iter::once(pooled).chain(sources) {
        let _ = writeln!(
            text,
            "{name}:\n  AUROC {}\n  AUPRC {}",
            metrics.auroc, metrics.auprc
        );
        for at in &metrics.recall_at_acceptance {
            let _ = writeln!(
                text,
                "  recall {} where {:.0} % of random completions are accepted",
                at.recall,
                at.asked * 100.0
            );
        }
    }
    let fits = result.records.iter().enumerate();
    for (fold, fit) in fits.filter_map(|(fold, record)| Some((fold, record.adversarial_fit?))) {
        let _ = writeln!(text, "fold {}: {}", fold + 1, fit_words(&fit));
    }
    let _ = write!(text, "in {}", folder.display());
    text
}
