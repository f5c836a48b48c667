//! Where the numbers come from.

use super::{Body, amount_cell, cell, id, moment, number_cell, paragraph, row_head, table};
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::plot::figure::Column::{Amount, Text};
use crate::report::{ClassifierVersion, EstimateRow, Lineage, Report};

pub(super) fn body(report: &Report) -> Body {
    let section = report.lineage.as_ref()?;
    if *section == Lineage::default() {
        return None;
    }
    let mut parts = vec![paragraph(
        "From any number above to the design, the labels and the classifier that made it.",
    )];
    if !section.classifiers.is_empty() {
        parts.push(el("h3").child("Classifiers"));
        parts.extend(chain(&section.classifiers));
        parts.push(classifiers(section));
    }
    if !section.data.is_empty() {
        parts.push(el("h3").child("Data"));
        parts.push(table(
            &[Text("What"), Amount("How many")],
            section.data.iter().map(|data| {
                el("tr")
                    .child(row_head(data.what.as_str()))
                    .child(amount_cell(number::count(data.count)))
            }),
        ));
    }
    if !section.calibrations.is_empty() {
        parts.push(el("h3").child("Calibrations"));
        parts.push(table(
            &[
                Text("Id"),
                Text("Classifier"),
                Text("Rule"),
                Text("Threshold"),
                Text("Made"),
            ],
            section.calibrations.iter().map(|c| {
                el("tr")
                    .child(row_head(id(Some(c.id))))
                    .child(cell(c.classifier.as_str()))
                    .child(cell(c.rule.as_str()))
                    .child(number_cell(super::write_threshold(c.threshold.logit())))
                    .child(number_cell(moment(&c.created)))
            }),
        ));
    }
    if !section.designs.is_empty() {
        parts.push(el("h3").child("Sampling designs"));
        parts.push(table(
            &[
                Text("Id"),
                Text("What"),
                Amount("Drawn"),
                Text("Seed"),
                Text("Made"),
            ],
            section.designs.iter().map(|d| {
                el("tr")
                    .child(row_head(id(Some(d.id))))
                    .child(cell(d.what.as_str()))
                    .child(amount_cell(number::count(d.drawn)))
                    .child(number_cell(seed(d.seed)))
                    .child(number_cell(moment(&d.created)))
            }),
        ));
    }
    if !section.estimates.is_empty() {
        parts.push(el("h3").child("Estimates"));
        parts.push(table(
            &[
                Text("Id"),
                Text("What"),
                Text("Estimate, and its method"),
                Amount("n"),
                Text("Seed"),
                Text("Made"),
            ],
            section.estimates.iter().enumerate().map(|(place, row)| {
                // An id names one place on the page, even when a list repeats itself.
                let first = section.estimates[..place]
                    .iter()
                    .all(|other| other.id != row.id);
                let shown = estimate(row);
                if first {
                    shown.attr("id", format!("estimate-{}", row.id))
                } else {
                    shown
                }
            }),
        ));
    }
    Some(parts)
}

/// Draws the versions as a chain where each was trained from the one before.
fn chain(classifiers: &[ClassifierVersion]) -> Option<Element> {
    let follows = classifiers
        .windows(2)
        .all(|pair| pair[1].parents.contains(&pair[0].name));
    (follows && classifiers.len() > 1).then(|| {
        el("ol").class("chain").children(
            classifiers
                .iter()
                .map(|version| el("li").child(version.name.as_str())),
        )
    })
}

fn classifiers(section: &Lineage) -> Element {
    table(
        &[
            Text("Version"),
            Text("Trained from"),
            Amount("Labelled snippets"),
            Amount("Catastrophes"),
            Amount("From attacks"),
            Text("Seed"),
            Text("Made"),
        ],
        section.classifiers.iter().map(|version| {
            el("tr")
                .child(row_head(version.name.as_str()))
                .child(cell(if version.parents.is_empty() {
                    number::NOTHING.to_owned()
                } else {
                    version.parents.join(", ")
                }))
                .child(amount_cell(number::count(version.trained_on)))
                .child(amount_cell(number::count(version.catastrophes)))
                .child(amount_cell(number::count(version.from_attacks)))
                .child(number_cell(seed(version.seed)))
                .child(number_cell(moment(&version.created)))
        }),
    )
}

fn estimate(row: &EstimateRow) -> Element {
    el("tr")
        .child(row_head(id(Some(row.id))))
        .child(cell(row.what.as_str()))
        .child(
            cell(number::estimate(&row.estimate, Format::Rate)).child(
                el("div")
                    .class("method")
                    .child(row.estimate.method.as_str()),
            ),
        )
        .child(amount_cell(number::count(row.estimate.n)))
        .child(number_cell(seed(row.seed)))
        .child(number_cell(moment(&row.created)))
}

fn seed(seed: Option<u64>) -> String {
    // A seed is a name, not a quantity: its digits stay together.
    seed.map_or_else(|| number::NOTHING.to_owned(), |seed| seed.to_string())
}
