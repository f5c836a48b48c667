//! `GET /api/jobs/{id}/log`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Path, Query};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::JobId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where to read on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogPlace {
    /// The byte; 0 where not said.
    #[serde(default)]
    pub from: u64,
}

/// A piece of a job's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobLog {
    /// What the job's process said, of all its attempts.
    pub text: String,
    /// The byte at which to read on.
    pub next: u64,
    /// There is more already.
    pub more: bool,
}

/// Reads a job's log from a byte on, at most 64 KiB of it.
#[utoipa::path(get, path = "/jobs/{id}/log", tag = "jobs",
    params(("id" = i64, Path, description = "The job's key"), LogPlace), responses(
    (status = OK, body = JobLog),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such job"),
))]
pub async fn read_job_log(
    State(state): State<AppState>,
    _: Researcher,
    Path(id): Path<JobId>,
    Query(place): Query<LogPlace>,
) -> Result<Json<JobLog>, Problem> {
    let piece = state.jobs.log(id, place.from).await?;
    Ok(Json(JobLog {
        text: piece.text,
        next: piece.next,
        more: piece.more,
    }))
}
