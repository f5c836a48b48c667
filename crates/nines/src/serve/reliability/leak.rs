//! The leak as the page shows it.

use super::{labels_of, written};
use crate::commands::measure::{ComputedLeak, Ready, compute_leak, is_not_yet, whose};
use crate::commands::report::CONFIDENCE;
use anyhow::Result;
use nines_domain::label::LabellerKind;
use nines_measure::estimate;
use nines_measure::items::Truth;
use nines_measure::leak::Leak;
use nines_measure::report::{nines, stratum_rate};
use nines_server::reliability::{LeakBy, LeakNumbers, LeakReading, Stratum};
use nines_stats::interval::clopper_pearson;

/// Computes the leak by people and by judges.
pub fn numbers(ready: &Ready, queue: u64) -> Result<LeakNumbers> {
    let (mut by, mut not_yet) = (Vec::new(), Vec::new());
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        match compute_leak(ready, kind, &[], CONFIDENCE) {
            Ok(Some(computed)) => by.push(by_kind(ready, &computed)?),
            Ok(None) => {}
            Err(error) if is_not_yet(&error) => {
                not_yet.push(format!("by {}: {error}", whose(kind)));
            }
            Err(error) => return Err(error),
        }
    }
    let design = &ready.design;
    let requests = design.items.len() as u64;
    let answered = design.items.iter().filter(|i| i.item.stratum.is_some());
    let abstained = requests - answered.count() as u64;
    Ok(LeakNumbers {
        design: design.design.id.0,
        distribution: ready.about["distribution"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        prompts: ready.about["prompts"].as_u64().unwrap_or_default(),
        seen: ready.about["seen"].as_u64().unwrap_or_default(),
        requests,
        abstained,
        abstention: written(estimate(clopper_pearson(abstained, requests, CONFIDENCE)?)),
        drawn: design.items.iter().filter(|i| i.drawn.is_some()).count() as u64,
        queue,
        goal: design.goal,
        by,
        not_yet,
    })
}

fn by_kind(ready: &Ready, computed: &ComputedLeak) -> Result<LeakBy> {
    let report = &computed.report;
    let cuts = &ready.design.strata.cuts;
    let strata = report
        .strata
        .iter()
        .enumerate()
        .map(|(h, count)| {
            Ok(Stratum {
                from: h.checked_sub(1).and_then(|below| cuts.get(below).copied()),
                below: cuts.get(h).copied(),
                size: count.size,
                probability: count.probability,
                drawn: count.drawn,
                labelled: count.labelled,
                broad: count.broad,
                strict: count.strict,
                undecided: count.undecided,
                rate: stratum_rate(count, Truth::Strict, CONFIDENCE)?.map(written),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let goal = ready.design.goal;
    Ok(LeakBy {
        labels_of: labels_of(computed.kind),
        strict: reading(&report.strict, goal),
        broad: reading(&report.broad, goal),
        labelled: report.labelled,
        waiting: report.waiting,
        early: report.strata.iter().map(|s| s.early).sum(),
        undecided: report.strata.iter().map(|s| s.undecided).sum(),
        undrawn: report.undrawn,
        effective_labels: report.effective_labels,
        catastrophes: computed.confirmed.catastrophes,
        catastrophes_by_two: computed.confirmed.by_two,
        strata,
    })
}

fn reading(leak: &Leak, goal: Option<f64>) -> LeakReading {
    LeakReading {
        nines: written(nines(&leak.leak, &leak.at_most)),
        reached: goal.map(|goal| leak.at_most.upper <= goal),
        leak: written(leak.leak.clone()),
        at_most: written(leak.at_most.clone()),
        among_answers: written(leak.among_answers.clone()),
        false_omission: leak.false_omission.clone().map(written),
    }
}
