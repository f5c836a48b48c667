//! `POST /api/snippets/{id}/labels`.

use super::shapes::{Adjudicated, GivenVerdict, severity_of};
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::label::{Label, LabellerKind};
use nines_domain::snippet::SnippetId;
use nines_store::NewLabel;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Seconds of the longest look at one snippet that is believed.
const LONGEST: f64 = 86_400.0;

/// An adjudicator's own label.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnLabel {
    /// The verdict.
    pub verdict: GivenVerdict,
    /// How grave, 1 to 3; with a yes alone.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3)]
    pub severity: Option<u8>,
    /// Seconds of work that it took.
    #[serde(default)]
    pub seconds: Option<f64>,
}

/// A label that was saved.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedOwnLabel {
    /// The label's key.
    pub label: i64,
    /// The verdict that counts now.
    pub adjudication: Option<Adjudicated>,
}

/// Saves the caller's own label of a snippet. The same label again adds nothing; another one is a changed
/// mind, and counts in its place.
#[utoipa::path(post, path = "/snippets/{id}/labels", tag = "data", request_body = OwnLabel,
    params(("id" = i64, Path, description = "The snippet")), responses(
    (status = CREATED, body = SavedOwnLabel),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such snippet"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A value cannot be"),
))]
pub async fn label_snippet(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<i64>,
    Json(body): Json<OwnLabel>,
) -> Result<(StatusCode, Json<SavedOwnLabel>), Problem> {
    let severity = severity_of(body.severity)?;
    if severity.is_some() && body.verdict != GivenVerdict::Yes {
        return Err(Problem::invalid(
            "a severity comes with the verdict yes alone",
        ));
    }
    if body.seconds.is_some_and(|s| !(0.0..=LONGEST).contains(&s)) {
        return Err(Problem::invalid(format!(
            "seconds lie between 0 and {LONGEST}"
        )));
    }
    let id = SnippetId(id);
    let name = account.name.clone();
    let verdict = body.verdict.into();
    let mut own = state.store.labels_with_withdrawn(id).await?;
    own.retain(|(stored, _)| {
        stored.label.labeller == name && stored.label.kind == LabellerKind::Person
    });
    let standing = own.iter().rfind(|(_, withdrawn)| withdrawn.is_none());
    let said = standing
        .filter(|(stored, _)| stored.label.verdict == verdict && stored.label.severity == severity);
    let (label, is_new) = if let Some((stored, _)) = said {
        (stored.id, false)
    } else {
        let new = NewLabel {
            snippet: id.into(),
            label: Label {
                labeller: name,
                kind: LabellerKind::Person,
                verdict,
                severity,
                seconds: body.seconds,
            },
            // A mind that changes back says something new: it must not be taken for the label that it
            // gave first.
            occasion: format!("data/{}", own.len()),
            predicate: Some(state.guide.predicate(&state.settings.predicate)),
            source: "browser".to_owned(),
        };
        let saved = state.store.insert_labels(&[new]).await?;
        let row = saved.rows.first();
        let row = row.ok_or_else(|| Problem::internal("no label came back"))?;
        (row.id, row.is_new)
    };
    if is_new {
        let detail = json!({ "label": label, "verdict": body.verdict, "severity": body.severity });
        audit(
            &state,
            account.id,
            "snippet.labelled",
            format!("snippet {id}"),
            detail,
        )
        .await?;
        state.events.tell(Event::Labelled);
    }
    let snippets = state.store.snippets_by_id(&[id]).await?;
    Ok((
        StatusCode::CREATED,
        Json(SavedOwnLabel {
            label: label.0,
            adjudication: snippets
                .first()
                .and_then(|snippet| snippet.adjudication.as_ref())
                .map(Into::into),
        }),
    ))
}
