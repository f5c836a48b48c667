//! `GET /api/classifiers/{id}/operating-points`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::estimate::Estimate;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::snippet::{DesignId, ModelId};
use nines_measure::calibrate::{self, Calibrated, ThresholdRule};
use nines_measure::described::is_plain;
use nines_store::{Design, DesignKind, StoreError, StoredEstimate};
use serde::Serialize;
use utoipa::ToSchema;

/// What a classifier's thresholds do, as far as it was measured.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatingPoints {
    /// Points of the newest calibration, by rising threshold. Between two neighbours a share lies
    /// between theirs.
    pub points: Vec<OperatingPoint>,
    /// The leak where it was measured, by rising threshold.
    pub leak: Vec<LeakPoint>,
    /// The path by which scores are computed.
    pub path: String,
    /// The generator that the acceptance speaks of.
    pub generator: Option<String>,
    /// The calibration that the points come from; null where there is none on this path.
    pub calibration: Option<i64>,
    /// The threshold that it chose.
    pub threshold: Option<f64>,
    /// What has to be known to read the numbers.
    pub notes: Vec<String>,
}

/// What happens when completions below a threshold are accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatingPoint {
    /// Accept below this logit.
    pub threshold: f64,
    /// Whether it is the threshold that the calibration chose.
    pub chosen: bool,
    /// The share of random completions accepted.
    pub acceptance: Option<Estimate>,
    /// The share of held-out catastrophes rejected.
    pub caught: Option<Estimate>,
}

/// The leak at a threshold, of a whole filter whose budget is the design's. It answers with the first completion below
/// the threshold and has no second condition, as what serves.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeakPoint {
    /// Accept below this logit.
    pub threshold: f64,
    /// The design that measured it.
    pub design: i64,
    /// The distribution of prompts that it speaks of.
    pub distribution: Option<String>,
    /// Draws of the measured filter before it abstains.
    pub budget: Option<u64>,
    /// The generator of the measured filter.
    pub generator: Option<String>,
    /// Whether the classifier was fitted or chosen on none of the prompts.
    pub held_out: bool,
    /// Whose labels the strict leak rests on: `people` or `judges`.
    pub labels_of: Option<String>,
    /// Answers that are strictly catastrophes: the estimate.
    pub strict: Option<Estimate>,
    /// The same: the bound that needs no assumption about scores.
    pub strict_at_most: Option<Estimate>,
    /// Answers that anybody calls a catastrophe: the estimate.
    pub broad: Option<Estimate>,
    /// The same: the bound.
    pub broad_at_most: Option<Estimate>,
}

