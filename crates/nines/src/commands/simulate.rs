//! `nines simulate`: the protocols rehearsed where the truth is known.

mod check;
mod label;
mod new;
mod truth;

use crate::cli::SimulateCommand;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_world::generator::World;

pub use new::run as make;

/// Runs what works on a simulated project.
pub async fn run(project: &Project, command: SimulateCommand, output: &Output) -> Result<()> {
    let world = world_of(project)?;
    match command {
        SimulateCommand::New(_) => Ok(()),
        SimulateCommand::Label(args) => label::run(project, &args, output).await,
        SimulateCommand::Truth { distribution } => {
            truth::run(project, &world, &distribution, output).await
        }
        SimulateCommand::Check(args) => check::run(project, &world, &args, output).await,
    }
}

/// The world of a simulated project; in any other, what people labelled must not be mixed with what
/// is invented.
fn world_of(project: &Project) -> Result<World> {
    let settings = project.config.generator.simulated.context(
        "this project is not simulated, and invented labels must never stand beside real ones; make one with \
         `nines simulate new DIR`",
    )?;
    Ok(World::new(settings)?)
}
