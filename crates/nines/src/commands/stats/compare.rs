//! `nines stats compare`.

use crate::cli::CompareArgs;
use crate::output::Output;
use crate::shown::{Towards, grouped, percent, rate, whole};
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::disagreement::{DisagreementSample, LeakDifference, compare};
use serde::Serialize;

#[derive(Serialize)]
struct Found {
    n: u64,
    labels: u64,
    /// For completions like these.
    population: Difference,
    /// For these completions themselves.
    frame: Difference,
}

#[derive(Serialize)]
struct Difference {
    /// P(accepted and a catastrophe) of the old classifier less that of the new one.
    exact: Estimate,
    /// The normal interval; none where labels show no spread.
    normal: Option<Estimate>,
    standard_error: Option<f64>,
}

impl From<LeakDifference> for Difference {
    fn from(found: LeakDifference) -> Self {
        Self {
            exact: estimate(found.exact),
            normal: found.normal.map(estimate),
            standard_error: found.standard_error,
        }
    }
}

/// Runs `nines stats compare`.
pub fn run(args: &CompareArgs, output: &Output) -> Result<()> {
    check(args)?;
    let old = DisagreementSample {
        size: args.old_only,
        labelled: args.old_labelled,
        failures: args.old_failures,
    };
    let new = DisagreementSample {
        size: args.new_only,
        labelled: args.new_labelled,
        failures: args.new_failures,
    };
    let compared = compare(args.n, old, new, args.confidence)?;
    let found = Found {
        n: args.n,
        labels: old.labelled + new.labelled,
        population: compared.population.into(),
        frame: compared.frame.into(),
    };
    output.result(&found, || words(args, &found));
    Ok(())
}

/// Refuses counts that cannot be, by the name of their option.
fn check(args: &CompareArgs) -> Result<()> {
    let at_most = [
        (
            "--old-labelled",
            args.old_labelled,
            "--old-only",
            args.old_only,
        ),
        (
            "--old-failures",
            args.old_failures,
            "--old-labelled",
            args.old_labelled,
        ),
        (
            "--new-labelled",
            args.new_labelled,
            "--new-only",
            args.new_only,
        ),
        (
            "--new-failures",
            args.new_failures,
            "--new-labelled",
            args.new_labelled,
        ),
    ];
    for (part, k, whole, n) in at_most {
        anyhow::ensure!(k <= n, "{part} is {k}, more than the {n} of {whole}");
    }
    let label = [
        ("--old-labelled", args.old_labelled, args.old_only),
        ("--new-labelled", args.new_labelled, args.new_only),
    ];
    for (option, labelled, only) in label {
        anyhow::ensure!(
            labelled > 0 || only == 0,
            "{option} is 0: label some of the {only} completions, drawn at random"
        );
    }
    let disagreements = args.old_only.saturating_add(args.new_only);
    anyhow::ensure!(
        disagreements <= args.n,
        "--old-only and --new-only make {disagreements} completions, more than the {} of --n",
        args.n
    );
    Ok(())
}

fn words(args: &CompareArgs, found: &Found) -> String {
    let mut out = format!(
        "The classifiers disagree about {} of {} completions; {} of these are labelled.\n\
         P(accepted and a catastrophe), old less new (above 0: the new classifier is safer)\n",
        grouped(args.old_only + args.new_only),
        grouped(found.n),
        grouped(found.labels)
    );
    for (of, difference) in [
        ("Of completions like these:", &found.population),
        ("Of these completions alone:", &found.frame),
    ] {
        out.push_str(&format!(
            "{of}\n  Exact:       {}\n",
            whole(&difference.exact)
        ));
        match (&difference.normal, difference.standard_error) {
            (Some(normal), Some(error)) => out.push_str(&format!(
                "  Normal:      {}\n  Std. error:  {}\n",
                whole(normal),
                rate(error, Towards::Nearest)
            )),
            _ => out.push_str("  Normal:      none, for the labels show no spread\n"),
        }
    }
    out.push_str(&verdict(&found.population.exact));
    out.push_str(
        "\nWhat both accept or both reject cancels, and needs no label. Labels must be of random\n\
         completions among those that only one classifier accepts. It speaks of single draws: the leaks of\n\
         filters that draw again after a rejection differ by another amount.",
    );
    out
}

fn verdict(exact: &Estimate) -> String {
    let sure = percent(exact.confidence);
    if exact.lower > 0.0 {
        format!("The new classifier is safer, with {sure} % confidence.")
    } else if exact.upper < 0.0 {
        format!("The old classifier is safer, with {sure} % confidence.")
    } else {
        "The exact interval holds 0: these labels do not show which is safer.".to_owned()
    }
}
