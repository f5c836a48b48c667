//! `GET /api/rulings`.

use super::shapes::RulingRow;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::pages::Page;
use crate::state::AppState;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Questions, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulingRows {
    /// The questions.
    pub rows: Vec<RulingRow>,
    /// The `after` of the next answer; nothing where this is the last.
    pub next: Option<i64>,
}

/// Lists questions about edge cases with their answers.
#[utoipa::path(get, path = "/rulings", tag = "guide", params(Page), responses(
    (status = OK, body = RulingRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn list_rulings(
    State(state): State<AppState>,
    _: Labeller,
    Query(page): Query<Page>,
) -> Result<Json<RulingRows>, Problem> {
    let mut rulings = state.store.rulings(page.after, page.limit() + 1).await?;
    let next = page.cut(&mut rulings, |ruling| ruling.id);
    let rows = RulingRow::all(&state, rulings).await?;
    Ok(Json(RulingRows { rows, next }))
}
