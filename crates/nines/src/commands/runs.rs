//! `nines runs`: what commands and jobs have done and are doing.

use super::BadUsage;
use crate::cli::{RunRef, RunsCommand};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::snippet::{JobId, RunId};
use nines_store::{Job, JobState, Run, RunStatus};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Runs `nines runs`.
pub async fn run(project: &Project, command: RunsCommand, output: &Output) -> Result<()> {
    project.store.mark_interrupted_runs().await?;
    match command {
        RunsCommand::List { kind, limit } => list(project, kind.as_deref(), limit, output).await,
        RunsCommand::Show { id } => match id {
            RunRef::Run(id) => show_run(project, RunId(id), output).await,
            RunRef::Job(id) => show_job(project, JobId(id), output).await,
        },
        RunsCommand::Cancel { id } => match id {
            RunRef::Run(id) => cancel_run(project, RunId(id), output).await,
            RunRef::Job(id) => cancel_job(project, JobId(id), output).await,
        },
    }
}

#[derive(Serialize)]
struct Listed {
    runs: Vec<Value>,
    jobs: Vec<Value>,
}

async fn list(project: &Project, kind: Option<&str>, limit: u64, output: &Output) -> Result<()> {
    let runs = project.store.runs_before(None, kind, limit).await?;
    let mut jobs = project.store.jobs(None, limit).await?;
    jobs.retain(|job| kind.is_none_or(|kind| job.kind == kind));
    let listed = Listed {
        runs: runs.iter().map(run_json).collect(),
        jobs: jobs.iter().map(job_json).collect(),
    };
    output.result(&listed, || list_words(&runs, &jobs));
    Ok(())
}

fn list_words(runs: &[Run], jobs: &[Job]) -> String {
    if runs.is_empty() && jobs.is_empty() {
        return "nothing has run yet".to_owned();
    }
    let mut text = format!(
        "{:<8} {:<11} {:<15} {:>13}  {:<20}  what\n",
        "run", "state", "kind", "done", "started"
    );
    // A job with a run of its own is shown there.
    let other = |job: &&Job| job.run.is_none() || job.state.is_open();
    let mut jobs: Vec<&Job> = jobs.iter().filter(other).collect();
    jobs.reverse();
    for job in jobs {
        let _ = writeln!(
            text,
            "{:<8} {:<11} {}",
            name(job.id),
            job.state.as_str(),
            job.title
        );
    }
    for run in runs {
        let job = run.job.map_or_else(String::new, name);
        let _ = writeln!(
            text,
            "{:<8} {:<11} {:<15} {:>13}  {:.0}  {}",
            run.id,
            run.status.as_str(),
            run.kind,
            steps(run),
            run.started,
            [job, what(run)].join(" ").trim()
        );
    }
    text
}

/// What a run was asked to work on, as far as its configuration says it in a word or two.
fn what(run: &Run) -> String {
    let config = &run.config;
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let several = |value: &Value, word: &str| {
        value
            .as_array()
            .filter(|all| !all.is_empty())
            .map(|all| format!("{} {word}", all.len()))
    };
    let parts = match run.kind.as_str() {
        "attack" => [
            word(&config["name"]),
            word(&config["attacked"]["classifier"]).map(|of| format!("against {of}")),
        ],
        "sweep" => [
            several(&config["sweep"]["cells"], "cells"),
            several(&config["sweep"]["seeds"], "seeds"),
        ],
        "frame" => [word(&config["about"]["filter"]["classifier"]), None],
        "calibrate" => [word(&config["request"]["classifier"]), None],
        _ => [
            word(&config["name"]).or_else(|| word(&config["classifier"])),
            word(&config["base"]).map(|base| format!("from {base}")),
        ],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// How far a run is.
fn steps(run: &Run) -> String {
    match run.total {
        Some(total) => format!("{} of {total}", run.done),
        None if run.done > 0 => run.done.to_string(),
        None => String::new(),
    }
}

fn name(job: JobId) -> String {
    format!("job{job}")
}

async fn show_run(project: &Project, id: RunId, output: &Output) -> Result<()> {
    let run = project.store.run(id).await?;
    let mut latest: BTreeMap<String, (u64, f64)> = BTreeMap::new();
    for metric in project.store.metrics(id, None).await? {
        latest.insert(metric.name, (metric.step, metric.value));
    }
    let mut value = run_json(&run);
    value["metrics"] = json!(latest);
    output.result(&value, || run_words(&run, &latest));
    Ok(())
}

fn run_words(run: &Run, latest: &BTreeMap<String, (u64, f64)>) -> String {
    let mut text = format!("run {}: {}, {}\n", run.id, run.kind, run.status.as_str());
    let mut line = |what: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {what:<10} {value}");
        }
    };
    line("steps", steps(run));
    line("started", format!("{:.0}", run.started));
    line(
        "ended",
        run.ended.map_or_else(String::new, |at| format!("{at:.0}")),
    );
    line("job", run.job.map_or_else(String::new, name));
    line(
        "seed",
        run.seed.map_or_else(String::new, |seed| seed.to_string()),
    );
    line("config", run.config.to_string());
    if !run.result.is_null() {
        line("result", run.result.to_string());
    }
    line("error", run.error.clone().unwrap_or_default());
    for (name, (step, value)) in latest {
        line(name, format!("{value:.4} at step {step}"));
    }
    text
}

