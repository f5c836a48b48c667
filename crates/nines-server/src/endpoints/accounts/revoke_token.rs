//! `DELETE /api/account/tokens/{id}`.

use crate::auth::Person;
use crate::error::Problem;
use crate::json::Path;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::account::TokenId;

/// Revokes one of the caller's API tokens.
#[utoipa::path(delete, path = "/account/tokens/{id}", tag = "accounts",
    params(("id" = i64, Path, description = "The token's key")), responses(
    (status = NO_CONTENT),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "An API token cannot do this"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such token"),
))]
pub async fn revoke_token(
    State(state): State<AppState>,
    Person { account, .. }: Person,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    state.store.revoke_token(account.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
