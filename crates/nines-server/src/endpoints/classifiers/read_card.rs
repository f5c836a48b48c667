//! `GET /api/classifiers/{id}/card`.

use crate::auth::Researcher;
use crate::card::Card;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;

/// Says what is known of a classifier: data, options, curves, metrics, thresholds and lineage.
#[utoipa::path(
    get,
    path = "/classifiers/{id}/card",
    tag = "play",
    params(("id" = i64, Path, description = "The classifier's key")),
    responses(
        (status = OK, body = Card),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read_card(
    _: Researcher,
    State(state): State<AppState>,
    Path(id): Path<i64>,
) -> Result<Json<Card>, Problem> {
    let model = super::find(&state, Some(id)).await?;
    Ok(Json(state.workbench.card(model.id).await?))
}
