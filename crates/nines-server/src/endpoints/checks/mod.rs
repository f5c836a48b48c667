//! Checks: items whose label is known.

mod list_checks;
mod make_check;
mod retire_check;
mod shapes;
mod suggest_checks;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of checks.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_checks::list_checks, make_check::make_check))
        .routes(routes!(retire_check::retire_check))
        .routes(routes!(suggest_checks::suggest_checks))
}
