//! `GET /api/rewriting/tasks`.

use super::shapes::RewritingTask;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use nines_domain::account::Role;
use serde::Serialize;
use utoipa::ToSchema;

/// Tasks, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RewritingTasks {
    /// Open ones; for researchers all.
    pub rows: Vec<RewritingTask>,
}

/// Lists the tasks of rewriting: open ones, and for researchers the closed ones too.
#[utoipa::path(get, path = "/rewriting/tasks", tag = "rewriting", responses(
    (status = OK, body = RewritingTasks),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn list_rewriting_tasks(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
) -> Result<Json<RewritingTasks>, Problem> {
    let only_open = account.role < Role::Researcher;
    let stored = state
        .store
        .rewriting_tasks_of(account.id, only_open)
        .await?;
    let mut rows = Vec::with_capacity(stored.len());
    for row in stored {
        rows.push(RewritingTask::of(&state, row, &account).await?);
    }
    Ok(Json(RewritingTasks { rows }))
}
