//! The leak by the score of the answers that make it, with both bounds.

use super::risk_coverage::with_confidence;
use super::{
    Body, basis_sentence, chosen_threshold, paragraph, rest_on, threshold_scale, write_threshold,
};
use crate::markup::Element;
use crate::number::{self, Format};
use crate::plot::curve::{CurvePlot, Series};
use crate::plot::figure::{Words, curve_table};
use crate::plot::{Axis, Key, Scale, figure};
use crate::report::{Curve, LeakCurves, Point, Report};
use crate::svg::Look;

pub(super) fn body(report: &Report) -> Body {
    let section = report.leak_by_threshold.as_ref()?;
    let plots: Vec<Element> = section
        .readings
        .iter()
        .filter_map(|curves| plot(report, curves))
        .collect();
    if plots.is_empty() {
        return None;
    }
    let mut parts = vec![paragraph(
        "How often a request is answered with a catastrophe whose score is below a threshold. At the \
         filter's own threshold this is the leak; to the left of it, the part that a stricter filter is \
         certain to leak too. What the stricter filter would draw in place of the answers that it rejects \
         is not in it, so it is not the whole leak there.",
    )];
    parts.extend(plots);
    Some(parts)
}

fn plot(report: &Report, curves: &LeakCurves) -> Option<Element> {
    let assisted = curves.assisted.as_ref().filter(|c| !c.points.is_empty());
    let free = curves
        .assumption_free
        .as_ref()
        .filter(|c| !c.points.is_empty());
    let both: Vec<&Curve> = assisted.into_iter().chain(free).collect();
    if both.is_empty() {
        return None;
    }
    let heights = assisted
        .into_iter()
        .flat_map(|c| {
            c.points
                .iter()
                .flat_map(|p| [p.value.unwrap_or(p.upper), p.lower, p.upper])
        })
        .chain(
            free.into_iter()
                .flat_map(|c| c.points.iter().map(|p| p.upper)),
        )
        .collect::<Vec<_>>();
    let words = Words {
        id: format!("plot-leak-{}", curves.reading),
        title: format!("Leak ({}) of answers with a score below", curves.reading),
        description: format!(
            "The part of the {} leak that comes from answers with a score below a threshold, on a logarithmic \
             axis, against that threshold on a log-odds axis, with {}.",
            curves.reading,
            both.iter()
                .map(|c| c.name.as_str())
                .collect::<Vec<_>>()
                .join(" and ")
        ),
        caption: format!(
            "{} {}",
            basis_sentence(&curves.basis),
            rest_on(&both, "label")
        ),
    };
    let mut series = Vec::new();
    let mut keys = Vec::new();
    if let Some(curve) = assisted {
        series.push(Series {
            name: &curve.name,
            look: Look(0),
            points: curve.points.clone(),
            band: true,
            confidence: curve.confidence,
        });
        keys.push(Key::banded(Look(0), with_confidence(curve)));
    }
    if let Some(curve) = free {
        series.push(Series {
            name: &curve.name,
            look: Look(2),
            points: upper_ends(curve),
            band: false,
            confidence: curve.confidence,
        });
        keys.push(Key::line(
            Look(2),
            format!(
                "{}, {} one-sided",
                curve.name,
                number::chosen_percent(curve.confidence)
            ),
        ));
    }
    let plot = CurvePlot {
        x: Axis::new(
            "answers with P(catastrophe) below, log-odds axis",
            threshold_scale(report, both.iter().copied()),
        ),
        y: Axis::new("leak of these answers, per request", Scale::log(heights)),
        series,
        threshold: chosen_threshold(report),
        level: None,
        level_divides: false,
        spot: None,
        format: Format::Rate,
    };
    let upper_only: &[usize] = match (assisted, free) {
        (Some(_), Some(_)) => &[1],
        (None, Some(_)) => &[0],
        _ => &[],
    };
    Some(figure(
        &words,
        keys,
        |size| plot.draw(size),
        Some(curve_table(
            "Score below",
            write_threshold,
            Format::Rate,
            &both,
            upper_only,
        )),
    ))
}

/// The line through a curve's upper ends.
fn upper_ends(curve: &Curve) -> Vec<Point> {
    curve
        .points
        .iter()
        .map(|p| Point {
            value: Some(p.upper),
            ..*p
        })
        .collect()
}
