//! The whole server: endpoints, limits, headers, the web app.

use crate::error::Problem;
use crate::state::AppState;
use crate::{assets, endpoints, headers, refusals};
use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyDeadlineLayer, RequestBodyTimeoutLayer};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// Bytes of the largest body: a long guide fits, a book does not.
pub const LARGEST_BODY: usize = 1 << 20;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "nines",
    description = "The workbench's own interface. Errors are RFC 9457 problems. Signed in by cookie, a request \
that changes something carries the header `x-csrf-token`; with an API token, the header `Authorization: Bearer`."
))]
struct Document;

fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api", endpoints::all())
}

/// Describes every endpoint.
pub fn openapi() -> OpenApi {
    described().into_openapi()
}

/// Describes every endpoint, as the file that the web app's client is made from.
pub fn openapi_json() -> String {
    let mut text = openapi()
        .to_pretty_json()
        .unwrap_or_else(|error| unreachable!("a document of our own making is JSON: {error}"));
    text.push('\n');
    text
}

/// Builds the server.
pub fn router(state: AppState) -> Router {
    let (router, _) = described().split_for_parts();
    let (patience, tls) = (state.patience, state.settings.tls);
    let router = router
        .fallback(assets::serve)
        // Innermost, so that reading a body knows the limit when it meets it.
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(RequestBodyTimeoutLayer::new(patience.piece))
        .layer(RequestBodyDeadlineLayer::new(patience.body))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(refusals::described))
        .with_state(state);
    headers::secured(router, tls)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}
