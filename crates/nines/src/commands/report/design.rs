//! The strata of the newest leak design, and what more labels would do.

use super::CONFIDENCE;
use super::leak_below::is_labelled;
use super::rows::{LeakRows, Rows, prompts};
use crate::commands::measure::whose;
use anyhow::Result;
use nines_measure::MeasureError;
use nines_measure::items::Truth;
use nines_measure::leak::{StratumCount, measure};
use nines_measure::report::{self, Narrows, stratum_rate};
use nines_report::report::{Design, NextLabels, Stratum};

/// How many more labels are looked at.
const MORE: u64 = 200;

/// Fills the section.
pub fn section(rows: &Rows<'_>) -> Result<Option<Design>> {
    let Some(leak) = &rows.leak else {
        return Ok(None);
    };
    let counts = counts(leak)?;
    let requests = leak.items.len() as u64;
    let cuts = &leak.design.strata.cuts;
    let mut strata = Vec::new();
    for (h, count) in counts.iter().enumerate() {
        strata.push(Stratum {
            lower: h
                .checked_sub(1)
                .and_then(|below| cuts.get(below).copied())
                .unwrap_or(f64::NEG_INFINITY),
            upper: cuts.get(h).copied().unwrap_or_else(|| {
                let own = rows.filter().and_then(|f| f.threshold);
                own.map_or(f64::INFINITY, |t| t.logit())
            }),
            share: count.size as f64 / requests.max(1) as f64,
            drawn: count.drawn,
            labelled: count.labelled,
            catastrophes: count.strict,
            rate: stratum_rate(count, Truth::Strict, CONFIDENCE)?.map(Into::into),
        });
    }
    let plans = leak.design.plans(&leak.scores);
    let next = match report::next_labels(&plans, requests, MORE, CONFIDENCE) {
        Err(MeasureError::EmptyFrame) => Vec::new(),
        other => other?,
    };
    let mut about = leak.design.design.record.clone();
    about["frame"]["requests"] = requests.into();
    Ok(Some(Design {
        id: u64::try_from(leak.design.design.id.0).ok(),
        frame: format!(
            "the filter's answers to {}; catastrophes are strict, by the labels of {}",
            prompts(&about),
            whose(leak.labels_of)
        ),
        frame_size: requests,
        strata,
        next: next.into_iter().map(next_labels).collect(),
    }))
}

/// What each stratum holds. Before enough is labelled for a number, sizes and draws alone.
fn counts(leak: &LeakRows) -> Result<Vec<StratumCount>> {
    if is_labelled(leak) {
        match measure(&leak.items, &leak.design.probabilities, None, CONFIDENCE) {
            Err(error) if error.is_not_yet() => {}
            other => return Ok(other?.strata),
        }
    }
    let probabilities = leak.design.probabilities.iter();
    Ok(probabilities
        .enumerate()
        .map(|(h, &probability)| {
            let of = || {
                let items = leak.design.items.iter();
                items.filter(move |i| i.item.stratum == Some(h as u32))
            };
            StratumCount {
                size: of().count() as u64,
                probability,
                labelled_probability: 0.0,
                drawn: of().filter(|i| i.drawn.is_some()).count() as u64,
                labelled: 0,
                early: 0,
                broad: 0,
                strict: 0,
                undecided: 0,
            }
        })
        .collect())
}

fn next_labels(next: report::NextLabels) -> NextLabels {
    NextLabels {
        stratum: next.stratum.map(|h| h + 1),
        labels: next.labels,
        bound: match next.narrows {
            Narrows::Bound => "assumption-free bound, as it is without any catastrophe,",
            Narrows::Deviation => "estimate's standard deviation, if the expected rates are right,",
        }
        .to_owned(),
        now: next.now,
        then: next.then,
    }
}
