//! `nines stats interval`.

use crate::cli::IntervalArgs;
use crate::output::Output;
use crate::shown::{Towards, ends, grouped, percent, rate};
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::interval::{clopper_pearson, upper_bound, wilson};
use nines_stats::reliability::nines;
use serde::Serialize;

#[derive(Serialize)]
struct Found {
    failures: u64,
    n: u64,
    rate: Estimate,
    at_most: Estimate,
    wilson: Estimate,
    /// -log10 of the rate seen, none without failures.
    nines_seen: Option<f64>,
    /// -log10 of `at_most`: the nines that may be claimed.
    nines_shown: f64,
}

/// Runs `nines stats interval`.
pub fn run(args: &IntervalArgs, output: &Output) -> Result<()> {
    let IntervalArgs {
        failures,
        n,
        confidence,
    } = *args;
    let shown = nines(failures, n, confidence)?;
    let found = Found {
        failures,
        n,
        rate: estimate(clopper_pearson(failures, n, confidence)?),
        at_most: estimate(upper_bound(failures, n, confidence)?),
        wilson: estimate(wilson(failures, n, confidence)?),
        nines_seen: shown.point,
        nines_shown: shown.lower,
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn words(found: &Found) -> String {
    let Found {
        failures,
        n,
        rate: both,
        at_most,
        ..
    } = found;
    let sure = percent(both.confidence);
    let seen = rate(both.value.unwrap_or(0.0), Towards::Nearest);
    // A nine that is not shown must not be printed: the last digit is cut off.
    let nines = (found.nines_shown * 100.0).floor() / 100.0;
    let point = found.nines_seen.map_or_else(
        || "none failed, so the rate seen says nothing".to_owned(),
        |nines| format!("the rate seen would be {nines:.2}"),
    );
    format!(
        "{} failed of {}.\n\
         Failure rate:   {seen}  {} {sure} %, {}\n\
         At most:        {} with {sure} % confidence, {}\n\
         Nines shown:    {nines:.2} with {sure} % confidence ({point})\n\
         For comparison: {} {sure} %, {}\n\
         All of it holds for independent trials that failed with one common probability.",
        grouped(*failures),
        grouped(*n),
        ends(both),
        both.method,
        rate(at_most.upper, Towards::Up),
        at_most.method,
        ends(&found.wilson),
        found.wilson.method,
    )
}
