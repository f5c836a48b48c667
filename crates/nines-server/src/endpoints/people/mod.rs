//! People: what each has done, how well they agree, and who may try the test again.

mod list_people;
mod qualify_again;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints of people, beside those of their accounts.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_people::list_people))
        .routes(routes!(qualify_again::qualify_again))
}
