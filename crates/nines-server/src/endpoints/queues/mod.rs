//! Queues: what is to be labelled or compared.

mod change_queue;
mod list_queues;
mod make_queue;
mod next_assignment;
mod shapes;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of queues.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_queues::list_queues, make_queue::make_queue))
        .routes(routes!(change_queue::change_queue))
        .routes(routes!(next_assignment::next_assignment))
}
