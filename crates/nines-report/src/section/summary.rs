//! The numbers that most readers come for, each with what it rests on.

use super::{Body, missing, reference};
use crate::markup::{Element, Node, el};
use crate::number::{self, Format};
use crate::report::{Basis, Correction, Figure, Leak, Report, Summary};

pub(super) fn body(report: &Report) -> Body {
    let summary = report.summary.as_ref()?;
    if *summary == Summary::default() {
        return None;
    }
    Some(vec![
        el("div")
            .class("cards leaks")
            .child(leak(
                report,
                "Leak, strict",
                "a catastrophe of severity 2 or more",
                summary.leak_strict.as_ref(),
            ))
            .child(leak(
                report,
                "Leak, broad",
                "any catastrophe, arguable ones too",
                summary.leak_broad.as_ref(),
            )),
        el("div")
            .class("cards")
            .child(card(
                report,
                "Nines",
                "",
                summary.nines.as_ref(),
                |e| number::estimate(e, Format::Decimal(1)),
                ["No nines can be told", "nines measure leak"],
                true,
            ))
            .child(card(
                report,
                "Acceptance",
                "accept",
                summary.acceptance.as_ref(),
                |e| number::estimate(e, Format::Percent),
                ["No acceptance is known", "nines calibrate"],
                false,
            ))
            .child(card(
                report,
                "Abstention",
                "reject",
                summary.abstention.as_ref(),
                |e| number::estimate(e, Format::Percent),
                ["No abstentions have been counted", "nines filter"],
                false,
            ))
            .child(card(
                report,
                "Draws per request",
                "",
                summary.draws_per_request.as_ref(),
                |e| number::estimate(e, Format::Decimal(1)),
                ["No draws have been counted", "nines filter"],
                false,
            ))
            .child(card(
                report,
                "Quality",
                "",
                summary.quality.as_ref(),
                |e| number::estimate(e, Format::Decimal(2)),
                ["No quality has been measured yet", "nines measure quality"],
                false,
            )),
    ])
}

/// A leak with both of its bounds.
fn leak(report: &Report, title: &str, what: &str, leak: Option<&Leak>) -> Element {
    let card = el("article").class("card").child(
        el("h3")
            .child(title)
            .child(" ")
            .child(el("small").child(what)),
    );
    let Some(leak) = leak.filter(|l| l.assisted.is_some() || l.assumption_free.is_some()) else {
        return card.child(missing("Not measured yet", "nines measure leak"));
    };
    let bases: Vec<&Basis> = [&leak.assisted, &leak.assumption_free]
        .into_iter()
        .flatten()
        .map(|figure| &figure.basis)
        .collect();
    // What both bounds share is said once.
    let shared = bases.windows(2).all(|pair| pair[0] == pair[1]);
    let part = |name: &str, figure: Option<&Figure>, show: &dyn Fn(&Figure) -> Element| {
        let part = el("div")
            .class("bound-part")
            .child(el("p").class("bound-name").child(name));
        match figure {
            Some(figure) => {
                let mut facts = if shared {
                    Vec::new()
                } else {
                    basis(&figure.basis)
                };
                facts.push(method(report, figure));
                part.child(el("p").class("big").child(show(figure)))
                    .child(el("p").class("meaning").child(figure.meaning.as_str()))
                    .child(el("dl").class("basis").children(facts))
            }
            None => part.child(missing("Not measured yet", "nines measure leak")),
        }
    };
    let card = card
        .child(part(
            "Model-assisted estimate: the score said where to look",
            leak.assisted.as_ref(),
            &|figure| number::estimate(&figure.estimate, Format::Rate),
        ))
        .child(part(
            "Assumption-free: an upper bound that trusts nothing",
            leak.assumption_free.as_ref(),
            &|figure| number::upper_bound(&figure.estimate, Format::Rate),
        ));
    match bases.first() {
        Some(both) if shared => card.child(el("dl").class("basis shared").children(basis(both))),
        _ => card,
    }
}

fn card(
    report: &Report,
    title: &str,
    accent: &str,
    figure: Option<&Figure>,
    show: impl Fn(&nines_domain::estimate::Estimate) -> Element,
    [what, command]: [&str; 2],
    vouched: bool,
) -> Element {
    let sign = match accent {
        "accept" => "✓ ",
        "reject" => "✕ ",
        _ => "",
    };
    let mut heading = el("h3");
    if !sign.is_empty() {
        heading = heading.child(
            el("span")
                .class(format!("sign {accent}"))
                .attr("aria-hidden", "true")
                .child(sign),
        );
    }
    let card = el("article").class("card").child(heading.child(title));
    let Some(figure) = figure else {
        return card.child(missing(what, command));
    };
    let mut card = card.child(el("p").class("big").child(show(&figure.estimate)));
    if vouched {
        // The lower end is what a careful reader may repeat.
        card = card.child(
            el("p")
                .class("vouched")
                .child("Lower confidence bound ")
                .child(number::lower_bound(&figure.estimate, Format::Decimal(1))),
        );
    }
    let mut facts = basis(&figure.basis);
    facts.push(method(report, figure));
    card.child(el("p").class("meaning").child(figure.meaning.as_str()))
        .child(el("dl").class("basis").children(facts))
}

/// The prompts that a figure speaks of, and whose labels it rests on.
fn basis(basis: &Basis) -> Vec<Element> {
    let labels = match &basis.correction {
        Correction::NotNeeded => basis.correction.to_string(),
        correction => format!("{}; {correction}", basis.labels),
    };
    vec![
        fact("Prompts", [basis.prompts.as_str()]),
        fact("Labels", [labels]),
    ]
}

/// How a figure was computed, and its number in the project.
fn method(report: &Report, figure: &Figure) -> Element {
    let how = number::provenance(&figure.estimate);
    match figure.id {
        None => fact::<Node>("Method", [how.into()]),
        Some(_) => fact::<Node>(
            "Method",
            [
                format!("{how}, estimate\u{a0}").into(),
                reference(report, figure.id),
            ],
        ),
    }
}

fn fact<N: Into<Node>>(name: &str, value: impl IntoIterator<Item = N>) -> Element {
    el("div")
        .child(el("dt").child(name))
        .child(el("dd").children(value))
}
