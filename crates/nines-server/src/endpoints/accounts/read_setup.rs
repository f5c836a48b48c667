//! `GET /api/setup`.

use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Whether the project waits for its first admin.
#[derive(Debug, Serialize, ToSchema)]
pub struct Setup {
    /// There is no admin yet; the link that `nines serve` prints makes one.
    pub needed: bool,
}

/// Says whether the project waits for its first admin. Anybody may ask.
#[utoipa::path(get, path = "/setup", tag = "accounts", responses((status = OK, body = Setup)))]
pub async fn read_setup(State(state): State<AppState>) -> Result<Json<Setup>, Problem> {
    let needed = !state.store.has_admin().await?;
    Ok(Json(Setup { needed }))
}
