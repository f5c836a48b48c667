//! `GET /api/runs/{id}/attack`.

use crate::attacks::AttackTable;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::RunId;

/// Shows the closing table of an attack, with the labels of now.
#[utoipa::path(get, path = "/runs/{id}/attack", tag = "runs",
    params(("id" = i64, Path, description = "The run's key")), responses(
    (status = OK, body = AttackTable),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such run"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The run is no attack"),
))]
pub async fn read_attack(
    State(state): State<AppState>,
    _: Researcher,
    Path(id): Path<RunId>,
) -> Result<Json<AttackTable>, Problem> {
    let run = state.store.run(id).await?;
    if run.kind != "attack" {
        return Err(Problem::invalid(format!(
            "run {id} is no attack but {}",
            run.kind
        )));
    }
    Ok(Json(state.workbench.attack(id).await?))
}
