//! Runs: what commands and jobs have done and are doing.

mod list_runs;
mod list_trials;
mod read_attack;
mod read_run;
mod read_run_metrics;
mod shapes;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of runs.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_runs::list_runs))
        .routes(routes!(read_run::read_run))
        .routes(routes!(read_run_metrics::read_run_metrics))
        .routes(routes!(read_attack::read_attack))
        .routes(routes!(list_trials::list_trials))
}
