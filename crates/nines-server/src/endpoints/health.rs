//! `GET /api/health`.

use crate::json::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// That the server answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: &'static str,
    /// The version of nines.
    pub version: &'static str,
}

/// Says that the server is up. Anybody may ask.
#[utoipa::path(get, path = "/health", tag = "server", responses((status = OK, body = Health)))]
pub async fn health() -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}
