//! The endpoints, one a file, by area.

mod accounts;
mod classifiers;
mod events;
mod health;
mod jobs;
mod play;
mod reliability;
mod runs;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All endpoints, under `/api`.
pub fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .merge(classifiers::routes())
        .merge(play::routes())
        .merge(reliability::routes())
        .merge(jobs::routes())
        .merge(runs::routes())
        .merge(accounts::routes())
        .merge(events::routes())
}
