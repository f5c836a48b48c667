//! What is made ready before the server answers.

use crate::error::Problem;
use crate::state::AppState;
use crate::{guide, queues};

/// Makes the state ready: stores the guide of the project's folder, and fills the queues of designs with
/// what was drawn while no server ran. A guide that cannot be read or a design that cannot be computed is
/// told in the log and keeps nobody from working.
///
/// # Errors
/// Those of the database.
pub async fn prepare(state: &AppState) -> Result<(), Problem> {
    if let Err(problem) = guide::prepare(state).await {
        tracing::warn!("the guide was not stored: {problem}");
    }
    for queue in state.store.queues().await? {
        if queue.open && queue.design.is_some() {
            queues::refill(state, queue.id).await?;
        }
    }
    Ok(())
}
