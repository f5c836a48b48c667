//! The sections of the page, one file each.

mod design;
mod distributions;
mod labelling;
mod leak_threshold;
mod lineage;
mod margin;
mod quality;
mod risk_coverage;
mod scores;
mod summary;
mod survival;
mod transfer;

use crate::markup::{Element, el};
use crate::number;
use crate::plot::Scale;
use crate::plot::curve::Rule;
use crate::plot::figure::{Column, head};
use crate::report::{Basis, Curve, Report};

/// A section of the page.
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    body: Vec<Element>,
}

impl Section {
    /// Makes the section's element.
    pub(crate) fn element(self) -> Element {
        let heading = format!("{}-heading", self.id);
        el("section")
            .attr("id", self.id)
            .attr("aria-labelledby", &heading)
            .child(el("h2").attr("id", heading).child(self.title))
            .children(self.body)
    }
}

/// What there is to say of one part of the report; `None` where there is nothing yet.
type Body = Option<Vec<Element>>;

/// Makes all sections, in order.
pub(crate) fn all(report: &Report) -> Vec<Section> {
    let sections: [(&str, &str, Body, [&str; 2]); 13] = [
        (
            "summary",
            "Summary",
            summary::body(report),
            ["No leak has been measured yet", "nines measure leak"],
        ),
        (
            "risk-coverage",
            "Risk against coverage",
            risk_coverage::body(report),
            ["No threshold has been calibrated yet", "nines calibrate"],
        ),
        (
            "leak-threshold",
            "Leak against threshold",
            leak_threshold::by_threshold(report),
            [
                "The leak has not been measured at a second threshold yet",
                "nines measure leak --threshold P",
            ],
        ),
        (
            "leak-score",
            "Leak by the answer's score",
            leak_threshold::by_score(report),
            ["No leak has been measured yet", "nines measure leak"],
        ),
        (
            "quality",
            "Quality at other thresholds",
            quality::body(report),
            ["No quality has been measured yet", "nines measure quality"],
        ),
        (
            "scores",
            "Scores by label",
            scores::body(report),
            [
                "No labelled completions have been scored yet",
                "nines calibrate",
            ],
        ),
        (
            "distributions",
            "Leak by distribution of prompts",
            distributions::body(report),
            [
                "No leak has been measured on a named distribution of prompts yet",
                "nines measure leak",
            ],
        ),
        (
            "attack-time",
            "Time to break",
            survival::body(report),
            [
                "No attack times have been measured yet",
                "nines measure attack-time",
            ],
        ),
        (
            "transfer",
            "Do old attacks still work?",
            transfer::body(report),
            // Nothing makes one yet.
            ["", ""],
        ),
        (
            "labels",
            "Labels: agreement, effort, cost",
            labelling::body(report),
            [
                "No agreement between labellers has been measured yet",
                "nines measure agreement",
            ],
        ),
        (
            "margin",
            "Margin of safety",
            margin::body(report),
            ["No labelled catastrophe has a score yet", "nines calibrate"],
        ),
        (
            "design",
            "Strata, and what to label next",
            design::body(report),
            ["No labelling has been planned yet", "nines measure plan"],
        ),
        (
            "lineage",
            "Lineage",
            lineage::body(report),
            [
                "No classifier has been trained yet",
                "nines train classifier",
            ],
        ),
    ];
    sections
        .into_iter()
        .filter(|(_, _, body, [_, command])| body.is_some() || !command.is_empty())
        .map(|(id, title, body, [missing_so_far, command])| Section {
            id,
            title,
            body: body.unwrap_or_else(|| vec![missing(missing_so_far, command)]),
        })
        .collect()
}

/// Says in one sentence what to run for something that is not there.
fn missing(what: &str, command: &str) -> Element {
    el("p")
        .class("missing")
        .child(format!("{what}: "))
        .child(el("code").child(command))
}

/// A paragraph of text.
fn paragraph(text: impl Into<crate::markup::Node>) -> Element {
    el("p").class("lead").child(text)
}

/// A table in a frame that scrolls where the page is narrow.
fn table(columns: &[Column], rows: impl IntoIterator<Item = Element>) -> Element {
    el("div").class("scroll").child(
        el("table")
            .child(head(columns))
            .child(el("tbody").children(rows)),
    )
}

