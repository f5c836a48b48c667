//! What runs do, whoever started them: told while they move.

use super::Inner;
use nines_domain::snippet::{JobId, RunId};
use nines_store::{Run, StoreError};
use std::collections::BTreeMap;

/// What can be told of a run: steps done, and when it was last heard of.
type Seen = (u64, Option<u64>, jiff::Timestamp, Option<JobId>);

/// The runs that were running at the last look.
#[derive(Default)]
pub(super) struct Watched(BTreeMap<RunId, Seen>);

impl Watched {
    /// Tells which runs moved since the last look, and marks those whose process is gone.
    pub(super) async fn look(&mut self, inner: &Inner) -> Result<(), StoreError> {
        let mut running = inner.store.running_runs().await?;
        if running.iter().any(Run::seems_dead) {
            inner.store.mark_interrupted_runs().await?;
            running = inner.store.running_runs().await?;
        }
        let now: BTreeMap<RunId, Seen> = running
            .into_iter()
            .map(|run| (run.id, (run.done, run.total, run.heartbeat, run.job)))
            .collect();
        for (run, seen) in &now {
            if self.0.get(run) != Some(seen) {
                inner.tell(seen.3, Some(*run));
            }
        }
        for (run, seen) in &self.0 {
            if !now.contains_key(run) {
                inner.tell(seen.3, Some(*run));
            }
        }
        self.0 = now;
        Ok(())
    }
}
