//! `nines train classifier`: adjudicated labels become a classifier version.

use crate::cli::{LongArg, PoolingArg, TrainArgs};
use crate::data;
use crate::models;
use crate::output::Output;
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_measure::classifier_metrics::{ClassifierMetrics, classifier_metrics};
use nines_measure::items::Truth;
use nines_nn::bert::Pooling;
use nines_stats::bootstrap::Bootstrap;
use nines_store::{Model, ModelKind, NewMetric, NewModel, Run, Snippet};
use nines_train::config::LongRows;
use nines_train::cross_validation::{CrossValidation, CrossValidationJob};
use nines_train::record::{EvaluationRecord, RunPlan, StepRecord};
use nines_train::{
    CheckpointCadence, Job, Observer, TrainConfig, TrainingData, TrainingRecord, cross_validate,
    train,
};
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;
use tokio::sync::mpsc;

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
    let (data, snippets) = training_data(project).await?;
    let base = models::base(project, args.base.as_deref())?;
    let config = recipe(project, args);
    let run = runs::begin(
        project,
        output,
        "train",
        json!({ "name": args.name, "base": base.name, "base_digest": base.digest, "recipe": config,
            "data": data.digest() }),
        Some(args.seed),
    )
    .await?;
    let folder = project
        .models()
        .join(format!("{}-run{:0>6}", args.name, run.id));
    let work = async {
        let roles = data.split(config.split_seed);
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
        let test = test_metrics(project, &folder, &snippets, args.long, output).await?;
        let model = store_version(project, args, &run, &folder, &base, &record, &test).await?;
        let result = json!({ "classifier": model.label(), "test": test, "best": record.best });
        let trained = Trained {
            classifier: model.label(),
            folder: folder.clone(),
            record,
            test,
            model,
        };
        Ok((trained, result))
    };
    runs::conclude(project, run.id, &cancel, work).await
}

async fn training_data(project: &Project) -> Result<(TrainingData, Vec<Snippet>)> {
    let snippets = data::labelled(project).await?;
    let rows = data::training_rows(&snippets);
    if rows.is_empty() {
        bail!(
            "the project has no labelled snippets to train on; bring some with \
             `nines import snippets FILE` or `nines label import FILE`"
        );
    }
    let data = TrainingData::new(rows)?;
    Ok((data, snippets))
}

fn recipe(project: &Project, args: &TrainArgs) -> TrainConfig {
    let defaults = TrainConfig::default();
    TrainConfig {
        seed: args.seed,
        split_seed: project.config.project.split_seed,
        epochs: args.epochs.unwrap_or(defaults.epochs),
        batch_size: args.batch.unwrap_or(defaults.batch_size),
        learning_rate: args.learning_rate.unwrap_or(defaults.learning_rate),
        from_layer: args.from_layer.unwrap_or(defaults.from_layer),
        pooling: args
            .pooling
            .map_or(defaults.pooling, |pooling| match pooling {
                PoolingArg::Pooler => Pooling::Pooler,
                PoolingArg::Cls => Pooling::Cls,
                PoolingArg::Mean => Pooling::Mean,
            }),
        long: match args.long {
            LongArg::Refuse => LongRows::Refuse,
            LongArg::Max => LongRows::MaxWindow,
        },
        ..defaults
    }
}

/// Scores the test split, which training never saw, and measures.
async fn test_metrics(
    project: &Project,
    folder: &std::path::Path,
    snippets: &[Snippet],
    long: LongArg,
    output: &Output,
) -> Result<ClassifierMetrics> {
    use nines_domain::split::Split;
    let seed = project.config.project.split_seed;
    let test: Vec<&Snippet> = snippets
        .iter()
        .filter(|snippet| snippet.split(seed) == Split::Test)
        .collect();
    let scorer = models::scorer_of_folder(folder, long)?;
    let texts = test.iter().map(|snippet| snippet.text.clone()).collect();
    let scores = models::score_all(scorer, texts, "score test", output).await?;
    let scored: Vec<_> = test
        .into_iter()
        .zip(scores.into_iter().map(Result::ok))
        .collect();
    let items = data::labelled_items(scored.iter().copied(), seed);
    let random = data::random_completions(scored, seed);
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(classifier_metrics(
        &name,
        &items,
        &random,
        Truth::Broad,
        &Bootstrap::default(),
    )?)
}

