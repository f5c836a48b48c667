//! `POST /api/queues/{id}/next`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::labelling::{self, Holding, Next};
use crate::queues;
use crate::state::AppState;
use axum::extract::State;

/// Gives the caller the next item of a queue, or again one that the caller has open and does not
/// name. A page asks ahead: up to three items are the caller's at once.
#[utoipa::path(post, path = "/queues/{id}/next", tag = "labelling",
    params(("id" = i64, Path, description = "The queue's key")),
    request_body = Holding, responses(
    (status = OK, body = Next),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller has not qualified yet"),
    (status = NOT_FOUND, body = Problem, description = "There is no such queue"),
    (status = CONFLICT, body = Problem, description = "The queue is closed"),
))]
pub async fn next_assignment(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<Holding>,
) -> Result<Json<Next>, Problem> {
    body.check()?;
    labelling::demand_qualified(&state, &account).await?;
    let who = labelling::labeller(&account);
    let mut leased = state.store.next_assignment(id, &who, &body.holding).await?;
    let is_empty = leased.assignment.is_none() && leased.waiting == 0;
    // Newly drawn answers, and those that want another label by now, are the design's to tell.
    if is_empty && queues::refill(&state, id).await? {
        leased = state.store.next_assignment(id, &who, &body.holding).await?;
    }
    Ok(Json(Next::of(&state, leased).await?))
}
