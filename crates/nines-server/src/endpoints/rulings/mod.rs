//! Rulings: edge cases that labellers ask about, and what researchers answer.

mod answer_ruling;
mod ask_ruling;
mod list_rulings;
mod shapes;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of rulings.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_rulings::list_rulings, ask_ruling::ask_ruling))
        .routes(routes!(answer_ruling::answer_ruling))
}
