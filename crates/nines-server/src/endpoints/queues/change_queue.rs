//! `PATCH /api/queues/{id}`.

use super::shapes::Queue;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::queues;
use crate::state::AppState;
use axum::extract::State;
use nines_store::QueueChange;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// What to change of a queue; what is left out stays.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueChanges {
    /// Whether labellers are given its items.
    #[serde(default)]
    pub open: Option<bool>,
    /// Its name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// How many people are asked about each item.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 20)]
    pub overlap: Option<u32>,
}

/// Opens or closes a queue, names it anew, or asks more or fewer people about each item.
#[utoipa::path(patch, path = "/queues/{id}", tag = "labelling",
    params(("id" = i64, Path, description = "The queue's key")),
    request_body = QueueChanges, responses(
    (status = OK, body = Queue),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such queue"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The name or the overlap cannot be"),
))]
pub async fn change_queue(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<i64>,
    Json(body): Json<QueueChanges>,
) -> Result<Json<Queue>, Problem> {
    queues::check_name(body.name.as_deref())?;
    let detail = json!(body);
    let change = QueueChange {
        open: body.open,
        name: body.name,
        overlap: body.overlap,
    };
    state.store.change_queue(id, &change).await?;
    audit(
        &state,
        account.id,
        "queue.changed",
        format!("queue {id}"),
        detail,
    )
    .await?;
    state.events.tell(Event::Queues);
    Ok(Json(queues::seen_by(&state, id, account.id).await?.into()))
}
