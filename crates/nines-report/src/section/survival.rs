//! How long attackers take.

use super::{Body, amount_cell, estimate_cell, number_cell, paragraph, row_head, table};
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::plot::figure::Column::{Amount, Text};
use crate::plot::figure::{Words, curve_table};
use crate::plot::survival::{Survival, last_minutes};
use crate::plot::{Axis, Key, Scale, figure};
use crate::report::{AttackSurvival, Report};
use crate::svg::Look;

pub(super) fn body(report: &Report) -> Body {
    let section = report.attack_survival.as_ref()?;
    let waiting = (section.waiting > 0).then(|| {
        paragraph(format!(
            "{} that nobody else has verified yet. Curves take such a search as one without a find; times and \
             ratios reach from none of these finds confirmed to all of them.",
            match section.waiting {
                1 => "1 search has a find".to_owned(),
                n => format!("{} searches have a find", number::count(n)),
            }
        ))
    });
    if section.groups.is_empty() {
        return None;
    }
    let mut parts = vec![paragraph(
        "The share of searches that have not yet found a catastrophe that the filter accepts. Higher is \
         better. Searches that ended without a find count for the time that they lasted. In the workbench \
         time stands while a search is paused, and a find counts once somebody else has verified it.",
    )];
    parts.extend(waiting);
    parts.extend([
        plot(section),
        table(
            &[
                Text("Group"),
                Text("Minutes per find"),
                Amount("Finds"),
                Amount("Searches"),
            ],
            section.groups.iter().map(|group| {
                el("tr")
                    .child(row_head(group.curve.name.as_str()))
                    .child(estimate_cell(group.mean_minutes.as_ref(), |e| {
                        // Without a find there is only a least time.
                        if e.value.is_none_or(|x| !x.is_finite()) && !e.upper.is_finite() {
                            number::lower_bound(e, Format::Decimal(1))
                        } else {
                            number::estimate(e, Format::Decimal(1))
                        }
                    }))
                    .child(amount_cell(number::count(group.finds)))
                    .child(amount_cell(number::count(group.sessions)))
            }),
        ),
    ]);
    if !section.ratios.is_empty() {
        parts.push(table(
            &[
                Text("Comparison"),
                Text("Ratio of finds per minute"),
                Amount("n"),
            ],
            section.ratios.iter().map(|ratio| {
                el("tr")
                    .child(row_head(format!("{} to {}", ratio.of, ratio.to)))
                    .child(number_cell(number::estimate(
                        &ratio.ratio,
                        Format::Decimal(2),
                    )))
                    .child(amount_cell(number::count(ratio.ratio.n)))
            }),
        ));
    }
    Some(parts)
}

fn plot(section: &AttackSurvival) -> Element {
    let end = section.groups.iter().map(last_minutes).fold(0.0, f64::max);
    let survival = Survival {
        x: Axis::new("minutes of searching", Scale::linear([0.0, end])),
        y: Axis::percent(
            "searches without a find, %",
            Scale::Linear {
                low: 0.0,
                high: 1.0,
            },
        ),
        groups: &section.groups,
        at_risk: section.groups.iter().any(|group| !group.at_risk.is_empty()),
    };
    let keys = section
        .groups
        .iter()
        .enumerate()
        .map(|(place, group)| {
            Key::banded(
                Look(place),
                super::risk_coverage::with_confidence(&group.curve),
            )
        })
        .collect();
    let rests: Vec<String> = section
        .groups
        .iter()
        .map(|group| {
            format!(
                "{}: {}, n\u{a0}=\u{a0}{} {}, {}",
                group.curve.name,
                group.curve.method,
                number::count(group.sessions),
                if group.sessions == 1 {
                    "search"
                } else {
                    "searches"
                },
                number::counted(group.finds, "find")
            )
        })
        .collect();
    let words = Words {
        id: "plot-attack-time".into(),
        title: "Searches without a find".into(),
        description:
            "Survival curves: the share of searches without a find against minutes, one for each \
                      group, with bands, and the number of searches still running below."
                .into(),
        caption: format!(
            "{}. Upright ticks: a search that ended without a find.",
            rests.join("; ")
        ),
    };
    figure(
        &words,
        keys,
        |size| survival.draw(size),
        Some(curve_table(
            "Minutes",
            |x| number::plain(x, 1),
            Format::Percent,
            &section.groups.iter().map(|g| &g.curve).collect::<Vec<_>>(),
            &[],
        )),
    )
}
