//! Long jobs: asked for, watched, cancelled, tried again.

mod ask_for_job;
mod cancel_job;
mod list_jobs;
mod list_recipes;
mod read_job;
mod read_job_log;
mod retry_job;
mod shapes;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of jobs.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_recipes::list_recipes))
        .routes(routes!(list_jobs::list_jobs, ask_for_job::ask_for_job))
        .routes(routes!(read_job::read_job))
        .routes(routes!(cancel_job::cancel_job))
        .routes(routes!(retry_job::retry_job))
        .routes(routes!(read_job_log::read_job_log))
}
