//! `GET /api/account/tokens`.

use crate::auth::Person;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use nines_domain::account::TokenId;
use serde::Serialize;
use utoipa::ToSchema;

/// An API token, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiToken {
    /// Its key.
    #[schema(value_type = i64)]
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
}

/// Tokens that may be used, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiTokens {
    /// The tokens.
    pub rows: Vec<ApiToken>,
}

/// Lists the caller's API tokens.
#[utoipa::path(get, path = "/account/tokens", tag = "accounts", responses(
    (status = OK, body = ApiTokens),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "An API token cannot do this"),
))]
pub async fn list_tokens(
    State(state): State<AppState>,
    Person { account, .. }: Person,
) -> Result<Json<ApiTokens>, Problem> {
    let tokens = state.store.tokens(account.id).await?;
    let rows = tokens.into_iter().map(|token| ApiToken {
        id: token.id,
        name: token.name,
        created: token.created,
        last_used: token.last_used,
    });
    Ok(Json(ApiTokens {
        rows: rows.collect(),
    }))
}
