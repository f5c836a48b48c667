//! Listening: connections are taken and answered until the server is told to stop.
//!
//! A connection that sends its headers slowly, or none, or takes no answer, is closed; and there are so many at once and
//! no more, so that connections alone never exhaust the process.

use crate::jobs;
use crate::router::router;
use crate::stalls::Unstalled;
use crate::state::AppState;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Connections at once. A browser keeps up to six; each is a file to the system, which often allows
/// 1,024.
const CONNECTIONS: usize = 640;

/// Bytes of a request's line and headers.
const LARGEST_HEAD: usize = 64 << 10;

/// How long the server waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the headers of a request, the pause before it included.
    pub head: Duration,
    /// For the next piece of a body.
    pub piece: Duration,
    /// For a whole body.
    pub body: Duration,
    /// For somebody who is answered to take the next piece.
    pub reading: Duration,
    /// For requests under way, once the server is told to stop.
    pub grace: Duration,
    /// Between two looks at whether somebody who listens is still signed in.
    pub signed_in: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(60),
            piece: Duration::from_secs(10),
            body: Duration::from_secs(60),
            reading: Duration::from_secs(60),
            grace: Duration::from_secs(3),
            signed_in: Duration::from_secs(30),
        }
    }
}

/// Answers requests until `stop` is done; then takes no more, ends live events, and gives what is
/// under way three seconds.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let closing = state.closing.clone();
    let patience = state.patience;
    // Dropped, and so ended, with this function; the jobs' own processes go on.
    let mut driving = JoinSet::new();
    driving.spawn(jobs::drive(state.clone()));
    let router = router(state);
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let (slot, stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted?,
            // What has ended is forgotten.
            Some(_) = connections.join_next() => continue,
        };
        let (router, begun) = (router.clone(), closing.begun());
        connections.spawn(async move {
            answer(stream, peer, router, patience, begun).await;
            drop(slot);
        });
    }
    drop(listener);
    closing.begin();
    let ended = async { while connections.join_next().await.is_some() {} };
    // Whoever is slower than that is cut off, as dropping the set does.
    drop(tokio::time::timeout(patience.grace, ended).await);
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(tokio::sync::OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Ok((slot, stream, peer)),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Most often no file is left; some come free when others end.
                tracing::error!("cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    patience: Patience,
    closing: impl Future<Output = ()>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        // Answers are small, and somebody waits for each.
        tracing::debug!("a connection keeps small answers back: {error}");
    }
    let stream = Unstalled::new(stream, patience.reading);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}
