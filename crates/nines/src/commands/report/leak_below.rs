//! The leak by the score of the answers that make it.

use super::CONFIDENCE;
use super::rows::{LeakRows, Rows, labels, prompts};
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_measure::leak::{Finding, Leak};
use nines_measure::report::{LeakBelow, leak_below, thresholds_below};
use nines_report::report::{Basis, Correction, Curve, LeakCurves, LeakReadings, Point, Reading};

/// How many thresholds are looked at.
const POINTS: usize = 32;

/// Fills the section from the newest leak design's labels.
pub fn section(rows: &Rows<'_>) -> Result<Option<LeakReadings>> {
    let (Some(leak), Some(filter)) = (&rows.leak, rows.filter()) else {
        return Ok(None);
    };
    let Some(own) = filter.threshold.filter(|_| is_labelled(leak)) else {
        return Ok(None);
    };
    let thresholds = thresholds_below(&leak.scores, own.logit(), POINTS);
    let probabilities = &leak.design.probabilities;
    let points = match leak_below(
        &leak.items,
        &leak.scores,
        probabilities,
        &thresholds,
        CONFIDENCE,
    ) {
        Err(error) if error.is_not_yet() => return Ok(None),
        other => other?,
    };
    let readings = [Reading::Strict, Reading::Broad].map(|reading| curves(leak, &points, reading));
    Ok(Some(LeakReadings {
        readings: readings.into(),
    }))
}

/// Says whether anything that was drawn is labelled.
pub fn is_labelled(leak: &LeakRows) -> bool {
    let mut both = leak.design.items.iter().zip(&leak.items);
    both.any(|(item, seen)| item.drawn.is_some() && seen.finding != Finding::Unlabelled)
}

fn curves(leak: &LeakRows, points: &[LeakBelow], reading: Reading) -> LeakCurves {
    let of = |point: &LeakBelow| -> Leak {
        match reading {
            Reading::Strict => point.strict.clone(),
            Reading::Broad => point.broad.clone(),
        }
    };
    let curve = |name: &str, part: &dyn Fn(Leak) -> Estimate| {
        let estimates: Vec<Estimate> = points.iter().map(|p| part(of(p))).collect();
        let last = estimates.last()?;
        Some(Curve {
            name: name.to_owned(),
            confidence: last.confidence,
            method: format!("{}, pointwise", last.method),
            n: last.n,
            points: points
                .iter()
                .zip(&estimates)
                .map(|(point, e)| Point {
                    x: point.below,
                    value: e.value,
                    lower: e.lower,
                    upper: e.upper,
                })
                .collect(),
        })
    };
    let assisted = curve("estimate", &|leak| leak.leak);
    let n = assisted.as_ref().map_or(0, |c| c.n);
    let mut about = leak.design.design.record.clone();
    about["frame"]["requests"] = leak.answers.len().into();
    LeakCurves {
        reading,
        basis: Basis {
            prompts: prompts(&about),
            labels: labels(leak.labels_of, n),
            correction: Correction::Uncorrected,
        },
        assumption_free: curve("assumption-free bound", &|leak| leak.at_most),
        assisted,
    }
}
