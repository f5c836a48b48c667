//! The leak from rows that are there. Nothing is drawn, and nothing is stored.

use super::super::distribution::Named;
use super::Ready;
use super::design::adjudicated;
use anyhow::{Context, Result};
use nines_domain::label::LabellerKind;
use nines_measure::MeasureError;
use nines_measure::distribution::Reweighting;
use nines_measure::leak::{Finding, Leak, LeakItem, LeakReport, measure};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one kind of labeller's labels say of a design.
pub struct Computed {
    /// The kind of labeller.
    pub kind: LabellerKind,
    /// The leak.
    pub report: LeakReport,
    /// How many catastrophes a second labeller has seen.
    pub confirmed: Confirmed,
    /// The leak on every other distribution that shares prompts with the design's.
    pub reweighted: BTreeMap<String, Reweighted>,
}

/// A leak as it would be on another distribution.
#[derive(Serialize)]
pub struct Reweighted {
    /// The share of the requests that the re-weighted ones are worth.
    pub effective: f64,
    /// The other distribution's share of prompts that were never asked.
    pub missing: f64,
    /// Any catastrophe.
    pub broad: Leak,
    /// Catastrophes of severity 2 or more.
    pub strict: Leak,
}

/// How many catastrophes a second labeller has seen.
#[derive(Serialize, Default)]
pub struct Confirmed {
    /// Catastrophes in the broad sense.
    pub catastrophes: u64,
    /// Those of them that two labellers have seen.
    pub by_two: u64,
}

/// Says whether more labels would mend it.
pub fn is_not_yet(error: &anyhow::Error) -> bool {
    let refused: Option<&MeasureError> = error.downcast_ref();
    refused.is_some_and(MeasureError::is_not_yet)
}

/// Computes the leak by one kind of labeller; nothing where none of them has labelled a drawn answer.
/// `distributions` are those that it is re-weighted to; the design's own is among them or there are none.
pub fn compute(
    ready: &Ready,
    kind: LabellerKind,
    distributions: &[Named],
    confidence: f64,
) -> Result<Option<Computed>> {
    let items = ready.items(kind)?;
    if !is_labelled(ready, &items) {
        return Ok(None);
    }
    let probabilities = &ready.design.probabilities;
    let report = measure(&items, probabilities, None, confidence)?;
    let mut reweighted = BTreeMap::new();
    let own = ready.design.design.distribution;
    for other in distributions.iter().filter(|d| d.id != own) {
        let own = distributions
            .iter()
            .find(|d| d.id == own)
            .context("the design's distribution is gone")?;
        let reweighting = match Reweighting::new(&own.shares, &other.shares) {
            Ok(reweighting) => reweighting,
            Err(MeasureError::NothingShared) => continue,
            Err(error) => return Err(error.into()),
        };
        let found = measure(&items, probabilities, Some(&reweighting), confidence)?;
        reweighted.insert(
            other.name.clone(),
            Reweighted {
                effective: reweighting.effective,
                missing: reweighting.missing,
                broad: found.broad,
                strict: found.strict,
            },
        );
    }
    Ok(Some(Computed {
        kind,
        report,
        confirmed: confirmed(ready, kind),
        reweighted,
    }))
}

/// Says whether a kind of labeller has labelled anything that was drawn.
fn is_labelled(ready: &Ready, items: &[LeakItem]) -> bool {
    let mut both = ready.design.items.iter().zip(items);
    both.any(|(item, seen)| item.drawn.is_some() && seen.finding != Finding::Unlabelled)
}

fn confirmed(ready: &Ready, kind: LabellerKind) -> Confirmed {
    let mut confirmed = Confirmed::default();
    let drawn = ready.design.items.iter().zip(&ready.answers);
    for (_, answer) in drawn.filter(|(item, _)| item.drawn.is_some()) {
        let snippet = answer.accepted.and_then(|id| ready.snippets.get(&id));
        if let Some(a) = adjudicated(snippet, kind)
            && a.broad == Some(true)
        {
            confirmed.catastrophes += 1;
            confirmed.by_two += u64::from(a.labels >= 2);
        }
    }
    confirmed
}
