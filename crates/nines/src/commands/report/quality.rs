//! The quality at the filter's threshold, and above it where ratings suffice.

use super::CONFIDENCE;
use super::rows::{Rows, labels, prompts};
use crate::commands::measure::{QualityDesign, whose};
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_measure::report::{QualityStream, quality_from, thresholds_from};
use nines_report::report::{Basis, Correction, Curve, Labels, Point, QualityByThreshold};
use nines_store::FilterAnswer;
use serde_json::{Value, json};

/// How many thresholds are looked at.
const POINTS: usize = 40;

/// Fills the section from the newest quality design's ratings.
pub fn section(rows: &Rows<'_>) -> Result<Option<QualityByThreshold>> {
    let Some(design) = &rows.quality else {
        return Ok(None);
    };
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        if let Some(found) = by_raters(design, kind)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn by_raters(design: &QualityDesign, kind: LabellerKind) -> Result<Option<QualityByThreshold>> {
    let record = &design.design.record;
    let Some(own) = record["frame"]["filter"]["threshold"].as_f64() else {
        return Ok(None);
    };
    let items = design.own_items(kind)?;
    if items.iter().all(|item| item.ratings.is_empty()) {
        return Ok(None);
    }
    let answers = design.answers_in_order()?;
    let streams: Vec<QualityStream> = items
        .into_iter()
        .zip(answers)
        .map(|(item, answer)| QualityStream {
            item,
            scores: scores(answer),
            answer: place(answer),
        })
        .collect();
    let thresholds = thresholds_from(&streams, own, POINTS);
    let points = quality_from(&streams, design.probability, &thresholds, CONFIDENCE)?;
    let Some((_, first)) = points.first() else {
        return Ok(None);
    };
    let mut about = record.clone();
    about["frame"]["requests"] = streams.len().into();
    about["labels_of"] = json!(whose(kind));
    let (method, n) = (first.method.clone(), first.n);
    Ok(Some(QualityByThreshold {
        basis: Basis {
            prompts: prompts(&about),
            labels: labels(kind, n),
            correction: Correction::Uncorrected,
        },
        curve: Curve {
            name: "quality".to_owned(),
            confidence: first.confidence,
            method: format!(
                "{method}, pointwise; thresholds above the filter's own only where every pair that they \
                 need is rated"
            ),
            n,
            points: points
                .into_iter()
                .map(|(x, e)| Point {
                    x,
                    value: e.value,
                    lower: e.lower,
                    upper: e.upper,
                })
                .collect(),
        },
    }))
}

/// The logits of all draws, in their order; none for one that failed or has no score.
fn scores(answer: &FilterAnswer) -> Vec<Option<f64>> {
    let mut scores = vec![None; answer.draws as usize];
    for candidate in &answer.candidates {
        if let Some(place) = scores.get_mut(candidate.draw.draw as usize) {
            *place = candidate.ruling.score().map(|s| s.logit());
        }
    }
    scores
}

fn place(answer: &FilterAnswer) -> Option<usize> {
    let id = answer.accepted?;
    let mut candidates = answer.candidates.iter();
    let found = candidates.find(|c| c.snippet == id && c.ruling.is_accepted())?;
    Some(found.draw.draw as usize)
}

/// How many pairs a stored quality rests on, and whose ratings.
pub fn ratings(record: &Value, estimate: &Estimate) -> Labels {
    let n = record["rated"].as_u64().unwrap_or(estimate.n);
    match record["labels_of"].as_str() {
        Some("judges") => labels(LabellerKind::Judge, n),
        _ => labels(LabellerKind::Person, n),
    }
}
