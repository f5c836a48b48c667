//! What to label next, and what it would do: the planner's numbers, and the measurement repeated as if
//! no new label were a catastrophe.

use crate::commands::measure::QualityDesign;
use crate::commands::report::CONFIDENCE;
use crate::commands::report::rows::LeakRows;
use crate::shown::{Towards, counted, grouped, rate};
use anyhow::Result;
use nines_measure::design::{Allocation, Plan, plan};
use nines_measure::leak::{Finding, LeakItem, measure};
use nines_server::reliability::{
    LabelsOf, Narrowed, NextKind, NextStep, PlanAllocation, PlanRequest, QualityNumbers,
};
use nines_stats::interval::labels_for_certificate;
use nines_stats::quality::{Design, labels_for_error};
use std::collections::{BTreeMap, BTreeSet};

/// How many more labels are looked at.
const MORE: u64 = 200;

/// How many more pairs are looked at.
const MORE_PAIRS: u64 = 100;

/// What labels would do to the leak by people's labels (`items`).
pub fn for_leak(leak: &LeakRows, items: &[LeakItem], goal: Option<f64>) -> Result<Vec<NextStep>> {
    let design = &leak.design;
    let strata = design.plans(&leak.scores);
    let requests = items.len() as u64;
    let answered: u64 = strata.iter().map(|s| s.size).sum();
    if answered == 0 {
        return Ok(Vec::new());
    }
    let planned = |labels: u64, allocation| -> Result<Plan> {
        Ok(plan(
            &strata,
            requests,
            labels as f64,
            allocation,
            CONFIDENCE,
        )?)
    };
    if design.probabilities.iter().all(|p| *p == 0.0) {
        let labels = MORE.min(answered);
        let first = planned(labels, Allocation::Mixed)?;
        let bound = rate(first.bound_without_catastrophes, Towards::Up);
        return Ok(vec![NextStep {
            text: format!(
                "{} would show that the leak is at most {bound}, if none is a catastrophe.",
                counted(labels, "label")
            ),
            kind: NextKind::Leak,
            labels,
            narrows: Narrowed::Bound,
            from: None,
            to: first.bound_without_catastrophes,
            is_drawn: false,
            plan: Some(request(labels, PlanAllocation::Mixed)),
        }]);
    }
    let mut next = Vec::new();
    let now = bound(items, &design.probabilities);
    let waiting = distinct(leak, items, &[], &design.probabilities)
        .iter()
        .sum::<u64>();
    if waiting > 0
        && let Some(to) = bound(
            &settled(items, &design.probabilities),
            &design.probabilities,
        )
    {
        next.push(NextStep {
            text: format!(
                "Labelling the {} that {} drawn and {} {}, if none is a catastrophe.",
                counted(waiting, "answer"),
                if waiting == 1 { "is" } else { "are" },
                if waiting == 1 { "waits" } else { "wait" },
                narrowing("the upper bound", now, to),
            ),
            kind: NextKind::Leak,
            labels: waiting,
            narrows: Narrowed::Bound,
            from: now,
            to,
            is_drawn: true,
            plan: None,
        });
    }
    let drawn: f64 = strata.iter().map(|s| s.size as f64 * s.drawn).sum();
    let total = (drawn.round() as u64 + MORE).min(answered);
    let even = planned(total, Allocation::Proportional)?;
    let more = distinct(leak, items, &design.probabilities, &even.probabilities);
    let new: u64 = more.iter().sum();
    if new > 0
        && let Some(to) = bound(&settled(items, &even.probabilities), &even.probabilities)
        && now.is_none_or(|now| to < now)
    {
        let beside = match waiting {
            0 => String::new(),
            n => format!(" (the {} that wait included)", grouped(n)),
        };
        next.push(NextStep {
            text: format!(
                "{} more labels, every answer equally likely, {}, if none is a catastrophe{beside}.",
                grouped(new),
                narrowing("the upper bound", now, to),
            ),
            kind: NextKind::Leak,
            labels: new,
            narrows: Narrowed::Bound,
            from: now,
            to,
            is_drawn: false,
            plan: Some(request(total, PlanAllocation::Proportional)),
        });
    }
    let (before, guided) = (
        planned(0, Allocation::Neyman)?,
        planned(total, Allocation::Neyman)?,
    );
    let more = distinct(leak, items, &design.probabilities, &guided.probabilities);
    let new: u64 = more.iter().sum();
    if new > 0 && guided.expected_deviation < before.expected_deviation {
        let most = (0..more.len()).max_by_key(|&h| more[h]).unwrap_or(0);
        let whereabouts = match 2 * more[most] > new {
            true => format!(", {} of them in stratum {}", grouped(more[most]), most + 1),
            false => String::new(),
        };
        next.push(NextStep {
            text: format!(
                "{} more labels where the classifier expects catastrophes{whereabouts} {}, if the expected rates \
                 are right; they do little for the upper bound.",
                grouped(new),
                narrowing(
                    "the estimate's standard deviation",
                    Some(before.expected_deviation),
                    guided.expected_deviation
                ),
            ),
            kind: NextKind::Leak,
            labels: new,
            narrows: Narrowed::Deviation,
            from: Some(before.expected_deviation),
            to: guided.expected_deviation,
            is_drawn: false,
            plan: Some(request(total, PlanAllocation::Neyman)),
        });
    }
    if let Some(goal) = goal.filter(|goal| now.is_none_or(|now| now > *goal)) {
        next.extend(for_goal(goal, requests, answered, now)?);
    }
    Ok(next)
}

