//! `PUT /api/rulings/{id}`.

use super::shapes::RulingRow;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// The answer to a question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulingAnswer {
    /// What holds.
    #[schema(min_length = 1, max_length = 4000)]
    pub answer: String,
}

/// Answers a question about an edge case, or answers it anew.
#[utoipa::path(put, path = "/rulings/{id}", tag = "guide",
    params(("id" = i64, Path, description = "The question's key")),
    request_body = RulingAnswer, responses(
    (status = OK, body = RulingRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such question"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The answer is empty or too long"),
))]
pub async fn answer_ruling(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<i64>,
    Json(body): Json<RulingAnswer>,
) -> Result<Json<RulingRow>, Problem> {
    let version = Some(state.guide.version());
    let answered = state
        .store
        .answer_ruling(id, &body.answer, account.id, version);
    let answered = answered.await?;
    let detail = json!({ "answer": body.answer });
    audit(
        &state,
        account.id,
        "ruling.answered",
        format!("ruling {id}"),
        detail,
    )
    .await?;
    state.events.tell(Event::Guide);
    Ok(Json(RulingRow::one(&state, answered).await?))
}
