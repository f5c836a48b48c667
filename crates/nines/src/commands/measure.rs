//! `nines measure`: the protocols on the project's database.

mod agreement;
mod attack_time;
mod compare;
mod distribution;
mod forecast;
mod frame;
mod leak;
mod margin;
mod quality;
mod record;
mod show;

pub use compare::open_items as open_compared;
pub use leak::open_items as open_answers;
pub use quality::{ShownPair, open_pairs};

use crate::cli::MeasureCommand;
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;

/// Runs `nines measure`.
pub async fn run(project: &Project, command: MeasureCommand, output: &Output) -> Result<()> {
    match command {
        MeasureCommand::Plan(args) => leak::plan(project, &args, output).await,
        MeasureCommand::Leak(args) => leak::run(project, &args, output).await,
        MeasureCommand::Quality(args) => quality::run(project, &args, output).await,
        MeasureCommand::Compare(args) => compare::run(project, &args, output).await,
        MeasureCommand::Agreement(args) => agreement::run(project, &args, output).await,
        MeasureCommand::AttackTime(args) => attack_time::run(project, &args, output).await,
        MeasureCommand::Forecast(args) => forecast::run(project, &args, output).await,
        MeasureCommand::Margin(args) => margin::run(project, &args, output).await,
        MeasureCommand::Distribution(command) => distribution::run(project, command, output).await,
        MeasureCommand::Show { id, rows } => show::run(project, id, rows, output).await,
    }
}

/// Writes a number with its interval: small ones in powers of ten, ends rounded outwards.
fn shown(estimate: &nines_domain::estimate::Estimate) -> String {
    use crate::commands::stats::{Towards, rate};
    let point = estimate.value.map_or_else(
        || "-".to_owned(),
        |v| signed(v, |x| rate(x, Towards::Nearest)),
    );
    let ends = |x: f64, towards| match x {
        x if x.is_infinite() => "unbounded".to_owned(),
        x => signed(x, |x| rate(x, towards)),
    };
    let (down, up) = (
        if estimate.lower < 0.0 {
            Towards::One
        } else {
            Towards::Zero
        },
        if estimate.upper < 0.0 {
            Towards::Zero
        } else {
            Towards::One
        },
    );
    format!(
        "{point}  [{}, {}] {} %",
        ends(estimate.lower, down),
        ends(estimate.upper, up),
        (estimate.confidence * 1e8).round() / 1e6
    )
}

fn signed(x: f64, write: impl Fn(f64) -> String) -> String {
    if x < 0.0 {
        format!("-{}", write(-x))
    } else {
        write(x)
    }
}

/// Writes an upper bound.
fn at_most(estimate: &nines_domain::estimate::Estimate) -> String {
    use crate::commands::stats::{Towards, rate};
    format!(
        "at most {} with {} % confidence",
        rate(estimate.upper, Towards::One),
        (estimate.confidence * 1e8).round() / 1e6
    )
}
