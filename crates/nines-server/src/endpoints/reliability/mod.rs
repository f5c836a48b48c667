//! The numbers, and plans of what to label.

mod get_reliability;
mod plan_labels;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of the area.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_reliability::get_reliability))
        .routes(routes!(plan_labels::plan_labels))
}
