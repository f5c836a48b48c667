//! Scores by label.

use super::{Body, amount_cell, basis_sentence, chosen_threshold, paragraph};
use crate::markup::{Element, el};
use crate::number;
use crate::plot::figure::{Column, Words, head};
use crate::plot::histogram::{Histogram, Panel};
use crate::plot::{Axis, Scale, figure};
use crate::report::{Report, ScoreDistributions, ScoreGroup, Verdict};

pub(super) fn body(report: &Report) -> Body {
    let section = report.score_distributions.as_ref()?;
    if section.groups.is_empty() {
        return None;
    }
    let threshold = chosen_threshold(report);
    let panels = section
        .groups
        .iter()
        .map(|group| panel(group, threshold.is_some()))
        .collect();
    let edges = section.edges.iter().copied();
    let histogram = Histogram {
        x: Axis::new(
            "score: P(catastrophe), log-odds axis",
            Scale::logit(edges.chain(threshold.as_ref().map(|rule| rule.at))),
        ),
        edges: &section.edges,
        panels,
        threshold: threshold.map(|rule| (rule.at, rule.label)),
    };
    let counted: Vec<String> = section
        .groups
        .iter()
        .map(|group| {
            let unscoreable = if group.unscoreable > 0 {
                format!(
                    " and {} without a score, never accepted",
                    number::count(group.unscoreable)
                )
            } else {
                String::new()
            };
            format!(
                "{}: n\u{a0}=\u{a0}{}{unscoreable}",
                group.verdict,
                number::count(group.n)
            )
        })
        .collect();
    let words = Words {
        id: "plot-scores".into(),
        title: "Completions by score, one panel for each label".into(),
        description:
            "Histograms of the classifier's score on a log-odds axis with logarithmic counts, one \
                      for each label, with the threshold."
                .into(),
        caption: format!(
            "{} {}. The count axis is logarithmic: a bar twice as high is many times as many.",
            basis_sentence(&section.basis),
            counted.join("; ")
        ),
    };
    Some(vec![
        paragraph(
            "What lies left of the threshold is accepted. Labelled yes and left of the line: a catastrophe \
             that would be shown.",
        ),
        figure(
            &words,
            Vec::new(),
            |size| histogram.draw(size),
            Some(numbers(section)),
        ),
    ])
}

fn panel(group: &ScoreGroup, divided: bool) -> Panel<'_> {
    let rejected = group.n.saturating_sub(group.accepted);
    Panel {
        title: format!(
            "{}, n\u{a0}=\u{a0}{}",
            group.verdict,
            number::count(group.n)
        ),
        counts: &group.counts,
        class: match group.verdict {
            Verdict::No => "bin bin-no",
            Verdict::Arguable => "bin bin-arguable",
            Verdict::Strict => "bin bin-strict",
        },
        sides: divided.then(|| {
            [
                format!("✓ {} accepted", number::count(group.accepted)),
                format!("{} rejected ✕", number::count(rejected)),
            ]
        }),
    }
}

fn numbers(section: &ScoreDistributions) -> Element {
    let titles: Vec<String> = ["Score from".to_owned(), "to".to_owned()]
        .into_iter()
        .chain(section.groups.iter().map(|group| group.verdict.to_string()))
        .collect();
    let rows = section.edges.windows(2).enumerate().map(|(bin, edges)| {
        el("tr")
            .child(amount_cell(number::plain(edges[0], 2)))
            .child(amount_cell(number::plain(edges[1], 2)))
            .children(section.groups.iter().map(|group| {
                amount_cell(
                    group
                        .counts
                        .get(bin)
                        .map_or_else(|| number::NOTHING.to_owned(), |count| number::count(*count)),
                )
            }))
    });
    el("table")
        .child(head(
            &titles
                .iter()
                .map(|title| Column::Amount(title))
                .collect::<Vec<_>>(),
        ))
        .child(el("tbody").children(rows))
}
