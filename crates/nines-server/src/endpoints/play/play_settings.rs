//! `GET /api/play/settings`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// What Play draws with unless told otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaySettings {
    /// The project's generator.
    pub generator: String,
    /// Divides the logits; 0 takes the likeliest token.
    pub temperature: f64,
    /// Keeps the smallest set of tokens with at least this probability; 1 keeps all.
    pub top_p: f64,
    /// Keeps this many likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// A completion has at most this many tokens.
    pub max_tokens: usize,
    /// The project's own seed.
    pub seed: u64,
    /// Draws that the project's filter makes for a prompt before it abstains.
    pub budget: u32,
    /// The path by which scores are computed.
    pub path: String,
}

/// Says what Play draws with. Loads the generator where it was not needed before.
#[utoipa::path(
    get,
    path = "/play/settings",
    tag = "play",
    responses(
        (status = OK, body = PlaySettings),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn play_settings(
    _: Researcher,
    State(state): State<AppState>,
) -> Result<Json<PlaySettings>, Problem> {
    let generator = state.workbench.generator().await?;
    let sampling = state.workbench.sampling();
    Ok(Json(PlaySettings {
        generator: generator.id(),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        max_tokens: sampling.max_tokens,
        seed: sampling.seed,
        budget: state.workbench.budget(),
        path: state.workbench.path(),
    }))
}
