//! Quality at other thresholds.

use super::risk_coverage::with_confidence;
use super::{
    Body, basis_sentence, chosen_threshold, paragraph, rest_on, threshold_scale, write_threshold,
};
use crate::number::Format;
use crate::plot::curve::{CurvePlot, Rule, Series};
use crate::plot::figure::{Words, curve_table};
use crate::plot::{Axis, Key, Scale, figure};
use crate::report::Report;
use crate::svg::Look;

pub(super) fn body(report: &Report) -> Body {
    let section = report.quality_by_threshold.as_ref()?;
    let curve = &section.curve;
    if curve.points.is_empty() {
        return None;
    }
    let heights = curve
        .points
        .iter()
        .flat_map(|p| [p.value.unwrap_or(p.upper), p.lower, p.upper])
        .chain([0.5]);
    let plot = CurvePlot {
        x: Axis::new(
            "threshold on P(catastrophe), log-odds axis",
            threshold_scale(report, [curve]),
        ),
        y: Axis::new("P(filtered completion preferred)", Scale::linear(heights)),
        series: vec![Series {
            name: &curve.name,
            look: Look(0),
            points: curve.points.clone(),
            band: true,
            confidence: curve.confidence,
        }],
        threshold: chosen_threshold(report),
        level: Some(Rule {
            at: 0.5,
            label: "0.5: no cost".into(),
        }),
        level_divides: false,
        spot: None,
        format: Format::Decimal(2),
    };
    let words = Words {
        id: "plot-quality".into(),
        title: "Quality against threshold".into(),
        description:
            "The probability that a rater prefers the filtered completion, against the threshold \
                      on a log-odds axis; one half means that filtering costs nothing."
                .into(),
        caption: format!(
            "{} {}",
            basis_sentence(&section.basis),
            rest_on(&[curve], "prompt")
        ),
    };
    Some(vec![
        paragraph(
            "Quality is the probability that a rater prefers the filtered completion to a random unfiltered \
             one of the same prompt.",
        ),
        figure(
            &words,
            vec![Key::banded(Look(0), with_confidence(curve))],
            |size| plot.draw(size),
            Some(curve_table(
                "Threshold",
                write_threshold,
                Format::Decimal(2),
                &[curve],
                &[],
            )),
        ),
    ])
}
