//! `GET /api/guide/{version}`.

use super::shapes::GuideText;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;

/// Reads a version of the guide.
#[utoipa::path(get, path = "/guide/{version}", tag = "guide",
    params(("version" = u32, Path, description = "The version")), responses(
    (status = OK, body = GuideText),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "There is no such version"),
))]
pub async fn read_guide_version(
    State(state): State<AppState>,
    _: Labeller,
    Path(version): Path<u32>,
) -> Result<Json<GuideText>, Problem> {
    Ok(Json(GuideText::read(&state, Some(version)).await?))
}
