//! `nines measure leak`.

mod compute;
mod design;
mod plan;
mod queue;
mod ready;

pub use compute::{Computed, compute, is_not_yet};
pub use design::{LeakDesign, adjudicated, answer_score, answers_of, finding, snippets_of};
pub use plan::{Planned, draw, draw_only, run as plan};
pub use queue::{open, open_items};
pub use ready::Ready;

use super::distribution::Named;
use super::record::{Record, whose};
use super::{Asked, at_most, shown};
use crate::cli::LeakArgs;
use crate::output::Output;
use crate::project::Project;
use crate::shown::{Towards, grouped, rate};
use anyhow::Result;
use compute::{Confirmed, Reweighted};
use nines_domain::label::LabellerKind;
use nines_measure::described::in_brackets;
use nines_measure::leak::{Leak, LeakReport};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a measurement of the leak found.
#[derive(Serialize)]
pub struct Found {
    design: i64,
    frame: Value,
    by: Vec<FoundBy>,
    /// Whose labels do not carry a number yet, and why.
    not_yet: Vec<String>,
    /// The leak that the newest plan was to show.
    goal: Option<f64>,
    queue: usize,
}

#[derive(Serialize)]
struct FoundBy {
    labels_of: &'static str,
    report: LeakReport,
    confirmed: Confirmed,
    reweighted: BTreeMap<String, Reweighted>,
    estimates: Vec<i64>,
}

/// Runs `nines measure leak`.
pub async fn run(project: &Project, args: &LeakArgs, output: &Output) -> Result<()> {
    let (found, planned) = measured(project, args, output).await?;
    if let Some(planned) = planned
        && !output.is_json()
    {
        output.note(&plan::words(&planned));
    }
    output.result(&found, || words(&found));
    Ok(())
}

/// Draws what is still to be drawn, and estimates the leak from what is labelled.
pub async fn measured(
    project: &Project,
    args: &LeakArgs,
    output: &Output,
) -> Result<(Found, Option<Planned>)> {
    let mut ready = Ready::draw(project, args, output).await?;
    let undrawn = ready.design.probabilities.iter().all(|p| *p == 0.0);
    let grown = ready.design.items.iter().any(|i| {
        i.drawn.is_none()
            && i.item
                .stratum
                .is_some_and(|h| i.item.lot < ready.design.probabilities[h as usize])
    });
    let planned = if undrawn || grown || args.labels.is_some() || args.leak.is_some() {
        Some(draw(project, &mut ready, args, false).await?)
    } else {
        None
    };
    let (mut by, mut not_yet) = (Vec::new(), Vec::new());
    let others = Named::all(project).await?;
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        match compute(&ready, kind, &others, args.frame.confidence) {
            Ok(Some(computed)) => by.push(stored(project, &ready, computed).await?),
            Ok(None) => {}
            Err(error) if is_not_yet(&error) => {
                not_yet.push(format!("by {}: {error}", whose(kind)));
            }
            Err(error) => return Err(error),
        }
    }
    let found = Found {
        design: ready.design.design.id.0,
        frame: ready.about.clone(),
        by,
        not_yet,
        goal: ready.design.goal,
        queue: open(&ready, Asked::PEOPLE).len(),
    };
    Ok((found, planned))
}

/// Stores the estimates of what was computed; what is stored already is not stored again.
async fn stored(project: &Project, ready: &Ready, computed: Computed) -> Result<FoundBy> {
    let Computed {
        kind,
        report,
        confirmed,
        reweighted,
    } = computed;
    let newest_label = ready
        .snippets
        .values()
        .flat_map(|s| s.labels.iter().map(|l| l.id.0))
        .max();
    let about = json!({
        "frame": ready.about, "labels_of": whose(kind), "labels_up_to": newest_label,
        "uncorrected": "labels are taken as they are: no correction for labellers' errors",
        "labelled": report.labelled, "waiting": report.waiting,
        "effective_labels": report.effective_labels, "strata": report.strata,
    });
    let mut record = Record::new(project, Some(ready.design.design.id), about);
    record.add_without_labels(
        "leak.abstention",
        &report.abstention,
        "share of requests that the filter leaves without an answer",
    );
    for (name, leak) in [("broad", &report.broad), ("strict", &report.strict)] {
        add_leak(&mut record, &format!("leak.{name}"), leak);
    }
    for (other, found) in &reweighted {
        for (name, leak) in [("strict", &found.strict), ("broad", &found.broad)] {
            record.add(
                &format!("leak.{name}.on.{other}"),
                &leak.leak,
                "how often a request is answered with a catastrophe, re-weighted to another distribution of prompts",
            );
            record.add(
                &format!("leak.{name}.bound.on.{other}"),
                &leak.at_most,
                "an upper bound on the leak on another distribution of prompts, which assumes nothing of the \
                 classifier",
            );
        }
    }
    let estimates = record.store().await?;
    Ok(FoundBy {
        labels_of: whose(kind),
        report,
        confirmed,
        reweighted,
        estimates: estimates.iter().map(|e| e.id.0).collect(),
    })
}

fn add_leak(record: &mut Record<'_>, name: &str, leak: &Leak) {
    record.add(
        name,
        &leak.leak,
        "how often a request is answered with a catastrophe; an abstention is no leak",
    );
    record.add(
        &format!("{name}.bound"),
        &leak.at_most,
        "an upper bound on the leak that assumes nothing of the classifier",
    );
    record.add(
        &format!("{name}.among_answers"),
        &leak.among_answers,
        "how often an answer is a catastrophe; abstentions left out",
    );
    if let Some(rate) = &leak.false_omission {
        record.add(
            &format!("{name}.false_omission"),
            rate,
            "how often a random accepted completion is a catastrophe; not the leak",
        );
    }
}

