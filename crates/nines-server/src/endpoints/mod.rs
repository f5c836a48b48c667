//! The endpoints, one a file, by area.

mod accounts;
mod events;
mod health;
mod reliability;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All endpoints, under `/api`.
pub fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .merge(accounts::routes())
        .merge(events::routes())
        .merge(reliability::routes())
}
