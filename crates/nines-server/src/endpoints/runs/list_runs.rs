//! `GET /api/runs`.

use super::shapes::RunRow;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::RunId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Runs of one answer, where the caller does not say.
const USUAL: u64 = 50;
/// Runs of one answer at most.
const MOST: u64 = 200;
/// Characters of the longest kind.
const LONGEST_KIND: usize = 64;

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunPage {
    /// Only this kind.
    #[serde(default)]
    #[param(max_length = 64)]
    pub kind: Option<String>,
    /// Those older than the run with this key.
    #[serde(default)]
    pub after: Option<i64>,
    /// So many: 50 where not said, 200 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u64>,
}

/// Runs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunRows {
    /// The runs.
    pub rows: Vec<RunRow>,
    /// The `after` of the next answer; nothing where this is the last.
    #[schema(value_type = Option<i64>)]
    pub next: Option<RunId>,
}

/// Lists runs, newest first, whoever started them.
#[utoipa::path(get, path = "/runs", tag = "runs", params(RunPage), responses(
    (status = OK, body = RunRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_runs(
    State(state): State<AppState>,
    _: Researcher,
    Query(page): Query<RunPage>,
) -> Result<Json<RunRows>, Problem> {
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    let kind = page.kind.as_deref().filter(|kind| !kind.is_empty());
    if kind.is_some_and(|kind| kind.len() > LONGEST_KIND || kind.contains('\0')) {
        return Err(Problem::bad_request("there is no such kind of run"));
    }
    let before = page.after.map(RunId);
    // One more than asked for tells whether there is more.
    let mut runs = state.store.runs_before(before, kind, limit + 1).await?;
    let is_more = runs.len() as u64 > limit;
    runs.truncate(limit as usize);
    let next = runs.last().map(|run| run.id).filter(|_| is_more);
    let rows = runs.into_iter().map(RunRow::from).collect();
    Ok(Json(RunRows { rows, next }))
}
