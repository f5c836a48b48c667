//! `GET /api/rewriting/inspiration`.

use crate::auth::{Account, Labeller};
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::rewriting;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::snippet::ModelId;
use nines_store::{FoundBy, RewritingTaskRow, Tools, VerifiedFind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Finds of one answer, where the caller does not say.
const USUAL: usize = 10;
/// Finds of one answer at most.
const MOST: usize = 50;

/// Which finds to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InspirationPage {
    /// Only those that this classifier accepted.
    #[serde(default)]
    pub classifier: Option<i64>,
    /// So many: 10 where not said, 50 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 50)]
    pub limit: Option<usize>,
}

/// What a find was made from.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspirationStart {
    /// The given text.
    pub prompt: String,
    /// Its continuation.
    pub completion: String,
}

/// A find that somebody other than its author confirmed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspiration {
    /// The snippet.
    pub snippet: i64,
    /// The given text.
    pub prompt: String,
    /// Its continuation.
    pub completion: String,
    /// What it was made from.
    pub start: Option<InspirationStart>,
    /// The score of that, in log odds.
    pub start_score: Option<f64>,
    /// Its score, in log odds.
    pub score: f64,
    /// The median severity that others give it.
    pub severity: f64,
    /// What trick it uses.
    pub trick: Option<String>,
    /// Who found it: `person`, or `recipe` with its name.
    pub by: String,
}

/// Finds, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspirationRows {
    /// The finds.
    pub rows: Vec<Inspiration>,
}

/// Lists earlier finds that were confirmed, newest first: how others got past the classifier. It is one of
/// the tools: whoever has work to do in which tools are compared sees it in sessions with tools of such work
/// alone.
#[utoipa::path(get, path = "/rewriting/inspiration", tag = "rewriting", params(InspirationPage), responses(
    (status = OK, body = InspirationRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem,
        description = "The caller has a session without tools open, or work to do in which tools are compared"),
))]
pub async fn list_inspiration(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Query(page): Query<InspirationPage>,
) -> Result<Json<InspirationRows>, Problem> {
    demand_aided(&state, &account).await?;
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    let model = page.classifier.map(ModelId);
    let finds = state.store.verified_finds(model, limit).await?;
    let rows = finds.into_iter().map(Inspiration::from).collect();
    Ok(Json(InspirationRows { rows }))
}

/// Refuses whom it would help where help is what is compared: in a session without tools, and before or
/// between the sessions of a task that has such.
async fn demand_aided(state: &AppState, account: &Account) -> Result<(), Problem> {
    let open = state.store.open_rewriting_session(account.id).await?;
    if let Some(open) = &open {
        rewriting::demand_tools(open)?;
    }
    let tasks = state.store.rewriting_tasks_of(account.id, true).await?;
    let compared = |row: &RewritingTaskRow| row.task.tools != Tools::On;
    let at_work = open.and_then(|open| open.task);
    if tasks
        .iter()
        .any(|row| compared(row) && Some(row.task.id) == at_work)
    {
        return Ok(());
    }
    let compares = |row: &&RewritingTaskRow| compared(row) && row.waiting_for_me > 0;
    match tasks.iter().find(compares) {
        None => Ok(()),
        Some(row) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "no-tools",
            "Not before your task is done",
            format!(
                "what others found would help you with task {} ({}), which compares what people find with and without \
                 help; it is there in sessions of the task that have tools, and here when you have done it",
                row.task.id, row.task.name
            ),
        )),
    }
}

impl From<VerifiedFind> for Inspiration {
    fn from(find: VerifiedFind) -> Self {
        Self {
            snippet: find.snippet.0,
            prompt: find.text.prompt,
            completion: find.text.completion,
            start: find.start.map(|start| InspirationStart {
                prompt: start.prompt,
                completion: start.completion,
            }),
            start_score: find.start_score,
            score: find.score,
            severity: find.severity,
            trick: find.trick,
            by: match find.by {
                FoundBy::Person => "person".to_owned(),
                FoundBy::Recipe(name) => format!("recipe {name}"),
            },
        }
    }
}
