//! Play: candidates as they are drawn, their scores, and on to labelling.

pub(super) mod draw_candidates;
mod play_settings;
mod score_snippets;
mod send_candidate;
pub(super) mod text;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of the area.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(score_snippets::score_snippets))
        .routes(routes!(play_settings::play_settings))
        .routes(routes!(draw_candidates::draw_candidates))
        .routes(routes!(send_candidate::send_candidate))
}
