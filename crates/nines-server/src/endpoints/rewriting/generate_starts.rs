//! `POST /api/rewriting/generate`.

use crate::auth::Labeller;
use crate::endpoints::{classifiers, play};
use crate::error::Problem;
use crate::json::Json;
use crate::labelling;
use crate::state::AppState;
use axum::extract::State;
use axum::response::IntoResponse;
use play::draw_candidates::{DrawEvent, refuse, shown};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Candidates of one request.
const DRAWS: u32 = 10;

/// What to continue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateStarts {
    /// The text to continue.
    #[schema(max_length = 32768)]
    pub prompt: String,
    /// Keys the random stream.
    pub seed: u64,
    /// The classifier that scores each; the newest unless given.
    #[serde(default)]
    pub classifier: Option<i64>,
}

/// Draws ten continuations of a prompt, as the project samples, and scores each: one that is a catastrophe
/// is a fresh start for rewriting. The answer is a stream of `DrawEvent`s; when nobody reads it any more,
/// drawing stops.
#[utoipa::path(post, path = "/rewriting/generate", tag = "rewriting", request_body = GenerateStarts, responses(
    (status = OK, body = DrawEvent, content_type = "text/event-stream"),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller has not qualified"),
    (status = NOT_FOUND, body = Problem, description = "There is no classifier"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The prompt is empty, or no completion of it could be scored"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too many drawings are under way"),
))]
pub async fn generate_starts(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Json(body): Json<GenerateStarts>,
) -> Result<impl IntoResponse, Problem> {
    labelling::demand_qualified(&state, &account).await?;
    play::text::check("prompt", &body.prompt)?;
    if body.prompt.trim().is_empty() {
        return Err(Problem::invalid(
            "the prompt is empty: write what is to be continued",
        ));
    }
    let base = state.workbench.sampling();
    let sampling = play::text::sampled(base, body.seed, None, None)?;
    let model = classifiers::find(&state, body.classifier).await?;
    let models = BTreeSet::from([model.id]);
    refuse(&state, &models, &body.prompt).await?;
    shown(state, body.prompt, sampling, 0..DRAWS, models).await
}
