//! `POST /api/rulings`.

use super::shapes::RulingRow;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::events::Event;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::account::Role;
use nines_domain::snippet::SnippetId;
use nines_store::NewRuling;
use serde::Deserialize;
use utoipa::ToSchema;

/// A question about an edge case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionBody {
    /// What is asked.
    #[schema(min_length = 1, max_length = 4000)]
    pub question: String,
    /// The caller's assignment that raised it.
    #[serde(default)]
    pub assignment: Option<i64>,
    /// The snippet that raised it, for researchers.
    #[serde(default)]
    pub snippet: Option<i64>,
}

/// Asks about an edge case. Everybody who labels reads question and answer.
#[utoipa::path(post, path = "/rulings", tag = "guide", request_body = QuestionBody, responses(
    (status = CREATED, body = RulingRow),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "Labellers name an assignment, not a snippet"),
    (status = NOT_FOUND, body = Problem, description = "There is no such assignment or snippet"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The question is empty or too long"),
))]
pub async fn ask_ruling(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Json(body): Json<QuestionBody>,
) -> Result<(StatusCode, Json<RulingRow>), Problem> {
    let snippet = match (body.assignment, body.snippet) {
        (Some(assignment), _) => {
            let assignment = state.store.assignment(assignment, account.id).await?;
            Some(assignment.snippet)
        }
        // A labeller who names snippets could read all of them.
        (None, Some(_)) if account.role == Role::Labeller => {
            return Err(Problem::forbidden(
                "name the assignment that raised the question, not a snippet",
            ));
        }
        (None, Some(snippet)) => {
            let snippet = SnippetId(snippet);
            let stored = state.store.stored_snippets(&[snippet]).await?;
            if !stored.contains(&snippet) {
                return Err(Problem::not_found(format!("there is no snippet {snippet}")));
            }
            Some(snippet)
        }
        (None, None) => None,
    };
    let new = NewRuling {
        snippet,
        asked_by: account.id,
        question: body.question,
    };
    let asked = state.store.insert_ruling(&new).await?;
    state.events.tell(Event::Guide);
    let row = RulingRow::one(&state, asked).await?;
    Ok((StatusCode::CREATED, Json(row)))
}
