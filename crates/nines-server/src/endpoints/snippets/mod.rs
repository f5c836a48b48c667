//! Snippets: searching them, reading one, an adjudicator's label.

mod label_snippet;
mod list_facets;
mod list_snippets;
mod read_snippet;
mod shapes;
mod withdraw_label;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of the area.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_snippets::list_snippets))
        .routes(routes!(read_snippet::read_snippet))
        .routes(routes!(label_snippet::label_snippet))
        .routes(routes!(withdraw_label::withdraw_label))
        .routes(routes!(list_facets::list_facets))
}
