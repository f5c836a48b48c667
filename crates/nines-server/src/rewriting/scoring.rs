//! Scores of texts under rewriting, by the scoring service.

use crate::error::Problem;
use crate::scoring::{Scored, ScoringError};
use crate::state::AppState;
use nines_domain::score::Threshold;
use nines_domain::snippet::{ModelId, SnippetText};
use nines_infer::scorer::Unscoreable;
use nines_store::Model;
use std::time::{Duration, Instant};

/// A text waits this long for its score.
const PATIENCE: Duration = Duration::from_secs(20);

/// Scores one text.
///
/// # Errors
/// 429 where too much waits, and those of loading.
pub async fn score(
    state: &AppState,
    model: ModelId,
    text: &SnippetText,
) -> Result<Scored, Problem> {
    let scored = state.scoring.score(model, vec![text.clone()]).await?;
    let first = scored.into_iter().next();
    Ok(first.unwrap_or_else(|| Err(Unscoreable::Model("no answer came".to_owned()))))
}

/// Scores texts, waiting where too much waits already.
///
/// # Errors
/// 429 where no score comes in time, and those of loading.
pub async fn score_in_time(
    state: &AppState,
    model: ModelId,
    texts: Vec<SnippetText>,
) -> Result<Vec<Scored>, Problem> {
    let until = Instant::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let asked = state.scoring.score(model, texts.clone());
        match tokio::time::timeout(left, asked).await {
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                return Err(Problem::too_many(
                    format!("no score came within {seconds} s"),
                    seconds,
                ));
            }
            Ok(Err(ScoringError::Full { retry_after, .. })) if !left.is_zero() => {
                let wait = Duration::from_secs(retry_after).min(Duration::from_millis(500));
                tokio::time::sleep(wait.min(left)).await;
            }
            Ok(outcome) => return Ok(outcome?),
        }
    }
}

/// Finds the threshold that a find must lie below: the one asked for, or the calibrated one.
///
/// # Errors
/// 422 for a threshold that is no number, and for a classifier without one on this server's path.
pub async fn threshold_of(
    state: &AppState,
    model: &Model,
    asked: Option<f64>,
) -> Result<Threshold, Problem> {
    if let Some(asked) = asked {
        return Threshold::new(asked).map_err(|error| Problem::invalid(error.to_string()));
    }
    let path = state.workbench.path_of(model.id).await;
    let newest = state
        .calibrations
        .newest(&state.store, model.id, &path)
        .await?;
    newest.map(|read| read.threshold).ok_or_else(|| {
        Problem::invalid(format!(
            "{} has no threshold on the path {path}, by which this server scores; calibrate it, or have a \
             researcher make a task with a threshold",
            model.label()
        ))
    })
}
