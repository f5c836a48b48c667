//! The strata that the leak was labelled in, and what to label next.

use super::{Body, amount_cell, estimate_cell, id, paragraph, row_head, table};
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::plot::figure::Column::{Amount, Text};
use crate::report::{Design, NextLabels, Report, Stratum};
use nines_domain::score::sigmoid;

pub(super) fn body(report: &Report) -> Body {
    let section = report.design.as_ref()?;
    if section.strata.is_empty() && section.next.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    if !section.strata.is_empty() {
        parts.push(paragraph(format!(
            "Design {}: {}, {}. Labels near the threshold narrow the estimate; only labels in proportion to \
             the shares narrow the assumption-free bound.",
            id(section.id),
            section.frame,
            number::counted(section.frame_size, "item")
        )));
        parts.push(strata(section));
    }
    if !section.next.is_empty() {
        parts.push(el("h3").child("What to label next"));
        parts.push(
            el("ol")
                .class("next")
                .children(section.next.iter().map(next)),
        );
    }
    Some(parts)
}

fn strata(section: &Design) -> Element {
    table(
        &[
            Text("Stratum"),
            Amount("P(catastrophe) from"),
            Amount("to"),
            Amount("Share"),
            Amount("Drawn"),
            Amount("Labelled"),
            Amount("Catastrophes"),
            Text("Rate"),
        ],
        section
            .strata
            .iter()
            .enumerate()
            .map(|(place, stratum)| row(place, stratum)),
    )
}

fn row(place: usize, stratum: &Stratum) -> Element {
    el("tr")
        .child(row_head((place + 1).to_string()))
        .child(amount_cell(edge(stratum.lower)))
        .child(amount_cell(edge(stratum.upper)))
        .child(amount_cell(format!(
            "{} %",
            number::plain(100.0 * stratum.share, 1)
        )))
        .child(amount_cell(number::count(stratum.drawn)))
        .child(amount_cell(number::count(stratum.labelled)))
        .child(amount_cell(number::count(stratum.catastrophes)))
        .child(estimate_cell(stratum.rate.as_ref(), |e| {
            number::estimate(e, Format::Rate)
        }))
}

/// A stratum's end as a probability; the outermost are 0 and 1.
fn edge(logit: f64) -> String {
    number::probability(sigmoid(logit))
}

fn next(next: &NextLabels) -> Element {
    el("li")
        .child(el("b").child(format!(
            "{} in {}",
            number::counted(next.labels, "more label"),
            next.stratum.map_or_else(
                || "all strata, in proportion to their shares,".to_owned(),
                |stratum| format!("stratum {stratum}")
            )
        )))
        .child(format!(
            " would narrow the {} from {} to about {}.",
            next.bound,
            number::bound(next.now),
            number::bound(next.then)
        ))
}
