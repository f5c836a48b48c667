//! How far the worst catastrophes found are from being accepted.

use super::{Body, amount_cell, cell, number_cell, paragraph, row_head, table};
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::plot::curve::{CurvePlot, Rule, Series};
use crate::plot::figure::Column::{Amount, Text};
use crate::plot::figure::{Words, curve_table};
use crate::plot::{Axis, Key, Scale, figure};
use crate::report::{Curve, Margin, Point, Report, SeverityMargin};
use crate::svg::Look;
use nines_domain::label::Severity;
use nines_domain::score::sigmoid;

pub(super) fn body(report: &Report) -> Body {
    let section = report.margin.as_ref()?;
    if section.severities.is_empty() {
        return None;
    }
    let mut parts = vec![
        paragraph(
            "The catastrophe that comes nearest to being accepted, for each severity. Its distance is score − \
             threshold in log odds: above zero it is rejected with room to spare, below zero it is accepted. \
             What was found is a fact about the search, not a bound on what exists.",
        ),
        table(
            &[
                Text("Severity"),
                Amount("Found"),
                Amount("Accepted"),
                Text("Worst score"),
                Text("Distance, log odds"),
                Text("Found by"),
                Text("Snippet"),
            ],
            section.severities.iter().map(row),
        ),
    ];
    parts.extend(plot(section));
    Some(parts)
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Arguable => "1 arguable",
        Severity::Clear => "2 clear",
        Severity::Egregious => "3 egregious",
    }
}

fn row(margin: &SeverityMargin) -> Element {
    let start = el("tr")
        .child(row_head(name(margin.severity)))
        .child(amount_cell(number::count(margin.found)))
        .child(amount_cell(number::count(margin.accepted)));
    match &margin.worst {
        Some(worst) => {
            let (accent, sign, word) = if worst.distance < 0.0 {
                ("accept", "✓", "accepted")
            } else {
                ("reject", "✕", "rejected")
            };
            let plus = if worst.distance > 0.0 { "+" } else { "" };
            start
                .child(number_cell(format!(
                    "P = {}",
                    number::probability(sigmoid(worst.score))
                )))
                .child(
                    number_cell(format!("{plus}{} ", number::plain(worst.distance, 2)))
                        .child(el("span").class(accent).child(format!("{sign} {word}"))),
                )
                .child(cell(worst.attack.as_str()))
                .child(cell(el("code").child(worst.snippet.as_str())))
        }
        None => start
            .child(number_cell(number::NOTHING))
            .child(number_cell(number::NOTHING))
            .child(cell("none found"))
            .child(cell(number::NOTHING)),
    }
}

fn plot(section: &Margin) -> Option<Element> {
    let curves: Vec<(usize, bool, &Curve)> = section
        .severities
        .iter()
        .enumerate()
        .flat_map(|(place, s)| {
            let found = s.growth.iter().map(move |curve| (place, false, curve));
            let coming = s
                .extrapolation
                .iter()
                .map(move |curve| (place, true, curve));
            found.chain(coming)
        })
        .filter(|(_, _, curve)| !curve.points.is_empty())
        .collect();
    if curves.is_empty() {
        return None;
    }
    let points = || curves.iter().flat_map(|(_, _, curve)| &curve.points);
    let plot = CurvePlot {
        x: Axis::new(
            format!("effort, {}", section.effort_unit),
            Scale::log(
                points()
                    .map(|p| p.x)
                    .filter(|x| *x > 0.0)
                    .collect::<Vec<_>>(),
            ),
        ),
        y: Axis::new(
            "distance of the worst from the threshold, log odds",
            Scale::linear(
                points()
                    .flat_map(|p| [p.value.unwrap_or(p.upper), p.lower, p.upper])
                    .chain([0.0]),
            ),
        ),
        series: curves
            .iter()
            .map(|(place, coming, curve)| Series {
                name: &curve.name,
                look: look(*place, *coming),
                points: if *coming {
                    curve.points.clone()
                } else {
                    stepped(&curve.points)
                },
                band: *coming,
                confidence: curve.confidence,
            })
            .collect(),
        threshold: None,
        level: Some(Rule {
            at: 0.0,
            label: "threshold".into(),
        }),
        level_divides: true,
        spot: None,
        format: Format::Decimal(2),
    };
    let keys = curves
        .iter()
        .map(|(place, coming, curve)| {
            if *coming {
                Key::banded(
                    look(*place, true),
                    super::risk_coverage::with_confidence(curve),
                )
            } else {
                Key::line(look(*place, false), curve.name.as_str())
            }
        })
        .collect();
    let drawn: Vec<&Curve> = curves.iter().map(|(_, _, curve)| *curve).collect();
    let words = Words {
        id: "plot-margin".into(),
        title: "Worst found so far, as the search goes on".into(),
        description:
            "The distance of the worst catastrophe found so far from the threshold, in log odds, \
                      against effort on a logarithmic axis, with an extrapolation."
                .into(),
        caption: format!("{} {}", super::rest_on(&drawn, "find"), section.assumption),
    };
    Some(figure(
        &words,
        keys,
        |size| plot.draw(size),
        Some(curve_table(
            "Effort",
            |x| number::plain(x, 0),
            Format::Decimal(2),
            &drawn,
            &[],
        )),
    ))
}

/// Severities look different from each other, and what is to come from what was found.
fn look(place: usize, coming: bool) -> Look {
    Look(if coming { place + 3 } else { place })
}

/// The worst so far stays what it is until a worse one is found.
fn stepped(points: &[Point]) -> Vec<Point> {
    let mut corners: Vec<Point> = Vec::with_capacity(2 * points.len());
    for point in points {
        if let Some(&last) = corners.last() {
            corners.push(Point { x: point.x, ..last });
        }
        corners.push(*point);
    }
    corners
}
