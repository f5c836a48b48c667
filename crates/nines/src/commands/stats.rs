//! `nines stats`: the estimators on counts that people bring themselves; no project is needed.

mod agreement;
mod compare;
mod interval;
mod plan;
mod quality;
mod rows;
mod species;
mod stratified;
mod survival;

use crate::cli::StatsCommand;
use crate::output::Output;
use anyhow::Result;

/// Runs `nines stats`.
pub fn run(command: StatsCommand, output: &Output) -> Result<()> {
    match command {
        StatsCommand::Interval(args) => interval::run(&args, output),
        StatsCommand::Plan(args) => plan::run(&args, output),
        StatsCommand::Stratified(args) => stratified::run(&args, output),
        StatsCommand::Survival(args) => survival::run(&args, output),
        StatsCommand::Quality(args) => quality::run(&args, output),
        StatsCommand::Agreement(args) => agreement::run(&args, output),
        StatsCommand::Compare(args) => compare::run(&args, output),
        StatsCommand::Species(args) => species::run(&args, output),
    }
}
