//! `POST /api/rewriting/sessions/{id}/score`.

use super::shapes::{TextBody, own, text_of, told_place};
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::rewriting::{self, Half};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::{ModelId, SnippetText};
use serde::Serialize;
use utoipa::ToSchema;

/// A word-piece as the classifier reads it, and where it stands in UTF-16 code units.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadToken {
    /// The half of the snippet.
    pub part: Half,
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The characters there.
    pub text: String,
}

/// The score of a text as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveScore {
    /// The score, in log odds; null where there is none.
    pub score: Option<f64>,
    /// Why there is none.
    pub reason: Option<String>,
    /// Whether the filter would accept it; never without a score.
    pub accepted: bool,
    /// What the classifier reads, in the order of the text; empty where it does not say.
    pub tokens: Vec<ReadToken>,
}

/// Scores a text while it is being written, and says how the classifier cuts it. Nothing is stored.
#[utoipa::path(post, path = "/rewriting/sessions/{id}/score", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")),
    request_body = TextBody, responses(
    (status = OK, body = LiveScore),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such session"),
    (status = CONFLICT, body = Problem, description = "The session has ended"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The text is too long"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too much waits to be scored"),
))]
pub async fn score_rewriting_text(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<TextBody>,
) -> Result<Json<LiveScore>, Problem> {
    let session = own(&state, id, &account).await?;
    rewriting::demand_open(&session)?;
    let text = text_of(body.prompt, body.completion)?;
    if let Some(why) = rewriting::other_path(&state, &session).await {
        return Ok(Json(LiveScore {
            score: None,
            reason: Some(why),
            accepted: false,
            tokens: Vec::new(),
        }));
    }
    let scored = rewriting::score(&state, session.model, &text).await?;
    let tokens = tokens(&state, session.model, text).await?;
    Ok(Json(LiveScore {
        score: scored.as_ref().ok().map(|score| score.logit()),
        accepted: matches!(scored, Ok(score) if session.threshold.accepts(score)),
        reason: scored.err().map(|why| why.to_string()),
        tokens,
    }))
}

/// Cuts a text as the classifier does.
async fn tokens(
    state: &AppState,
    model: ModelId,
    text: SnippetText,
) -> Result<Vec<ReadToken>, Problem> {
    let scorer = state.scoring.scorer(model).await?;
    let cut = tokio::task::spawn_blocking(move || {
        let tokenizer = scorer.differentiable().map(|model| model.tokenizer());
        // What cannot be cut has no score either, and the score says why.
        let encoded = tokenizer.and_then(|t| t.encode(&text.prompt, &text.completion).ok());
        let spans = encoded.map_or_else(Vec::new, |encoded| encoded.offsets);
        spans
            .into_iter()
            .flatten()
            .map(|span| {
                let (part, place) = told_place(&text, span.part, &span.range());
                let half = match part {
                    Half::Prompt => &text.prompt,
                    Half::Completion => &text.completion,
                };
                ReadToken {
                    part,
                    start: place.start,
                    end: place.end,
                    text: half.get(span.range()).unwrap_or_default().to_owned(),
                }
            })
            .collect()
    });
    cut.await.map_err(Problem::internal)
}
