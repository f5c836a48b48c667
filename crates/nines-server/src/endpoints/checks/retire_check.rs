//! `DELETE /api/checks/{id}`.

use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::Path;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

/// Retires a check item: it is given out no more, and answers to it stay.
#[utoipa::path(delete, path = "/checks/{id}", tag = "labelling",
    params(("id" = i64, Path, description = "The check item's key")), responses(
    (status = NO_CONTENT),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such check item"),
))]
pub async fn retire_check(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    state.store.retire_check_item(id).await?;
    audit(
        &state,
        account.id,
        "check.retired",
        format!("check {id}"),
        Value::Null,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
