//! `nines label`: labelling batches go out to a file and come back.

use super::BadUsage;
use super::attack;
use super::import::{self, Kind};
use super::measure::{self, Asked, ShownPair};
use super::select;
use crate::cli::{LabelCommand, QueueArg};
use crate::output::{Output, counted};
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::snippet::{ContentHash, DesignId, RunId};
use nines_io::{ExportedLabel, ExportedPair, ReadOptions, TableWriter, Written};
use nines_store::{Origin, Snippet, SnippetFilter};
use serde_json::json;
use std::path::Path;

/// Snippets in a batch where nothing else is said.
const BATCH: usize = 100;

/// Runs `nines label`.
pub async fn run(project: &Project, command: LabelCommand, output: &Output) -> Result<()> {
    match command {
        LabelCommand::Export {
            out,
            n,
            queue,
            design,
            run,
            selection,
            labeller,
            labeller_kind,
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
            let asked = Asked {
                kind: labeller_kind.into(),
                labeller: labeller.as_deref(),
            };
            // One says which draws, the other which finds.
            let (wrong, instead) = match queue {
                Some(QueueArg::Attack) => (
                    design.is_some(),
                    "--run, since --design is of a measurement",
                ),
                Some(QueueArg::Select) => (
                    design.is_some() || run.is_some(),
                    "--selection, since --design and --run are of others",
                ),
                _ => (run.is_some(), "--design, since --run is of --queue attack"),
            };
            let (wrong, instead) = match selection.is_some() && queue != Some(QueueArg::Select) {
                true => (
                    true,
                    "another option, since --selection is of --queue select",
                ),
                false => (wrong, instead),
            };
            if wrong {
                bail!(BadUsage(format!("this queue is chosen by {instead}")));
            }
            let design = design.map(DesignId);
            match queue {
                None => {
                    export(
                        project,
                        &out,
                        n.unwrap_or(BATCH),
                        disagreements,
                        seed,
                        output,
                    )
                    .await
                }
                Some(QueueArg::Quality) => {
                    let pairs = measure::open_pairs(project, design, asked).await?;
                    export_pairs(project, &out, n.unwrap_or(usize::MAX), &pairs, output).await
                }
                Some(QueueArg::Leak) => {
                    let waiting = measure::open_answers(project, design, asked).await?;
                    let n = n.unwrap_or(usize::MAX);
                    export_queue(project, &out, n, (&waiting, &DRAWN), output)
                }
                Some(QueueArg::Compare) => {
                    let waiting = measure::open_compared(project, design, asked).await?;
                    let n = n.unwrap_or(usize::MAX);
                    export_queue(project, &out, n, (&waiting, &DRAWN), output)
                }
                Some(QueueArg::Attack) => {
                    let waiting = attack::open_finds(project, run.map(RunId), asked).await?;
                    let n = n.unwrap_or(usize::MAX);
                    export_queue(project, &out, n, (&waiting, &FOUND), output)
                }
                Some(QueueArg::Select) => {
                    let waiting = select::open_items(project, selection, asked).await?;
                    let n = n.unwrap_or(usize::MAX);
                    export_queue(project, &out, n, (&waiting, &CHOSEN), output)
                }
            }
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
    let written = write(out, &snippets)?;
    output.result(
        &json!({ "file": written.path, "rows": written.rows, "sha256": written.sha256,
            "unfinished": unfinished }),
        || {
            let left_out = match unfinished {
                0 => String::new(),
                n => format!(
                    "{} cut off unfinished, left out\n",
                    counted(n as u64, "completion")
                ),
            };
            format!("{left_out}{}", advice(project, &written))
        },
    );
    Ok(())
}

/// Says what a queue holds, and where more comes from.
struct Told {
    none: &'static str,
    order: &'static str,
}

/// What a measurement drew; its order must be kept: every beginning of it is a sample.
const DRAWN: Told = Told {
    none: "everything that was drawn is labelled; `nines measure plan --labels N` draws more",
    order: "in the order drawn: label from the top, leave nothing out",
};

/// What attacks found: nothing tells who labels where a find comes from.
const FOUND: Told = Told {
    none: "no find of an attack waits for a label of theirs; `nines attack` looks for some",
    order: "mixed: nothing tells which recipe found what",
};

/// What was chosen so that a classifier learns from it.
const CHOSEN: Told = Told {
    none: "everything that the selection chose is labelled; `nines select` chooses more",
    order: "mixed: nothing tells which were the most wanted",
};

/// Writes a queue in its order.
fn export_queue(
    project: &Project,
    out: &Path,
    n: usize,
    (waiting, told): (&[Snippet], &Told),
    output: &Output,
) -> Result<()> {
    if waiting.is_empty() {
        bail!(told.none);
    }
    let written = write(out, &waiting[..n.min(waiting.len())])?;
    output.result(
        &json!({ "file": written.path, "rows": written.rows, "sha256": written.sha256,
            "waiting": waiting.len() }),
        || {
            format!(
                "{} of {} that wait, {}\n{}",
                written.rows,
                waiting.len(),
                told.order,
                advice(project, &written)
            )
        },
    );
    Ok(())
}

async fn export_pairs(
    project: &Project,
    out: &Path,
    n: usize,
    pairs: &[ShownPair],
    output: &Output,
) -> Result<()> {
    if pairs.is_empty() {
        bail!("every pair that was drawn is rated; `nines measure quality --pairs N` draws more");
    }
    let taken = &pairs[..n.min(pairs.len())];
    let ids: Vec<_> = taken
        .iter()
        .flat_map(|pair| [pair.left, pair.right])
        .collect();
    let snippets = project.store.snippets_by_id(&ids).await?;
    let mut writer = TableWriter::create(out)?;
    for pair in snippets.chunks_exact(2) {
        writer.write(&ExportedPair {
            prompt: pair[0].text.prompt.clone(),
            left: pair[0].text.completion.clone(),
            right: pair[1].text.completion.clone(),
        })?;
    }
    let written = writer.finish()?;
    output.result(
        &json!({ "file": written.path, "rows": written.rows, "sha256": written.sha256,
            "waiting": pairs.len() }),
        || {
            format!(
                "{} of {} that wait in {}\nsay in `choice` which continues the prompt better (left, right, same, \
                 unusable), from the top, then\n  nines import comparisons {} --labeller NAME",
                counted(written.rows, "pair"),
                pairs.len(),
                written.path.display(),
                written.path.display(),
            )
        },
    );
    Ok(())
}

fn write(out: &Path, snippets: &[Snippet]) -> Result<Written> {
    let mut writer = TableWriter::create(out)?;
    for snippet in snippets {
        writer.write(&ExportedLabel {
            text: snippet.text.clone(),
            label: None,
        })?;
    }
    Ok(writer.finish()?)
}

fn advice(project: &Project, written: &Written) -> String {
    format!(
        "{} in {}\nfill in `verdict` (yes, no, unsure) and, for a yes, `severity` (1 to 3) by the guide {}, \
         then\n  nines label import {} --labeller NAME",
        counted(written.rows, "snippet"),
        written.path.display(),
        project
            .folder
            .join(&project.config.predicate.guide)
            .display(),
        written.path.display(),
    )
}