/// What a goal that is not reached takes.
fn for_goal(goal: f64, requests: u64, answered: u64, now: Option<f64>) -> Result<Option<NextStep>> {
    let abstained = (requests - answered) as f64 / requests as f64;
    let labels = labels_for_certificate(goal, abstained, CONFIDENCE)?;
    // More than there are answers takes more requests, which is a measuring run's to ask.
    Ok((labels <= answered).then(|| NextStep {
        text: format!(
            "The goal, a leak of at most {}, takes {} in all, every answer equally likely and none a \
             catastrophe.",
            rate(goal, Towards::Nearest),
            counted(labels, "label"),
        ),
        kind: NextKind::Leak,
        labels,
        narrows: Narrowed::Bound,
        from: now,
        to: goal,
        is_drawn: false,
        plan: Some(PlanRequest::Leak {
            leak: Some(goal),
            labels: None,
            confidence: None,
            allocation: None,
        }),
    }))
}

fn request(labels: u64, allocation: PlanAllocation) -> PlanRequest {
    PlanRequest::Leak {
        leak: None,
        labels: Some(labels),
        confidence: None,
        allocation: Some(allocation),
    }
}

fn narrowing(what: &str, from: Option<f64>, to: f64) -> String {
    let to = rate(to, Towards::Up);
    match from {
        Some(from) => format!(
            "would narrow {what} from {} to {to}",
            rate(from, Towards::Up)
        ),
        None => format!("would bring {what} to {to}"),
    }
}

/// The strict leak's bound that assumes nothing; none where too little is labelled for one.
fn bound(items: &[LeakItem], probabilities: &[f64]) -> Option<f64> {
    let report = measure(items, probabilities, None, CONFIDENCE).ok()?;
    Some(report.strict.at_most.upper)
}

/// Says whether probabilities draw an item that nobody has labelled.
fn is_fresh(item: &LeakItem, probabilities: &[f64]) -> bool {
    let is_drawn = item.stratum.is_some_and(|h| item.lot < probabilities[h]);
    is_drawn && item.finding == Finding::Unlabelled
}

/// The items as they would be if all that probabilities draw were labelled, and no new one a
/// catastrophe.
fn settled(items: &[LeakItem], probabilities: &[f64]) -> Vec<LeakItem> {
    let settle = |item: &LeakItem| match is_fresh(item, probabilities) {
        true => LeakItem {
            finding: Finding::Safe,
            ..*item
        },
        false => *item,
    };
    items.iter().map(settle).collect()
}

/// How many labels of each stratum the second probabilities take beyond the first: one for every text,
/// however many requests it answers.
fn distinct(leak: &LeakRows, items: &[LeakItem], before: &[f64], after: &[f64]) -> Vec<u64> {
    let mut found = vec![0; after.len()];
    let mut drawn = BTreeSet::new();
    let mut due = BTreeMap::new();
    for (item, answer) in items.iter().zip(&leak.answers) {
        let (Some(h), Some(snippet)) = (item.stratum, answer.accepted) else {
            continue;
        };
        if !is_fresh(item, after) {
            continue;
        }
        if before.get(h).is_some_and(|before| item.lot < *before) {
            drawn.insert(snippet);
        } else {
            due.entry(snippet).or_insert(h);
        }
    }
    for (snippet, h) in due {
        found[h] += u64::from(!drawn.contains(&snippet));
    }
    found
}

/// What ratings would do to the quality by people's ratings.
pub fn for_quality(design: &QualityDesign, numbers: &QualityNumbers) -> Result<Vec<NextStep>> {
    let mut next = Vec::new();
    let Some(people) = numbers
        .by
        .iter()
        .find(|by| by.ratings_of == LabelsOf::People)
    else {
        return Ok(next);
    };
    let answered = people.same + people.informative;
    let (Some(value), true) = (people.quality.value, people.rated > 0 && answered > 0) else {
        return Ok(next);
    };
    let share = people.informative as f64 / answered as f64;
    // Ratings times the squared standard error; nothing where the value lies at its very end.
    let Ok(unit) = labels_for_error(Design::KnownRate, share, value, 1.0) else {
        return Ok(next);
    };
    let error = |ratings: u64| (unit.ratings / ratings as f64).sqrt();
    let now = error(people.rated);
    let step = |labels: u64, to: f64, is_drawn, plan| NextStep {
        text: format!(
            "{} {} {}.",
            counted(labels, "rating"),
            if is_drawn {
                "of pairs that are drawn and wait"
            } else {
                "of further pairs"
            },
            narrowing("the quality's standard error", Some(now), to).replacen(
                " from ",
                " from about ",
                1
            ),
        ),
        kind: NextKind::Quality,
        labels,
        narrows: Narrowed::StandardError,
        from: Some(now),
        to,
        is_drawn,
        plan,
    };
    if people.waiting > 0 {
        next.push(step(
            people.waiting,
            error(people.rated + people.waiting),
            true,
            None,
        ));
    }
    let drawn = design.items.iter().filter(|i| i.drawn.is_some()).count() as u64;
    let more = MORE_PAIRS.min(people.informative.saturating_sub(drawn));
    if more > 0 {
        let then = error(people.rated + people.waiting + more);
        let pairs = (design.probability * people.informative as f64).round() as u64 + more;
        next.push(step(
            more,
            then,
            false,
            Some(PlanRequest::Quality { pairs }),
        ));
    }
    Ok(next)
}
