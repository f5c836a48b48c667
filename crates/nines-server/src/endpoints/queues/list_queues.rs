//! `GET /api/queues`.

use super::shapes::Queue;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use nines_domain::account::Role;
use serde::Serialize;
use utoipa::ToSchema;

/// Queues, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueRows {
    /// The queues.
    pub rows: Vec<Queue>,
}

/// Lists the queues with what waits for the caller. Labellers see open ones only.
#[utoipa::path(get, path = "/queues", tag = "labelling", responses(
    (status = OK, body = QueueRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn list_queues(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
) -> Result<Json<QueueRows>, Problem> {
    let only_open = account.role == Role::Labeller;
    let rows = state.store.queues_of(account.id, only_open).await?;
    Ok(Json(QueueRows {
        rows: rows.into_iter().map(Queue::from).collect(),
    }))
}
