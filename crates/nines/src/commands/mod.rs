//! One file a command.

mod accounts;
pub mod attack;
mod calibrate;
mod demo;
mod doctor;
mod ensemble;
pub mod export;
pub mod filter;
mod generate;
mod import;
mod init;
mod label;
pub mod measure;
mod models;
pub mod report;
mod runs;
mod score;
mod select;
mod serve;
mod simulate;
mod stats;
pub mod sweep;
pub mod train;
mod unfamiliarity;

use crate::cli::{Cli, Command, SimulateCommand, SweepCommand, TrainCommand};
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;
use nines_store::JobEnd;
use std::fmt;
use std::path::{Path, PathBuf};

/// The command was interrupted; what it had done is kept.
#[derive(Debug)]
pub struct Interrupted(pub String);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}

/// The command's words do not fit together.
#[derive(Debug)]
pub struct BadUsage(pub String);

impl fmt::Display for BadUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadUsage {}

/// Runs a command.
pub async fn run(cli: Cli, output: &Output) -> Result<()> {
    let named = cli.project;
    let folder: PathBuf = named.clone().unwrap_or_else(|| Path::new(".").to_owned());
    match cli.command {
        Command::Init(args) => return init::run(args, output).await,
        Command::Models(command) => return models::run(command, output),
        Command::Demo(args) => return demo::run(named, args, cli.precision, output).await,
        Command::Doctor => return doctor::run(&folder, output).await,
        Command::Stats(command) => return stats::run(command, output),
        Command::Sweep(SweepCommand::Table(args)) => return sweep::table(&args, output),
        Command::Simulate(SimulateCommand::New(args)) => {
            return simulate::make(&args, cli.precision, output).await;
        }
        _ => {}
    }
    let project = Project::open(&folder).await?.with_precision(cli.precision);
    let project = project.attend_job().await?;
    let (job, store) = (project.job, project.store.clone());
    let outcome = in_project(project, cli.command, output).await;
    if let Some(job) = job {
        job.end(&store, &end_of(&outcome)).await?;
    }
    outcome
}

/// Says how a job ended whose command ended so.
fn end_of(outcome: &Result<()>) -> JobEnd {
    match outcome {
        Ok(()) => JobEnd::Done,
        Err(error) if error.is::<Interrupted>() => JobEnd::Interrupted,
        Err(error) => JobEnd::Failed(format!("{error:#}")),
    }
}

async fn in_project(project: Project, command: Command, output: &Output) -> Result<()> {
    match command {
        Command::Import(command) => import::run(&project, command, output).await,
        Command::Generate(args) => generate::run(&project, args, output).await,
        Command::Train(TrainCommand::Classifier(args)) => train::run(&project, args, output).await,
        Command::Ensemble(command) => ensemble::run(&project, command, output).await,
        Command::Unfamiliarity(command) => unfamiliarity::run(&project, command, output).await,
        Command::Sweep(SweepCommand::Run(args)) => sweep::run(&project, args, output).await,
        Command::Calibrate(args) => calibrate::run(&project, args, output).await,
        Command::Filter(args) => filter::run(&project, args, output).await,
        Command::Score(args) => score::run(&project, args, output).await,
        Command::Select(args) => select::run(&project, *args, output).await,
        Command::Label(command) => label::run(&project, command, output).await,
        Command::Export(command) => export::run(&project, command, output).await,
        Command::Simulate(command) => simulate::run(&project, command, output).await,
        Command::Measure(command) => measure::run(&project, command, output).await,
        Command::Attack(args) => attack::run(&project, *args, output).await,
        Command::Report(args) => report::run(&project, &args, output).await,
        Command::Runs(command) => runs::run(&project, command, output).await,
        Command::Accounts(command) => accounts::run(&project, command, output).await,
        Command::Serve(args) => serve::run(project, &args, serve::Taken::Refuse, output).await,
        Command::Init(_)
        | Command::Models(_)
        | Command::Demo(_)
        | Command::Doctor
        | Command::Stats(_)
        | Command::Sweep(SweepCommand::Table(_)) => Ok(()),
    }
}
