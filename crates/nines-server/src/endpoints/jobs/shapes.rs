//! A job as endpoints answer it.

use crate::error::Problem;
use jiff::Timestamp;
use nines_domain::snippet::{JobId, RunId};
use nines_store::{Job, JobState, Store};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Where a job stands.
#[derive(ToSchema)]
#[schema(as = JobState, rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "describes the store's own type, which knows no OpenAPI"
)]
pub enum StateWord {
    /// It waits for its turn.
    Queued,
    /// A process works on it.
    Running,
    /// Its command succeeded.
    Done,
    /// Its command failed, or died too often.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its command was stopped by something else than a cancelling.
    Interrupted,
}

/// How far a job's run is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct JobProgress {
    /// Steps done.
    pub done: u64,
    /// Steps in all, where known.
    pub total: Option<u64>,
}

/// A long command that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobRow {
    /// Its key.
    #[schema(value_type = i64)]
    pub id: JobId,
    /// What it does, as it was asked for.
    pub kind: String,
    /// What it does, for people.
    pub title: String,
    /// Where it stands.
    #[schema(value_type = StateWord)]
    pub state: JobState,
    /// The run that it works on, or the last one.
    #[schema(value_type = Option<i64>)]
    pub run: Option<RunId>,
    /// How often it was started.
    pub attempts: u32,
    /// Why it failed, or died the last time.
    pub error: Option<String>,
    /// The account that asked.
    pub requested_by: Option<String>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it was last started.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// Somebody wants it to stop.
    pub cancel_requested: bool,
    /// How far its run is.
    pub progress: Option<JobProgress>,
}

impl JobRow {
    /// Makes the rows of jobs, with how far their runs are.
    pub async fn of(store: &Store, jobs: Vec<Job>) -> Result<Vec<Self>, Problem> {
        let runs: Vec<RunId> = jobs.iter().filter_map(|job| job.run).collect();
        let runs = store.runs_by_id(&runs).await?.into_iter();
        let progress: BTreeMap<RunId, JobProgress> = runs
            .map(|run| {
                let (done, total) = (run.done, run.total);
                (run.id, JobProgress { done, total })
            })
            .collect();
        let rows = jobs.into_iter().map(|job| Self {
            progress: job.run.and_then(|run| progress.get(&run).copied()),
            id: job.id,
            kind: job.kind,
            title: job.title,
            state: job.state,
            run: job.run,
            attempts: job.attempts,
            error: job.error,
            requested_by: job.requested_by,
            created: job.created,
            started: job.started,
            ended: job.ended,
            cancel_requested: job.cancel_requested,
        });
        Ok(rows.collect())
    }

    /// Makes the row of one job.
    pub async fn one(store: &Store, job: Job) -> Result<Self, Problem> {
        let mut rows = Self::of(store, vec![job]).await?;
        rows.pop()
            .ok_or_else(|| Problem::internal("a job has no row"))
    }
}
