//! `PUT /api/account/password`.

use super::shapes::account_name;
use crate::auth::{Person, Source};
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_store::StoreError;
use serde::Deserialize;
use utoipa::ToSchema;

/// A password for another.
#[derive(Deserialize, ToSchema)]
pub struct PasswordChange {
    /// The password until now.
    #[schema(format = Password)]
    pub old: String,
    /// The password from now on: 10 to 200 characters.
    #[schema(format = Password, min_length = 10, max_length = 200)]
    pub new: String,
}

/// Changes the caller's password; all their other sessions end. API tokens stay.
#[utoipa::path(put, path = "/account/password", tag = "accounts", request_body = PasswordChange, responses(
    (status = NO_CONTENT),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "An API token cannot do this"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The old password is wrong, or the new one cannot be"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too many attempts; Retry-After says when"),
))]
pub async fn change_password(
    State(state): State<AppState>,
    Person { account, session }: Person,
    source: Source,
    Json(body): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let name = account_name(&account.name)?;
    state.gate.limit.take(&name.key(), source)?;
    let hash = state.store.credentials(&name).await?.map(|(_, hash)| hash);
    let passwords = &state.gate.passwords;
    let is_right = passwords.verify(body.old, hash.clone()).await?;
    let old = hash.filter(|_| is_right).ok_or_else(wrong)?;
    state.gate.limit.give_back(&name.key(), source);
    let new = passwords.hash(body.new).await?;
    let kept = Some(session.id);
    let changed = state.store.change_password(account.id, &old, &new, kept);
    changed.await.map_err(|error| match error {
        StoreError::NotFound { .. } => wrong(),
        other => other.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn wrong() -> Problem {
    Problem::invalid("the old password is wrong; nothing was changed")
}
