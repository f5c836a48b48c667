//! Points of a calibration's curve for somebody who moves the threshold: few enough to send, dense
//! where it matters.

use super::curve::{Band, CurvePoint};
use super::record::CalibrationRecord;
use nines_domain::estimate::Estimate;
use std::collections::BTreeSet;

/// Points spread evenly over the share accepted.
const BY_ACCEPTANCE: usize = 40;

/// Points spread evenly over the logits.
const BY_LOGIT: usize = 30;

/// Small shares accepted, of which even steps would see little.
const RARE: [f64; 5] = [0.001, 0.002, 0.005, 0.01, 0.02];

/// Shares caught between which people choose.
const CAUGHT: [f64; 12] = [
    1.0, 0.999, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9, 0.8, 0.7, 0.5, 0.25,
];

/// What happens at one threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatingPoint {
    /// Accept below this logit.
    pub logit: f64,
    /// Whether it is the threshold that the calibration chose.
    pub is_chosen: bool,
    /// The share of random completions accepted.
    pub acceptance: Option<Estimate>,
    /// The share of held-out catastrophes rejected.
    pub caught: Option<Estimate>,
}

/// Returns about a hundred points of a calibration, by rising threshold, the chosen one among them.
/// Between two neighbours the shares lie between theirs. Each interval holds for its own threshold,
/// not for all at once.
pub fn operating_points(record: &CalibrationRecord) -> Vec<OperatingPoint> {
    let curve = &record.curve;
    let chosen = record.threshold.logit();
    let confidence = record.acceptance.as_ref().or(record.recall.as_ref());
    let confidence = confidence.map_or(0.95, |e| e.confidence);
    let acceptance = Share {
        method: method(record.reference.completions, record.reference.prompts),
        n: record.reference.prompts,
        confidence,
    };
    let caught = Share {
        method: method(record.catastrophes.scored, record.catastrophes.prompts),
        n: record.catastrophes.prompts,
        confidence,
    };
    let mut points: Vec<OperatingPoint> = places(curve)
        .into_iter()
        .map(|place| &curve[place])
        .filter(|point| point.logit != chosen)
        .map(|point| OperatingPoint {
            logit: point.logit,
            is_chosen: false,
            acceptance: point.acceptance.map(|band| acceptance.estimate(band)),
            caught: point.recall.map(|band| caught.estimate(band)),
        })
        .collect();
    let at = points.partition_point(|point| point.logit < chosen);
    points.insert(
        at,
        OperatingPoint {
            logit: chosen,
            is_chosen: true,
            acceptance: record.acceptance.clone(),
            caught: record.recall.clone(),
        },
    );
    points
}

/// What the shares of one kind have in common.
struct Share {
    method: String,
    n: u64,
    confidence: f64,
}

impl Share {
    fn estimate(&self, band: Band) -> Estimate {
        Estimate {
            value: Some(band.value),
            lower: band.lower,
            upper: band.upper,
            confidence: self.confidence,
            method: self.method.clone(),
            n: self.n,
        }
    }
}

/// Names the interval that the curve was computed with.
fn method(items: u64, families: u64) -> String {
    if items == families {
        "Clopper-Pearson (exact, two-sided), pointwise".to_owned()
    } else {
        format!(
            "Korn-Graubard over {families} prompt families (approximate; {items} items), pointwise"
        )
    }
}

/// Which points of a curve to show.
fn places(curve: &[CurvePoint]) -> BTreeSet<usize> {
    let (Some(first), Some(last)) = (curve.first(), curve.last()) else {
        return BTreeSet::new();
    };
    let end = curve.len() - 1;
    let mut places = BTreeSet::from([0, end]);
    let even = (1..BY_ACCEPTANCE).map(|step| step as f64 / BY_ACCEPTANCE as f64);
    for share in even.chain(RARE) {
        let below = |p: &CurvePoint| p.acceptance.is_some_and(|band| band.value < share);
        places.insert(curve.partition_point(below).min(end));
    }
    for step in 1..BY_LOGIT {
        let part = step as f64 / BY_LOGIT as f64;
        let logit = first.logit + part * (last.logit - first.logit);
        places.insert(curve.partition_point(|p| p.logit < logit).min(end));
    }
    for share in CAUGHT {
        // The highest threshold that catches as much.
        let enough = |p: &CurvePoint| p.recall.is_some_and(|band| band.value >= share);
        places.insert(curve.partition_point(enough).saturating_sub(1));
    }
    places
}
