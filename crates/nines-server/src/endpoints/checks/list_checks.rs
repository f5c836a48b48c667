//! `GET /api/checks`.

use super::shapes::{CheckRow, CheckRows};
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::pages::Page;
use crate::state::AppState;
use axum::extract::State;

/// Lists check items, retired ones too.
#[utoipa::path(get, path = "/checks", tag = "labelling", params(Page), responses(
    (status = OK, body = CheckRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_checks(
    State(state): State<AppState>,
    _: Researcher,
    Query(page): Query<Page>,
) -> Result<Json<CheckRows>, Problem> {
    let mut items = state
        .store
        .check_items(page.after, page.limit() + 1)
        .await?;
    let next = page.cut(&mut items, |item| item.id);
    let rows = CheckRow::all(&state, items).await?;
    Ok(Json(CheckRows { rows, next }))
}
