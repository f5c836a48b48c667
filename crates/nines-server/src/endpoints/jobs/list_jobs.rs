//! `GET /api/jobs`.

use super::shapes::JobRow;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::JobId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Jobs of one answer, where the caller does not say.
const USUAL: u64 = 50;
/// Jobs of one answer at most.
const MOST: u64 = 200;

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobPage {
    /// Those older than the job with this key.
    #[serde(default)]
    pub after: Option<i64>,
    /// So many: 50 where not said, 200 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u64>,
}

/// Jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobRows {
    /// The jobs.
    pub rows: Vec<JobRow>,
    /// The `after` of the next answer; nothing where this is the last.
    #[schema(value_type = Option<i64>)]
    pub next: Option<JobId>,
}

/// Lists jobs, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(JobPage), responses(
    (status = OK, body = JobRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_jobs(
    State(state): State<AppState>,
    _: Researcher,
    Query(page): Query<JobPage>,
) -> Result<Json<JobRows>, Problem> {
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    // One more than asked for tells whether there is more.
    let mut jobs = state.store.jobs(page.after.map(JobId), limit + 1).await?;
    let is_more = jobs.len() as u64 > limit;
    jobs.truncate(limit as usize);
    let next = jobs.last().map(|job| job.id).filter(|_| is_more);
    let rows = JobRow::of(&state.store, jobs).await?;
    Ok(Json(JobRows { rows, next }))
}
