//! Cross-validates the default recipe on the starter data, or exports its folds and batches for
//! PyTorch (`benches/parity_train.py`).
//!
//! ```text
//! cargo run --release -p nines-train --example folds -- BASE STARTER export OUT
//! cargo run --release -p nines-train --example folds -- BASE STARTER train OUT [--fold K] [--stop N] [--no-dropout]
//! ```
//!
//! `--set name=value` changes a field of the recipe (as its JSON has it); `--stop N` stops each
//! fold after N updates and writes their losses to OUT/trace-K.jsonl.

mod starter;

use nines_infer::cancel::CancelFlag;
use nines_train::cross_validation::CrossValidationJob;
use nines_train::record::{CheckpointRecord, EvaluationRecord, Observer, RunPlan, StepRecord};
use nines_train::{CheckpointCadence, Job, TrainConfig, TrainError, TrainingData, cross_validate};
use serde_json::json;
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut option = |name: &str, takes_value: bool| {
        let place = words.iter().position(|word| word == name)?;
        let value = takes_value.then(|| words.remove(place + 1));
        words.remove(place);
        Some(value.unwrap_or_default())
    };
    let mut config = serde_json::to_value(TrainConfig::default())?;
    while let Some(setting) = option("--set", true) {
        let (name, value) = setting.split_once('=').ok_or("--set takes name=value")?;
        config[name] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    }
    if option("--no-dropout", false).is_some() {
        config["dropout"] = json!(0.0);
    }
    let config: TrainConfig = serde_json::from_value(config)?;
    let fold = option("--fold", true)
        .map(|k| k.parse::<u64>())
        .transpose()?;
    let stop = option("--stop", true)
        .map(|n| n.parse::<u64>())
        .transpose()?;
    let [base, starter, task, out] = &words[..] else {
        return Err("arguments: BASE STARTER export|train OUT".into());
    };
    let (base, out) = (PathBuf::from(base), PathBuf::from(out));
    let data = TrainingData::new(starter::rows(Path::new(starter))?)?;
    let cancel = CancelFlag::default();
    let job = CrossValidationJob {
        base: &base,
        data: &data,
        folds: 5,
        config: &config,
        cadence: CheckpointCadence::default(),
        folder: &out,
        keep_first: None,
        cancel: &cancel,
    };
    let mut printer = Printer {
        stop,
        cancel: cancel.clone(),
        steps: Vec::new(),
    };
    match (task.as_str(), fold) {
        ("export", _) => nines_train::export::export_folds(job, &out)?,
        ("train", None) => {
            let result = cross_validate(job, &mut printer)?;
            println!(
                "AUROC {}\nAUPRC {}",
                result.pooled.auroc, result.pooled.auprc
            );
            for (source, metrics) in result.by_source {
                println!("{source}: AUROC {}, AUPRC {}", metrics.auroc, metrics.auprc);
            }
        }
        ("train", Some(fold)) => {
            let roles = data.fold(fold, 5, config.split_seed);
            let run_folder = out.join(format!("run-{fold}"));
            let job = Job {
                base: &base,
                data: &data,
                roles: &roles,
                config: &config,
                cadence: job.cadence,
                run_folder: &run_folder,
                cancel: &cancel,
            };
            match nines_train::train(
                job,
                &out.join(format!("classifier-{fold}")),
                "an injury",
                &mut printer,
            ) {
                Err(TrainError::Cancelled { .. }) if stop.is_some() => {
                    let lines: Vec<String> =
                        printer.steps.iter().map(|s| json!(s).to_string()).collect();
                    std::fs::write(out.join(format!("trace-{fold}.jsonl")), lines.join("\n"))?;
                }
                other => println!("{} s", other?.seconds),
            }
        }
        _ => return Err("the task is export or train".into()),
    }
    Ok(())
}

/// Prints what it is told.
struct Printer {
    stop: Option<u64>,
    cancel: CancelFlag,
    steps: Vec<StepRecord>,
}

impl Observer for Printer {
    fn planned(&mut self, plan: &RunPlan) {
        println!("{plan:?}");
    }
    fn step(&mut self, step: &StepRecord) {
        if step.step.is_multiple_of(10) || self.stop.is_some() {
            let penalty = step.penalty.map(|penalty| format!(" penalty {penalty:.6}"));
            println!(
                "step {} loss {:.6}{} norm {:.5} {:.1} rows/s",
                step.step,
                step.loss,
                penalty.unwrap_or_default(),
                step.gradient_norm,
                step.examples_per_second
            );
        }
        self.steps.push(*step);
        if Some(step.step) == self.stop {
            self.cancel.cancel();
        }
    }
    fn evaluation(&mut self, e: &EvaluationRecord) {
        println!(
            "after {}: training {:.4}, validation {}, AUROC {}, AUPRC {}{}",
            e.step,
            e.training_loss,
            e.validation.loss,
            e.validation.auroc,
            e.validation.auprc,
            if e.best { " (best)" } else { "" }
        );
    }
    fn checkpoint(&mut self, checkpoint: &CheckpointRecord) {
        println!(
            "checkpoint: {} MB in {:.2} s",
            checkpoint.bytes >> 20,
            checkpoint.seconds
        );
    }
}
