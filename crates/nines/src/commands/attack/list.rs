//! `nines attack list`.

use super::KIND;
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write;

/// Runs `nines attack list`.
pub async fn run(project: &Project, limit: u64, output: &Output) -> Result<()> {
    project.store.mark_interrupted_runs().await?;
    let runs = project.store.runs_before(None, Some(KIND), limit).await?;
    let rows: Vec<Value> = runs
        .iter()
        .map(|run| {
            json!({ "run": run.id, "status": run.status, "recipe": run.config["name"],
                "goal": run.config["goal"], "classifier": run.config["attacked"]["classifier"],
                "done": run.done, "total": run.total, "started": run.started })
        })
        .collect();
    output.result(&rows, || {
        if runs.is_empty() {
            return "no attack has run yet; `nines attack recipes` says what there is".to_owned();
        }
        let mut text = format!(
            "{:<6} {:<11} {:<18} {:<16} {:>11}  started\n",
            "run", "status", "recipe", "classifier", "attempts"
        );
        for run in &runs {
            let _ = writeln!(
                text,
                "{:<6} {:<11} {:<18} {:<16} {:>11}  {:.0}",
                run.id,
                run.status.as_str(),
                run.config["name"].as_str().unwrap_or_default(),
                run.config["attacked"]["classifier"]
                    .as_str()
                    .unwrap_or_default(),
                run.total
                    .map_or_else(String::new, |total| format!("{} of {total}", run.done)),
                run.started
            );
        }
        text
    });
    Ok(())
}
