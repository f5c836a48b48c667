//! Labelling: where a labeller stands, and what is said of each item.

mod flag_assignment;
mod next_practice;
mod next_qualification;
mod read_standing;
mod renew_assignment;
mod save_comparison;
mod save_label;
mod skip_assignment;
mod undo_assignment;

use crate::state::AppState;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// That something is on the disk.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedMark {
    /// Always true.
    pub saved: bool,
}

/// The endpoints of labelling.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read_standing::read_standing))
        .routes(routes!(next_practice::next_practice))
        .routes(routes!(next_qualification::next_qualification))
        .routes(routes!(save_label::save_label))
        .routes(routes!(save_comparison::save_comparison))
        .routes(routes!(skip_assignment::skip_assignment))
        .routes(routes!(undo_assignment::undo_assignment))
        .routes(routes!(flag_assignment::flag_assignment))
        .routes(routes!(renew_assignment::renew_assignment))
}
