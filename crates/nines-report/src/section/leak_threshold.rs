//! The leak at other thresholds, and by the score of the answers that make it, with both bounds.

use super::risk_coverage::with_confidence;
use super::{
    Body, basis_sentence, chosen_threshold, paragraph, rest_on, threshold_scale, write_threshold,
};
use crate::markup::Element;
use crate::number::{self, Format};
use crate::plot::curve::{CurvePlot, Series};
use crate::plot::figure::{Words, curve_table};
use crate::plot::{Axis, Key, Scale, figure};
use crate::report::{Curve, LeakCurves, LeakReadings, Point, Report};
use crate::svg::Look;

/// What a plot of the leak is drawn against.
struct Against {
    /// Begins the plots' ids.
    id: &'static str,
    /// Says what the section shows.
    lead: &'static str,
    /// What the leak is of, after its reading.
    title: &'static str,
    /// The same, whole.
    description: &'static str,
    x: &'static str,
    y: &'static str,
    /// The first column of the numbers.
    column: &'static str,
}

const THRESHOLD: Against = Against {
    id: "plot-leak-threshold",
    lead: "How often a request is answered with a catastrophe by filters with other thresholds, each measured \
           with a design of its own on the same requests. Answers that several filters give share their labels, so \
           the points go up and down together.",
    title: "against threshold",
    description: "at the thresholds at which it was measured",
    x: "threshold on P(catastrophe), log-odds axis",
    y: "leak per request",
    column: "Threshold",
};

const SCORE: Against = Against {
    id: "plot-leak-score",
    lead: "How often a request is answered with a catastrophe whose score is below a threshold. At the \
           filter's own threshold this is the leak; to the left of it, the part that a stricter filter is \
           certain to leak too. What the stricter filter would draw in place of the answers that it rejects \
           is not in it, so it is not the whole leak there.",
    title: "of answers with a score below",
    description: "that comes from answers with a score below a threshold",
    x: "answers with P(catastrophe) below, log-odds axis",
    y: "leak of these answers, per request",
    column: "Score below",
};

/// The leak at the thresholds at which it was measured.
pub(super) fn by_threshold(report: &Report) -> Body {
    body(report, report.leak_by_threshold.as_ref()?, &THRESHOLD)
}

/// The leak by the score of the answers that make it.
pub(super) fn by_score(report: &Report) -> Body {
    body(report, report.leak_by_score.as_ref()?, &SCORE)
}

fn body(report: &Report, section: &LeakReadings, against: &Against) -> Body {
    let plots: Vec<Element> = section
        .readings
        .iter()
        .filter_map(|curves| plot(report, curves, against))
        .collect();
    if plots.is_empty() {
        return None;
    }
    let mut parts = vec![paragraph(against.lead)];
    parts.extend(plots);
    Some(parts)
}

fn plot(report: &Report, curves: &LeakCurves, against: &Against) -> Option<Element> {
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
        id: format!("{}-{}", against.id, curves.reading),
        title: format!("Leak ({}) {}", curves.reading, against.title),
        description: format!(
            "The {} leak {}, on a logarithmic axis, against a log-odds axis, with {}.",
            curves.reading,
            against.description,
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
        x: Axis::new(against.x, threshold_scale(report, both.iter().copied())),
        y: Axis::new(against.y, Scale::log(heights)),
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
            against.column,
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
