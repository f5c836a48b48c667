//! `GET /api/flags`.

use super::shapes::FlagRow;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::pages::Page;
use crate::state::AppState;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Flags, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagRows {
    /// The flags.
    pub rows: Vec<FlagRow>,
    /// The `after` of the next answer; nothing where this is the last.
    pub next: Option<i64>,
}

/// Lists what labellers point at, resolved or not.
#[utoipa::path(get, path = "/flags", tag = "labelling", params(Page), responses(
    (status = OK, body = FlagRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_flags(
    State(state): State<AppState>,
    _: Researcher,
    Query(page): Query<Page>,
) -> Result<Json<FlagRows>, Problem> {
    let mut flags = state
        .store
        .flags(false, page.after, page.limit() + 1)
        .await?;
    let next = page.cut(&mut flags, |flag| flag.id);
    let rows = FlagRow::all(&state, flags).await?;
    Ok(Json(FlagRows { rows, next }))
}
