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

pub use attack_time::groups as attack_groups;
pub use compare::open_items as open_compared;
pub use distribution::Named;
pub use leak::{
    LeakDesign, answer_score, answers_of, draw_only as draw_leak, items_of,
    measured as measure_leak, open_items as open_answers, snippets_of,
};
pub use quality::{
    Ready as QualityDesign, ShownPair, draw_only as draw_quality, measured as measure_quality,
    open_pairs,
};
pub use record::whose;

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

/// Writes a number with its interval and confidence.
pub fn shown(estimate: &nines_domain::estimate::Estimate) -> String {
    let sure = crate::shown::percent(estimate.confidence);
    format!("{} {sure} %", crate::shown::with_ends(estimate))
}

/// Writes an upper bound.
fn at_most(estimate: &nines_domain::estimate::Estimate) -> String {
    use crate::shown::{Towards, percent, rate};
    let upper = rate(estimate.upper, Towards::Up);
    format!(
        "at most {upper} with {} % confidence",
        percent(estimate.confidence)
    )
}
