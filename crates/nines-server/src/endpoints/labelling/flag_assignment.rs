//! `POST /api/assignments/{id}/flag`.

use super::SavedMark;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// Why a researcher should look at an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagBody {
    /// Why.
    #[schema(min_length = 1, max_length = 4000)]
    pub reason: String,
}

/// Points a researcher at an item; it stays to be labelled.
#[utoipa::path(post, path = "/assignments/{id}/flag", tag = "labelling",
    params(("id" = i64, Path, description = "The assignment's key")),
    request_body = FlagBody, responses(
    (status = OK, body = SavedMark),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such assignment"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The reason is empty or too long"),
))]
pub async fn flag_assignment(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<FlagBody>,
) -> Result<Json<SavedMark>, Problem> {
    let assignment = state.store.assignment(id, account.id).await?;
    let flagged = state
        .store
        .insert_flag(assignment.snippet, account.id, &body.reason);
    flagged.await?;
    Ok(Json(SavedMark { saved: true }))
}
