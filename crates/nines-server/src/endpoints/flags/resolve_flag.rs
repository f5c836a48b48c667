//! `PUT /api/flags/{id}/resolve`.

use super::shapes::FlagRow;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use serde_json::Value;

/// Marks a flag as dealt with.
#[utoipa::path(put, path = "/flags/{id}/resolve", tag = "labelling",
    params(("id" = i64, Path, description = "The flag's key")), responses(
    (status = OK, body = FlagRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such flag"),
))]
pub async fn resolve_flag(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<i64>,
) -> Result<Json<FlagRow>, Problem> {
    let flag = state.store.resolve_flag(id, account.id).await?;
    audit(
        &state,
        account.id,
        "flag.resolved",
        format!("flag {id}"),
        Value::Null,
    )
    .await?;
    let rows = FlagRow::all(&state, vec![flag]).await?;
    let row = rows.into_iter().next();
    Ok(Json(
        row.ok_or_else(|| Problem::internal("a flag got lost"))?,
    ))
}
