//! Rewriting: people change an injurious text until the classifier accepts it.

mod ask_saliency;
mod ask_substitutes;
mod begin_session;
mod change_task;
mod current_session;
mod generate_starts;
mod give_up_session;
mod list_inspiration;
mod list_sessions;
mod list_tasks;
mod make_task;
mod pause_session;
mod read_opponent;
mod read_session;
mod rewriting_standing;
mod save_step;
mod score_text;
mod shapes;
mod submit_find;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of the area.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_tasks::list_rewriting_tasks))
        .routes(routes!(make_task::make_rewriting_task))
        .routes(routes!(change_task::change_rewriting_task))
        .routes(routes!(generate_starts::generate_starts))
        .routes(routes!(read_opponent::read_opponent))
        .routes(routes!(list_sessions::list_rewriting_sessions))
        .routes(routes!(begin_session::begin_rewriting_session))
        .routes(routes!(current_session::current_rewriting_session))
        .routes(routes!(read_session::read_rewriting_session))
        .routes(routes!(score_text::score_rewriting_text))
        .routes(routes!(save_step::save_rewriting_step))
        .routes(routes!(ask_saliency::ask_saliency))
        .routes(routes!(ask_substitutes::ask_substitutes))
        .routes(routes!(pause_session::pause_rewriting_session))
        .routes(routes!(give_up_session::give_up_rewriting_session))
        .routes(routes!(submit_find::submit_find))
        .routes(routes!(list_inspiration::list_inspiration))
        .routes(routes!(rewriting_standing::rewriting_standing))
}
