//! `POST /api/jobs`.

use super::shapes::JobRow;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_jobs::JobRequest;
use serde_json::json;

/// Asks for a long command. It waits for its turn, runs as a process of its own, and outlives the
/// server.
#[utoipa::path(post, path = "/jobs", tag = "jobs", request_body = JobRequest, responses(
    (status = CREATED, body = JobRow),
    (status = BAD_REQUEST, body = Problem, description = "The body is no JSON"),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A field lies beyond its limits; the detail names it"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too many jobs wait"),
))]
pub async fn ask_for_job(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Json(request): Json<JobRequest>,
) -> Result<(StatusCode, Json<JobRow>), Problem> {
    request.check()?;
    if let JobRequest::Sweep(sweep) = &request {
        state.workbench.check_sweep(sweep.file.clone()).await?;
    }
    let job = state.jobs.ask(&request, Some(account.name)).await?;
    let subject = format!("job {}", job.id);
    let detail = json!({ "arguments": job.arguments });
    audit(&state, account.id, "job.asked", subject, detail).await?;
    let row = JobRow::one(&state.store, job).await?;
    Ok((StatusCode::CREATED, Json(row)))
}
