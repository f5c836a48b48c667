//! `GET /api/runs/{id}/trials`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::estimate::Estimate;
use crate::json::{Json, Path, Query};
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use nines_domain::snippet::RunId;
use nines_store::{RunStatus, SweepTrial, TrialNumber, TrialState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Trials of one answer, where the caller does not say.
const USUAL: u64 = 500;
/// Trials of one answer at most.
const MOST: u64 = 1_000;

/// Which trials to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TrialPage {
    /// Those after the trial at this position.
    #[serde(default)]
    #[param(maximum = 9007199254740991_u64)]
    pub after: Option<u64>,
    /// So many: 500 where not said, 1,000 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u64>,
}

/// Where a trial stands.
#[derive(ToSchema)]
#[schema(as = TrialState, rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "describes the store's own type, which knows no OpenAPI"
)]
pub enum TrialWord {
    /// It waits for its turn.
    Waiting,
    /// A process trains it.
    Running,
    /// It has its numbers.
    Done,
    /// It ended with an error.
    Failed,
    /// It has its numbers, and successive halving did not take its recipe on.
    Dropped,
}

/// One number of a trial.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrialNumber)]
pub struct NumberRow {
    /// What it is.
    pub what: String,
    /// Its value with its interval.
    pub value: Estimate,
}

/// One training of a sweep.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trial)]
pub struct TrialRow {
    /// Its place in the sweep, from 0.
    pub position: u64,
    /// The cell, or the draw with its epochs.
    pub cell: String,
    /// Its seed.
    pub seed: u64,
    /// The rung of successive halving, from 0.
    pub rung: u32,
    /// The base model; nothing where it is the project's.
    pub base: Option<String>,
    /// The fields of the recipe that differ between trials, with this one's values; null where it is off.
    pub recipe: Value,
    /// Where it stands.
    #[schema(value_type = TrialWord)]
    pub state: TrialState,
    /// Its numbers, out of fold; none before its end.
    pub numbers: Vec<NumberRow>,
    /// The same numbers of its cell: the mean over the seeds that had results at its end.
    pub together: Vec<NumberRow>,
    /// Seconds of training.
    pub seconds: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was last begun; nothing where its result was there before.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
}

/// Trials in the sweep's order.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialRows {
    /// The trials.
    pub rows: Vec<TrialRow>,
    /// The `after` of the next answer; nothing where this is the last.
    pub next: Option<u64>,
}

/// Lists the trials of a sweep with what they came to; none for a run of another kind.
#[utoipa::path(get, path = "/runs/{id}/trials", tag = "runs",
    params(("id" = i64, Path, description = "The run's key"), TrialPage), responses(
    (status = OK, body = TrialRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such run"),
))]
pub async fn list_trials(
    State(state): State<AppState>,
    _: Researcher,
    Path(id): Path<RunId>,
    Query(page): Query<TrialPage>,
) -> Result<Json<TrialRows>, Problem> {
    let run = state.store.run(id).await?;
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    let (trials, more) = state.store.trials(id, page.after, limit).await?;
    let next = trials.last().map(|trial| trial.position).filter(|_| more);
    let is_alive = run.status == RunStatus::Running;
    let rows = trials.into_iter().map(|trial| row(trial, is_alive));
    Ok(Json(TrialRows {
        rows: rows.collect(),
        next,
    }))
}

fn row(trial: SweepTrial, is_alive: bool) -> TrialRow {
    let state = match trial.state {
        // Its process died without a word: the sweep begins it again when it goes on.
        TrialState::Running if !is_alive => TrialState::Waiting,
        state => state,
    };
    TrialRow {
        position: trial.position,
        cell: trial.cell,
        seed: trial.seed,
        rung: trial.rung,
        base: trial.base,
        recipe: trial.recipe,
        state,
        numbers: trial.numbers.into_iter().map(NumberRow::from).collect(),
        together: trial.together.into_iter().map(NumberRow::from).collect(),
        seconds: trial.seconds,
        error: trial.error,
        started: trial.started,
        ended: trial.ended,
    }
}

impl From<TrialNumber> for NumberRow {
    fn from(number: TrialNumber) -> Self {
        Self {
            what: number.what,
            value: number.value.into(),
        }
    }
}