/// Says what a classifier's thresholds accept, catch and leak.
#[utoipa::path(
    get,
    path = "/classifiers/{id}/operating-points",
    tag = "play",
    params(("id" = i64, Path, description = "The classifier's key")),
    responses(
        (status = OK, body = OperatingPoints),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn operating_points(
    _: Researcher,
    State(state): State<AppState>,
    Path(id): Path<i64>,
) -> Result<Json<OperatingPoints>, Problem> {
    let model = super::find(&state, Some(id)).await?;
    let path = state.workbench.path_of(model.id).await;
    let read = state
        .calibrations
        .newest(&state.store, model.id, &path)
        .await?;
    let whole = read.as_ref().and_then(|read| read.whole.as_ref());
    let points = whole.map_or_else(Vec::new, |whole| calibrate::operating_points(&whole.record));
    let notes = match (whole, &read) {
        (Some(whole), _) => notes(whole),
        (None, Some(_)) => vec![format!(
            "The calibration of {} was stored by another version of nines; calibrate again.",
            model.label()
        )],
        (None, None) => vec![format!(
            "{} is not calibrated on the path {path}, by which this server scores; calibrate it.",
            model.label()
        )],
    };
    Ok(Json(OperatingPoints {
        points: points.into_iter().map(OperatingPoint::of).collect(),
        leak: leak(&state, model.id, &path).await?,
        generator: whole.map(|whole| whole.generator.clone()),
        calibration: read.as_ref().map(|read| read.id.0),
        threshold: read.as_ref().map(|read| read.threshold.logit()),
        path,
        notes,
    }))
}

impl OperatingPoint {
    fn of(point: calibrate::OperatingPoint) -> Self {
        Self {
            threshold: point.logit,
            chosen: point.is_chosen,
            acceptance: point.acceptance.map(Into::into),
            caught: point.caught.map(Into::into),
        }
    }
}

/// Says what the numbers of a calibration rest on, and what they do not say.
fn notes(whole: &Calibrated) -> Vec<String> {
    let record = &whole.record;
    let reference = &record.reference;
    let mut notes = vec![format!(
        "Acceptance: the share of {} random completions by {} on {} held-out prompts; {} of them are unfinished \
         or have no score, and count as rejected.",
        reference.completions, whole.generator, reference.prompts, reference.unscoreable
    )];
    if record.catastrophes.scored > 0 {
        notes.push(format!(
            "Caught: the share of {} labelled catastrophes on {} held-out prompts. What that speaks of: {}",
            record.catastrophes.scored,
            record.catastrophes.prompts,
            record.speaks_of()
        ));
    }
    notes.push(
        "Each interval holds for its own threshold; to choose by them all at once costs some of their confidence."
            .to_owned(),
    );
    notes.push(
        match record.rule {
            ThresholdRule::AcceptanceAtMost { .. } => {
                "The calibrated threshold was chosen by these same random completions, so that its acceptance \
                 is not independent of the choice."
            }
            _ => {
                "The calibrated threshold was chosen by these same catastrophes, so that what it catches here is \
                 not independent of the choice."
            }
        }
        .to_owned(),
    );
    notes
}

/// Lists the leak of every design that measured a plain filter with this classifier on this path: with another law or
/// a second condition it accepts less at the same threshold.
async fn leak(state: &AppState, model: ModelId, path: &str) -> Result<Vec<LeakPoint>, StoreError> {
    let designs = state.store.designs(Some(DesignKind::Leak)).await?;
    let of_model = designs.iter().filter(|design| {
        let filter = &design.record["frame"]["filter"];
        design.model == model && filter["path"].as_str() == Some(path) && is_plain(filter)
    });
    let mut quantities = Vec::new();
    for quantity in [
        "leak.strict",
        "leak.strict.bound",
        "leak.broad",
        "leak.broad.bound",
    ] {
        quantities.push(state.store.estimates(Some(quantity)).await?);
    }
    let mut points: Vec<LeakPoint> = of_model
        .filter_map(|design| point(design, &quantities))
        .collect();
    points.sort_by(|a, b| {
        a.threshold
            .total_cmp(&b.threshold)
            .then(a.design.cmp(&b.design))
    });
    Ok(points)
}

fn point(design: &Design, quantities: &[Vec<StoredEstimate>]) -> Option<LeakPoint> {
    let frame = &design.record["frame"];
    let word = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let [strict, strict_at_most, broad, broad_at_most] = quantities else {
        return None;
    };
    let newest = |stored: &[StoredEstimate]| newest(stored, design.id).map(estimate_of);
    let point = LeakPoint {
        threshold: frame["filter"]["threshold"].as_f64()?,
        design: design.id.0,
        distribution: word(&frame["distribution"]),
        budget: frame["filter"]["budget"].as_u64(),
        generator: word(&frame["filter"]["generator"]),
        held_out: frame["seen"].as_u64() == Some(0),
        labels_of: self::newest(strict, design.id)
            .and_then(|stored| word(&stored.new.record["labels_of"])),
        strict: newest(strict),
        strict_at_most: newest(strict_at_most),
        broad: newest(broad),
        broad_at_most: newest(broad_at_most),
    };
    // A design that nobody has labelled says nothing yet.
    (point.strict.is_some() || point.strict_at_most.is_some()).then_some(point)
}

fn estimate_of(stored: &StoredEstimate) -> Estimate {
    stored.new.estimate.clone().into()
}

/// The newest estimate of a design: by people's labels where there is one, else by judges'.
fn newest(stored: &[StoredEstimate], design: DesignId) -> Option<&StoredEstimate> {
    let by = |whose: Option<&str>| {
        stored.iter().rev().find(|stored| {
            stored.new.design == Some(design) && stored.new.record["labels_of"].as_str() == whose
        })
    };
    by(Some("people"))
        .or_else(|| by(Some("judges")))
        .or_else(|| by(None))
}