/// A cell with a number.
fn number_cell(content: impl Into<crate::markup::Node>) -> Element {
    el("td").class("n").child(content)
}

/// A cell with text.
fn cell(content: impl Into<crate::markup::Node>) -> Element {
    el("td").child(content)
}

/// A cell with a count or an amount, under a [`Column::Amount`].
fn amount_cell(content: impl Into<crate::markup::Node>) -> Element {
    el("td").class("n amount").child(content)
}

/// The cell that begins a row.
fn row_head(content: impl Into<crate::markup::Node>) -> Element {
    el("th").attr("scope", "row").child(content)
}

/// An optional estimate in a cell.
fn estimate_cell(
    estimate: Option<&crate::report::Estimated>,
    show: impl Fn(&nines_domain::estimate::Estimate) -> Element,
) -> Element {
    match estimate {
        Some(estimate) => number_cell(show(estimate)),
        None => number_cell(number::NOTHING),
    }
}

/// The number of an estimate, as `#12`.
fn id(id: Option<u64>) -> String {
    id.map_or_else(|| number::NOTHING.to_owned(), |id| format!("#{id}"))
}

/// The number of an estimate; a link where the lineage lists it.
fn reference(report: &Report, number: Option<u64>) -> crate::markup::Node {
    let listed = |wanted: u64| {
        report
            .lineage
            .as_ref()
            .is_some_and(|lineage| lineage.estimates.iter().any(|row| row.id == wanted))
    };
    match number {
        Some(wanted) if listed(wanted) => el("a")
            .attr("href", format!("#estimate-{wanted}"))
            .child(id(number))
            .into(),
        _ => id(number).into(),
    }
}

/// A date and time as people read it: RFC 3339 cut to minutes, with its zone left as it is.
fn moment(rfc3339: &str) -> String {
    let mut parts = rfc3339.splitn(2, 'T');
    match (parts.next(), parts.next()) {
        (Some(date), Some(time)) if time.len() >= 5 && time.is_char_boundary(5) => {
            format!("{date} {}", &time[..5])
        }
        _ => rfc3339.to_owned(),
    }
}

/// The chosen threshold as a line across a plot over logits.
fn chosen_threshold(report: &Report) -> Option<Rule> {
    report.threshold.map(|threshold| Rule {
        at: threshold.logit(),
        label: format!(
            "threshold P < {}",
            number::probability(threshold.probability())
        ),
    })
}

/// A scale over the thresholds of curves and the chosen one.
fn threshold_scale<'a>(report: &Report, curves: impl IntoIterator<Item = &'a Curve>) -> Scale {
    Scale::logit(
        curves
            .into_iter()
            .flat_map(|curve| curve.points.iter().map(|p| p.x))
            .chain(report.threshold.map(|t| t.logit())),
    )
}

/// A threshold in a table: as a probability and as a logit.
fn write_threshold(logit: f64) -> String {
    format!(
        "P < {} (logit {})",
        number::probability(nines_domain::score::sigmoid(logit)),
        number::plain(logit, 3)
    )
}

/// What curves rest on, as their caption says it; once, where it is the same for all.
fn rest_on(curves: &[&Curve], noun: &str) -> String {
    let one = |curve: &Curve| {
        format!(
            "{}, n\u{a0}=\u{a0}{}",
            curve.method,
            number::counted(curve.n, noun)
        )
    };
    match curves {
        [] => String::new(),
        [first, rest @ ..] if rest.iter().all(|curve| one(curve) == one(first)) => {
            let which = if rest.is_empty() {
                "Method"
            } else {
                "All curves"
            };
            format!("{which}: {}.", one(first))
        }
        _ => {
            let each: Vec<String> = curves
                .iter()
                .map(|curve| format!("“{}”: {}", curve.name, one(curve)))
                .collect();
            format!("Methods: {}.", each.join("; "))
        }
    }
}

/// Whose labels and which prompts, as a caption says it.
fn basis_sentence(basis: &Basis) -> String {
    format!(
        "Prompts: {}. Labels: {}; {}.",
        basis.prompts, basis.labels, basis.correction
    )
}
