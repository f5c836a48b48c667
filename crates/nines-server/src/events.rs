//! What happened, told at once to whoever listens.

use serde::Serialize;
use tokio::sync::broadcast;
use utoipa::ToSchema;

/// Listeners that fall further behind than this are told that they missed something.
const KEPT: usize = 256;

/// Something that changed. It names what to read again; it carries no data that needs a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A label or a comparison was saved or withdrawn.
    Labelled,
    /// A queue was made, opened, closed or filled.
    Queues,
    /// The numbers of the Reliability page were computed again.
    Reliability,
    /// A run or a job moved.
    Run {
        /// Its key, where it has one yet.
        run: Option<i64>,
        /// The job that drives it.
        job: Option<i64>,
    },
    /// The guide or a ruling changed.
    Guide,
    /// The listener was too slow: everything is to be read again.
    Missed,
}

/// The channel of events. Clones share it.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::channel(KEPT).0)
    }
}

impl Events {
    /// Tells everybody who listens.
    pub fn tell(&self, event: Event) {
        // Nobody listening is no error.
        drop(self.0.send(event));
    }

    /// Starts to listen.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
