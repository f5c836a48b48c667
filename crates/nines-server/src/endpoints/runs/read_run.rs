//! `GET /api/runs/{id}`.

use super::shapes::RunRow;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::RunId;

/// Shows a run.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs",
    params(("id" = i64, Path, description = "The run's key")), responses(
    (status = OK, body = RunRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such run"),
))]
pub async fn read_run(
    State(state): State<AppState>,
    _: Researcher,
    Path(id): Path<RunId>,
) -> Result<Json<RunRow>, Problem> {
    Ok(Json(state.store.run(id).await?.into()))
}
