//! The end of the server, told to what would otherwise never end by itself.

use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// Says when the server is told to stop. Clones share it.
#[derive(Debug, Clone)]
pub struct Closing(Arc<watch::Sender<bool>>);

impl Default for Closing {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Closing {
    /// Tells everybody who waits that the server stops.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the server is told to stop: a stream of events ends then.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut told = self.0.subscribe();
        async move {
            // A sender that is gone cannot tell any more: the server is no longer there.
            drop(told.wait_for(|told| *told).await);
        }
    }
}
