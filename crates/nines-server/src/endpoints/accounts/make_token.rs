//! `POST /api/account/tokens`.

use crate::auth::{Person, Secret, TOKEN_PREFIX, hash_of};
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::account::{AccountName, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewApiToken {
    /// What its owner calls it, such as the program that uses it: 1 to 64 characters.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
}

/// A new token: the one time that it is shown.
#[derive(Serialize, ToSchema)]
pub struct MadeApiToken {
    /// Its key.
    #[schema(value_type = i64)]
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// The token, for the header `Authorization: Bearer`.
    pub token: String,
}

/// Makes an API token with which a program acts for the caller, with the caller's role.
#[utoipa::path(post, path = "/account/tokens", tag = "accounts", request_body = NewApiToken, responses(
    (status = CREATED, body = MadeApiToken),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "An API token cannot do this"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The name cannot be, or there are 50 tokens"),
))]
pub async fn make_token(
    State(state): State<AppState>,
    Person { account, .. }: Person,
    Json(body): Json<NewApiToken>,
) -> Result<(StatusCode, Json<MadeApiToken>), Problem> {
    // A token is named by the same rules as an account.
    let name: AccountName = body
        .name
        .parse()
        .map_err(|wrong| Problem::invalid(format!("{wrong}; name the program that uses it")))?;
    let token = format!("{TOKEN_PREFIX}{}", Secret::random()?.reveal());
    let hash = hash_of(&token);
    let made = state
        .store
        .make_token(account.id, name.as_str(), &hash)
        .await?;
    let made = MadeApiToken {
        id: made.id,
        name: made.name,
        token,
    };
    Ok((StatusCode::CREATED, Json(made)))
}
