//! The quality at the filter's threshold, and above it where ratings suffice.

use super::CONFIDENCE;
use super::rows::{Rows, labels, prompts};
use crate::commands::measure::{QualityDesign, whose};
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_measure::described::is_plain;
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
        if let Some(found) = by_raters(rows, design, kind)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn by_raters(
    rows: &Rows<'_>,
    design: &QualityDesign,
    kind: LabellerKind,
) -> Result<Option<QualityByThreshold>> {
    let record = &design.design.record;
    let filter = &record["frame"]["filter"];
    // Of draws above its threshold a filter with a second condition does not know whether it would accept them, and
    // one whose threshold falls accepts none of them alike.
    let Some(own) = filter["threshold"].as_f64().filter(|_| is_plain(filter)) else {
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
            answer: answer.accepted_candidate().map(|c| c.draw.draw as usize),
        })
        .collect();
    let thresholds = thresholds_from(&streams, own, POINTS);
    let mut points = quality_from(&streams, design.probability, &thresholds, CONFIDENCE)?;
    points.extend(asked_for(rows, design, kind));
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Thresholds closer than this are one on any axis.
    points.dedup_by(|a, b| (a.0 - b.0).abs() < 1e-6);
    if points.len() < 2 {
        return Ok(None);
    }
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

/// The points of the curve that `nines measure quality --curve` stored, the newest of each threshold.
fn asked_for(rows: &Rows<'_>, design: &QualityDesign, kind: LabellerKind) -> Vec<(f64, Estimate)> {
    let mut found: Vec<(f64, Estimate)> = Vec::new();
    let mine = rows.estimates.iter().rev().filter(|e| {
        e.new.quantity == "quality.at"
            && e.new.design == Some(design.design.id)
            && e.new.record["labels_of"].as_str() == Some(whose(kind))
    });
    for stored in mine {
        let Some(at) = stored.new.record["threshold"].as_f64() else {
            continue;
        };
        if found.iter().all(|(x, _)| *x != at) {
            found.push((at, stored.new.estimate.clone()));
        }
    }
    found
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

/// How many pairs a stored quality rests on, and whose ratings.
pub fn ratings(record: &Value, estimate: &Estimate) -> Labels {
    let n = record["rated"].as_u64().unwrap_or(estimate.n);
    match record["labels_of"].as_str() {
        Some("judges") => labels(LabellerKind::Judge, n),
        _ => labels(LabellerKind::Person, n),
    }
}
