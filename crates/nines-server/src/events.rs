//! What happened, told at once to whoever listens.

use nines_domain::account::AccountId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;
use utoipa::ToSchema;

/// Listeners that fall further behind than this are told that they missed something.
const KEPT: usize = 256;

/// Streams of one account at once: each holds a connection, and those of the server are counted.
const STREAMS: usize = 16;

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
    /// A find of an attack was submitted, or somebody said whether one is a catastrophe.
    Attacks,
    /// The guide or a ruling changed.
    Guide,
    /// The listener was too slow: everything is to be read again.
    Missed,
}

/// The channel of events. Clones share it.
#[derive(Debug, Clone)]
pub struct Events {
    channel: broadcast::Sender<Event>,
    listening: Arc<Mutex<BTreeMap<AccountId, usize>>>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            channel: broadcast::channel(KEPT).0,
            listening: Arc::default(),
        }
    }
}

/// A place among the streams of an account, free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    account: AccountId,
    listening: Arc<Mutex<BTreeMap<AccountId, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut listening = lock(&self.listening);
        if let Some(count) = listening.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                listening.remove(&self.account);
            }
        }
    }
}

fn lock(
    listening: &Mutex<BTreeMap<AccountId, usize>>,
) -> MutexGuard<'_, BTreeMap<AccountId, usize>> {
    // A count that a panic left is still a count.
    listening.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Events {
    /// Tells everybody who listens.
    pub fn tell(&self, event: Event) {
        // Nobody listening is no error.
        drop(self.channel.send(event));
    }

    /// Starts to listen.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.channel.subscribe()
    }

    /// Takes a place for one more stream of an account; none where it has as many as one may.
    pub fn take_place(&self, account: AccountId) -> Option<Place> {
        let mut listening = lock(&self.listening);
        let count = listening.entry(account).or_default();
        if *count >= STREAMS {
            return None;
        }
        *count += 1;
        Some(Place {
            account,
            listening: Arc::clone(&self.listening),
        })
    }
}
