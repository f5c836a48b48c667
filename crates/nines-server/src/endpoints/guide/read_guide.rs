//! `GET /api/guide`.

use super::shapes::GuideText;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;

/// Reads the newest version of the guide.
#[utoipa::path(get, path = "/guide", tag = "guide", responses(
    (status = OK, body = GuideText),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "There is no guide yet"),
))]
pub async fn read_guide(
    State(state): State<AppState>,
    _: Labeller,
) -> Result<Json<GuideText>, Problem> {
    Ok(Json(GuideText::read(&state, None).await?))
}
