//! `POST /api/reliability/plan`.

use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::Json;
use crate::queues;
use crate::reliability::{PlanRequest, Planned};
use crate::state::AppState;
use crate::workbench::WorkbenchError;
use axum::extract::State;
use nines_domain::account::{Account, AccountId};
use nines_domain::snippet::DesignId;
use nines_jobs::{JobRequest, LeakRequest, QualityRequest};
use nines_store::{NewQueue, QueueKind};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The most labels or pairs that one plan may ask for.
const MOST: u64 = 1_000_000;

/// What a plan drew and where it is labelled, or the job that asks the filter first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrawnPlan {
    /// The queue that holds what waits; null where a job draws it.
    pub queue: Option<i64>,
    /// The job that asks the filter requests and then draws; null where the requests were there.
    pub job: Option<i64>,
    /// The design that was drawn from.
    pub design: Option<i64>,
    /// How many are newly drawn.
    pub drawn: u64,
    /// How many of the design wait for a label or a rating now.
    pub waiting: u64,
    /// It in words.
    pub text: String,
}

/// Draws what to label or rate next from requests that the filter has answered, and fills its queue. Where
/// it has not been asked anything yet, a job does that first. A goal that the answers cannot show is
/// refused, and nothing is drawn for it.
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
    let planned = match state.workbench.plan(asked.clone()).await {
        Err(WorkbenchError::NotMeasured(why)) => {
            return measure_first(&state, &asked, &caller.account, why).await;
        }
        other => other?,
    };
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
    Ok(Json(DrawnPlan {
        queue: Some(queue),
        job: None,
        design: Some(planned.design),
        drawn: planned.drawn,
        waiting: planned.waiting,
        text: planned.text,
    }))
}

/// Asks for the job that measures for the first time, and draws as the plan says.
async fn measure_first(
    state: &AppState,
    asked: &PlanRequest,
    by: &Account,
    why: String,
) -> Result<Json<DrawnPlan>, Problem> {
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let request = match asked {
        PlanRequest::Leak {
            leak,
            labels,
            confidence,
            ..
        } => JobRequest::PlanLeak(LeakRequest {
            labels: labels.map(count),
            leak: *leak,
            confidence: *confidence,
            ..LeakRequest::default()
        }),
        PlanRequest::Quality { pairs } => JobRequest::MeasureQuality(QualityRequest {
            pairs: Some(count(*pairs)),
            ..QualityRequest::default()
        }),
    };
    let job = state.jobs.ask(&request, Some(by.name.clone())).await?;
    let subject = format!("job {}", job.id);
    let detail = json!({ "arguments": job.arguments });
    audit(state, by.id, "job.asked", subject, detail).await?;
    Ok(Json(DrawnPlan {
        queue: None,
        job: Some(job.id.0),
        design: None,
        drawn: 0,
        waiting: 0,
        text: format!("{why}. Job {} does so; plan again when it is done.", job.id),
    }))
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
