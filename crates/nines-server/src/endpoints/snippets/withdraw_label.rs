//! `DELETE /api/snippets/{id}/labels/{label}`.

use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::Path;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{LabelId, SnippetId};
use serde_json::json;

/// Withdraws a label that the caller gave: it stays on record, and counts no more.
#[utoipa::path(delete, path = "/snippets/{id}/labels/{label}", tag = "data", params(
    ("id" = i64, Path, description = "The snippet"),
    ("label" = i64, Path, description = "The label"),
), responses(
    (status = NO_CONTENT, description = "It counts no more"),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher, or did not give it"),
    (status = NOT_FOUND, body = Problem, description = "The snippet has no such label"),
))]
pub async fn withdraw_label(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path((id, label)): Path<(i64, i64)>,
) -> Result<StatusCode, Problem> {
    let labels = state.store.labels_with_withdrawn(SnippetId(id)).await?;
    let found = labels.iter().find(|(stored, _)| stored.id.0 == label);
    let (stored, withdrawn) =
        found.ok_or_else(|| Problem::not_found(format!("snippet {id} has no label {label}")))?;
    let is_own = stored.label.labeller == account.name && stored.label.kind == LabellerKind::Person;
    if !is_own {
        return Err(Problem::forbidden(format!(
            "label {label} was given by {}, who alone can withdraw it",
            stored.label.labeller
        )));
    }
    if withdrawn.is_none() {
        state
            .store
            .withdraw_label(LabelId(label), account.id)
            .await?;
        let subject = format!("snippet {id}");
        audit(
            &state,
            account.id,
            "label.withdrawn",
            subject,
            json!({ "label": label }),
        )
        .await?;
        state.events.tell(Event::Labelled);
    }
    Ok(StatusCode::NO_CONTENT)
}
