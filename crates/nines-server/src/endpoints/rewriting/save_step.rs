//! `POST /api/rewriting/sessions/{id}/steps`.

use super::shapes::{StepWord, own, text_of, time_of};
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::rewriting::{self, no_tools};
use crate::state::AppState;
use axum::extract::State;
use nines_store::{NewRewritingStep, RewritingState, StepKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A step to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepBody {
    /// Its number, from 1: the same number again is the same step sent again.
    #[schema(minimum = 1, maximum = 5000)]
    pub n: u64,
    /// The given text that it led to.
    #[schema(max_length = 32768)]
    pub prompt: String,
    /// The continuation.
    #[schema(max_length = 32768)]
    pub completion: String,
    /// What made it.
    pub kind: StepWord,
    /// Seconds at work since the session began.
    #[schema(minimum = 0)]
    pub seconds: f64,
    /// Seconds with the page hidden, idle or paused.
    #[schema(minimum = 0)]
    pub away_seconds: f64,
}

/// That a step is on the disk, with the score that the server gave it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedStep {
    /// Always true.
    pub saved: bool,
    /// Its number.
    pub n: u64,
    /// The score of its text, in log odds; null where it has none.
    pub score: Option<f64>,
    /// Why it has none.
    pub reason: Option<String>,
}

/// Saves a step of a session. When it answers, the step is on the disk; sending it again changes
/// nothing. The score that is stored with it is the server's own.
#[utoipa::path(post, path = "/rewriting/sessions/{id}/steps", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")),
    request_body = StepBody, responses(
    (status = OK, body = SavedStep),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "Only the tools make such a step, and the session has none"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such session"),
    (status = CONFLICT, body = Problem, description = "The session has ended, or another step has this number"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A value cannot be"),
))]
pub async fn save_rewriting_step(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<StepBody>,
) -> Result<Json<SavedStep>, Problem> {
    let session = own(&state, id, &account).await?;
    let kind = StepKind::from(body.kind);
    if session.state == RewritingState::Open && kind.needs_tools() && !session.tools {
        return Err(no_tools(id));
    }
    let time = time_of(body.seconds, body.away_seconds)?;
    let text = text_of(body.prompt, body.completion)?;
    // A step is kept even where it cannot be scored just now: the work must not be lost for that.
    let score = match rewriting::other_path(&state, &session).await {
        Some(why) => Err(why),
        None => match rewriting::score_in_time(&state, session.model, vec![text.clone()]).await {
            Ok(scored) => match scored.into_iter().next() {
                Some(scored) => scored.map_err(|why| why.to_string()),
                None => Err("no answer came".to_owned()),
            },
            Err(problem) => Err(format!("it could not be scored then: {}", problem.detail)),
        },
    };
    let step = NewRewritingStep {
        n: body.n,
        kind,
        text,
        score,
        time,
    };
    let saved = state
        .store
        .save_rewriting_step(id, account.id, &step)
        .await?;
    Ok(Json(SavedStep {
        saved: true,
        n: body.n,
        score: saved.score,
        reason: saved.reason,
    }))
}
