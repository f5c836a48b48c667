//! Driving long jobs while the server serves, and telling listeners what moves.

use crate::events::Event;
use crate::state::AppState;
use tokio::sync::broadcast::error::RecvError;

/// Drives jobs and tells what moves, for ever. Dropping the future leaves the jobs' own processes at
/// work.
pub async fn drive(state: AppState) {
    let mut changes = state.jobs.changes();
    let telling = async {
        loop {
            let event = match changes.recv().await {
                Ok(change) => Event::Run {
                    run: change.run.map(|run| run.0),
                    job: change.job.map(|job| job.0),
                },
                Err(RecvError::Lagged(_)) => Event::Missed,
                Err(RecvError::Closed) => return,
            };
            state.events.tell(event);
        }
    };
    tokio::join!(state.jobs.run(), telling);
}
