//! `GET /api/snippets`.

use super::shapes::SnippetRow;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::search::{LabelWord, OriginWord, SearchWords, SplitWord};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::SnippetId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Snippets of one answer, where the caller does not say.
const USUAL: usize = 50;
/// Snippets of one answer at most.
const MOST: usize = 100;

/// Which snippets to find; what is left out does not restrict.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SnippetsPage {
    /// A text that the prompt or the completion holds, whatever the case of its letters.
    #[param(max_length = 500)]
    pub text: Option<String>,
    /// The classifier whose scores count; the newest unless given.
    pub classifier: Option<i64>,
    /// The lowest score, a logit.
    pub score_from: Option<f64>,
    /// The highest score, a logit.
    pub score_to: Option<f64>,
    /// What labels say.
    pub label: Option<LabelWord>,
    /// The strict verdict.
    pub strict: Option<bool>,
    /// A source that it was first stored from, or met again at.
    pub source: Option<String>,
    /// How it came to be.
    pub origin: Option<OriginWord>,
    /// The split of its prompt.
    pub split: Option<SplitWord>,
    /// Somebody whose label it has.
    pub labeller: Option<String>,
    /// The `next` of the answer before.
    pub after: Option<i64>,
    /// So many: 50 where not said, 100 at most.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<usize>,
}

/// Snippets, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnippetRows {
    /// The snippets.
    pub rows: Vec<SnippetRow>,
    /// The `after` of the next answer; null where this is the last. An answer may hold few snippets, or
    /// none, and still have a next one, where many had to be looked through.
    pub next: Option<i64>,
    /// Whose scores are shown: the classifier asked for, or the newest.
    pub classifier: Option<i64>,
    /// That classifier's threshold, a logit.
    pub threshold: Option<f64>,
}

/// Finds snippets, newest first.
#[utoipa::path(get, path = "/snippets", tag = "data", params(SnippetsPage), responses(
    (status = OK, body = SnippetRows),
    (status = BAD_REQUEST, body = Problem, description = "A parameter cannot be read"),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such classifier"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A value cannot be"),
))]
pub async fn list_snippets(
    State(state): State<AppState>,
    _: Researcher,
    Query(page): Query<SnippetsPage>,
) -> Result<Json<SnippetRows>, Problem> {
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    let words = SearchWords {
        text: page.text,
        classifier: page.classifier,
        score_from: page.score_from,
        score_to: page.score_to,
        label: page.label,
        strict: page.strict,
        source: page.source,
        origin: page.origin,
        split: page.split,
        labeller: page.labeller,
        ids: None,
    };
    let (search, scored) = words.into_search(&state).await?;
    let after = page.after.map(SnippetId);
    let found = state.store.search_snippets(&search, after, limit).await?;
    let ids: Vec<SnippetId> = found.rows.iter().map(|row| row.id).collect();
    let path = scored
        .as_ref()
        .and_then(|by| Some((by.model, by.path.as_deref()?)));
    let scores = match path {
        Some((model, path)) => state.store.scores_of(model, path, &ids).await?,
        None => vec![None; ids.len()],
    };
    let rows = found.rows.iter().zip(scores);
    Ok(Json(SnippetRows {
        rows: rows
            .map(|(snippet, score)| SnippetRow::new(snippet, score.map(|s| s.logit())))
            .collect(),
        next: found.next.map(|id| id.0),
        classifier: scored.as_ref().map(|by| by.model.0),
        threshold: scored.and_then(|by| by.threshold),
    }))
}
