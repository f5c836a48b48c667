//! Curves of the report, as the API writes them.

use crate::commands::report::rows::Rows;
use crate::commands::report::{leak_below, leak_thresholds, quality, risk_coverage};
use anyhow::Result;
use nines_report::report::{Curve as Drawn, LeakReadings, Reading};
use nines_server::reliability::{Curve, CurvePoint, Curves, LeakCurve, LeakReadingName};

/// Computes every curve of the page.
pub fn all(rows: &Rows<'_>) -> Result<Curves> {
    Ok(Curves {
        quality: quality::section(rows)?.map(|found| curve(found.curve)),
        leak_by_threshold: leak_thresholds::section(rows)
            .map(readings)
            .unwrap_or_default(),
        leak_by_score: leak_below::section(rows)?.map(readings).unwrap_or_default(),
        missed_by_acceptance: risk_coverage::section(rows)
            .map(|found| found.curves.into_iter().map(curve).collect())
            .unwrap_or_default(),
    })
}

fn readings(found: LeakReadings) -> Vec<LeakCurve> {
    let readings = found.readings.into_iter();
    readings
        .map(|found| LeakCurve {
            reading: match found.reading {
                Reading::Strict => LeakReadingName::Strict,
                Reading::Broad => LeakReadingName::Broad,
            },
            estimate: found.assisted.map(curve),
            at_most: found.assumption_free.map(curve),
        })
        .collect()
}

fn curve(drawn: Drawn) -> Curve {
    Curve {
        name: drawn.name,
        confidence: drawn.confidence,
        method: drawn.method,
        n: drawn.n,
        points: drawn
            .points
            .into_iter()
            .map(|point| CurvePoint {
                x: point.x,
                value: point.value,
                lower: point.lower,
                upper: point.upper,
            })
            .collect(),
    }
}
