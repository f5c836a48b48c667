//! Filling queues: what a design has drawn, what lies near the threshold, a random order.

use crate::error::Problem;
use crate::events::Event;
use crate::state::AppState;
use crate::workbench::WorkbenchError;
use nines_domain::account::AccountId;
use nines_domain::snippet::{ContentHash, DesignId, SnippetId};
use nines_store::{DesignKind, Queue, QueueKind, QueueRow};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A queue that is empty is filled again after this long at the earliest: many may ask at once.
const REST: Duration = Duration::from_secs(5);

/// Characters of the longest name of a queue.
const LONGEST_NAME: usize = 200;

/// When each queue was filled last.
#[derive(Debug, Default)]
pub struct Refills(Mutex<BTreeMap<i64, Instant>>);

impl Refills {
    /// Says whether a queue may be filled now, and notes that it is.
    fn begin(&self, queue: i64) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let may = last
            .get(&queue)
            .is_none_or(|before| now.duration_since(*before) >= REST);
        if may {
            last.insert(queue, now);
        }
        may
    }
}

/// The kind of design that fills a kind of queue.
pub fn design_kind(kind: QueueKind) -> Option<DesignKind> {
    match kind {
        QueueKind::Leak => Some(DesignKind::Leak),
        QueueKind::Compare => Some(DesignKind::Compare),
        QueueKind::Quality => Some(DesignKind::Quality),
        _ => None,
    }
}

/// Lists what a design has drawn and still wants labelled or rated, in its order.
pub async fn drawn(
    state: &AppState,
    kind: QueueKind,
    design: DesignId,
) -> Result<Vec<(SnippetId, Option<SnippetId>)>, WorkbenchError> {
    if kind.is_pairs() {
        let pairs = state.workbench.pairs(Some(design)).await?;
        return Ok(pairs
            .into_iter()
            .map(|(left, right)| (left, Some(right)))
            .collect());
    }
    let Some(kind) = design_kind(kind) else {
        return Ok(Vec::new());
    };
    let waiting = state.workbench.waiting(kind, Some(design)).await?;
    Ok(waiting.into_iter().map(|id| (id, None)).collect())
}

/// Fills the queue of a design again, unless that was just done. Says whether it was.
pub async fn refill(state: &AppState, id: i64) -> Result<bool, Problem> {
    let queue = state.store.queue(id).await?;
    match queue.design {
        Some(design) if state.refills.begin(id) => fill(state, &queue, design).await,
        _ => Ok(false),
    }
}

async fn fill(state: &AppState, queue: &Queue, design: DesignId) -> Result<bool, Problem> {
    match drawn(state, queue.kind, design).await {
        Ok(items) => {
            let new = state.store.fill_queue(queue.id, &items).await?;
            if new > 0 {
                state.events.tell(Event::Queues);
            }
            Ok(true)
        }
        // A design that cannot be read leaves the queue as it is: labelling goes on elsewhere.
        Err(error) => {
            tracing::warn!("queue {} was not filled: {error}", queue.id);
            Ok(false)
        }
    }
}

/// Fills the open queues of designs again. What keeps one from being filled is told in the log.
pub async fn refill_open(state: &AppState) {
    let queues = match state.store.queues().await {
        Ok(queues) => queues,
        Err(error) => {
            tracing::warn!("the queues of designs were not filled: {error}");
            return;
        }
    };
    for queue in queues.iter().filter(|queue| queue.open) {
        let Some(design) = queue.design else {
            continue;
        };
        if let Err(problem) = fill(state, queue, design).await {
            tracing::warn!("queue {} was not filled: {problem}", queue.id);
        }
    }
}

/// Lists the unlabelled snippets nearest to the newest calibration's threshold.
pub async fn near_threshold(state: &AppState, n: usize) -> Result<Vec<SnippetId>, Problem> {
    let calibrations = state.store.calibrations(None).await?;
    let newest = calibrations.into_iter().next_back().ok_or_else(|| {
        Problem::invalid("no classifier has a threshold yet; calibrate one first")
    })?;
    let path = newest.record["path"].as_str().unwrap_or_default();
    let near = state
        .store
        .unlabelled_near(newest.model, path, newest.threshold, n);
    Ok(near.await?)
}

/// Lists unlabelled snippets in a random order that depends on the seed and the texts alone, as
/// `nines label export` does.
pub async fn random(state: &AppState, n: usize, seed: u64) -> Result<Vec<SnippetId>, Problem> {
    let mut snippets = state.store.unlabelled_snippets().await?;
    let seed = seed.to_string();
    snippets.sort_by_cached_key(|(_, hash)| {
        ContentHash::of_fields("labelling order", &[&seed, &hash.to_string()])
    });
    Ok(snippets.into_iter().take(n).map(|(id, _)| id).collect())
}

/// A queue as one account sees it.
pub async fn seen_by(state: &AppState, id: i64, account: AccountId) -> Result<QueueRow, Problem> {
    let rows = state.store.queues_of(account, false).await?;
    rows.into_iter()
        .find(|row| row.queue.id == id)
        .ok_or_else(|| Problem::not_found(format!("there is no queue {id}")))
}

/// Refuses a name that is too long for a list.
pub fn check_name(name: Option<&str>) -> Result<(), Problem> {
    match name {
        Some(name) if name.chars().count() > LONGEST_NAME => Err(Problem::invalid(format!(
            "the name is longer than {LONGEST_NAME} characters"
        ))),
        _ => Ok(()),
    }
}
