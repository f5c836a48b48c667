//! What is made ready when the server starts.

use crate::error::Problem;
use crate::state::AppState;
use crate::{guide, queues};

/// Makes the state ready: stores the guide of the project's folder, and begins to fill the queues of
/// designs with what was drawn while no server ran. That goes on beside the first requests, since a
/// design may be large. A guide that cannot be read or a design that cannot be computed is told in the
/// log and keeps nobody from working.
///
/// # Errors
/// Those of the database.
pub async fn prepare(state: &AppState) -> Result<(), Problem> {
    if let Err(problem) = guide::prepare(state).await {
        tracing::warn!("the guide was not stored: {problem}");
    }
    let state = state.clone();
    tokio::spawn(async move { queues::refill_open(&state).await });
    Ok(())
}
