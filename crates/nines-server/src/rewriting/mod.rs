//! Rewriting: what its endpoints share.
//!
//! The page speaks of places as JavaScript slices strings, in UTF-16 code units; [`places`] converts
//! them. What costs more than a score goes through the [`Desk`], which keeps so many at once and no
//! more, and stops what nobody waits for.

mod desk;
mod places;
mod scoring;
mod served;
mod warming;

pub use desk::{Desk, Turn};
pub use places::{Half, Place, bytes_of, place_of};
pub use scoring::{score, score_in_time, threshold_of};
pub use served::{ServedScorer, Stop};
pub use warming::warm;

use crate::error::Problem;
use crate::state::AppState;
use axum::http::StatusCode;
use nines_store::{RewritingSession, RewritingState};

/// Refuses a session that has ended.
pub fn demand_open(session: &RewritingSession) -> Result<(), Problem> {
    match session.state {
        RewritingState::Open => Ok(()),
        _ => Err(Problem::conflict(format!(
            "session {} has ended; start another one",
            session.id
        ))),
    }
}

/// Says why a session cannot be scored by this server, where it was begun with the scores of another path:
/// those are never mixed, and its threshold says nothing of these.
pub async fn other_path(state: &AppState, session: &RewritingSession) -> Option<String> {
    let here = state.workbench.path_of(session.model).await;
    (session.path != here).then(|| {
        format!(
            "session {} was begun where scores are computed by {}, and this server computes them by {here}; the text \
             is kept, but no score stands against that threshold any more: give the session up and begin again",
            session.id, session.path
        )
    })
}

/// Refuses a session whose scores this server cannot compute.
pub async fn demand_path(state: &AppState, session: &RewritingSession) -> Result<(), Problem> {
    match other_path(state, session).await {
        None => Ok(()),
        Some(why) => Err(Problem::new(
            StatusCode::CONFLICT,
            "other-path",
            "Scores are computed otherwise now",
            why,
        )),
    }
}

/// Refuses a session without tools.
pub fn demand_tools(session: &RewritingSession) -> Result<(), Problem> {
    if session.tools {
        return Ok(());
    }
    Err(no_tools(session.id))
}

/// 403: the session is one without tools.
pub fn no_tools(session: i64) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "no-tools",
        "This session is without tools",
        format!(
            "session {session} compares what people find without tools; type your changes, and the score \
             follows as always"
        ),
    )
}

/// 409: the account has another session open.
pub fn session_open(session: i64) -> Problem {
    Problem {
        session: Some(session),
        ..Problem::new(
            StatusCode::CONFLICT,
            "session-open",
            "Another session is open",
            format!(
                "session {session} is still open; go on with it, submit it or give it up first"
            ),
        )
    }
}

/// 409: the start is accepted already.
pub fn passes(score: f64, threshold: f64) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "passes",
        "The start passes already",
        format!(
            "its score {score:.3} lies below the threshold {threshold:.3}, so that there is nothing to rewrite; \
             have it labelled, and start from a text that the classifier rejects"
        ),
    )
}
