//! The guide.

mod read_guide;
mod read_guide_version;
mod save_guide;
mod shapes;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of the guide.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read_guide::read_guide, save_guide::save_guide))
        .routes(routes!(read_guide_version::read_guide_version))
}