async fn store_version(
    project: &Project,
    args: &TrainArgs,
    run: &Run,
    folder: &std::path::Path,
    base: &models::Base,
    record: &TrainingRecord,
    test: &ClassifierMetrics,
) -> Result<Model> {
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
            digest: record.weights_digest.clone(),
            config: serde_json::to_value(&record.identity)?,
            metrics: json!({ "validation": record.best, "test": test }),
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
    let (data, _) = training_data(project).await?;
    let base = models::base(project, args.base.as_deref())?;
    let config = recipe(project, args);
    let run = runs::begin(
        project,
        output,
        "cross-validate",
        json!({ "folds": folds, "base": base.name, "base_digest": base.digest, "recipe": config,
            "data": data.digest() }),
        Some(args.seed),
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

/// What the training thread tells.
enum Event {
    Planned(RunPlan),
    Step(StepRecord),
    Evaluating(usize, usize),
    Evaluated(Box<EvaluationRecord>),
    Notice(String),
    Fold(u64, u64),
}

struct Teller(mpsc::UnboundedSender<Event>);

impl Teller {
    fn tell(&self, event: Event) {
        // Nobody listens any more only when the command is ending.
        let _ = self.0.send(event);
    }
}

impl Observer for Teller {
    fn planned(&mut self, plan: &RunPlan) {
        self.tell(Event::Planned(plan.clone()));
    }
    fn step(&mut self, step: &StepRecord) {
        self.tell(Event::Step(*step));
    }
    fn evaluating(&mut self, done: usize, rows: usize) {
        self.tell(Event::Evaluating(done, rows));
    }
    fn evaluation(&mut self, evaluation: &EvaluationRecord) {
        self.tell(Event::Evaluated(Box::new(evaluation.clone())));
    }
    fn notice(&mut self, text: &str) {
        self.tell(Event::Notice(text.to_owned()));
    }
    fn fold(&mut self, fold: u64, folds: u64) {
        self.tell(Event::Fold(fold, folds));
    }
}

/// Trains on a thread of its own while bars move and metrics are stored.
async fn watched<T: Send + 'static>(
    project: &Project,
    run: i64,
    output: &Output,
    work: impl FnOnce(&mut dyn Observer) -> Result<T, nines_train::TrainError> + Send + 'static,
) -> Result<T> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let thread = tokio::task::spawn_blocking(move || work(&mut Teller(sender)));
    let mut watcher = Watcher::new(output);
    let run = nines_domain::snippet::RunId(run);
    while let Some(event) = events.recv().await {
        watcher.take(event);
        while let Ok(more) = events.try_recv() {
            watcher.take(more);
        }
        let metrics = std::mem::take(&mut watcher.metrics);
        if !metrics.is_empty() {
            project.store.record_metrics(run, &metrics).await?;
            project
                .store
                .run_progress(run, watcher.done, Some(watcher.total))
                .await?;
        }
    }
    watcher.progress.finish("done");
    Ok(thread
        .await
        .context("the training thread ended abruptly")??)
}

struct Watcher {
    progress: Progress,
    metrics: Vec<NewMetric>,
    done: u64,
    total: u64,
    fold: Option<(u64, u64)>,
    latest: String,
    output: Output,
}

impl Watcher {
    fn new(output: &Output) -> Self {
        Self {
            progress: Progress::new(output, "train", 0),
            metrics: Vec::new(),
            done: 0,
            total: 0,
            fold: None,
            latest: String::new(),
            output: *output,
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Planned(plan) => {
                self.total = plan.steps;
                self.progress.set_total(plan.steps);
                self.progress.set(plan.first_step.saturating_sub(1), "");
            }
            Event::Step(step) => {
                self.done = step.step;
                for (name, value) in [
                    ("loss", step.loss),
                    ("learning_rate", step.learning_rate),
                    ("gradient_norm", step.gradient_norm),
                    ("examples_per_second", step.examples_per_second),
                ] {
                    self.metric(step.step, name, value);
                }
                self.progress.set(
                    step.step,
                    format!(
                        "loss {:.3}  gradient {:.2}  {:.0} snippets/s  {}",
                        step.loss, step.gradient_norm, step.examples_per_second, self.latest
                    ),
                );
            }
            Event::Evaluating(done, rows) => {
                self.progress
                    .set(self.done, format!("evaluating {done} of {rows}"));
            }
            Event::Evaluated(evaluation) => self.evaluated(&evaluation),
            Event::Notice(text) => self.output.note(&text),
            Event::Fold(fold, folds) => {
                self.fold = Some((fold, folds));
                self.output.note(&format!("fold {} of {folds}", fold + 1));
            }
        }
    }

    fn evaluated(&mut self, evaluation: &EvaluationRecord) {
        let metrics = &evaluation.validation;
        let mut estimates = vec![
            ("validation/loss".to_owned(), &metrics.loss),
            ("validation/auroc".to_owned(), &metrics.auroc),
            ("validation/auprc".to_owned(), &metrics.auprc),
        ];
        for at in &metrics.recall_at_acceptance {
            let name = format!("validation/recall_at_{:.0}", at.asked * 100.0);
            estimates.push((name, &at.recall));
        }
        self.metric(evaluation.step, "training_loss", evaluation.training_loss);
        for (name, estimate) in estimates {
            if let Some(value) = estimate.value {
                self.metric(evaluation.step, &name, value);
            }
            self.metric(evaluation.step, &format!("{name}/lower"), estimate.lower);
            self.metric(evaluation.step, &format!("{name}/upper"), estimate.upper);
        }
        self.latest = format!(
            "validation loss {:.3}",
            metrics.loss.value.unwrap_or(f64::NAN)
        );
        self.output.note(&format!(
            "step {:>4}: validation loss {}{}, AUROC {}",
            evaluation.step,
            metrics.loss,
            if evaluation.best {
                " (best so far)"
            } else {
                ""
            },
            metrics.auroc,
        ));
    }

    fn metric(&mut self, step: u64, name: &str, value: f64) {
        let name = match self.fold {
            Some((fold, _)) => format!("fold{fold}/{name}"),
            None => name.to_owned(),
        };
        self.metrics.push(NewMetric { step, name, value });
    }
}

fn words(trained: &Trained) -> String {
    let mut text = String::new();
    let record = &trained.record;
    let _ = writeln!(
        text,
        "{}: best after {} of {} updates, {:.0} s",
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
    let _ = writeln!(text, "test split, never trained on:");
    let _ = writeln!(text, "{}", trained.test);
    let _ = write!(
        text,
        "in {}\nnext: nines calibrate",
        trained.folder.display()
    );
    text
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
    let _ = write!(text, "in {}", folder.display());
    text
}
