//! `GET /api/runs/{id}/metrics`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Path, Query};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::RunId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Values of one answer at most.
const MOST: u64 = 20_000;

/// Where to read on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricsPlace {
    /// Only steps after this one; all where not said.
    #[serde(default)]
    #[param(maximum = 9007199254740991_u64)]
    pub after_step: Option<u64>,
}

/// What a run measured, step by step.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunMetrics {
    /// For each name its steps, ascending, with their values; a value that is not finite is `null`.
    pub series: BTreeMap<String, Vec<(u64, Option<f64>)>>,
    /// There are more steps already: ask again after the last one.
    pub more: bool,
}

/// Reads what a run measured, whole steps at a time.
#[utoipa::path(get, path = "/runs/{id}/metrics", tag = "runs",
    params(("id" = i64, Path, description = "The run's key"), MetricsPlace), responses(
    (status = OK, body = RunMetrics),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such run"),
))]
pub async fn read_run_metrics(
    State(state): State<AppState>,
    _: Researcher,
    Path(id): Path<RunId>,
    Query(place): Query<MetricsPlace>,
) -> Result<Json<RunMetrics>, Problem> {
    state.store.run(id).await?;
    let read = state.store.metrics_after(id, place.after_step, MOST);
    let (mut metrics, more) = read.await?;
    let steps = [metrics.first(), metrics.last()].map(|metric| metric.map(|m| m.step));
    if more && steps[0] != steps[1] {
        // The last step may be cut short; it comes whole with the next answer.
        metrics.retain(|metric| Some(metric.step) != steps[1]);
    }
    let mut series: BTreeMap<String, Vec<(u64, Option<f64>)>> = BTreeMap::new();
    for metric in metrics {
        let value = Some(metric.value).filter(|value| value.is_finite());
        let points = series.entry(metric.name).or_default();
        points.push((metric.step, value));
    }
    Ok(Json(RunMetrics { series, more }))
}
