//! Listening: requests come in until the server is told to stop.

use crate::router::router;
use crate::state::AppState;
use axum::serve::ListenerExt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long requests under way may still take once the server is told to stop. Live events never end
/// by themselves.
const GRACE: Duration = Duration::from_secs(3);

/// Answers requests until `stop` is done; then takes no more, and gives those under way three seconds.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Answers are small, and somebody waits for each.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection keeps small answers back: {error}");
        }
    });
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let (told, mut stopping) = watch::channel(false);
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        told.send_replace(true);
    });
    let expired = async move {
        // The sender goes away only when serving ends, which the other branch sees.
        if stopping.wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        done = serving => done,
        () = expired => Ok(()),
    }
}
