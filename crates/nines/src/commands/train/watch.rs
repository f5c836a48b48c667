//! What a training tells while it runs: bars that move, metrics that are stored.

use crate::output::Output;
use crate::progress::Progress;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_store::NewMetric;
use nines_train::Observer;
use nines_train::record::{EvaluationRecord, RunPlan, StepRecord};
use tokio::sync::mpsc;

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
pub(super) async fn watched<T: Send + 'static>(
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
        let planned = std::mem::take(&mut watcher.planned);
        if !metrics.is_empty() {
            project.store.record_metrics(run, &metrics).await?;
        }
        if planned || !metrics.is_empty() {
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
    /// The plan is new: how many steps there will be has not been told yet.
    planned: bool,
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
            planned: false,
            fold: None,
            latest: String::new(),
            output: *output,
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Planned(plan) => {
                self.total = plan.steps;
                self.done = plan.first_step.saturating_sub(1);
                self.planned = true;
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
                for (name, value) in [
                    ("penalty", step.penalty),
                    ("adversarial_loss", step.adversarial_loss),
                    ("other_loss", step.other_loss),
                ] {
                    if let Some(value) = value {
                        self.metric(step.step, name, value);
                    }
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
        let apart = evaluation.training_loss_apart;
        for (name, mean) in [
            (
                "training_loss/adversarial",
                apart.and_then(|apart| apart.adversarial),
            ),
            ("training_loss/others", apart.and_then(|apart| apart.others)),
        ] {
            if let Some(mean) = mean {
                self.metric(evaluation.step, name, mean);
            }
        }
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
        let adversarial = apart.and_then(|apart| Some((apart.adversarial?, apart.others?)));
        let adversarial = adversarial.map_or(String::new(), |(adversarial, others)| {
            format!(", training loss {adversarial:.3} on finds and edits, {others:.3} on others")
        });
        self.output.note(&format!(
            "step {:>4}: validation loss {}{}, AUROC {}{adversarial}",
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
