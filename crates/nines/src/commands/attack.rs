//! `nines attack`: looking for the filter's failures by machine.

mod find;
mod finds;
mod hints;
mod judging;
mod list;
mod models;
mod one;
mod probe;
mod recipes;
mod running;
mod sampling;
mod seeds;
mod show;
mod starts;
mod table;
mod transfer;
mod two;
mod waiting;

pub use show::{Attacked, page};
pub use waiting::open_finds;

use find::{confirmed, goal_of};

use crate::cli::{AttackArgs, AttackCommand};
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;

/// The kind of run that an attack is.
pub const KIND: &str = "attack";

/// Runs `nines attack`.
pub async fn run(project: &Project, args: AttackArgs, output: &Output) -> Result<()> {
    match args
        .command
        .unwrap_or(AttackCommand::Run(Box::new(args.run)))
    {
        AttackCommand::Run(args) => running::run(project, *args, output).await,
        AttackCommand::Recipes { name } => recipes::run(name.as_deref(), output),
        AttackCommand::List { limit } => list::run(project, limit, output).await,
        AttackCommand::Show(args) => show::run(project, &args, output).await,
        AttackCommand::Saliency(args) => one::saliency(project, args, output).await,
        AttackCommand::Substitutes(args) => one::substitutes(project, args, output).await,
    }
}
