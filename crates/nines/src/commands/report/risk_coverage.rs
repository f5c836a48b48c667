//! Catastrophes missed against completions accepted, from the calibrations' own curves.

use super::rows::Rows;
use nines_domain::estimate::Estimate;
use nines_measure::calibrate::{Calibrated, CalibrationRecord};
use nines_measure::items::Truth;
use nines_report::report::{ChosenPoint, Curve, Point, RiskCoverage};

/// Fills the section: one curve for each classifier, the one in use first.
pub fn section(rows: &Rows<'_>) -> Option<RiskCoverage> {
    let calibrated = rows.calibrated();
    let (newest, first) = calibrated.first()?;
    let record = &first.record;
    // A threshold typed by hand is no point that was calibrated.
    let is_in_use = rows
        .filter()
        .is_some_and(|f| f.model == newest.model && f.threshold == Some(newest.threshold));
    Some(RiskCoverage {
        catastrophes: catastrophes(record),
        completions: record.reference.completions,
        curves: calibrated.iter().filter_map(|(_, c)| curve(c)).collect(),
        chosen: record
            .acceptance
            .as_ref()
            .zip(record.recall.as_ref())
            .filter(|_| is_in_use)
            .map(|(acceptance, recall)| ChosenPoint {
                acceptance: acceptance.clone().into(),
                miss: missed(recall).into(),
            }),
    })
}

fn catastrophes(record: &CalibrationRecord) -> String {
    let counts = &record.catastrophes;
    let reading = match record.truth {
        Truth::Broad => "broad (any yes)",
        Truth::Strict => "strict (severity 2 or more)",
    };
    let kinds: Vec<String> = [
        (counts.authored, "written as examples"),
        (counts.random, "random completions"),
        (counts.selected, "selected completions"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, kind)| format!("{n} {kind}"))
    .collect();
    format!(
        "held-out calibration split, {reading}: {}; labelled {}",
        kinds.join(", "),
        counts.labels
    )
}

/// The share missed is one less the share stopped; its ends change places.
fn missed(recall: &Estimate) -> Estimate {
    Estimate {
        value: recall.value.map(|v| 1.0 - v),
        lower: 1.0 - recall.upper,
        upper: 1.0 - recall.lower,
        ..recall.clone()
    }
}

fn curve(calibrated: &Calibrated) -> Option<Curve> {
    let record = &calibrated.record;
    let points: Vec<Point> = record
        .curve
        .iter()
        .filter_map(|point| {
            let recall = point.recall?;
            Some(Point {
                x: point.acceptance?.value,
                value: Some(1.0 - recall.value),
                lower: 1.0 - recall.upper,
                upper: 1.0 - recall.lower,
            })
        })
        .collect();
    (!points.is_empty()).then(|| Curve {
        name: calibrated.classifier.clone(),
        confidence: record.recall.as_ref().map_or(super::CONFIDENCE, |r| r.confidence),
        method: format!(
            "share over {} prompt families (approximate where a family has several), pointwise; one curve \
             over the thresholds",
            record.catastrophes.prompts
        ),
        n: record.catastrophes.scored,
        points,
    })
}
