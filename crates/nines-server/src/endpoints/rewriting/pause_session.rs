//! `POST /api/rewriting/sessions/{id}/pause`.

use super::shapes::time_of;
use crate::auth::Labeller;
use crate::endpoints::labelling::SavedMark;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// How the clock of a session stands.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockBody {
    /// Whether it stands still.
    pub paused: bool,
    /// Seconds at work since the session began.
    #[schema(minimum = 0)]
    pub seconds: f64,
    /// Seconds with the page hidden, idle or paused.
    #[schema(minimum = 0)]
    pub away_seconds: f64,
}

/// Pauses a session or goes on with it, and notes the time so far; a sign of life too. The larger time
/// counts, and never more than has passed.
#[utoipa::path(post, path = "/rewriting/sessions/{id}/pause", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")),
    request_body = ClockBody, responses(
    (status = OK, body = SavedMark),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such session"),
    (status = CONFLICT, body = Problem, description = "The session has ended"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A value cannot be"),
))]
pub async fn pause_rewriting_session(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<ClockBody>,
) -> Result<Json<SavedMark>, Problem> {
    let time = time_of(body.seconds, body.away_seconds)?;
    state
        .store
        .note_rewriting_time(id, account.id, body.paused, time)
        .await?;
    Ok(Json(SavedMark { saved: true }))
}
