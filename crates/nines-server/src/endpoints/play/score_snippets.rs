//! `POST /api/score`.

use super::text::{self, ScoreOrReason};
use crate::auth::Researcher;
use crate::endpoints::classifiers;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Snippets of one request.
const MOST: usize = 64;

/// A request that waits longer than this is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Snippets to score.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnippetsToScore {
    /// The classifier; the newest unless given.
    pub classifier: Option<i64>,
    /// One to 64 snippets.
    #[schema(min_items = 1, max_items = 64)]
    pub snippets: Vec<SnippetToScore>,
}

/// A prompt with its completion.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnippetToScore {
    /// The given text.
    pub prompt: String,
    /// Its continuation.
    pub completion: String,
}

/// Scores, in the order of the snippets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Scores {
    /// The classifier that scored.
    pub classifier: i64,
    /// One for each snippet.
    pub scores: Vec<ScoreOrReason>,
    /// Its threshold: accept below it. Null until it is calibrated on this server's path.
    pub threshold: Option<f64>,
}

/// Scores snippets by a classifier. Nothing is stored.
#[utoipa::path(
    post,
    path = "/score",
    tag = "play",
    request_body = SnippetsToScore,
    responses(
        (status = OK, body = Scores),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn score_snippets(
    _: Researcher,
    State(state): State<AppState>,
    Json(asked): Json<SnippetsToScore>,
) -> Result<Json<Scores>, Problem> {
    let count = asked.snippets.len();
    if !(1..=MOST).contains(&count) {
        return Err(Problem::invalid(format!(
            "a request holds 1 to {MOST} snippets, not {count}"
        )));
    }
    for snippet in &asked.snippets {
        text::check("prompt", &snippet.prompt)?;
        text::check("completion", &snippet.completion)?;
    }
    let model = classifiers::find(&state, asked.classifier).await?;
    let path = state.workbench.path_of(model.id).await;
    let calibration = state
        .calibrations
        .newest(&state.store, model.id, &path)
        .await?;
    let snippets = asked
        .snippets
        .into_iter()
        .map(|snippet| SnippetText::new(snippet.prompt, snippet.completion))
        .collect();
    let scored = tokio::time::timeout(PATIENCE, state.scoring.score(model.id, snippets)).await;
    let scored = scored.map_err(|_| {
        let seconds = PATIENCE.as_secs();
        Problem::too_many(format!("no score came within {seconds} s"), seconds)
    })??;
    Ok(Json(Scores {
        classifier: model.id.0,
        scores: scored.into_iter().map(Into::into).collect(),
        threshold: calibration.map(|read| read.threshold.logit()),
    }))
}
