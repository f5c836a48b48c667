//! The thread that owns a classifier and scores its queue, batch by batch.

use super::queue::{Queue, Taken};
use super::stats::Stats;
use super::{Limits, Scored, ScoringError};
use nines_domain::snippet::SnippetText;
use nines_infer::scorer::{Scorer, Unscoreable};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A queue with whoever waits for it to fill.
struct Shared {
    state: Mutex<State>,
    filled: Condvar,
}

struct State {
    queue: Queue,
    /// Whether the thread takes more work.
    open: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A loaded classifier with its thread. Dropping it ends the thread after the batch in hand.
pub(super) struct Worker {
    shared: Arc<Shared>,
    scorer: Arc<dyn Scorer>,
}

impl Worker {
    /// Starts the thread of a classifier.
    pub(super) fn start(scorer: Arc<dyn Scorer>, limits: Limits) -> Result<Self, ScoringError> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue: Queue::new(limits),
                open: true,
            }),
            filled: Condvar::new(),
        });
        let worker = Self {
            shared: shared.clone(),
            scorer: scorer.clone(),
        };
        std::thread::Builder::new()
            .name("scoring".to_owned())
            .spawn(move || {
                let closing = Closing(&shared);
                serve(&shared, &*scorer);
                drop(closing);
            })
            .map_err(|error| ScoringError::Failed(format!("no thread: {error}")))?;
        Ok(worker)
    }

    /// Scores snippets: waits for its turn and its answers.
    pub(super) async fn score(
        &self,
        snippets: Vec<SnippetText>,
    ) -> Result<Vec<Scored>, ScoringError> {
        let ended = || ScoringError::Failed("its thread has ended".to_owned());
        let answer = {
            let mut state = self.shared.lock();
            if !state.open {
                return Err(ended());
            }
            state.queue.push(snippets)?
        };
        self.shared.filled.notify_one();
        answer.await.map_err(|_| ended())
    }

    pub(super) fn scorer(&self) -> Arc<dyn Scorer> {
        self.scorer.clone()
    }

    pub(super) fn stats(&self) -> Stats {
        self.shared.lock().queue.stats()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.lock().open = false;
        self.shared.filled.notify_one();
    }
}

/// Lets nobody wait for a thread that has ended, however it did.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open = false;
        state.queue.clear();
    }
}

fn serve(shared: &Shared, scorer: &dyn Scorer) {
    while let Some(batch) = next(shared) {
        let texts: Vec<SnippetText> = batch.iter().map(|taken| taken.text.clone()).collect();
        let started = Instant::now();
        let scored = score(shared, scorer, &texts);
        shared
            .lock()
            .queue
            .deliver(batch, scored, started.elapsed());
    }
}

/// Waits for the next batch; none once the classifier is no longer wanted.
fn next(shared: &Shared) -> Option<Vec<Taken>> {
    let mut state = shared.lock();
    loop {
        if !state.open {
            return None;
        }
        let batch = state.queue.take();
        if !batch.is_empty() {
            return Some(batch);
        }
        let filled = shared.filled.wait(state);
        state = filled.unwrap_or_else(PoisonError::into_inner);
    }
}

/// Scores a batch. Should it fail as a whole, each snippet is asked for alone, so that one that
/// breaks the model takes no score from the others.
fn score(shared: &Shared, scorer: &dyn Scorer, texts: &[SnippetText]) -> Vec<Scored> {
    let outcome = catch_unwind(AssertUnwindSafe(|| scorer.score(texts, &mut |_| ())));
    let why = match outcome {
        Ok(scored) if scored.len() == texts.len() => return scored,
        Ok(scored) => format!("{} answers for {} texts", scored.len(), texts.len()),
        Err(_) => "the classifier broke down on this text".to_owned(),
    };
    tracing::error!("a batch of {} was not scored: {why}", texts.len());
    shared.lock().queue.count_fault();
    if let [_] = texts {
        return vec![Err(Unscoreable::Model(why))];
    }
    texts
        .chunks(1)
        .flat_map(|alone| score(shared, scorer, alone))
        .collect()
}
