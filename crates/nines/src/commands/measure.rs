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
mod style;
mod tightening;
mod understanding;

pub use attack_time::{
    Gathered as GatheredAttacks, Group as AttackGroup, compared as attack_ratio,
    mean as attack_mean,
};
pub use compare::open_items as open_compared;
pub use distribution::Named;
pub use leak::{
    Computed as ComputedLeak, LeakDesign, Ready, adjudicated, compute as compute_leak,
    draw as draw_from, draw_only as draw_leak, is_not_yet, measured as measure_leak,
    open as open_of, open_items as open_answers,
};
pub use quality::{
    Computed as ComputedQuality, Ready as QualityDesign, ShownPair, compute as compute_quality,
    draw as draw_pairs, draw_only as draw_quality, measured as measure_quality, open_pairs,
};
pub use record::whose;

use crate::cli::MeasureCommand;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_domain::label::LabellerKind;
use nines_domain::snippet::DesignId;
use nines_store::{Design, DesignKind};

/// Runs `nines measure`.
pub async fn run(project: &Project, command: MeasureCommand, output: &Output) -> Result<()> {
    match command {
        MeasureCommand::Plan(args) => leak::plan(project, &args, output).await,
        MeasureCommand::Leak(args) => leak::run(project, &args, output).await,
        MeasureCommand::Quality(args) => quality::run(project, &args, output).await,
        MeasureCommand::Compare(args) => compare::run(project, &args, output).await,
        MeasureCommand::Tightening(args) => tightening::run(project, &args, output).await,
        MeasureCommand::Agreement(args) => agreement::run(project, &args, output).await,
        MeasureCommand::AttackTime(args) => attack_time::run(project, &args, output).await,
        MeasureCommand::Style(args) => style::run(project, &args, output).await,
        MeasureCommand::Understanding(args) => understanding::run(project, &args, output).await,
        MeasureCommand::Forecast(args) => forecast::run(project, &args, output).await,
        MeasureCommand::Margin(args) => margin::run(project, &args, output).await,
        MeasureCommand::Distribution(command) => distribution::run(project, command, output).await,
        MeasureCommand::Show { id, rows } => show::run(project, id, rows, output).await,
    }
}

/// Whom a queue is for: the kind of labeller whose labels are missing, and whose own are left out.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// People, or judges: each have a queue of their own, since their labels are never mixed.
    pub kind: LabellerKind,
    /// Leave out what this one has said already.
    pub labeller: Option<&'a str>,
}

impl Asked<'_> {
    /// The queue of people, whoever they are.
    pub const PEOPLE: Self = Self {
        kind: LabellerKind::Person,
        labeller: None,
    };
}

/// Finds the design that is asked for by number, or the newest of its kind.
async fn design_of(project: &Project, kind: DesignKind, asked: Option<DesignId>) -> Result<Design> {
    let designs = project.store.designs(Some(kind)).await?;
    let word = kind.as_str();
    match asked {
        None => designs.into_iter().next_back().with_context(|| {
            format!("nothing has been drawn to be labelled yet; `nines measure {word}` does")
        }),
        Some(id) => designs
            .into_iter()
            .find(|design| design.id == id)
            .with_context(|| {
                format!("there is no {word} design {id}; `nines measure {word}` names its own")
            }),
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
