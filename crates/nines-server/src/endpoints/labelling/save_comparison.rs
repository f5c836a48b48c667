//! `POST /api/assignments/{id}/comparison`.

use super::SavedMark;
use crate::auth::Labeller;
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::labelling;
use crate::state::AppState;
use axum::extract::State;
use nines_domain::comparison::Choice;
use nines_store::Preference;
use serde::Deserialize;
use utoipa::ToSchema;

/// Which of two completions continues the prompt better.
#[derive(ToSchema)]
#[schema(as = Choice, rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "describes the domain's own type, which knows no OpenAPI"
)]
pub enum ChoiceWord {
    /// The left one.
    Left,
    /// The right one.
    Right,
    /// Neither is better.
    Same,
    /// Neither can be judged.
    Unusable,
}

/// What a labeller says of two completions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparisonBody {
    /// Which is better.
    #[schema(value_type = ChoiceWord)]
    pub choice: Choice,
    /// Why; wanted where both are unusable.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub reason: Option<String>,
    /// Seconds at work on it.
    #[schema(minimum = 0)]
    pub seconds: f64,
    /// Seconds with the page hidden or idle.
    #[schema(minimum = 0)]
    pub away_seconds: f64,
}

/// Saves the comparison of a pair. When it answers, it is on the disk; sending it again changes
/// nothing.
#[utoipa::path(post, path = "/assignments/{id}/comparison", tag = "labelling",
    params(("id" = i64, Path, description = "The assignment's key")),
    request_body = ComparisonBody, responses(
    (status = OK, body = SavedMark),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such assignment"),
    (status = CONFLICT, body = Problem, description = "It has another answer already"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The answer cannot be"),
))]
pub async fn save_comparison(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<ComparisonBody>,
) -> Result<Json<SavedMark>, Problem> {
    let preference = Preference {
        choice: body.choice,
        // A page may send an empty box.
        reason: body.reason.filter(|reason| !reason.trim().is_empty()),
        seconds: body.seconds,
        away_seconds: body.away_seconds,
    };
    let who = labelling::labeller(&account);
    state.store.save_preference(id, &who, &preference).await?;
    state.events.tell(Event::Labelled);
    Ok(Json(SavedMark { saved: true }))
}
