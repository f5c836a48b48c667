//! `GET /api/session`.

use super::shapes::Session;
use crate::auth::Person;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;

/// Says who is signed in with this browser.
#[utoipa::path(get, path = "/session", tag = "accounts", responses(
    (status = OK, body = Session),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "A program with an API token has no session"),
))]
pub async fn read_session(
    State(state): State<AppState>,
    Person { account, session }: Person,
) -> Result<Json<Session>, Problem> {
    Ok(Json(Session::of(&state, account, session.csrf).await?))
}
