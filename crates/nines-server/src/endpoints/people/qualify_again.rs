//! `POST /api/people/{id}/qualification`.

use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::account::AccountId;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// That somebody may try the test again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgainBody {
    /// True, to say that it is meant.
    pub again: bool,
}

/// Lets somebody do practice and test again. Until they pass, they are given no work.
#[utoipa::path(post, path = "/people/{id}/qualification", tag = "people",
    params(("id" = i64, Path, description = "The account's key")),
    request_body = AgainBody, responses(
    (status = NO_CONTENT),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such account"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "again is false"),
))]
pub async fn qualify_again(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<AccountId>,
    Json(body): Json<AgainBody>,
) -> Result<StatusCode, Problem> {
    if !body.again {
        return Err(Problem::invalid("again is false; there is nothing to do"));
    }
    let who = state.store.account(id).await?;
    state.store.qualify_again(id, account.id).await?;
    let subject = format!("account {}", who.account.name);
    audit(
        &state,
        account.id,
        "person.qualifies_again",
        subject,
        Value::Null,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
