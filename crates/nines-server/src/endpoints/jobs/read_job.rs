//! `GET /api/jobs/{id}`.

use super::shapes::JobRow;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::JobId;

/// Shows a job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = i64, Path, description = "The job's key")), responses(
    (status = OK, body = JobRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such job"),
))]
pub async fn read_job(
    State(state): State<AppState>,
    _: Researcher,
    Path(id): Path<JobId>,
) -> Result<Json<JobRow>, Problem> {
    let job = state.store.job(id).await?;
    Ok(Json(JobRow::one(&state.store, job).await?))
}
