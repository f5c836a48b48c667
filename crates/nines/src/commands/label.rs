//! `nines label`: labelling batches go out to a file and come back.

use super::import::{self, Kind};
use crate::cli::LabelCommand;
use crate::output::{Output, counted};
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::snippet::ContentHash;
use nines_io::{ExportedLabel, ReadOptions, TableWriter};
use nines_store::{Origin, SnippetFilter};
use serde_json::json;
use std::path::Path;

/// Runs `nines label`.
pub async fn run(project: &Project, command: LabelCommand, output: &Output) -> Result<()> {
    match command {
        LabelCommand::Export {
            out,
            n,
            disagreements,
            seed,
            replace,
        } => {
            if out.exists() && !replace {
                bail!(
                    "{} exists already, and may hold labels; choose another name, or say --replace",
                    out.display()
                );
            }
            export(project, &out, n, disagreements, seed, output).await
        }
        LabelCommand::Import {
            files,
            labeller,
            labeller_kind,
            skip_bad,
        } => {
            let options = ReadOptions {
                skip_bad,
                labeller,
                labeller_kind: Some(labeller_kind.into()),
                ..ReadOptions::default()
            };
            import::files(project, &files, Kind::Labels, &options, output).await
        }
    }
}

async fn export(
    project: &Project,
    out: &Path,
    n: usize,
    disagreements: bool,
    seed: u64,
    output: &Output,
) -> Result<()> {
    let mut snippets = project
        .store
        .snippets(&SnippetFilter {
            labelled: Some(false),
            ..SnippetFilter::default()
        })
        .await?;
    if disagreements {
        snippets.extend(
            project
                .store
                .snippets(&SnippetFilter {
                    needs_another: Some(true),
                    ..SnippetFilter::default()
                })
                .await?,
        );
    }
    // What the token budget cut off is never accepted, so that a label on it would measure nothing.
    let cut_off = project.store.unfinished_snippets().await?;
    let before = snippets.len();
    snippets.retain(|s| s.origin != Origin::Generate || !cut_off.contains(&s.id));
    let unfinished = before - snippets.len();
    if snippets.is_empty() {
        bail!(
            "no snippet wants a label ({unfinished} unfinished ones are left out); make some with \
             `nines generate`"
        );
    }
    // A random order that depends on the seed and the texts alone.
    let seed = seed.to_string();
    snippets.sort_by_key(|snippet| {
        ContentHash::of_fields("labelling order", &[&seed, &snippet.hash.to_string()])
    });
    snippets.truncate(n);
    let mut writer = TableWriter::create(out)?;
    for snippet in &snippets {
        writer.write(&ExportedLabel {
            text: snippet.text.clone(),
            label: None,
        })?;
    }
    let written = writer.finish()?;
    output.result(
        &json!({ "file": written.path, "rows": written.rows, "sha256": written.sha256,
            "unfinished": unfinished }),
        || {
            let left_out = match unfinished {
                0 => String::new(),
                n => format!("{} cut off unfinished, left out\n", counted(n as u64, "completion")),
            };
            format!(
                "{} in {}\n{left_out}fill in `verdict` (yes, no, unsure) and, for a yes, `severity` \
                 (1 to 3) by the guide {}, then\n  nines label import {} --labeller NAME",
                counted(written.rows, "snippet"),
                written.path.display(),
                project
                    .folder
                    .join(&project.config.predicate.guide)
                    .display(),
                written.path.display(),
            )
        },
    );
    Ok(())
}
