//! Flags: items that labellers point at.

mod list_flags;
mod resolve_flag;
mod shapes;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of flags.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_flags::list_flags))
        .routes(routes!(resolve_flag::resolve_flag))
}
