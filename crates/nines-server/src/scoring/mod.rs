//! The scoring service: one owner for each loaded classifier, asked by many at once.
//!
//! Pages ask for the score of one edited snippet, or for that of fifty candidates; both wait in one
//! bounded queue, and what waits while a batch is scored goes into the next one. Whoever asks for
//! much takes turns with whoever asks for little. A request whose caller has gone is dropped before
//! it costs anything, and a full queue refuses at once, saying when to come back. It fails closed:
//! a model that panics, or answers something that is no number, leaves a snippet without a score.

mod queue;
mod stats;
#[cfg(test)]
mod tests;
mod tokens;
mod worker;

pub use stats::Stats;

use crate::workbench::WorkbenchError;
use futures_util::future::BoxFuture;
use nines_domain::score::Score;
use nines_domain::snippet::{ModelId, SnippetText};
use nines_infer::scorer::{Scorer, Unscoreable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use worker::Worker;

/// What came of one snippet.
pub type Scored = Result<Score, Unscoreable>;

/// How much the service takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of one batch. Small enough that somebody who types never waits long behind others.
    pub batch_tokens: usize,
    /// Tokens that may wait for one classifier: a few seconds of work.
    pub waiting_tokens: usize,
    /// Classifiers that are kept loaded; the one unused for longest makes room.
    pub loaded: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_tokens: 1024,
            waiting_tokens: 32 * 1024,
            loaded: 4,
        }
    }
}

/// Why a request for scores got none at all.
#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    /// Too much waits already.
    #[error("{waiting} tokens wait to be scored already; try again in {retry_after} s")]
    Full {
        /// Tokens that wait.
        waiting: usize,
        /// Seconds until there should be room.
        retry_after: u64,
    },
    /// The classifier cannot be loaded.
    #[error(transparent)]
    Load(#[from] WorkbenchError),
    /// The service itself broke.
    #[error("the scoring service failed: {0}")]
    Failed(String),
}

/// A classifier that is loaded, or is being loaded.
#[derive(Default)]
struct Slot {
    worker: Arc<OnceCell<Worker>>,
    /// When it was last asked, counted in requests.
    used: u64,
}

#[derive(Default)]
struct Slots {
    by_model: BTreeMap<ModelId, Slot>,
    requests: u64,
}

/// Loads the scorer of a stored classifier.
type Load =
    dyn Fn(ModelId) -> BoxFuture<'static, Result<Arc<dyn Scorer>, WorkbenchError>> + Send + Sync;

/// The scoring service.
pub struct Scoring {
    load: Box<Load>,
    limits: Limits,
    slots: Mutex<Slots>,
}

impl Scoring {
    /// Starts the service; classifiers are loaded when they are first asked.
    pub fn new<F>(load: F, limits: Limits) -> Self
    where
        F: Fn(ModelId) -> BoxFuture<'static, Result<Arc<dyn Scorer>, WorkbenchError>>,
        F: Send + Sync + 'static,
    {
        Self {
            load: Box::new(load),
            limits,
            slots: Mutex::default(),
        }
    }

    /// Scores snippets by a stored classifier: one answer each, in their order. Dropping the future
    /// takes the request back.
    ///
    /// # Errors
    /// [`ScoringError`]: a full queue, a classifier that cannot be loaded.
    pub async fn score(
        &self,
        model: ModelId,
        snippets: Vec<SnippetText>,
    ) -> Result<Vec<Scored>, ScoringError> {
        let cell = self.slot(model);
        self.loaded(&cell, model).await?.score(snippets).await
    }

    /// Returns a stored classifier's scorer, loading it if need be: to ask what it refuses.
    ///
    /// # Errors
    /// [`ScoringError::Load`] and [`ScoringError::Failed`].
    pub async fn scorer(&self, model: ModelId) -> Result<Arc<dyn Scorer>, ScoringError> {
        let cell = self.slot(model);
        Ok(self.loaded(&cell, model).await?.scorer())
    }

    /// Says what the loaded classifiers have done, and what waits for them.
    pub fn stats(&self) -> Vec<(ModelId, Stats)> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots
            .by_model
            .iter()
            .filter_map(|(model, slot)| Some((*model, slot.worker.get()?.stats())))
            .collect()
    }

    /// Finds a classifier's place, making room for it where it is new.
    fn slot(&self, model: ModelId) -> Arc<OnceCell<Worker>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.requests += 1;
        let now = slots.requests;
        if !slots.by_model.contains_key(&model) && slots.by_model.len() >= self.limits.loaded {
            let oldest = slots.by_model.iter().min_by_key(|(_, slot)| slot.used);
            if let Some(oldest) = oldest.map(|(model, _)| *model) {
                // Who still waits for its answers holds it until they come.
                slots.by_model.remove(&oldest);
            }
        }
        let slot = slots.by_model.entry(model).or_default();
        slot.used = now;
        slot.worker.clone()
    }

    async fn loaded<'a>(
        &self,
        cell: &'a OnceCell<Worker>,
        model: ModelId,
    ) -> Result<&'a Worker, ScoringError> {
        let load = async {
            let scorer = (self.load)(model).await?;
            Worker::start(scorer, self.limits)
        };
        let loaded = cell.get_or_try_init(|| load).await;
        if loaded.is_err() {
            self.forget(model, cell);
        }
        loaded
    }

    /// Frees the place of a classifier that could not be loaded.
    fn forget(&self, model: ModelId, cell: &OnceCell<Worker>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |slot: &Slot| std::ptr::eq(&*slot.worker, cell) && !cell.initialized();
        if slots.by_model.get(&model).is_some_and(is_same) {
            slots.by_model.remove(&model);
        }
    }
}
