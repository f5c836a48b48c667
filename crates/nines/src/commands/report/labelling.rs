//! How far labellers agree, and what their labels took.

use super::rows::Rows;
use crate::cli::ReportArgs;
use nines_domain::label::{Label, LabellerKind};
use nines_measure::report::{CONFUSION_VERDICTS, confusion};
use nines_report::report::{Agreement, Confusion, Labelling, LabellingEffort};
use std::collections::{BTreeMap, BTreeSet};

/// The stored quantities that are Krippendorff's alpha: their items and what they are about.
const ALPHAS: [(&str, &str, &str); 4] = [
    ("agreement.broad", "all", "yes or no"),
    ("agreement.strict", "all", "severity 2 or more"),
    ("agreement.severity", "all", "severity, no as 0 (ordinal)"),
    (
        "agreement.broad.near_threshold",
        "within 2 logits of the threshold",
        "yes or no",
    ),
];

/// Fills the section from the newest stored agreement, and from the labels themselves.
pub fn section(rows: &Rows<'_>, args: &ReportArgs) -> Option<Labelling> {
    let agreements: Vec<Agreement> = ALPHAS
        .into_iter()
        .filter_map(|(quantity, items, about)| {
            let stored = rows.newest_of(quantity)?;
            Some(Agreement {
                items: items.to_owned(),
                about: about.to_owned(),
                alpha: stored.new.estimate.clone().into(),
            })
        })
        .collect();
    let effort = effort(rows, args.cost_per_hour);
    (!agreements.is_empty() || !effort.is_empty()).then(|| Labelling {
        agreements,
        confusion: two_people(rows),
        effort,
        currency: if args.cost_per_hour.is_some() {
            args.currency.clone()
        } else {
            "Cost".to_owned()
        },
    })
}

/// The newest labels of the two people who labelled most of the same snippets.
fn two_people(rows: &Rows<'_>) -> Option<Confusion> {
    let mut pairs: BTreeMap<(&str, &str), Vec<(&Label, &Label)>> = BTreeMap::new();
    for snippet in &rows.labelled {
        let latest: BTreeMap<&str, &Label> = snippet
            .labels
            .iter()
            .map(|l| &l.label)
            .filter(|l| l.kind == LabellerKind::Person)
            .map(|l| (l.labeller.as_str(), l))
            .collect();
        let latest: Vec<(&str, &Label)> = latest.into_iter().collect();
        for (place, (first, a)) in latest.iter().enumerate() {
            for (second, b) in &latest[place + 1..] {
                pairs.entry((first, second)).or_default().push((a, b));
            }
        }
    }
    // Of equals the first by name, so that the same project gives the same page.
    let ((rows, columns), both) = pairs.into_iter().rev().max_by_key(|(_, both)| both.len())?;
    Some(Confusion {
        rows: rows.to_owned(),
        columns: columns.to_owned(),
        verdicts: CONFUSION_VERDICTS.map(str::to_owned).into(),
        counts: confusion(both),
    })
}

#[derive(Default)]
struct Tally<'a> {
    labellers: BTreeSet<&'a str>,
    labels: u64,
    timed: u64,
    seconds: f64,
}

/// Each person, and all judges together.
fn effort(rows: &Rows<'_>, cost_per_hour: Option<f64>) -> Vec<LabellingEffort> {
    let mut tallies: BTreeMap<(LabellerKind, &str), Tally<'_>> = BTreeMap::new();
    for label in rows.labelled.iter().flat_map(|s| &s.labels) {
        let label = &label.label;
        let who = match label.kind {
            LabellerKind::Person => label.labeller.as_str(),
            LabellerKind::Judge => "judges",
        };
        let tally = tallies.entry((label.kind, who)).or_default();
        tally.labellers.insert(&label.labeller);
        tally.labels += 1;
        if let Some(seconds) = label.seconds {
            tally.timed += 1;
            tally.seconds += seconds;
        }
    }
    tallies
        .into_iter()
        .map(|((kind, name), tally)| {
            let hours = (tally.timed > 0).then_some(tally.seconds / 3600.0);
            let is_whole = tally.timed == tally.labels;
            LabellingEffort {
                who: match (hours, is_whole) {
                    (Some(_), false) => format!("{name} (time known of {} labels)", tally.timed),
                    _ => name.to_owned(),
                },
                kind,
                labellers: tally.labellers.len() as u64,
                labels: tally.labels,
                hours,
                cost: hours
                    .zip(cost_per_hour)
                    .filter(|_| is_whole && kind == LabellerKind::Person)
                    .map(|(hours, each)| hours * each),
            }
        })
        .collect()
}
