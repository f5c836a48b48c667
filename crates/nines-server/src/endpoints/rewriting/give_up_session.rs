//! `POST /api/rewriting/sessions/{id}/give-up`.

use super::shapes::{Session, time_of};
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// How a session is given up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveUpBody {
    /// Why, where one wants to say so.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
    /// Seconds at work since the session began.
    #[schema(minimum = 0)]
    pub seconds: f64,
    /// Seconds with the page hidden, idle or paused.
    #[schema(minimum = 0)]
    pub away_seconds: f64,
}

/// Ends a session without a find. It is recorded as an attempt that took at least this long, and
/// counts as much as a find.
#[utoipa::path(post, path = "/rewriting/sessions/{id}/give-up", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")),
    request_body = GiveUpBody, responses(
    (status = OK, body = Session),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such session"),
    (status = CONFLICT, body = Problem, description = "The session was submitted"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A value cannot be"),
))]
pub async fn give_up_rewriting_session(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<GiveUpBody>,
) -> Result<Json<Session>, Problem> {
    let time = time_of(body.seconds, body.away_seconds)?;
    let ended = state
        .store
        .give_up_rewriting(id, account.id, body.reason.as_deref(), time)
        .await?;
    Ok(Json(Session::of(&state, ended).await?))
}
