//! `POST /api/assignments/{id}/skip`.

use super::SavedMark;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// Why an item is passed on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipBody {
    /// Why.
    #[schema(min_length = 1, max_length = 4000)]
    pub reason: String,
    /// Seconds at work on it.
    #[schema(minimum = 0)]
    pub seconds: f64,
    /// Seconds with the page hidden or idle.
    #[schema(minimum = 0)]
    pub away_seconds: f64,
}

/// Passes an item on to somebody else; the caller is not given it again in this queue.
#[utoipa::path(post, path = "/assignments/{id}/skip", tag = "labelling",
    params(("id" = i64, Path, description = "The assignment's key")),
    request_body = SkipBody, responses(
    (status = OK, body = SavedMark),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such assignment"),
    (status = CONFLICT, body = Problem, description = "It is answered, or part of the training"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The reason is empty or too long"),
))]
pub async fn skip_assignment(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<SkipBody>,
) -> Result<Json<SavedMark>, Problem> {
    let SkipBody {
        reason,
        seconds,
        away_seconds,
    } = body;
    let skipped = state
        .store
        .skip_assignment(id, account.id, &reason, seconds, away_seconds);
    skipped.await?;
    state.events.tell(Event::Labelled);
    Ok(Json(SavedMark { saved: true }))
}
