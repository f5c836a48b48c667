//! `POST /api/setup`.

use super::shapes::{Session, Tokens, account_name};
use crate::auth::{self, SameSite};
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use nines_store::NewAccount;
use serde::Deserialize;
use utoipa::ToSchema;

/// The first admin to be.
#[derive(Deserialize, ToSchema)]
pub struct FirstAdmin {
    /// The end of the link that `nines serve` printed.
    pub token: String,
    /// The account's name: 1 to 64 characters that can be seen.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// The password: 10 to 200 characters.
    #[schema(format = Password, min_length = 10, max_length = 200)]
    pub password: String,
}

/// Makes the first admin and signs them in. Whoever holds the one-time link may, once.
#[utoipa::path(post, path = "/setup", tag = "accounts", request_body = FirstAdmin, responses(
    (status = CREATED, body = Session),
    (status = NOT_FOUND, body = Problem, description = "The link is over"),
    (status = CONFLICT, body = Problem, description = "There is an admin already"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The name or the password cannot be"),
))]
pub async fn create_admin(
    State(state): State<AppState>,
    _: SameSite,
    Json(body): Json<FirstAdmin>,
) -> Result<(StatusCode, CookieJar, Json<Session>), Problem> {
    if !state.gate.is_setup_token(&body.token) {
        return Err(Problem::not_found(
            "this link is over; each start of `nines serve` prints a new one while there is no admin",
        ));
    }
    let new = NewAccount {
        name: account_name(&body.name)?,
        password_hash: state.gate.passwords.hash(body.password).await?,
    };
    let tokens = Tokens::random()?;
    let made = state
        .store
        .create_first_admin(&new, &tokens.stored())
        .await?;
    state.gate.end_setup();
    let cookies = auth::keep(&state, &tokens.session).await?;
    let csrf = tokens.csrf.reveal().to_owned();
    let session = Session::of(&state, made.account, csrf).await?;
    Ok((StatusCode::CREATED, cookies, Json(session)))
}
