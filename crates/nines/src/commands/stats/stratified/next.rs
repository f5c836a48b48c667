//! Where the next labels go, and what to expect of them.

use super::strata::Named;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::allocation::{neyman_fractions, planned_deviation, whole_labels};
use nines_stats::stratified::{Stratum, stratified_leak};
use serde::Serialize;

/// A plan for more labels.
#[derive(Debug, Serialize)]
pub struct Next {
    /// How many labels were asked for.
    pub asked: u64,
    /// How many there are: fewer than asked for where no more answers are without one.
    pub labels: u64,
    /// How many of them in each stratum, in the strata's order.
    pub by_stratum: Vec<u64>,
    /// The standard deviation of the estimate with the labels so far, if the rates are those guessed.
    pub deviation_now: f64,
    /// The same with the next labels.
    pub deviation_then: f64,
    /// The estimate, if the next labels fail as often as those so far.
    pub estimate: Estimate,
    /// The assumption-free bound, likewise.
    pub at_most: Estimate,
}

/// A stratum that may get labels.
struct Open {
    at: usize,
    weight: f64,
    rate: f64,
    labelled: u64,
    room: u64,
}

/// Divides `labels` so that old and new ones together come as near to Neyman's allocation as labels
/// already given allow; failure rates are guessed as (failures + ½)/(labels + 1), never 0.
pub fn plan(strata: &[Named], abstained: f64, labels: u64, confidence: f64) -> Result<Next> {
    let by_stratum = divide(strata, labels)?;
    let more = |(named, &new): (&Named, &u64)| {
        let Stratum {
            weight,
            labelled,
            catastrophes,
        } = named.stratum;
        let grown = (labelled + new) as f64 / labelled.max(1) as f64;
        Stratum {
            weight,
            labelled: labelled + new,
            catastrophes: (catastrophes as f64 * grown).round() as u64,
        }
    };
    let then: Vec<Stratum> = strata.iter().zip(&by_stratum).map(more).collect();
    let leak = stratified_leak(&then, abstained, confidence)?;
    let expected = |interval| {
        let found = estimate(interval);
        Estimate {
            method: format!("{}, expected", found.method),
            ..found
        }
    };
    let filled = || {
        strata
            .iter()
            .zip(&then)
            .filter(|(s, _)| s.stratum.weight > 0.0)
    };
    let weights: Vec<f64> = filled().map(|(s, _)| s.stratum.weight).collect();
    let rates: Vec<f64> = filled().map(|(s, _)| guess(&s.stratum)).collect();
    let now: Vec<f64> = filled().map(|(s, _)| s.stratum.labelled as f64).collect();
    let after: Vec<f64> = filled().map(|(_, s)| s.labelled as f64).collect();
    Ok(Next {
        asked: labels,
        labels: by_stratum.iter().sum(),
        deviation_now: planned_deviation(&weights, &rates, &now)?,
        deviation_then: planned_deviation(&weights, &rates, &after)?,
        by_stratum,
        estimate: expected(leak.estimate),
        at_most: expected(leak.assumption_free_upper),
    })
}

fn guess(stratum: &Stratum) -> f64 {
    (stratum.catastrophes as f64 + 0.5) / (stratum.labelled as f64 + 1.0)
}

fn divide(strata: &[Named], labels: u64) -> Result<Vec<u64>> {
    let mut given = vec![0; strata.len()];
    let mut open: Vec<Open> = strata
        .iter()
        .enumerate()
        .filter(|(_, named)| named.stratum.weight > 0.0 && named.unlabelled != Some(0))
        .map(|(at, named)| Open {
            at,
            weight: named.stratum.weight,
            rate: guess(&named.stratum),
            labelled: named.stratum.labelled,
            room: named.unlabelled.unwrap_or(u64::MAX),
        })
        .collect();
    let mut left = labels;
    while !open.is_empty() && left > 0 {
        let weights: Vec<f64> = open.iter().map(|s| s.weight).collect();
        let rates: Vec<f64> = open.iter().map(|s| s.rate).collect();
        let total = left as f64 + open.iter().map(|s| s.labelled as f64).sum::<f64>();
        let fractions = neyman_fractions(&weights, &rates)?;
        let wanted: Vec<f64> = open
            .iter()
            .zip(&fractions)
            .map(|(s, fraction)| fraction * total - s.labelled as f64)
            .collect();
        // Of the strata with labels enough and those without so many answers left, the side that is
        // further off is settled first: settling the other might be undone by it.
        let is_full = |i: usize| wanted[i] >= open[i].room as f64;
        let over: f64 = (0..open.len())
            .map(|i| (wanted[i] - open[i].room as f64).max(0.0))
            .sum();
        let under: f64 = wanted.iter().map(|w| (-w).max(0.0)).sum();
        if (0..open.len()).any(is_full) && over >= under {
            for stratum in (0..open.len()).filter(|&i| is_full(i)).map(|i| &open[i]) {
                given[stratum.at] = stratum.room;
                left = left.saturating_sub(stratum.room);
            }
            open.retain(|stratum| given[stratum.at] == 0);
        } else if wanted.iter().any(|&w| w <= 0.0) {
            let mut wanted = wanted.iter();
            open.retain(|_| wanted.next().is_some_and(|&w| w > 0.0));
        } else {
            return finish(given, &open, wanted, left);
        }
    }
    Ok(given)
}

/// Rounds what is wanted to whole labels.
fn finish(mut given: Vec<u64>, open: &[Open], wanted: Vec<f64>, left: u64) -> Result<Vec<u64>> {
    let mut order: Vec<usize> = (0..open.len()).collect();
    order.sort_by(|&i, &j| wanted[j].total_cmp(&wanted[i]).then(i.cmp(&j)));
    // Where there are fewer labels than strata, those that want most get one.
    order.truncate(usize::try_from(left).unwrap_or(usize::MAX));
    order.sort_unstable();
    let most: Vec<f64> = order.iter().map(|&i| wanted[i]).collect();
    for (&i, new) in order.iter().zip(whole_labels(&most, left, 1)?) {
        given[open[i].at] = new.min(open[i].room);
    }
    Ok(given)
}
