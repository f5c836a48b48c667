//! `nines report`: everything that is known of the project on one page, from the database alone. No
//! model is loaded, and nothing is written to the database.

pub mod chosen;
mod design;
mod distributions;
mod labelling;
pub mod leak_below;
pub mod leak_thresholds;
mod lineage;
mod margin;
pub mod quality;
pub mod risk_coverage;
pub mod rows;
mod scores;
pub mod summary;
mod survival;

use crate::cli::ReportArgs;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_io::write_atomically;
use nines_report::report::{Predicate, Report};
use rows::Rows;
use std::path::Path;

/// The confidence of what is computed here; stored estimates keep their own.
pub const CONFIDENCE: f64 = 0.95;

/// Runs `nines report`.
pub async fn run(project: &Project, args: &ReportArgs, output: &Output) -> Result<()> {
    let files = [Some(&args.out), args.json_out.as_ref()];
    if args.json_out.as_ref() == Some(&args.out) {
        bail!(super::BadUsage(
            "--out and --json-out name the same file".to_owned()
        ));
    }
    for file in files.into_iter().flatten() {
        if file.exists() && !args.replace {
            bail!(
                "{} exists already; choose another name, or say --replace",
                file.display()
            );
        }
    }
    let report = report(project, args).await?;
    write(&args.out, &nines_report::html(&report), output)?;
    if let Some(file) = &args.json_out {
        write(file, &nines_report::json(&report), output)?;
    }
    if output.is_json() {
        output.print(&nines_report::json(&report));
    } else {
        output.print(&words(args, &report));
    }
    Ok(())
}

fn write(file: &Path, text: &str, output: &Output) -> Result<()> {
    let written = write_atomically(file, text.as_bytes())?;
    if output.is_json() {
        output.note(&format!("{} written", written.path.display()));
    }
    Ok(())
}

fn words(args: &ReportArgs, report: &Report) -> String {
    let mut text = format!(
        "{}: open it in any browser; it needs no network",
        args.out.display()
    );
    if let Some(file) = &args.json_out {
        text.push_str(&format!("\n{}: the same numbers", file.display()));
    }
    if report.summary.is_none() {
        text.push_str("\nnothing is measured yet; the page says what to run");
    }
    text
}

/// The generator that the configuration names.
fn configured(project: &Project) -> String {
    let section = &project.config.generator;
    let endpoint = section.endpoint.as_ref().map(|e| &e.model);
    endpoint.unwrap_or(&section.model).clone()
}

/// Reads the whole report off the database.
async fn report(project: &Project, args: &ReportArgs) -> Result<Report> {
    let rows = Rows::read(project).await?;
    let filter = rows.filter();
    Ok(Report {
        project: project.config.project.name.clone(),
        generated: rows.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        predicate: Predicate {
            name: project.config.predicate.name.clone(),
            version: project.config.predicate.version.to_string(),
        },
        generator: filter
            .as_ref()
            .and_then(|f| f.generator.clone())
            .or_else(|| Some(configured(project))),
        classifier: filter.as_ref().map(|f| f.classifier.clone()),
        threshold: filter.as_ref().and_then(|f| f.threshold),
        law: filter.as_ref().and_then(|f| f.law.clone()),
        caution: filter.as_ref().and_then(|f| f.caution.clone()),
        budget: Some(
            filter
                .as_ref()
                .and_then(|f| f.budget)
                .unwrap_or(project.config.filter.budget),
        ),
        notice: rows.notice(),
        summary: summary::section(&rows)?,
        risk_coverage: risk_coverage::section(&rows),
        leak_by_threshold: leak_thresholds::section(&rows),
        leak_by_score: leak_below::section(&rows)?,
        quality_by_threshold: quality::section(&rows)?,
        score_distributions: scores::section(&rows),
        leak_by_distribution: distributions::section(&rows),
        attack_survival: survival::section(&rows)?,
        transfer: None,
        labelling: labelling::section(&rows, args),
        margin: margin::section(&rows),
        design: design::section(&rows)?,
        lineage: lineage::section(&rows),
    })
}
