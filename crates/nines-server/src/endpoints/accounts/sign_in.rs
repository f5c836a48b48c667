//! `POST /api/session`.

use super::shapes::{Credentials, Session, Tokens};
use crate::auth::{self, SameSite, Source};
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use nines_domain::account::AccountName;
use nines_store::StoreError;

/// Signs somebody in with name and password. Anybody may try, now and then.
#[utoipa::path(post, path = "/session", tag = "accounts", request_body = Credentials, responses(
    (status = OK, body = Session),
    (status = UNAUTHORIZED, body = Problem, description = "The name or the password is wrong"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too many attempts; Retry-After says when"),
))]
pub async fn sign_in(
    State(state): State<AppState>,
    _: SameSite,
    source: Source,
    Json(body): Json<Credentials>,
) -> Result<(CookieJar, Json<Session>), Problem> {
    // A text that cannot be a name is a name that nobody has.
    let name = body.name.parse::<AccountName>().ok();
    let key = name.as_ref().map(AccountName::key).unwrap_or_default();
    state.gate.limit.take(&key, source)?;
    let known = match &name {
        Some(name) => state.store.credentials(name).await?,
        None => None,
    };
    let (account, hash) = known.unzip();
    let passwords = &state.gate.passwords;
    let is_right = passwords.verify(body.password, hash.clone()).await?;
    let (Some(account), Some(hash), true) = (account, hash, is_right) else {
        return Err(wrong());
    };
    let tokens = Tokens::random()?;
    let (id, stored) = (account.account.id, tokens.stored());
    let started = state.store.start_session_by_password(id, &hash, &stored);
    let account = started.await.map_err(|error| match error {
        StoreError::NotFound { .. } => wrong(),
        other => other.into(),
    })?;
    state.gate.limit.give_back(&key, source);
    let cookies = auth::keep(&state, &tokens.session).await?;
    let csrf = tokens.csrf.reveal().to_owned();
    let session = Session::of(&state, account.account, csrf).await?;
    Ok((cookies, Json(session)))
}

fn wrong() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "credentials",
        "The name or the password is wrong",
        "try again, or ask an admin whether the account is active",
    )
}
