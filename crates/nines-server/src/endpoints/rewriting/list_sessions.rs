//! `GET /api/rewriting/sessions`.

use super::shapes::{NamedClassifier, SessionState};
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use nines_domain::snippet::{ModelId, SnippetId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Sessions of one answer.
const PAGE: u64 = 100;

/// Which sessions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionPage {
    /// Only those of this task.
    #[serde(default)]
    pub task: Option<i64>,
    /// Only those that stand so.
    #[serde(default)]
    pub state: Option<SessionState>,
    /// Those older than the session with this key.
    #[serde(default)]
    pub after: Option<i64>,
}

/// A session without its steps.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionRow {
    /// Its key.
    pub id: i64,
    /// The task that it belongs to.
    pub task: Option<i64>,
    /// Whose it is.
    pub labeller: String,
    /// What is attacked.
    pub classifier: NamedClassifier,
    /// What a find's score must lie below, in log odds.
    pub threshold: f64,
    /// Whether the tools were there.
    pub tools: bool,
    /// How it stands.
    pub state: SessionState,
    /// The snippet that it starts from.
    pub start: Option<i64>,
    /// The score of the start, in log odds.
    pub start_score: f64,
    /// The score of the text as it is now, in log odds.
    pub score: Option<f64>,
    /// Seconds at work.
    pub seconds: f64,
    /// Seconds away.
    pub away_seconds: f64,
    /// Whether the clock stands.
    pub paused: bool,
    /// How often saliency was asked for.
    pub saliency_calls: u64,
    /// How often substitutes or insertions were asked for.
    pub menu_calls: u64,
    /// Why it was given up.
    pub reason: Option<String>,
    /// What was found.
    pub snippet: Option<i64>,
    /// How grave its author says the find is, 1 to 3.
    pub severity: Option<u8>,
    /// What trick the find uses.
    pub trick: Option<String>,
    /// Whether somebody else confirmed the find; null while that is open, and without one.
    pub verified: Option<bool>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
}

/// Sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionRows {
    /// The sessions.
    pub rows: Vec<SessionRow>,
    /// The `after` of the next answer; nothing where this is the last.
    pub next: Option<i64>,
}

/// Lists sessions of rewriting, newest first, 100 at a time.
#[utoipa::path(get, path = "/rewriting/sessions", tag = "rewriting", params(SessionPage), responses(
    (status = OK, body = SessionRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_rewriting_sessions(
    State(state): State<AppState>,
    _: Researcher,
    Query(page): Query<SessionPage>,
) -> Result<Json<SessionRows>, Problem> {
    let of_state = page.state.map(Into::into);
    // One more than is shown tells whether there is more.
    let mut sessions = state
        .store
        .rewriting_sessions(page.task, of_state, page.after, PAGE + 1)
        .await?;
    let is_more = sessions.len() as u64 > PAGE;
    sessions.truncate(PAGE as usize);
    let next = sessions
        .last()
        .map(|session| session.id)
        .filter(|_| is_more);
    let finds: Vec<SnippetId> = sessions
        .iter()
        .filter_map(|session| Some(session.find.as_ref()?.snippet))
        .collect();
    let said = state.store.rewriting_verifications(&finds).await?;
    let mut classifiers: BTreeMap<ModelId, NamedClassifier> = BTreeMap::new();
    let mut rows = Vec::with_capacity(sessions.len());
    for session in sessions {
        let classifier = match classifiers.get(&session.model) {
            Some(known) => known.clone(),
            None => NamedClassifier::of(&state, session.model).await?,
        };
        classifiers.insert(session.model, classifier.clone());
        let find = session.find;
        let verified = find
            .as_ref()
            .and_then(|find| said.get(&find.snippet)?.is_verified());
        rows.push(SessionRow {
            id: session.id,
            task: session.task,
            labeller: session.labeller,
            classifier,
            threshold: session.threshold.logit(),
            tools: session.tools,
            state: session.state.into(),
            start: session.start_snippet.map(|snippet| snippet.0),
            start_score: session.start_score,
            score: session.score,
            seconds: session.seconds,
            away_seconds: session.away_seconds,
            paused: session.paused,
            saliency_calls: session.saliency_calls,
            menu_calls: session.menu_calls,
            reason: session.reason,
            snippet: find.as_ref().map(|find| find.snippet.0),
            severity: find.as_ref().map(|find| find.severity.into()),
            trick: find.map(|find| find.trick),
            verified,
            created: session.created,
            ended: session.ended,
        });
    }
    Ok(Json(SessionRows { rows, next }))
}
