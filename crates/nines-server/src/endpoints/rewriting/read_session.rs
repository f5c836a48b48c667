//! `GET /api/rewriting/sessions/{id}`.

use super::shapes::{Session, own};
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::account::Role;

/// Returns a session with all its steps, to its owner and to researchers.
#[utoipa::path(get, path = "/rewriting/sessions/{id}", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")), responses(
    (status = OK, body = Session),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "There is no such session, or it is somebody else's"),
))]
pub async fn read_rewriting_session(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
) -> Result<Json<Session>, Problem> {
    let stored = match account.role {
        Role::Labeller => own(&state, id, &account).await?,
        _ => state.store.rewriting_session(id).await?,
    };
    Ok(Json(Session::of(&state, stored).await?))
}
