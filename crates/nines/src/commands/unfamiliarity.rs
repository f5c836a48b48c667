//! `nines unfamiliarity`: how far snippets lie from what is known, and what a limit on that buys.

mod fit;
mod measure;

pub use measure::{measure_all, measure_of};

use crate::cli::UnfamiliarityCommand;
use crate::output::Output;
use crate::project::Project;
use crate::unfamiliarity::Basis;
use anyhow::Result;
use nines_store::ModelKind;
use serde_json::{Value, json};

/// Runs `nines unfamiliarity`.
pub async fn run(project: &Project, command: UnfamiliarityCommand, output: &Output) -> Result<()> {
    match command {
        UnfamiliarityCommand::Fit(args) => fit::run(project, &args, output).await,
        UnfamiliarityCommand::Measure(args) => measure::run(project, &args, output).await,
        UnfamiliarityCommand::List => list(project, output).await,
    }
}

async fn list(project: &Project, output: &Output) -> Result<()> {
    let models = project.store.models(Some(ModelKind::Unfamiliarity)).await?;
    let mut rows: Vec<Value> = Vec::new();
    let mut lines = Vec::new();
    for model in models.iter().rev() {
        let basis = Basis::read(model)?;
        rows.push(
            json!({ "unfamiliarity": model.label(), "id": model.id, "basis": basis,
            "created": model.created }),
        );
        lines.push(format!("{:<20} {basis}", model.label()));
    }
    output.result(&rows, || match lines.is_empty() {
        true => {
            "the project has no measure of unfamiliarity; fit one: nines unfamiliarity fit NAME"
                .to_owned()
        }
        false => lines.join("\n"),
    });
    Ok(())
}
