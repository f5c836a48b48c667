//! `PATCH /api/rewriting/tasks/{id}`.

use super::shapes::RewritingTask;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_store::RewritingTaskChange;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// What to change of a task; what is left out stays.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RewritingTaskChanges {
    /// Whether sessions may begin.
    #[serde(default)]
    pub open: Option<bool>,
    /// Its name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
}

/// Opens or closes a task, or names it anew. Sessions that are open go on.
#[utoipa::path(patch, path = "/rewriting/tasks/{id}", tag = "rewriting",
    params(("id" = i64, Path, description = "The task's key")),
    request_body = RewritingTaskChanges, responses(
    (status = OK, body = RewritingTask),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such task"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The name cannot be"),
))]
pub async fn change_rewriting_task(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<i64>,
    Json(body): Json<RewritingTaskChanges>,
) -> Result<Json<RewritingTask>, Problem> {
    let detail = json!(body);
    let change = RewritingTaskChange {
        open: body.open,
        name: body.name,
    };
    state.store.change_rewriting_task(id, &change).await?;
    let subject = format!("rewriting task {id}");
    audit(&state, account.id, "rewriting.changed", subject, detail).await?;
    Ok(Json(RewritingTask::seen_by(&state, id, &account).await?))
}
