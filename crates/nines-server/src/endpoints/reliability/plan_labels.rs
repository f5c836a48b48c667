//! `POST /api/reliability/plan`.

use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::Json;
use crate::queues;
use crate::reliability::{PlanRequest, Planned};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::account::AccountId;
use nines_domain::snippet::DesignId;
use nines_store::{NewQueue, QueueKind};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The most labels or pairs that one plan may ask for.
const MOST: u64 = 1_000_000;

/// What a plan drew, and where it is labelled.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrawnPlan {
    /// The queue that holds what waits.
    pub queue: i64,
    /// What was drawn.
    #[serde(flatten)]
    pub planned: Planned,
}

/// Draws what to label or rate next from requests that the filter has answered, and fills its queue. A
/// goal that the answers cannot show is refused, and nothing is drawn for it.
#[utoipa::path(
    post,
    path = "/reliability/plan",
    tag = "reliability",
    request_body = PlanRequest,
    responses(
        (status = OK, body = DrawnPlan),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn plan_labels(
    caller: Researcher,
    State(state): State<AppState>,
    Json(asked): Json<PlanRequest>,
) -> Result<Json<DrawnPlan>, Problem> {
    let most = match &asked {
        PlanRequest::Leak { labels, .. } => labels.unwrap_or(0),
        PlanRequest::Quality { pairs } => *pairs,
    };
    if most > MOST {
        return Err(Problem::invalid(format!(
            "a plan draws at most {MOST} at once; ask for fewer"
        )));
    }
    let planned = state.workbench.plan(asked.clone()).await?;
    let queue = fill(&state, &asked, &planned, caller.account.id).await?;
    audit(
        &state,
        caller.account.id,
        "plan.drawn",
        format!("design {}", planned.design),
        json!({ "asked": asked, "drawn": planned.drawn }),
    )
    .await?;
    state.events.tell(Event::Queues);
    Ok(Json(DrawnPlan { queue, planned }))
}

/// Makes the design's queue where there is none, and puts what waits into it, in its order.
async fn fill(
    state: &AppState,
    asked: &PlanRequest,
    planned: &Planned,
    by: AccountId,
) -> Result<i64, Problem> {
    let design = DesignId(planned.design);
    let (kind, name) = match asked {
        PlanRequest::Leak { .. } => (QueueKind::Leak, "Leak"),
        PlanRequest::Quality { .. } => (QueueKind::Quality, "Quality"),
    };
    let items = queues::drawn(state, kind, design).await?;
    let new = NewQueue {
        kind,
        name: format!("{name}, design {design}"),
        design: Some(design),
        record: json!({ "plan": asked }),
        overlap: 1,
        created_by: Some(by),
    };
    let queue = state.store.ensure_queue(&new).await?;
    state.store.fill_queue(queue.id, &items).await?;
    Ok(queue.id)
}
