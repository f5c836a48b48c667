//! `DELETE /api/session`.

use crate::auth::{self, Person};
use crate::error::Problem;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;

/// Ends the session of this browser.
#[utoipa::path(delete, path = "/session", tag = "accounts", responses(
    (status = NO_CONTENT),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "A program with an API token has no session"),
))]
pub async fn sign_out(
    State(state): State<AppState>,
    Person { session, .. }: Person,
) -> Result<(StatusCode, CookieJar), Problem> {
    state.store.end_session(&session).await?;
    Ok((StatusCode::NO_CONTENT, auth::forget(&state).await?))
}
