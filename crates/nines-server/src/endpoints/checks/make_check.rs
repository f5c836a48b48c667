//! `POST /api/checks`.

use super::shapes::{CheckRow, CheckUse};
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::Json;
use crate::labelling::{self, VerdictWord};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::label::Verdict;
use nines_domain::snippet::SnippetId;
use nines_store::NewCheckItem;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// An item whose label is known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheck {
    /// The snippet.
    pub snippet: i64,
    /// What it is for.
    pub purpose: CheckUse,
    /// What is right.
    #[schema(value_type = VerdictWord)]
    pub verdict: Verdict,
    /// How grave, with yes.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3)]
    pub severity: Option<u8>,
    /// Why, as labellers are told after practice.
    #[schema(min_length = 1, max_length = 4000)]
    pub explanation: String,
}

/// Makes a check item of a snippet.
#[utoipa::path(post, path = "/checks", tag = "labelling", request_body = NewCheck, responses(
    (status = CREATED, body = CheckRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The snippet is one already, or a value cannot be"),
))]
pub async fn make_check(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Json(body): Json<NewCheck>,
) -> Result<(StatusCode, Json<CheckRow>), Problem> {
    let new = NewCheckItem {
        snippet: SnippetId(body.snippet),
        purpose: body.purpose.into(),
        verdict: body.verdict,
        severity: labelling::severity(body.severity)?,
        explanation: body.explanation,
    };
    labelling::check_verdict(new.verdict, new.severity)?;
    let made = state
        .store
        .insert_check_items(&[new], Some(account.id))
        .await?;
    let rows = CheckRow::all(&state, made).await?;
    let row = rows.into_iter().next();
    let row = row.ok_or_else(|| Problem::internal("a check item got lost"))?;
    let detail = json!({ "snippet": row.snippet, "purpose": row.purpose });
    audit(
        &state,
        account.id,
        "check.made",
        format!("check {}", row.id),
        detail,
    )
    .await?;
    Ok((StatusCode::CREATED, Json(row)))
}
