//! What the layers below the handlers refuse, as problems too.

use crate::error::Problem;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Turns a plain refusal into a problem; a problem stays as it is.
pub async fn described(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind == "application/problem+json") {
        return response;
    }
    let (kind, title, detail) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (
            "method",
            "The endpoint has no such method",
            "the header Allow lists those that it has",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "too-large",
            "The body is too large",
            "a body may have 1 MiB; send less at once",
        ),
        StatusCode::REQUEST_TIMEOUT => {
            ("slow", "The body came too slowly", "send the request again")
        }
        _ if status.is_client_error() => (
            "bad-request",
            "The request cannot be read",
            "the path or the headers are malformed",
        ),
        _ => return Problem::internal(format!("a layer answered {status}")).into_response(),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut described = Problem::new(status, kind, title, detail).into_response();
    if let Some(allow) = allow {
        described.headers_mut().insert(header::ALLOW, allow);
    }
    described
}
