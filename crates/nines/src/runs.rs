//! The record of a long command in the database: started or taken up again, and ended as it ended.

use crate::commands::Interrupted;
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;
use nines_domain::snippet::RunId;
use nines_infer::cancel::CancelFlag;
use nines_store::{NewRun, Run};
use serde_json::Value;
use std::future::Future;
use std::time::Duration;

/// The device that models run on, as runs record it.
pub const DEVICE: &str = "cpu";

/// How often a run says that it is alive, for others who cannot look at its process.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Starts a run, or takes up an unfinished one with the same configuration.
pub async fn begin(
    project: &Project,
    output: &Output,
    kind: &str,
    config: Value,
    seed: Option<u64>,
) -> Result<Run> {
    let run = match project.store.resumable_run(kind, &config, seed).await? {
        Some(run) => {
            let run = project.store.resume_run(run.id).await?;
            output.note(&format!("going on with run {} ({kind})", run.id));
            run
        }
        None => {
            let new = NewRun {
                kind: kind.to_owned(),
                config,
                seed,
                device: DEVICE.to_owned(),
                total: None,
            };
            project.store.start_run(&new).await?
        }
    };
    if let Some(job) = project.job {
        job.work_on(&project.store, run.id).await?;
    }
    Ok(run)
}

/// Does a run's work and records how it ended: done with its result, cancelled, or failed.
pub async fn conclude<T>(
    project: &Project,
    run: RunId,
    cancel: &CancelFlag,
    work: impl Future<Output = Result<(T, Value)>>,
) -> Result<T> {
    match with_heartbeat(project, run, work).await {
        Ok(_) if cancel.is_cancelled() => {
            project.store.cancel_run(run).await?;
            Err(Interrupted(format!(
                "run {run} was stopped; what it had done is kept, and the same command goes on"
            ))
            .into())
        }
        Ok((value, result)) => {
            project.store.finish_run(run, &result).await?;
            Ok(value)
        }
        Err(error) if cancel.is_cancelled() => {
            project.store.cancel_run(run).await?;
            Err(anyhow::Error::new(Interrupted(format!(
                "run {run} was stopped ({error:#}); the same command goes on from there"
            ))))
        }
        Err(error) => {
            // The first error is the one to tell, also when it cannot be recorded.
            let _ = project.store.fail_run(run, &format!("{error:#}")).await;
            Err(error)
        }
    }
}

/// Does work while the run's heartbeat is kept.
async fn with_heartbeat<T>(
    project: &Project,
    run: RunId,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let beating = async {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            // A beat that is lost is no reason to stop; the next write will tell what is wrong.
            let _ = project.store.heartbeat(run).await;
        }
    };
    tokio::select! {
        done = work => done,
        never = beating => never,
    }
}
