//! `POST /api/rewriting/sessions/{id}/saliency`.

use super::shapes::{own, text_of, told_place};
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::rewriting::{self, Half, ServedScorer, Stop};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_attack::saliency::{self, Method, SaliencyError};
use nines_infer::cancel::CancelFlag;
use nines_store::ToolCall;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Saliency takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// How saliency is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaliencyMethod {
    /// The length of the gradient: how fast the score can change there. It has no direction.
    GradientNorm,
    /// The gradient times the embedding: a guess at what the token adds to the score.
    GradientXInput,
    /// The score less the score without the token.
    LeaveOneOut,
}

impl From<SaliencyMethod> for Method {
    fn from(method: SaliencyMethod) -> Self {
        match method {
            SaliencyMethod::GradientNorm => Self::GradientNorm,
            SaliencyMethod::GradientXInput => Self::GradientXInput,
            SaliencyMethod::LeaveOneOut => Self::LeaveOneOut,
        }
    }
}

/// A text whose tokens are to be weighed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaliencyBody {
    /// The given text.
    #[schema(max_length = 32768)]
    pub prompt: String,
    /// Its continuation.
    #[schema(max_length = 32768)]
    pub completion: String,
    /// How.
    pub method: SaliencyMethod,
}

/// What a word-piece means to the score, and where it stands in UTF-16 code units.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeighedToken {
    /// The half of the snippet.
    pub part: Half,
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The characters there.
    pub text: String,
    /// Positive where it pushes the score up; for the gradient's norm a magnitude.
    pub value: f64,
}

/// The saliency of a text.
#[derive(Debug, Serialize, ToSchema)]
pub struct Saliency {
    /// The word-pieces that the classifier reads, in the order of the text.
    pub tokens: Vec<WeighedToken>,
}

/// Weighs each word-piece of a text: how much the score hangs on it. Counted with the session.
#[utoipa::path(post, path = "/rewriting/sessions/{id}/saliency", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")),
    request_body = SaliencyBody, responses(
    (status = OK, body = Saliency),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The session is without tools"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such session"),
    (status = CONFLICT, body = Problem, description = "The session has ended, or the classifier gives no gradients"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The text has no score, or is too long"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too many ask at once"),
))]
pub async fn ask_saliency(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<SaliencyBody>,
) -> Result<Json<Saliency>, Problem> {
    let session = own(&state, id, &account).await?;
    rewriting::demand_open(&session)?;
    rewriting::demand_path(&state, &session).await?;
    rewriting::demand_tools(&session)?;
    let text = text_of(body.prompt, body.completion)?;
    let turn = state.desk.turn(account.id).await?;
    state.store.count_tool_call(id, ToolCall::Saliency).await?;
    let cancel = CancelFlag::default();
    // Whoever has gone drops this handler, and the guard with it.
    let _stop = Stop::on_drop(cancel.clone());
    let service = state.scoring.clone();
    let scorer = ServedScorer::new(service, session.model, cancel, PATIENCE).await?;
    let weighed = tokio::task::spawn_blocking(move || {
        let weighed = saliency::saliency(body.method.into(), &scorer, &text);
        drop(turn);
        weighed.map(|tokens| {
            let told = tokens.into_iter().map(|token| {
                let (part, place) = told_place(&text, token.part, &token.range);
                WeighedToken {
                    part,
                    start: place.start,
                    end: place.end,
                    text: token.text,
                    value: token.value,
                }
            });
            told.collect()
        })
    });
    let tokens = weighed.await.map_err(Problem::internal)?.map_err(told)?;
    Ok(Json(Saliency { tokens }))
}

fn told(error: SaliencyError) -> Problem {
    match &error {
        SaliencyError::Unscoreable(_) => Problem::invalid(error.to_string()),
        _ => Problem::new(
            StatusCode::CONFLICT,
            "no-gradients",
            "The classifier does not give that",
            error.to_string(),
        ),
    }
}
