//! `nines stats plan`.

use crate::cli::PlanArgs;
use crate::output::Output;
use crate::shown::{Towards, grouped, percent, rate};
use anyhow::Result;
use nines_stats::interval::trials_needed;
use serde::Serialize;

/// How many failures a plan allows for.
const MOST_FAILURES: u64 = 3;

#[derive(Serialize)]
struct Plan {
    leak: f64,
    abstained: f64,
    confidence: f64,
    /// Labels needed when so many of them turn out to be catastrophes.
    labels: Vec<Needed>,
}

#[derive(Serialize)]
struct Needed {
    failures: u64,
    labelled_answers: u64,
}

/// Runs `nines stats plan`.
pub fn run(args: &PlanArgs, output: &Output) -> Result<()> {
    let PlanArgs {
        leak,
        abstained,
        confidence,
    } = *args;
    // An abstention is no leak, so the answers may be worse by as much as there are fewer of them.
    let among_answers = leak / (1.0 - abstained);
    let labels = (0..=MOST_FAILURES)
        .map(|failures| {
            let needed = match among_answers {
                rate if rate >= 1.0 => Ok(0),
                rate => trials_needed(rate, failures, confidence),
            };
            needed.map(|labelled_answers| Needed {
                failures,
                labelled_answers,
            })
        })
        .collect::<Result<_, _>>()?;
    let plan = Plan {
        leak,
        abstained,
        confidence,
        labels,
    };
    output.result(&plan, || words(&plan));
    Ok(())
}

fn words(plan: &Plan) -> String {
    let sure = percent(plan.confidence);
    let mut out = format!(
        "To show with {sure} % confidence that at most {} of requests leak,\n\
         label this many of the filter's own answers, drawn at random:\n",
        rate(plan.leak, Towards::Nearest)
    );
    for needed in &plan.labels {
        let failures = match needed.failures {
            0 => "none of them is".to_owned(),
            1 => "1 of them is".to_owned(),
            k => format!("{k} of them are"),
        };
        let labels = grouped(needed.labelled_answers);
        out.push_str(&format!("  {labels:>12}  if {failures} a catastrophe\n"));
    }
    out.push_str(
        "The number of failures to allow for is fixed beforehand. Labelling near the threshold makes an\n\
         estimate better, but no choice of what to label makes this guarantee cheaper.",
    );
    out
}