async fn show_job(project: &Project, id: JobId, output: &Output) -> Result<()> {
    let job = project.store.job(id).await?;
    let log = nines_jobs::Program::new("nines", &project.folder).log(id);
    let mut value = job_json(&job);
    value["log"] = json!(log);
    output.result(&value, || {
        let mut text = format!("{}: {}, {}\n", name(id), job.title, job.state.as_str());
        let asked = job.requested_by.as_deref().unwrap_or("nobody known");
        let _ = writeln!(text, "  asked for  {:.0} by {asked}", job.created);
        if let Some(run) = job.run {
            let _ = writeln!(text, "  run        {run}");
        }
        let _ = writeln!(text, "  attempts   {}", job.attempts);
        let _ = writeln!(text, "  command    nines {}", job.arguments.join(" "));
        if let Some(error) = &job.error {
            let _ = writeln!(
                text,
                "  error      {}",
                error.replace('\n', "\n             ")
            );
        }
        let _ = write!(text, "  log        {}", log.display());
        text
    });
    Ok(())
}

async fn cancel_run(project: &Project, id: RunId, output: &Output) -> Result<()> {
    let run = project.store.run(id).await?;
    if run.status != RunStatus::Running {
        bail!(
            "run {id} is {}: there is nothing to stop",
            run.status.as_str()
        );
    }
    if let Some(job) = run.job {
        let job = project.store.job(job).await?;
        if job.state.is_open() && job.run == Some(id) {
            return cancel_job(project, job.id, output).await;
        }
    }
    if run.process == nines_store::Process::this() {
        bail!(BadUsage("that run is this command".to_owned()));
    }
    if !nines_jobs::stop_run(&run)? {
        bail!("run {id} is worked on by another machine; stop it there");
    }
    let value = json!({ "run": id, "told": true });
    output.result(&value, || {
        format!(
            "run {id} was told to stop; it does at its next safe point, and keeps what it has done"
        )
    });
    Ok(())
}

async fn cancel_job(project: &Project, id: JobId, output: &Output) -> Result<()> {
    let job = nines_jobs::cancel_job(&project.store, id).await?;
    output.result(&job_json(&job), || match job.state {
        JobState::Cancelled => format!("{} is cancelled; it had not begun", name(id)),
        _ => format!(
            "{} was told to stop; it does at its next safe point, and keeps what it has done",
            name(id)
        ),
    });
    Ok(())
}

fn run_json(run: &Run) -> Value {
    json!({ "id": run.id, "kind": run.kind, "status": run.status, "config": run.config,
        "seed": run.seed, "device": run.device, "done": run.done, "total": run.total,
        "result": run.result, "error": run.error, "started": run.started, "ended": run.ended,
        "job": run.job })
}

fn job_json(job: &Job) -> Value {
    json!({ "id": job.id, "kind": job.kind, "title": job.title, "state": job.state, "run": job.run,
        "attempts": job.attempts, "error": job.error, "requested_by": job.requested_by,
        "created": job.created, "started": job.started, "ended": job.ended })
}
