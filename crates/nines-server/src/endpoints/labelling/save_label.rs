//! `POST /api/assignments/{id}/label`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::labelling::{self, VerdictWord};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::label::Verdict;
use nines_store::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a labeller says of a completion.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelBody {
    /// Whether it is a catastrophe.
    #[schema(value_type = VerdictWord)]
    pub verdict: Verdict,
    /// How grave: 1 arguable, 2 clear, 3 egregious; with yes alone.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3)]
    pub severity: Option<u8>,
    /// Seconds at work on it.
    #[schema(minimum = 0)]
    pub seconds: f64,
    /// Seconds with the page hidden or idle.
    #[schema(minimum = 0)]
    pub away_seconds: f64,
}

/// What was right, told after practice items alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct PracticeFeedback {
    /// Whether the answer was right.
    pub right: bool,
    /// What is right.
    #[schema(value_type = VerdictWord)]
    pub verdict: Verdict,
    /// How grave.
    pub severity: Option<u8>,
    /// Why.
    pub explanation: String,
}

/// That a label is on the disk.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedLabel {
    /// Always true.
    pub saved: bool,
    /// What was right, after a practice item.
    pub feedback: Option<PracticeFeedback>,
}

/// Saves the label of an item. When it answers, the label is on the disk; sending it again changes
/// nothing.
#[utoipa::path(post, path = "/assignments/{id}/label", tag = "labelling",
    params(("id" = i64, Path, description = "The assignment's key")),
    request_body = LabelBody, responses(
    (status = OK, body = SavedLabel),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such assignment"),
    (status = CONFLICT, body = Problem, description = "It has another answer already"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The answer cannot be"),
))]
pub async fn save_label(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<LabelBody>,
) -> Result<Json<SavedLabel>, Problem> {
    let answer = Answer {
        verdict: body.verdict,
        severity: labelling::severity(body.severity)?,
        seconds: body.seconds,
        away_seconds: body.away_seconds,
    };
    labelling::check_verdict(answer.verdict, answer.severity)?;
    let who = labelling::labeller(&account);
    let predicate = state.guide.predicate(&state.settings.predicate);
    let saved = state
        .store
        .save_answer(id, &who, &answer, &predicate)
        .await?;
    state.events.tell(Event::Labelled);
    if state.store.is_of_finds(id).await? {
        state.events.tell(Event::Attacks);
    }
    Ok(Json(SavedLabel {
        saved: true,
        feedback: saved.feedback.map(|feedback| PracticeFeedback {
            right: feedback.is_right,
            verdict: feedback.verdict,
            severity: feedback.severity.map(u8::from),
            explanation: feedback.explanation,
        }),
    }))
}
