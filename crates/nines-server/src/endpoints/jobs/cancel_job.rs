//! `POST /api/jobs/{id}/cancel`.

use super::shapes::JobRow;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::JobId;
use serde_json::Value;

/// Asks for a job to stop: one that waits is cancelled at once, one that runs at its next safe point.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs",
    params(("id" = i64, Path, description = "The job's key")), responses(
    (status = OK, body = JobRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such job"),
    (status = CONFLICT, body = Problem, description = "It has ended"),
))]
pub async fn cancel_job(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<JobId>,
) -> Result<Json<JobRow>, Problem> {
    let job = state.jobs.cancel(id).await?;
    let subject = format!("job {id}");
    audit(&state, account.id, "job.cancelled", subject, Value::Null).await?;
    Ok(Json(JobRow::one(&state.store, job).await?))
}
