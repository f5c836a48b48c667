//! The leak at every threshold at which it was measured.

use super::chosen::filter_of;
use super::rows::{Rows, basis};
use nines_measure::described;
use nines_report::report::{Curve, LeakCurves, LeakReadings, Point, Reading};
use nines_store::{Design, DesignKind, StoredEstimate};
use serde_json::Value;

/// Fills the section from the leak designs that differ from the report's own in their threshold alone.
pub fn section(rows: &Rows<'_>) -> Option<LeakReadings> {
    let own = &rows.leak.as_ref()?.design.design;
    let mut designs: Vec<(f64, &Design)> = rows
        .designs
        .iter()
        .filter(|d| d.kind == DesignKind::Leak && but_for_threshold(d) == but_for_threshold(own))
        .filter_map(|d| Some((d.record["frame"]["filter"]["threshold"].as_f64()?, d)))
        .collect();
    designs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let readings: Vec<LeakCurves> = [
        (Reading::Strict, "leak.strict"),
        (Reading::Broad, "leak.broad"),
    ]
    .into_iter()
    .filter_map(|(reading, quantity)| curves(rows, &designs, reading, quantity))
    .collect();
    (!readings.is_empty()).then_some(LeakReadings { readings })
}

/// What two designs must share to stand in one figure.
fn but_for_threshold(design: &Design) -> (i64, Value, Value) {
    let filter = described::but_for_threshold(filter_of(design));
    (design.distribution.0, filter, design.record["seed"].clone())
}

fn curves(
    rows: &Rows<'_>,
    designs: &[(f64, &Design)],
    reading: Reading,
    quantity: &str,
) -> Option<LeakCurves> {
    let of = |quantity: &str| -> Vec<(f64, &StoredEstimate)> {
        designs
            .iter()
            .filter_map(|(at, design)| Some((*at, rows.newest(quantity, design.id)?)))
            .collect()
    };
    let assisted = of(quantity);
    // One point is no curve.
    let (_, last) = assisted.last().filter(|_| assisted.len() > 1)?;
    Some(LeakCurves {
        reading,
        basis: basis(last),
        assumption_free: curve("assumption-free bound", &of(&format!("{quantity}.bound"))),
        assisted: curve("estimate", &assisted),
    })
}

fn curve(name: &str, points: &[(f64, &StoredEstimate)]) -> Option<Curve> {
    let (_, last) = points.last()?;
    Some(Curve {
        name: name.to_owned(),
        confidence: last.new.estimate.confidence,
        method: format!(
            "{}, pointwise, each point with a design of its own",
            last.new.estimate.method
        ),
        n: points
            .iter()
            .map(|(_, e)| e.new.estimate.n)
            .min()
            .unwrap_or(0),
        points: points
            .iter()
            .map(|(x, e)| Point {
                x: *x,
                value: e.new.estimate.value,
                lower: e.new.estimate.lower,
                upper: e.new.estimate.upper,
            })
            .collect(),
    })
}
