//! `nines measure quality`.

mod compute;
mod design;

pub use compute::{Computed, compute, is_nothing_rated};
pub use design::{Ready, ShownPair, draw, open_pairs, rows};

use super::distribution::Named;
use super::record::{Record, whose};
use super::{Asked, shown};
use crate::cli::QualityDesignArgs;
use crate::output::Output;
use crate::project::Project;
use crate::shown::grouped;
use anyhow::Result;
use compute::CurvePoint;
use design::ready;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_measure::described::in_brackets;
use nines_measure::quality::QualityReport;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a measurement of the quality found.
#[derive(Serialize)]
pub struct Found {
    design: i64,
    frame: Value,
    newly_drawn: u64,
    queue: usize,
    by: Vec<FoundBy>,
}

#[derive(Serialize)]
struct FoundBy {
    ratings_of: &'static str,
    report: QualityReport,
    /// The quality at less cautious thresholds.
    curve: Vec<CurvePoint>,
    /// The quality on other distributions, abstentions as lost.
    reweighted: BTreeMap<String, Estimate>,
    estimates: Vec<i64>,
}

/// Runs `nines measure quality`.
pub async fn run(project: &Project, args: &QualityDesignArgs, output: &Output) -> Result<()> {
    let found = measured(project, args, output).await?;
    output.result(&found, || words(&found));
    Ok(())
}

/// Draws the frame and the pairs that are still to be drawn, and estimates nothing.
pub async fn draw_only(project: &Project, args: &QualityDesignArgs, output: &Output) -> Result<()> {
    ready(project, args, output).await?;
    Ok(())
}

/// Draws pairs that are still to be drawn, and estimates the quality from what is rated.
pub async fn measured(
    project: &Project,
    args: &QualityDesignArgs,
    output: &Output,
) -> Result<Found> {
    let (frame, ready, newly) = ready(project, args, output).await?;
    let mut by = Vec::new();
    let distributions = Named::all(project).await?;
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        match compute(&ready, kind, &distributions, args.frame.confidence) {
            Ok(Some(computed)) => {
                by.push(stored(project, &ready, &frame.describe(), computed).await?);
            }
            Ok(None) => {}
            Err(error) if is_nothing_rated(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Found {
        design: ready.design.id.0,
        frame: frame.describe(),
        newly_drawn: newly,
        queue: ready.open(Asked::PEOPLE)?.len(),
        by,
    })
}

/// Stores the estimates of what was computed; what is stored already is not stored again.
async fn stored(
    project: &Project,
    ready: &Ready,
    frame: &Value,
    computed: Computed,
) -> Result<FoundBy> {
    let Computed {
        kind,
        report,
        curve,
        reweighted,
    } = computed;
    let about = json!({
        "frame": frame, "labels_of": whose(kind), "informative": report.informative,
        "same": report.same, "abstained": report.abstained, "rated": report.rated,
        "waiting": report.waiting, "unusable": report.unusable,
    });
    let mut record = Record::new(project, Some(ready.design.id), about);
    record.add(
        "quality",
        &report.quality,
        "how often a rater prefers the filter's answer to a random unfiltered completion; 0.5 costs nothing",
    );
    if let Some(approximate) = &report.approximate {
        record.add(
            "quality.approximate",
            approximate,
            "the quality with the narrower, approximate interval",
        );
    }
    record.add(
        "quality.with_abstentions",
        &report.with_abstentions,
        "the quality when a request without an answer counts as lost",
    );
    record.add(
        "quality.won",
        &report.won,
        "how often the answer wins where it differs",
    );
    if let Some(left) = &report.left_wins {
        record.add(
            "quality.left_wins",
            left,
            "how often the left text wins; raters who look at sides move it from 0.5",
        );
    }
    for (name, estimate) in &reweighted {
        record.add(
            &format!("quality.with_abstentions.on.{name}"),
            estimate,
            "the quality re-weighted to another distribution of prompts, abstentions as lost",
        );
    }
    for point in &curve {
        record.about["threshold"] = json!(point.threshold);
        record.add(
            "quality.at",
            &point.quality,
            "the quality at another threshold, over the requests that the frame's own filter answers",
        );
    }
    let stored = record.store().await?;
    Ok(FoundBy {
        ratings_of: whose(kind),
        curve,
        reweighted,
        report,
        estimates: stored.iter().map(|e| e.id.0).collect(),
    })
}

fn words(found: &Found) -> String {
    let mut text = format!(
        "Quality of {}{} on {} requests from {:?} (design {}).\n",
        found.frame["filter"]["classifier"]
            .as_str()
            .unwrap_or_default(),
        in_brackets(&found.frame["filter"]),
        grouped(found.frame["requests"].as_u64().unwrap_or_default()),
        found.frame["distribution"].as_str().unwrap_or_default(),
        found.design,
    );
    for by in &found.by {
        let r = &by.report;
        let _ = writeln!(
            text,
            "\nBy the ratings of {}: of {} requests the first draw is the answer in {} (no rating needed), {} \
             differ, {} have no answer.\n{} pairs rated, {} drawn ones wait.",
            by.ratings_of,
            grouped(r.requests),
            grouped(r.same),
            grouped(r.informative),
            grouped(r.abstained),
            grouped(r.rated),
            grouped(r.waiting),
        );
        let _ = writeln!(text, "  quality                {}", shown(&r.quality));
        if let Some(approximate) = &r.approximate {
            let _ = writeln!(text, "  approximate interval   {}", shown(approximate));
        }
        let _ = writeln!(
            text,
            "  abstentions as lost    {}",
            shown(&r.with_abstentions)
        );
        let _ = writeln!(text, "  won where they differ  {}", shown(&r.won));
        if let (Some(left), Some(sides)) = (&r.left_wins, &r.filtered_left) {
            let biased = left.lower > 0.5 || left.upper < 0.5;
            let _ = writeln!(
                text,
                "  left text wins         {}{}",
                shown(left),
                if biased {
                    "  (raters favour a side!)"
                } else {
                    ""
                }
            );
            let _ = writeln!(text, "  answer shown left      {}", shown(sides));
        }
        for point in &by.curve {
            let _ = writeln!(
                text,
                "  at {:<19} {}  ({} differ, {} rated, {} wait)",
                format!("P < {:.3e}", point.threshold.probability()),
                shown(&point.quality),
                point.informative,
                point.rated,
                point.waiting
            );
        }
        for (name, estimate) in &by.reweighted {
            let _ = writeln!(
                text,
                "  on {name:<19} {}  (re-weighted, abstentions as lost)",
                shown(estimate)
            );
        }
        let _ = writeln!(
            text,
            "  Comparing request by request would have taken {:.0} more ratings for the same knowledge.",
            r.ratings_saved
        );
        let ids: Vec<String> = by.estimates.iter().map(|id| format!("#{id}")).collect();
        let _ = writeln!(text, "  Estimates {}.", ids.join(" "));
    }
    if found.queue > 0 {
        let _ = write!(
            text,
            "\n{} newly drawn; {} pairs wait for a rating:\n  nines label export --queue quality --design {} --out pairs.jsonl\n  \
             (fill in `choice`: left, right, same, unusable)\n  nines import comparisons pairs.jsonl --labeller NAME",
            found.newly_drawn, found.queue, found.design
        );
    }
    text
}
