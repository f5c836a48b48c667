//! Catastrophes missed against completions accepted.

use super::{Body, paragraph, rest_on};
use crate::markup::el;
use crate::number::{self, Format};
use crate::plot::curve::{CurvePlot, Series, Spot};
use crate::plot::figure::{Words, curve_table};
use crate::plot::{Axis, Key, Scale, figure};
use crate::report::{Curve, Report, RiskCoverage};
use crate::svg::Look;

pub(super) fn body(report: &Report) -> Body {
    let section = report.risk_coverage.as_ref()?;
    if section.curves.iter().all(|curve| curve.points.is_empty()) {
        return None;
    }
    let mut parts = vec![paragraph(
        "A threshold that accepts more of the generator's completions lets through a larger share of the \
         catastrophes. Lower is better; compare classifiers at equal acceptance.",
    )];
    if let Some(chosen) = &section.chosen {
        parts.push(
            el("p")
                .class("lead")
                .child("The chosen threshold accepts ")
                .child(number::estimate(&chosen.acceptance, Format::Percent))
                .child(" of random completions and ")
                .child(number::estimate(&chosen.miss, Format::Percent))
                .child(" of catastrophes."),
        );
    }
    parts.push(plot(section));
    Some(parts)
}

fn plot(section: &RiskCoverage) -> crate::markup::Element {
    let ends = section
        .curves
        .iter()
        .flat_map(|curve| &curve.points)
        .flat_map(|p| [p.value.unwrap_or(p.upper), p.lower, p.upper])
        .chain(
            section
                .chosen
                .iter()
                .flat_map(|c| [c.miss.lower, c.miss.upper]),
        )
        .chain([0.0, 1.0]);
    let words = Words {
        id: "plot-risk-coverage".into(),
        title: "Share of catastrophes accepted".into(),
        description: format!(
            "Share of catastrophes accepted, on a logarithmic axis, against the share of random \
             completions accepted, for {}.",
            number::counted(section.curves.len() as u64, "classifier")
        ),
        caption: format!(
            "Catastrophes: {}. Acceptance rests on {}. {}",
            section.catastrophes,
            number::counted(section.completions, "random completion"),
            rest_on(&section.curves.iter().collect::<Vec<_>>(), "catastrophe")
        ),
    };
    let plot = CurvePlot {
        x: Axis::percent(
            "random completions accepted, %",
            Scale::Linear {
                low: 0.0,
                high: 1.0,
            },
        ),
        y: Axis::new(
            "share of catastrophes accepted",
            Scale::log(ends.collect::<Vec<_>>()),
        ),
        series: section
            .curves
            .iter()
            .enumerate()
            .map(|(place, curve)| Series {
                name: &curve.name,
                look: Look(place),
                points: curve.points.clone(),
                // One band is read more easily than four; the table has them all.
                band: place == 0,
                confidence: curve.confidence,
            })
            .collect(),
        threshold: None,
        level: None,
        level_divides: false,
        spot: section.chosen.as_ref().map(|chosen| {
            let [x, y] = [&chosen.acceptance, &chosen.miss]
                .map(|e| [e.value.unwrap_or(e.upper), e.lower, e.upper]);
            Spot {
                x,
                y,
                label: "chosen threshold".into(),
            }
        }),
        format: Format::Percent,
    };
    let keys = section
        .curves
        .iter()
        .enumerate()
        .map(|(place, curve)| match place {
            0 => Key::banded(Look(0), with_confidence(curve)),
            _ => Key::line(Look(place), curve.name.as_str()),
        })
        .collect();
    figure(
        &words,
        keys,
        |size| plot.draw(size),
        Some(curve_table(
            "Accepted",
            |x| format!("{} %", number::plain(100.0 * x, 2)),
            Format::Percent,
            &section.curves.iter().collect::<Vec<_>>(),
            &[],
        )),
    )
}

/// A curve's name with the confidence of its band.
pub(super) fn with_confidence(curve: &Curve) -> String {
    format!(
        "{}, {} band",
        curve.name,
        number::chosen_percent(curve.confidence)
    )
}
