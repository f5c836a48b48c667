//! `POST /api/labelling/practice/next`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::labelling::{self, Holding, Next};
use crate::state::AppState;
use axum::extract::State;
use nines_store::CheckPurpose;

/// Gives the caller the next practice item; what was right is told after each.
#[utoipa::path(post, path = "/labelling/practice/next", tag = "labelling", request_body = Holding, responses(
    (status = OK, body = Next),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn next_practice(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Json(body): Json<Holding>,
) -> Result<Json<Next>, Problem> {
    body.check()?;
    let who = labelling::labeller(&account);
    let part = CheckPurpose::Practice;
    let leased = state.store.next_check(part, &who, &body.holding).await?;
    Ok(Json(Next::of(&state, leased).await?))
}
