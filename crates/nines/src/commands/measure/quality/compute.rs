//! The quality from rows that are there. Nothing is drawn, and nothing is stored.

use super::super::distribution::Named;
use super::design::Ready;
use anyhow::{Context, Result};
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::score::Threshold;
use nines_measure::MeasureError;
use nines_measure::distribution::Reweighting;
use nines_measure::quality::{QualityItem, QualityOutcome, QualityReport, measure, reweighted};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one kind of rater's ratings say of a design.
pub struct Computed {
    /// The kind of rater.
    pub kind: LabellerKind,
    /// The quality.
    pub report: QualityReport,
    /// The quality at less cautious thresholds.
    pub curve: Vec<CurvePoint>,
    /// The quality on other distributions, abstentions as lost.
    pub reweighted: BTreeMap<String, Estimate>,
}

/// The quality at a threshold.
#[derive(Serialize)]
pub struct CurvePoint {
    /// The threshold.
    pub threshold: Threshold,
    /// Requests whose first draw it rejects.
    pub informative: u64,
    /// Pairs whose ratings count.
    pub rated: u64,
    /// Drawn pairs without a rating.
    pub waiting: u64,
    /// The quality.
    pub quality: Estimate,
}

/// Says whether pairs were drawn and no rating counts yet.
pub fn is_nothing_rated(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(MeasureError::NothingRated { .. })
    )
}

/// Computes the quality by one kind of rater; nothing where they have rated nothing. Where there is
/// nothing to rate, people's is known all the same.
pub fn compute(
    ready: &Ready,
    kind: LabellerKind,
    distributions: &[Named],
    confidence: f64,
) -> Result<Option<Computed>> {
    let items = ready.own_items(kind)?;
    let rated = items.iter().any(|i| !i.ratings.is_empty());
    let nothing_to_rate = items.iter().all(|i| i.outcome != QualityOutcome::Differs);
    if !(rated || (nothing_to_rate && kind == LabellerKind::Person)) {
        return Ok(None);
    }
    Ok(Some(Computed {
        kind,
        report: measure(&items, ready.probability, confidence)?,
        curve: curve(ready, kind, confidence)?,
        reweighted: reweighted_to(ready, &items, distributions, confidence)?,
    }))
}

/// The quality at the thresholds of the curve whose pairs are rated.
fn curve(ready: &Ready, kind: LabellerKind, confidence: f64) -> Result<Vec<CurvePoint>> {
    let mut points = Vec::new();
    for threshold in &ready.thresholds[1..] {
        let items = ready.items(kind, *threshold)?;
        let report = match measure(&items, ready.probability, confidence) {
            Err(MeasureError::NothingRated { .. }) => continue,
            other => other?,
        };
        points.push(CurvePoint {
            threshold: *threshold,
            informative: report.informative,
            rated: report.rated,
            waiting: report.waiting,
            quality: report.quality,
        });
    }
    Ok(points)
}

/// The quality re-weighted to every other distribution that shares prompts with the design's.
fn reweighted_to(
    ready: &Ready,
    items: &[QualityItem],
    distributions: &[Named],
    confidence: f64,
) -> Result<BTreeMap<String, Estimate>> {
    let mut found = BTreeMap::new();
    let own = ready.design.distribution;
    for other in distributions.iter().filter(|d| d.id != own) {
        let own = distributions
            .iter()
            .find(|d| d.id == own)
            .context("the design's distribution is gone")?;
        let Ok(reweighting) = Reweighting::new(&own.shares, &other.shares) else {
            continue;
        };
        let estimate = reweighted(items, ready.probability, &reweighting, confidence)?;
        found.insert(other.name.clone(), estimate);
    }
    Ok(found)
}
