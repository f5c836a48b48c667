//! `nines stats stratified`.

mod next;
mod strata;

use crate::cli::StratifiedArgs;
use crate::output::Output;
use crate::shown::{Towards, at_most, columns, ends, grouped, percent, rate, whole, with_ends};
use anyhow::Result;
use next::Next;
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_stats::stratified::stratified_leak;
use serde::Serialize;

#[derive(Serialize)]
struct Found {
    n: u64,
    failures: u64,
    abstained: f64,
    confidence: f64,
    /// The model-assisted estimate with its two-sided interval.
    estimate: Estimate,
    /// Its one-sided upper bound.
    estimate_upper: Estimate,
    /// The upper bound that assumes nothing about the strata.
    at_most: Estimate,
    strata: Vec<Row>,
    next: Option<Next>,
}

#[derive(Serialize)]
struct Row {
    stratum: String,
    weight: f64,
    n: u64,
    failures: u64,
    /// The rate within the stratum; none without answers.
    rate: Option<Estimate>,
}

/// Runs `nines stats stratified`.
pub fn run(args: &StratifiedArgs, output: &Output) -> Result<()> {
    let confidence = args.input.confidence;
    let frame = strata::read(args, output)?;
    let plain: Vec<_> = frame.strata.iter().map(|s| s.stratum).collect();
    let leak = stratified_leak(&plain, frame.abstained, confidence)?;
    let next = args
        .next
        .map(|labels| next::plan(&frame.strata, frame.abstained, labels, confidence))
        .transpose()?;
    let rows = frame.strata.into_iter().map(|named| {
        let s = named.stratum;
        let rate = (s.labelled > 0)
            .then(|| clopper_pearson(s.catastrophes, s.labelled, confidence).map(estimate))
            .transpose()?;
        Ok(Row {
            stratum: named.name,
            weight: s.weight,
            n: s.labelled,
            failures: s.catastrophes,
            rate,
        })
    });
    let found = Found {
        n: plain.iter().map(|s| s.labelled).sum(),
        failures: plain.iter().map(|s| s.catastrophes).sum(),
        abstained: frame.abstained,
        confidence,
        estimate: estimate(leak.estimate),
        estimate_upper: estimate(leak.estimate_upper),
        at_most: estimate(leak.assumption_free_upper),
        strata: rows.collect::<Result<_>>()?,
        next,
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn words(found: &Found) -> String {
    let sure = percent(found.confidence);
    let mut out = format!(
        "{} catastrophes among {} labels in {} strata.\n\
         Leak:        {}\n\
         At most:     {}\n\
         Guaranteed:  at most {}\n\n",
        grouped(found.failures),
        grouped(found.n),
        found.strata.len(),
        whole(&found.estimate),
        at_most(&found.estimate_upper),
        at_most(&found.at_most),
    );
    let header = [
        "stratum",
        "weight",
        "labels",
        "failed",
        "rate",
        &format!("{sure} % (exact)"),
    ];
    let mut rows = vec![with_next(
        header.map(str::to_owned),
        found.next.as_ref().map(|_| "next".to_owned()),
    )];
    for (at, row) in found.strata.iter().enumerate() {
        let (seen, interval) = match &row.rate {
            Some(of) => (rate(of.value.unwrap_or(0.0), Towards::Nearest), ends(of)),
            None => ("-".to_owned(), "no answers".to_owned()),
        };
        let cells = [
            row.stratum.clone(),
            rate(row.weight, Towards::Nearest),
            grouped(row.n),
            grouped(row.failures),
            seen,
            interval,
        ];
        rows.push(with_next(
            cells,
            found.next.as_ref().map(|next| grouped(next.by_stratum[at])),
        ));
    }
    if found.abstained > 0.0 {
        let abstained = rate(found.abstained, Towards::Nearest);
        let cells = ["(abstained)", &abstained, "", "", "0", ""].map(str::to_owned);
        rows.push(with_next(cells, None));
    }
    out.push_str(&columns(&rows));
    if let Some(next) = &found.next {
        out.push_str(&expectation(next));
    }
    out.push_str(
        "\nLabels must be drawn at random within each stratum, and weights and numbers of labels be fixed\n\
         before any label is seen. The gamma interval is not proved, but held in simulations; the\n\
         guaranteed bound is proved whatever the rates within the strata. They must divide the filter's\n\
         own answers: of unfiltered completions, the same numbers are P(accepted and a catastrophe),\n\
         which is smaller than the leak.",
    );
    out
}

fn with_next(cells: [String; 6], next: Option<String>) -> [String; 7] {
    let [a, b, c, d, e, f] = cells;
    [a, b, c, d, e, f, next.unwrap_or_default()]
}

fn expectation(next: &Next) -> String {
    if next.labels == 0 {
        return "\nEvery answer has a label already.\n".to_owned();
    }
    let short = if next.labels < next.asked {
        "\nNo more answers are without a label."
    } else {
        ""
    };
    format!(
        "{short}\nThe next {} labels, divided as in the last column (Neyman, each rate guessed as\n\
         (failed + 1/2)/(labels + 1)), take the estimate's standard deviation from {} to {}.\n\
         If they fail as often as those so far, expect\n  \
         Leak:        {} {} %\n  \
         Guaranteed:  at most {}\n\
         For the guaranteed bound, labels in proportion to the weights do most: see nines stats plan.\n",
        grouped(next.labels),
        rate(next.deviation_now, Towards::Nearest),
        rate(next.deviation_then, Towards::Nearest),
        with_ends(&next.estimate),
        percent(next.estimate.confidence),
        rate(next.at_most.upper, Towards::Up),
    )
}
