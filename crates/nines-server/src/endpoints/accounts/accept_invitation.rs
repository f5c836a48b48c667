//! `POST /api/invitations/{token}`.

use super::read_invitation::over;
use super::shapes::{Credentials, Session, Tokens, account_name};
use crate::auth::{self, SameSite, hash_of};
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use nines_store::{NewAccount, StoreError};

/// Makes the account that an invitation is for and signs it in; a link that resets gives its account the
/// password, whatever the name. Whoever holds the link may, once.
#[utoipa::path(post, path = "/invitations/{token}", tag = "accounts",
    params(("token" = String, Path, description = "The end of the link")),
    request_body = Credentials, responses(
    (status = CREATED, body = Session),
    (status = NOT_FOUND, body = Problem, description = "It was used, withdrawn, or is over"),
    (status = CONFLICT, body = Problem, description = "The name is taken"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The name or the password cannot be"),
))]
pub async fn accept_invitation(
    State(state): State<AppState>,
    _: SameSite,
    Path(token): Path<String>,
    Json(body): Json<Credentials>,
) -> Result<(StatusCode, CookieJar, Json<Session>), Problem> {
    let token = hash_of(&token);
    // Hashing a password is work; it is done for those alone who hold a link.
    state.store.invitation(&token).await?.ok_or_else(over)?;
    let new = NewAccount {
        name: account_name(&body.name)?,
        password_hash: state.gate.passwords.hash(body.password).await?,
    };
    let tokens = Tokens::random()?;
    let session = tokens.stored();
    let accepted = state.store.accept_invitation(&token, &new, &session);
    let made = accepted.await.map_err(|error| match error {
        StoreError::NotFound { .. } => over(),
        other => other.into(),
    })?;
    let cookies = auth::keep(&state, &tokens.session).await?;
    let csrf = tokens.csrf.reveal().to_owned();
    let session = Session::of(&state, made.account, csrf).await?;
    Ok((StatusCode::CREATED, cookies, Json(session)))
}
