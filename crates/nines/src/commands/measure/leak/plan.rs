//! `nines measure plan`: what a goal takes, and what is drawn to be labelled.

use super::super::Asked;
use super::Ready;
use super::queue::open;
use crate::cli::{AllocationArg, LeakArgs, LeakPlanArgs};
use crate::output::Output;
use crate::project::Project;
use crate::shown::{Towards, grouped, rate};
use anyhow::Result;
use nines_measure::design::{self, Allocation};
use nines_stats::interval::labels_for_certificate;
use nines_store::DesignItem;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write;

/// Labels drawn where nothing else is said.
const LABELS: u64 = 200;

/// What a plan says.
#[derive(Serialize)]
pub struct Planned {
    /// The design.
    pub design: i64,
    frame: Value,
    answered: u64,
    abstained: u64,
    goal: Option<Goal>,
    labels: f64,
    /// Labels asked for.
    asked: u64,
    /// The plan was drawn; otherwise it says what would be.
    draws: bool,
    allocation: Allocation,
    strata: Vec<PlannedStratum>,
    /// Answers that were not drawn before.
    pub newly_drawn: u64,
    /// Answers that wait for a person's label.
    pub queue: usize,
    bound_without_catastrophes: f64,
    expected_leak: f64,
    expected_deviation: f64,
    confidence: f64,
}

/// A leak to show, and what that takes.
#[derive(Serialize)]
struct Goal {
    leak: f64,
    labels_needed: u64,
    requests_needed: u64,
    /// The labels drawn suffice if none is a catastrophe.
    within_reach: bool,
}

#[derive(Serialize)]
struct PlannedStratum {
    from_logit: Option<f64>,
    below_logit: Option<f64>,
    size: u64,
    probability: f64,
    drawn: u64,
    expected_rate: f64,
}

/// Runs `nines measure plan`.
pub async fn run(project: &Project, args: &LeakPlanArgs, output: &Output) -> Result<()> {
    let mut ready = Ready::draw(project, &args.design, output).await?;
    let planned = draw(project, &mut ready, &args.design, args.dry_run).await?;
    output.result(&planned, || words(&planned));
    Ok(())
}

/// Draws the frame and what is to be labelled, and estimates nothing.
pub async fn draw_only(project: &Project, args: &LeakArgs, output: &Output) -> Result<()> {
    let mut ready = Ready::draw(project, args, output).await?;
    draw(project, &mut ready, args, false).await?;
    Ok(())
}

/// Plans, and draws what the plan asks for, unless it is only a rehearsal or cannot reach its goal.
pub async fn draw(
    project: &Project,
    ready: &mut Ready,
    args: &LeakArgs,
    dry_run: bool,
) -> Result<Planned> {
    let confidence = args.frame.confidence;
    let requests = ready.design.items.len() as u64;
    let strata = ready.strata();
    let answered: u64 = strata.iter().map(|s| s.size).sum();
    let abstained = requests - answered;
    let share = abstained as f64 / requests as f64;
    let goal = match args.leak {
        None => None,
        Some(leak) => {
            let labels = labels_for_certificate(leak, share, confidence)?;
            Some((
                leak,
                labels,
                (-(1.0 - confidence).ln() / leak).ceil() as u64,
            ))
        }
    };
    let allocation = match (args.allocation, goal) {
        // For a guarantee alone nothing beats equal probabilities.
        (AllocationArg::Mixed, Some(_)) if args.labels.is_none() => Allocation::Proportional,
        (AllocationArg::Mixed, _) => Allocation::Mixed,
        (AllocationArg::Proportional, _) => Allocation::Proportional,
        (AllocationArg::Neyman, _) => Allocation::Neyman,
    };
    let labels = args
        .labels
        .or(goal.map(|(_, labels, _)| labels))
        .unwrap_or(LABELS);
    let plan = design::plan(&strata, requests, labels as f64, allocation, confidence)?;
    let why = json!({ "labels": labels, "leak": args.leak, "allocation": allocation,
        "confidence": confidence });
    let within_reach =
        goal.is_none_or(|(leak, ..)| plan.bound_without_catastrophes <= leak * (1.0 + 1e-9));
    // Labels that cannot reach their goal are not asked of anybody.
    let draws = !dry_run && (within_reach || args.labels.is_some());
    let newly = if draws {
        let probabilities = plan.probabilities.clone();
        ready.design.select(project, probabilities, why).await?
    } else {
        0
    };
    let cuts = &ready.design.strata.cuts;
    let rows = strata.iter().zip(&plan.probabilities).enumerate();
    let strata = rows
        .map(|(h, (stratum, probability))| PlannedStratum {
            from_logit: h.checked_sub(1).map(|below| cuts[below]),
            below_logit: cuts.get(h).copied(),
            size: stratum.size,
            probability: *probability,
            drawn: drawn_in(&ready.design.items, h),
            expected_rate: stratum.expected,
        })
        .collect();
    Ok(Planned {
        design: ready.design.design.id.0,
        frame: ready.about.clone(),
        answered,
        abstained,
        goal: goal.map(|(leak, labels_needed, requests_needed)| Goal {
            leak,
            labels_needed,
            requests_needed,
            within_reach,
        }),
        labels: plan.labels,
        asked: labels,
        draws,
        allocation,
        strata,
        newly_drawn: newly,
        queue: open(ready, Asked::PEOPLE).len(),
        bound_without_catastrophes: plan.bound_without_catastrophes,
        expected_leak: plan.expected_leak,
        expected_deviation: plan.expected_deviation,
        confidence,
    })
}

