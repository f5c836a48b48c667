//! The endpoints, one a file, by area.

mod accounts;
mod checks;
mod classifiers;
mod events;
mod flags;
mod guide;
mod health;
mod jobs;
mod labelling;
mod people;
mod play;
mod queues;
mod reliability;
mod rewriting;
mod rulings;
mod runs;
mod snippets;

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
        .merge(rewriting::routes())
        .merge(snippets::routes())
        .merge(jobs::routes())
        .merge(runs::routes())
        .merge(accounts::routes())
        .merge(checks::routes())
        .merge(flags::routes())
        .merge(guide::routes())
        .merge(labelling::routes())
        .merge(people::routes())
        .merge(queues::routes())
        .merge(rulings::routes())
        .merge(events::routes())
}
