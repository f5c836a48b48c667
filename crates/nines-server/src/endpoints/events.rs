//! `GET /api/events`.

use crate::auth::Listener;
use crate::error::Problem;
use crate::events::Event;
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, future};
use std::pin::pin;
use std::time::Duration;
use tokio_stream::wrappers::BroadcastStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A comment this often keeps proxies from closing the stream, and finds out who is gone.
const KEPT_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// The endpoint of live events.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(listen))
}

/// Tells what changes, as it changes: server-sent events whose data is an Event. They name what to
/// read again; after a gap in the connection everything is to be read again.
#[utoipa::path(get, path = "/events", tag = "server", responses(
    (status = OK, body = Event, content_type = "text/event-stream"),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "The account listens in too many places"),
))]
pub async fn listen(
    State(state): State<AppState>,
    listener: Listener,
) -> Result<Response, Problem> {
    let place = state
        .events
        .take_place(listener.account.id)
        .ok_or_else(|| {
            Problem::too_many(
                "this account listens in too many places; close some pages",
                30,
            )
        })?;
    let events = BroadcastStream::new(state.events.listen())
        // Whoever fell behind has missed some, and is told so.
        .map(|event| event.unwrap_or(Event::Missed))
        .map(|event| sse::Event::default().json_data(event));
    let closing = state.closing.begun();
    let over = async move {
        // Held until the stream ends, however it does.
        let _place = place;
        let signed_out = pin!(signed_out(state, listener));
        future::select(pin!(closing), signed_out).await;
    };
    let stream = Sse::new(events.take_until(Box::pin(over)))
        .keep_alive(KeepAlive::new().interval(KEPT_ALIVE_EVERY));
    let mut response = stream.into_response();
    // Proxies that collect an answer before they pass it on would hold events back.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

async fn signed_out(state: AppState, listener: Listener) {
    loop {
        tokio::time::sleep(state.patience.signed_in).await;
        // A database that is busy says nothing about the session.
        if let Ok(false) = listener.is_still_signed_in(&state).await {
            return;
        }
    }
}
