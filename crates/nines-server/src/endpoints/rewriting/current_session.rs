//! `GET /api/rewriting/sessions/current`.

use super::shapes::Session;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::rewriting;
use crate::state::AppState;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// The caller's open session, if there is one.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentSession {
    /// The session.
    pub session: Option<Session>,
}

/// Returns the session that the caller has open, so that a page goes on where it was.
#[utoipa::path(get, path = "/rewriting/sessions/current", tag = "rewriting", responses(
    (status = OK, body = CurrentSession),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn current_rewriting_session(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
) -> Result<Json<CurrentSession>, Problem> {
    let session = match state.store.open_rewriting_session(account.id).await? {
        None => None,
        Some(stored) => {
            rewriting::warm(&state, &stored);
            Some(Session::of(&state, stored).await?)
        }
    };
    Ok(Json(CurrentSession { session }))
}
