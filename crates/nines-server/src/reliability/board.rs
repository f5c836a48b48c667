//! The last numbers, and the task that computes newer ones.

use super::numbers::Reliability;
use crate::events::Event;
use crate::queues;
use crate::state::AppState;
use jiff::Timestamp;
use nines_store::MeasuringMark;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};

/// Numbers are computed at most this often, however many labels come.
const LEAST_GAP: Duration = Duration::from_secs(2);

/// How often the store is asked whether another process has changed something.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The last numbers. Clones share them.
#[derive(Debug, Clone)]
pub struct Board(Arc<Mutex<Reliability>>);

impl Default for Board {
    /// Before the first numbers, newer ones are always on their way.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Reliability {
            stale: true,
            ..Reliability::default()
        })))
    }
}

impl Board {
    /// Returns the last numbers at once.
    pub fn read(&self) -> Reliability {
        self.with(|numbers| numbers.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Reliability) -> T) -> T {
        // Whole numbers are put in place at once, so that a panic elsewhere leaves none half-written.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps the numbers fresh for as long as the server runs: after labels, new designs and runs, also
/// those that another process has stored.
pub async fn watch(state: AppState) {
    let mut events = state.events.listen();
    let mut computed: Option<MeasuringMark> = None;
    loop {
        match state.store.measuring_mark().await {
            Ok(mark) if computed.as_ref() == Some(&mark) => {
                // What was called stale turned out not to touch any number.
                state.numbers.with(|numbers| numbers.stale = false);
            }
            Ok(mark) => {
                let started = Instant::now();
                state.numbers.with(|numbers| numbers.stale = true);
                // What a job, a command or another server drew comes between what waits already: no
                // number would go past it while the queue does not have it.
                if computed
                    .as_ref()
                    .is_some_and(|before| !before.has_drawn_as(&mark))
                {
                    queues::refill_open(&state).await;
                }
                compute(&state).await;
                computed = Some(mark);
                state.events.tell(Event::Reliability);
                // A large project is not computed all the time: as long a rest as the work took.
                let took = started.elapsed();
                sleep(LEAST_GAP.saturating_sub(took).max(took)).await;
            }
            Err(error) => {
                tracing::warn!("cannot see whether numbers have changed: {error}");
                sleep(LOOK_EVERY).await;
            }
        }
        // Events that came meanwhile are answered by one look.
        loop {
            match timeout(LOOK_EVERY, events.recv()).await {
                Ok(Ok(Event::Reliability | Event::Guide)) => {}
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {
                    state.numbers.with(|numbers| numbers.stale = true);
                    while events.try_recv().is_ok() {}
                    break;
                }
                Ok(Err(RecvError::Closed)) => return,
                Err(_) => break,
            }
        }
    }
}

async fn compute(state: &AppState) {
    let started = Instant::now();
    let found = state.workbench.reliability().await;
    let seconds = started.elapsed().as_secs_f64();
    match found {
        Ok(numbers) => {
            let numbers = Reliability {
                computed: Some(Timestamp::now().to_string()),
                seconds: Some(seconds),
                stale: false,
                error: None,
                ..numbers
            };
            state.numbers.with(|board| *board = numbers);
        }
        Err(error) => {
            tracing::warn!("the numbers could not be computed: {error}");
            state.numbers.with(|board| {
                board.stale = false;
                board.error = Some(error.to_string());
            });
        }
    }
}