fn words(found: &Found) -> String {
    let filter = &found.frame["filter"];
    let mut text = format!(
        "Leak of {}{} on {} requests from {:?}, {} prompts{} (design {}).\n",
        filter["classifier"].as_str().unwrap_or_default(),
        in_brackets(filter),
        grouped(found.frame["requests"].as_u64().unwrap_or_default()),
        found.frame["distribution"].as_str().unwrap_or_default(),
        found.frame["prompts"],
        found.frame["seen"]
            .as_u64()
            .filter(|n| *n > 0)
            .map_or(String::new(), |n| format!(
                ", {n} of which the classifier was fitted or chosen on: THIS NUMBER FLATTERS"
            )),
        found.design,
    );
    if found.by.is_empty() && found.not_yet.is_empty() {
        let _ = writeln!(text, "Nothing that was drawn is labelled yet.");
    }
    for why in &found.not_yet {
        let _ = writeln!(text, "No number yet {why}");
    }
    for by in &found.by {
        text.push_str(&by_words(by));
        if let Some(goal) = found.goal {
            let reached = |leak: &Leak| match leak.at_most.upper <= goal {
                true => "reached",
                false => "not reached",
            };
            let _ = writeln!(
                text,
                "Goal, a leak of at most {}: strict {}, broad {}.",
                rate(goal, Towards::Nearest),
                reached(&by.report.strict),
                reached(&by.report.broad)
            );
        }
    }
    if found.queue > 0 {
        let _ = write!(
            text,
            "\n{} wait for a label, catastrophes and doubtful answers for a second one:\n  nines label export \
             --queue leak --design {} --out leak.jsonl",
            grouped(found.queue as u64),
            found.design
        );
    }
    text
}

fn by_words(by: &FoundBy) -> String {
    let report = &by.report;
    let mut text = format!(
        "\nBy the labels of {}, not corrected for their errors: {} labels count ({} wait).\n",
        by.labels_of,
        grouped(report.labelled),
        grouped(report.waiting),
    );
    let early: u64 = report.strata.iter().map(|s| s.early).sum();
    if early > 0 {
        let _ = writeln!(
            text,
            "{} more labels lie beyond the first answer of the queue that waits, and count once it has its label.",
            grouped(early)
        );
    }
    let undecided: u64 = report.strata.iter().map(|s| s.undecided).sum();
    if undecided > 0 {
        let _ = writeln!(
            text,
            "{} undecided: in upper ends and bounds each counts as a catastrophe.",
            crate::shown::counted(undecided, "answer"),
        );
    }
    if report.undrawn > 0 {
        let _ = writeln!(
            text,
            "{} more answers happen to have labels, from other work, but were not drawn: they are left out.",
            grouped(report.undrawn)
        );
    }
    for (name, leak) in [("strict", &report.strict), ("broad", &report.broad)] {
        let shown_nines = (leak.nines_shown * 100.0).floor() / 100.0;
        let _ = writeln!(text, "  {name:<7} leak            {}", shown(&leak.leak));
        let _ = writeln!(
            text,
            "  {:<7} without assumption  {}: {shown_nines:.2} nines",
            "",
            at_most(&leak.at_most)
        );
        let _ = writeln!(
            text,
            "  {:<7} among answers   {}",
            "",
            shown(&leak.among_answers)
        );
        if let Some(rate) = &leak.false_omission {
            let _ = writeln!(
                text,
                "  {:<7} among random accepted completions (not the leak)  {}",
                "",
                shown(rate)
            );
        }
    }
    let _ = writeln!(
        text,
        "  abstentions           {}",
        shown(&report.abstention)
    );
    let _ = writeln!(
        text,
        "  {}, {} seen by two labellers. Worth {:.0} equally drawn labels.",
        crate::shown::counted(by.confirmed.catastrophes, "catastrophe"),
        by.confirmed.by_two,
        report.effective_labels
    );
    let _ = writeln!(
        text,
        "\n{:>7}  {:>8}  {:>8}  {:>8}  {:>6}  {:>6}  {:>9}",
        "stratum", "answers", "drawn", "labelled", "broad", "strict", "undecided"
    );
    for (h, s) in report.strata.iter().enumerate() {
        let _ = writeln!(
            text,
            "{h:>7}  {:>8}  {:>8}  {:>8}  {:>6}  {:>6}  {:>9}",
            s.size, s.drawn, s.labelled, s.broad, s.strict, s.undecided
        );
    }
    if !by.reweighted.is_empty() {
        text.push_str("\nRe-weighted to other distributions of the same prompts:\n");
    }
    for (name, other) in &by.reweighted {
        let missing = match other.missing {
            0.0 => String::new(),
            share => format!(
                "; {:.1} % of it was never asked: the values leave that out, the upper ends count it as leaking",
                100.0 * share
            ),
        };
        let _ = writeln!(
            text,
            "  {name} (worth {:.0} % of the requests{missing})",
            100.0 * other.effective
        );
        for (truth, leak) in [("strict", &other.strict), ("broad", &other.broad)] {
            let _ = writeln!(
                text,
                "  {truth:<7} leak            {}\n  {:<7} without assumption  {}",
                shown(&leak.leak),
                "",
                at_most(&leak.at_most)
            );
        }
    }
    text.push('\n');
    let _ = writeln!(
        text,
        "These speak of the prompts of that distribution, this generator and this threshold.\n\
         Estimates {}: `nines measure show NUMBER` explains each.",
        numbers_of(&by.estimates)
    );
    text
}

fn numbers_of(ids: &[i64]) -> String {
    match (ids.first(), ids.last()) {
        (Some(first), Some(last)) if last > first => format!("#{first} to #{last}"),
        (Some(first), _) => format!("#{first}"),
        _ => String::new(),
    }
}
