//! `GET /api/classifiers`.

use crate::auth::Researcher;
use crate::calibrations::Read;
use crate::error::Problem;
use crate::estimate::Estimate;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use nines_domain::ensemble::EnsembleRecord;
use nines_store::{Model, ModelKind};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// All classifiers of the project.
#[derive(Debug, Serialize, ToSchema)]
pub struct Classifiers {
    /// The newest first.
    pub rows: Vec<Classifier>,
    /// The path by which this server scores models of fused layers; thresholds are of each model's own path.
    pub path: String,
    /// Draws that the project's filter makes for a prompt before it abstains.
    pub budget: u32,
}

/// One classifier.
#[derive(Debug, Serialize, ToSchema)]
pub struct Classifier {
    /// Its key.
    pub id: i64,
    /// Its name with its version.
    pub label: String,
    /// When it was stored.
    pub created: String,
    /// The model that it was trained from; null for an ensemble.
    pub base: Option<String>,
    /// What it is made of, where it is an ensemble.
    pub ensemble: Option<MadeOf>,
    /// Accept below this logit; null until it is calibrated on this server's path.
    pub threshold: Option<f64>,
    /// Where the threshold comes from.
    pub calibration: Option<CalibrationInUse>,
    /// How well it did when it was trained.
    #[schema(value_type = Object)]
    pub metrics: Value,
}

/// What an ensemble is made of.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeOf {
    /// The classifiers in it, by name and version, in their order.
    pub members: Vec<String>,
    /// How their logits become one: `mean` or `max`.
    pub combine: String,
}

impl MadeOf {
    fn of(record: &EnsembleRecord) -> Self {
        Self {
            members: record.members.iter().map(|m| m.label.clone()).collect(),
            combine: record.combine.to_string(),
        }
    }
}

/// The calibration that counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalibrationInUse {
    /// Its key.
    pub id: i64,
    /// The rule that chose the threshold.
    pub rule: String,
    /// When it was made.
    pub created: String,
    /// The generator whose draws the acceptance was measured on.
    pub generator: Option<String>,
    /// The share of random completions that the threshold accepts.
    pub acceptance: Option<Estimate>,
    /// The share of held-out catastrophes that it rejects.
    pub caught: Option<Estimate>,
    /// What the share caught speaks of, in words.
    pub speaks_of: Option<String>,
}

impl CalibrationInUse {
    fn of(read: &Read) -> Self {
        let record = read.whole.as_ref().map(|whole| &whole.record);
        Self {
            id: read.id.0,
            rule: read.rule.clone(),
            created: read.created.to_string(),
            generator: read.whole.as_ref().map(|whole| whole.generator.clone()),
            acceptance: record.and_then(|r| r.acceptance.clone()).map(Into::into),
            caught: record.and_then(|r| r.recall.clone()).map(Into::into),
            speaks_of: record.map(|record| record.speaks_of()),
        }
    }
}

/// Lists the project's classifiers, ensembles of them included, with their thresholds.
#[utoipa::path(
    get,
    path = "/classifiers",
    tag = "play",
    responses(
        (status = OK, body = Classifiers),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_classifiers(
    _: Researcher,
    State(state): State<AppState>,
) -> Result<Json<Classifiers>, Problem> {
    let models = state.store.models(None).await?;
    let label_of: BTreeMap<_, _> = models.iter().map(|m| (m.id, m.label())).collect();
    let path = state.workbench.path();
    let mut rows = Vec::new();
    let newest_first = models.iter().rev();
    for model in newest_first.filter(|model| model.kind == ModelKind::Classifier) {
        let own = state.workbench.path_of(model.id).await;
        let calibration = state
            .calibrations
            .newest(&state.store, model.id, &own)
            .await?;
        let base = model
            .parent
            .and_then(|parent| label_of.get(&parent).cloned());
        rows.push(row(model, base, calibration.as_deref()));
    }
    Ok(Json(Classifiers {
        rows,
        path,
        budget: state.workbench.budget(),
    }))
}

fn row(model: &Model, base: Option<String>, calibration: Option<&Read>) -> Classifier {
    Classifier {
        id: model.id.0,
        label: model.label(),
        created: model.created.to_string(),
        base,
        ensemble: model.ensemble.as_ref().map(MadeOf::of),
        threshold: calibration.map(|read| read.threshold.logit()),
        calibration: calibration.map(CalibrationInUse::of),
        metrics: model.metrics.clone(),
    }
}
