//! `POST /api/assignments/{id}/renew`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// That the caller is still at an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewBody {
    /// Seconds at work on it so far.
    #[schema(minimum = 0)]
    pub seconds: f64,
}

/// Until when an item is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct RenewedLease {
    /// Until when; past where others may have it by now. An answer is saved all the same.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// Keeps an item for the caller for longer.
#[utoipa::path(post, path = "/assignments/{id}/renew", tag = "labelling",
    params(("id" = i64, Path, description = "The assignment's key")),
    request_body = RenewBody, responses(
    (status = OK, body = RenewedLease),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such assignment"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The seconds cannot be"),
))]
pub async fn renew_assignment(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<RenewBody>,
) -> Result<Json<RenewedLease>, Problem> {
    let renewed = state.store.renew_assignment(id, account.id, body.seconds);
    Ok(Json(RenewedLease {
        expires: renewed.await?,
    }))
}
