//! The web app, embedded at build time: `web/dist` as Vite makes it.

use crate::error::Problem;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Assets;

/// Names of files under here carry a hash of their content and never change.
const HASHED: &str = "assets/";

/// Serves a file of the web app; a path without a dot is one of its pages, and gets the page's shell.
pub async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return Problem::not_found(format!("there is no endpoint /{path}")).into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let name = if is_page { "index.html" } else { path };
    let Some(file) = Assets::get(name) else {
        return Problem::not_found(if is_page {
            "the web app is not in this binary: build it with `make web`, then build nines again"
                .to_owned()
        } else {
            format!("there is no file /{path}")
        })
        .into_response();
    };
    let kept = if name.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        ],
        file.data,
    )
        .into_response()
}
