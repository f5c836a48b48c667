//! `POST /api/rewriting/sessions`.

use super::shapes::{Session, text_of};
use crate::auth::{Account, Labeller};
use crate::endpoints::classifiers;
use crate::error::Problem;
use crate::json::Json;
use crate::labelling;
use crate::rewriting;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::snippet::{SnippetId, SnippetText};
use nines_store::{NewRewritingSession, RewritingSession, RewritingStart, StoreError};
use serde::Deserialize;
use utoipa::ToSchema;

/// What a session is to start from: the next start of a `task`, a `snippet`, or a text (`prompt` and
/// `completion`).
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewSession {
    /// The next start of this task.
    pub task: Option<i64>,
    /// This stored snippet.
    pub snippet: Option<i64>,
    /// A text of one's own or a fresh generation: what is given.
    #[schema(max_length = 32768)]
    pub prompt: Option<String>,
    /// Its continuation.
    #[schema(max_length = 32768)]
    pub completion: Option<String>,
    /// What is attacked; the newest classifier unless given. A task has its own.
    pub classifier: Option<i64>,
    /// Whether saliency, substitutes and inspiration are wanted; they are unless said otherwise. A task
    /// decides for itself.
    pub tools: Option<bool>,
}

/// Begins a session of rewriting. One account has one session open at a time; a start that the
/// classifier accepts already is refused.
#[utoipa::path(post, path = "/rewriting/sessions", tag = "rewriting", request_body = NewSession, responses(
    (status = CREATED, body = Session),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller has not qualified"),
    (status = NOT_FOUND, body = Problem, description = "There is no such task, snippet or classifier"),
    (status = CONFLICT, body = Problem,
        description = "A session is open (its key is in `session`), the start passes already, the task is closed, or \
no start of it is left"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The start has no score, or a value cannot be"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too much waits to be scored"),
))]
pub async fn begin_rewriting_session(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Json(body): Json<NewSession>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    labelling::demand_qualified(&state, &account).await?;
    if let Some(open) = state.store.open_rewriting_session(account.id).await? {
        return Err(rewriting::session_open(open.id));
    }
    let is_text = body.prompt.is_some() && body.completion.is_some();
    let begun = match (body.task, body.snippet, is_text) {
        (Some(task), None, false) => of_task(&state, &account, task).await,
        (None, Some(id), false) => {
            let id = SnippetId(id);
            let texts = state.store.snippet_texts(&[id]).await?;
            let text = texts.into_iter().next();
            let text = text.ok_or_else(|| Problem::internal("a stored snippet has no text"))?;
            on(&state, &account, &body, Some(id), text).await
        }
        (None, None, true) => {
            let prompt = body.prompt.clone().unwrap_or_default();
            let text = text_of(prompt, body.completion.clone().unwrap_or_default())?;
            on(&state, &account, &body, None, text).await
        }
        _ => Err(Problem::invalid(
            "say what to start from: a task, a snippet, or prompt and completion, one of the three",
        )),
    };
    let begun = begun?;
    rewriting::warm(&state, &begun);
    let session = Session::of(&state, begun).await?;
    Ok((StatusCode::CREATED, Json(session)))
}

async fn of_task(
    state: &AppState,
    account: &Account,
    id: i64,
) -> Result<RewritingSession, Problem> {
    let task = state.store.rewriting_task(id).await?;
    let path = state.workbench.path_of(task.model).await;
    if task.path != path {
        return Err(Problem::conflict(format!(
            "task {id} was made where scores are computed by {}, and this server computes them by {path}; have a \
             researcher make a new one",
            task.path
        )));
    }
    let who = labelling::labeller(account);
    let begun = state.store.begin_rewriting_task(id, &who).await;
    let begun = begun.map_err(told)?;
    begun.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "no-start-left",
            "No start is left",
            format!("you have had every start of task {id}; choose another task"),
        )
    })
}

/// Begins on a text, after a look at whether there is anything to rewrite.
async fn on(
    state: &AppState,
    account: &Account,
    body: &NewSession,
    snippet: Option<SnippetId>,
    text: SnippetText,
) -> Result<RewritingSession, Problem> {
    let model = classifiers::find(state, body.classifier).await?;
    let threshold = rewriting::threshold_of(state, &model, None).await?;
    let scored = rewriting::score(state, model.id, &text).await?;
    let score = scored.map_err(|why| Problem::invalid(format!("the start has no score: {why}")))?;
    if threshold.accepts(score) {
        return Err(rewriting::passes(score.logit(), threshold.logit()));
    }
    let new = NewRewritingSession {
        labeller: labelling::labeller(account),
        model: model.id,
        path: state.workbench.path_of(model.id).await,
        threshold,
        tools: body.tools.unwrap_or(true),
        start: RewritingStart {
            snippet,
            text,
            score,
        },
    };
    let begun = state.store.begin_rewriting(&new).await;
    begun.map_err(told)
}

/// Names the session that stands in the way, where two requests came at once.
fn told(error: StoreError) -> Problem {
    match error {
        StoreError::Refused {
            what: "rewriting session",
            id,
            ..
        } => rewriting::session_open(id),
        other => other.into(),
    }
}
