//! `POST /api/labelling/qualification/next`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::labelling::{self, Holding, Next};
use crate::state::AppState;
use axum::extract::State;
use nines_store::CheckPurpose;

/// Gives the caller the next item of the qualification test; nothing is told until its end.
#[utoipa::path(post, path = "/labelling/qualification/next", tag = "labelling", request_body = Holding, responses(
    (status = OK, body = Next),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn next_qualification(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Json(body): Json<Holding>,
) -> Result<Json<Next>, Problem> {
    body.check()?;
    let who = labelling::labeller(&account);
    let part = CheckPurpose::Qualification;
    let leased = state.store.next_check(part, &who, &body.holding).await?;
    Ok(Json(Next::of(&state, leased).await?))
}
