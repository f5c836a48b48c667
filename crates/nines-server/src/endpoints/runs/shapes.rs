//! A run as endpoints answer it.

use jiff::Timestamp;
use nines_domain::snippet::{JobId, RunId};
use nines_store::{Run, RunStatus};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Where a run stands.
#[derive(ToSchema)]
#[schema(as = RunStatus, rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "describes the store's own type, which knows no OpenAPI"
)]
pub enum StatusWord {
    /// A process works on it.
    Running,
    /// It has its result.
    Done,
    /// It ended with an error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its process ended without a word.
    Interrupted,
}

/// One execution of a long command.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub struct RunRow {
    /// Its key.
    #[schema(value_type = i64)]
    pub id: RunId,
    /// What it does, such as `train`, `generate`, `calibrate`, `score`, `frame`.
    pub kind: String,
    /// Where it stands.
    #[schema(value_type = StatusWord)]
    pub status: RunStatus,
    /// Its whole configuration.
    pub config: Value,
    /// Its seed.
    pub seed: Option<u64>,
    /// The device it runs on.
    pub device: String,
    /// Steps done.
    pub done: u64,
    /// Steps in all, where known.
    pub total: Option<u64>,
    /// What came of it.
    pub result: Value,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was first started.
    #[schema(value_type = String, format = DateTime)]
    pub started: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// The job that drives it, or did; nothing where a person gave the command.
    #[schema(value_type = Option<i64>)]
    pub job: Option<JobId>,
}

impl From<Run> for RunRow {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            kind: run.kind,
            status: run.status,
            config: run.config,
            seed: run.seed,
            device: run.device,
            done: run.done,
            total: run.total,
            result: run.result,
            error: run.error,
            started: run.started,
            ended: run.ended,
            job: run.job,
        }
    }
}
