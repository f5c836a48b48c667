//! `GET /api/rewriting/standing`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// What came of the caller's sessions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RewritingStanding)]
pub struct Standing {
    /// Sessions that ended.
    pub sessions: u64,
    /// Finds submitted.
    pub finds: u64,
    /// Finds that somebody else confirmed.
    pub verified: u64,
    /// Finds that somebody else did not confirm.
    pub refuted: u64,
    /// Finds that wait for somebody else.
    pub waiting: u64,
    /// Seconds at work.
    pub seconds: f64,
    /// Severity times margin, summed over confirmed finds; the lower severity counts, the author's or
    /// the others'.
    pub reward: f64,
}

/// Says what came of the caller's sessions of rewriting.
#[utoipa::path(get, path = "/rewriting/standing", tag = "rewriting", responses(
    (status = OK, body = Standing),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn rewriting_standing(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
) -> Result<Json<Standing>, Problem> {
    let standing = state.store.rewriting_standing(account.id).await?;
    Ok(Json(Standing {
        sessions: standing.sessions,
        finds: standing.finds,
        verified: standing.verified,
        refuted: standing.refuted,
        waiting: standing.waiting,
        seconds: standing.seconds,
        reward: standing.reward,
    }))
}
