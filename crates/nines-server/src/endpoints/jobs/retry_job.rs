//! `POST /api/jobs/{id}/retry`.

use super::shapes::JobRow;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::JobId;
use serde_json::Value;

/// Queues a job again that failed, was cancelled or was interrupted; its command goes on where it was.
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs",
    params(("id" = i64, Path, description = "The job's key")), responses(
    (status = OK, body = JobRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such job"),
    (status = CONFLICT, body = Problem, description = "It waits, runs, or is done"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too many jobs wait"),
))]
pub async fn retry_job(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<JobId>,
) -> Result<Json<JobRow>, Problem> {
    let job = state.jobs.retry(id).await?;
    let subject = format!("job {id}");
    audit(&state, account.id, "job.retried", subject, Value::Null).await?;
    Ok(Json(JobRow::one(&state.store, job).await?))
}
