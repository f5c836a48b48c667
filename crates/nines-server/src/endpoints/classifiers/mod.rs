//! The project's classifiers, and what their thresholds do.

mod list_classifiers;
mod operating_points;
mod read_card;

use crate::error::Problem;
use crate::state::AppState;
use nines_domain::snippet::ModelId;
use nines_store::{Model, ModelKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of the area.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_classifiers::list_classifiers))
        .routes(routes!(operating_points::operating_points))
        .routes(routes!(read_card::read_card))
}

/// Finds a classifier: the one asked for, or the newest.
pub(super) async fn find(state: &AppState, asked: Option<i64>) -> Result<Model, Problem> {
    let Some(asked) = asked else {
        let newest = state
            .store
            .latest_model(ModelKind::Classifier, None)
            .await?;
        return newest.ok_or_else(|| {
            Problem::not_found("the project has no classifier yet; train one first")
        });
    };
    let model = state.store.model(ModelId(asked)).await?;
    if model.kind != ModelKind::Classifier {
        return Err(Problem::not_found(format!(
            "model {asked} is no classifier"
        )));
    }
    Ok(model)
}