impl Planned {
    /// Says why the goal is out of reach, where it is; nothing was drawn for it then.
    pub fn refusal(&self) -> Option<String> {
        let goal = self.goal.as_ref().filter(|goal| !goal.within_reach)?;
        (!self.draws).then(|| {
            format!(
                "{} This design CANNOT show that: the lowest bound it could give is {}. Nothing was drawn.",
                self.takes(goal).replace('\n', " "),
                rate(self.bound_without_catastrophes, Towards::Up)
            )
        })
    }

    /// Says in a sentence what was drawn and what it can show.
    pub fn summary(&self) -> String {
        format!(
            "{} newly drawn; {} wait for a label. If no label is a catastrophe or undecided, the bound will be {} \
             with {} % confidence.",
            grouped(self.newly_drawn),
            grouped(self.queue as u64),
            rate(self.bound_without_catastrophes, Towards::Up),
            crate::shown::percent(self.confidence)
        )
    }

    fn takes(&self, goal: &Goal) -> String {
        format!(
            "To show a leak of at most {} with {} % confidence takes {} requests and {} labels, none \
             of them\na catastrophe, however they are chosen.",
            rate(goal.leak, Towards::Nearest),
            crate::shown::percent(self.confidence),
            grouped(goal.requests_needed),
            grouped(goal.labels_needed),
        )
    }
}

fn drawn_in(items: &[DesignItem], stratum: usize) -> u64 {
    let of = items
        .iter()
        .filter(|i| i.item.stratum == Some(stratum as u32));
    of.filter(|i| i.drawn.is_some()).count() as u64
}

/// Writes a plan for people.
pub fn words(planned: &Planned) -> String {
    let sure = crate::shown::percent(planned.confidence);
    let requests = planned.answered + planned.abstained;
    let mut text = format!(
        "Design {}: {} requests from the distribution {:?}, {} answered, {} abstained.\n",
        planned.design,
        grouped(requests),
        planned.frame["distribution"].as_str().unwrap_or_default(),
        grouped(planned.answered),
        grouped(planned.abstained),
    );
    if let Some(goal) = &planned.goal {
        let _ = writeln!(text, "{}", planned.takes(goal));
        if !goal.within_reach {
            let missing = if requests < goal.requests_needed {
                format!(
                    "--answers {} (and {} labels)",
                    goal.requests_needed,
                    grouped(goal.labels_needed)
                )
            } else {
                format!("--labels {} --allocation proportional", goal.labels_needed)
            };
            let _ = writeln!(
                text,
                "This design CANNOT show that: the lowest bound it could give is {}. Ask for {missing}.",
                rate(planned.bound_without_catastrophes, Towards::Up),
            );
        }
    }
    let _ = writeln!(
        text,
        "\n{:>7}  {:>17}  {:>8}  {:>8}  {:>6}  {:>13}",
        "stratum",
        "scores (logits)",
        "answers",
        if planned.draws {
            "drawn at"
        } else {
            "would at"
        },
        "drawn",
        "expected rate"
    );
    for (h, s) in planned.strata.iter().enumerate() {
        let end = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{x:.2}"));
        let _ = writeln!(
            text,
            "{h:>7}  {:>17}  {:>8}  {:>8.3}  {:>6}  {:>13}",
            format!("{} to {}", end(s.from_logit), end(s.below_logit)),
            s.size,
            s.probability,
            s.drawn,
            rate(s.expected_rate, Towards::Nearest),
        );
    }
    let bound = rate(planned.bound_without_catastrophes, Towards::Up);
    let _ = writeln!(
        text,
        "\nExpected, if the classifier's probabilities are right: leak {}, estimated within about ±{} (two standard deviations).",
        rate(planned.expected_leak, Towards::Nearest),
        rate(2.0 * planned.expected_deviation, Towards::Up),
    );
    if planned.asked > planned.answered {
        let _ = writeln!(
            text,
            "There are only {} answers to label; --answers N asks for more requests.",
            grouped(planned.answered)
        );
    }
    let _ = if planned.draws && planned.queue == 0 {
        write!(
            text,
            "If no label is a catastrophe or undecided, the bound will be {bound} with {sure} % confidence.\n\
             Everything that is drawn is labelled: nines measure leak"
        )
    } else if planned.draws {
        write!(
            text,
            "If no label is a catastrophe or undecided, the bound will be {bound} with {sure} % confidence.\n\
             {} newly drawn; {} wait for a label:\n  nines label export --queue leak --design {} --out \
             leak.jsonl",
            grouped(planned.newly_drawn),
            grouped(planned.queue as u64),
            planned.design,
        )
    } else {
        write!(
            text,
            "With about {:.0} labels, none of them a catastrophe or undecided, the bound would be {bound} with {sure} % \
             confidence.\nNothing was drawn.",
            planned.labels
        )
    };
    text
}
