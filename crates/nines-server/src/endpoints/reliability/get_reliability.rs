//! `GET /api/reliability`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::Json;
use crate::reliability::Reliability;
use crate::state::AppState;
use axum::extract::State;

/// Returns the last numbers at once: leak, quality, acceptance and nines with their intervals, and what
/// to label next. The event `reliability` tells of newer ones.
#[utoipa::path(
    get,
    path = "/reliability",
    tag = "reliability",
    responses(
        (status = OK, body = Reliability),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_reliability(_: Researcher, State(state): State<AppState>) -> Json<Reliability> {
    Json(state.numbers.read())
}
