//! `PUT /api/guide`.

use super::shapes::GuideText;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::guide;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// Bytes of the longest guide.
const LONGEST_TEXT: usize = 200_000;
/// Characters of the longest note.
const LONGEST_NOTE: usize = 1_000;

/// A new text of the guide.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGuideText {
    /// The whole text, in Markdown.
    #[schema(min_length = 1, max_length = 200000)]
    pub text: String,
    /// What changed, for whoever has read the version before.
    #[schema(min_length = 1, max_length = 1000)]
    pub note: String,
    /// The version that was edited, which must be the newest.
    pub version: u32,
}

/// Writes a new version of the guide, to the project's folder too. Labels speak of it from now on;
/// earlier ones stay with theirs.
#[utoipa::path(put, path = "/guide", tag = "guide", request_body = NewGuideText, responses(
    (status = OK, body = GuideText),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = CONFLICT, body = Problem, description = "Somebody else has written a newer version"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The text or the note is empty or too long"),
))]
pub async fn save_guide(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Json(body): Json<NewGuideText>,
) -> Result<Json<GuideText>, Problem> {
    if body.text.trim().is_empty() || body.text.len() > LONGEST_TEXT {
        return Err(Problem::invalid(format!(
            "the text is empty or longer than {LONGEST_TEXT} bytes"
        )));
    }
    if body.note.trim().is_empty() || body.note.chars().count() > LONGEST_NOTE {
        return Err(Problem::invalid(format!(
            "the note says what changed, in 1 to {LONGEST_NOTE} characters"
        )));
    }
    if body.text.contains('\0') || body.note.contains('\0') {
        return Err(Problem::invalid(
            "the text or the note holds a NUL character",
        ));
    }
    let stored = guide::write(&state, body.version, body.text, &body.note, account.id).await?;
    let subject = format!("guide version {}", stored.new.version);
    let detail = json!({ "sha256": stored.new.sha256, "note": body.note });
    audit(&state, account.id, "guide.saved", subject, detail).await?;
    state.events.tell(Event::Guide);
    Ok(Json(GuideText::read(&state, None).await?))
}
