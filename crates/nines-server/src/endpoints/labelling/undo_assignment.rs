//! `POST /api/assignments/{id}/undo`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::labelling::{self, Assignment};
use crate::state::AppState;
use axum::extract::State;

/// Takes back what was said of an item, and gives the item again as a new assignment. The label stays
/// stored as withdrawn, and counts nowhere.
#[utoipa::path(post, path = "/assignments/{id}/undo", tag = "labelling",
    params(("id" = i64, Path, description = "The assignment's key")), responses(
    (status = OK, body = Assignment),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such assignment"),
    (status = CONFLICT, body = Problem, description = "There is nothing to undo, or it is part of the training"),
))]
pub async fn undo_assignment(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
) -> Result<Json<Assignment>, Problem> {
    let who = labelling::labeller(&account);
    let reopened = state.store.undo_assignment(id, &who).await?;
    state.events.tell(Event::Labelled);
    if state.store.is_of_finds(id).await? {
        state.events.tell(Event::Attacks);
    }
    Ok(Json(Assignment::of(&state, reopened).await?))
}
