//! Comparisons and attack sessions from files.

use crate::cli::ImportArgs;
use crate::models;
use crate::output::{Output, counted};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_io::{AttackSessionRow, ComparisonRow, ImportReport, ReadOptions, Row, read_all};
use nines_store::{AttackerKind, NewAttackSession, NewComparison};
use serde_json::json;
use std::path::Path;

fn read<R: Row>(args: &ImportArgs, file: &Path) -> Result<(Vec<R>, ImportReport)> {
    let options = ReadOptions {
        skip_bad: args.skip_bad,
        source: args.source.clone(),
        format: args.format,
        labeller: args.labeller.clone(),
        labeller_kind: args.labeller_kind.map(Into::into),
        ..ReadOptions::default()
    };
    let import = read_all::<R>(file, &options)?;
    Ok((import.rows, import.report))
}

/// Imports comparisons. Both snippets of each must be known.
pub async fn comparisons(project: &Project, args: &ImportArgs, output: &Output) -> Result<()> {
    let mut results = Vec::new();
    for file in &args.files {
        let (rows, report) = read::<ComparisonRow>(args, file)?;
        let hashes: Vec<_> = rows
            .iter()
            .flat_map(|row| [row.left_text().hash(), row.right_text().hash()])
            .collect();
        let found = project.store.snippets_by_hash(&hashes).await?;
        let ids: std::collections::HashMap<_, _> = found.iter().map(|s| (s.hash, s.id)).collect();
        let mut new = Vec::new();
        for row in &rows {
            let id = |side: &str, text: &nines_domain::snippet::SnippetText| {
                ids.get(&text.hash()).copied().with_context(|| {
                    format!(
                        "{}, line {}, field `{side}`: the project has no such completion of this prompt; texts must \
                         be as they were exported",
                        file.display(),
                        row.line
                    )
                })
            };
            new.push(NewComparison {
                left: id("left", &row.left_text())?,
                right: id("right", &row.right_text())?,
                comparison: row.comparison.clone(),
                occasion: row.occasion.clone(),
                source: row.source.clone().unwrap_or_default(),
            });
        }
        let stored = project.store.insert_comparisons(&new).await?;
        results.push(json!({ "file": file, "comparisons_new": stored,
            "comparisons_duplicate": new.len() - stored, "report": report }));
    }
    print(&results, "comparison", "comparisons", output)
}

/// Imports attack sessions.
pub async fn sessions(project: &Project, args: &ImportArgs, output: &Output) -> Result<()> {
    let mut results = Vec::new();
    for file in &args.files {
        let (rows, report) = read::<AttackSessionRow>(args, file)?;
        let mut new = Vec::new();
        for row in rows {
            let model = match &row.classifier {
                None => None,
                Some(name) => {
                    let model = models::classifier(project, Some(name)).await;
                    Some(
                        model
                            .with_context(|| format!("{}, line {}", file.display(), row.line))?
                            .id,
                    )
                }
            };
            new.push(NewAttackSession {
                attacker: row.attacker,
                kind: match row.is_algorithm {
                    true => AttackerKind::Algorithm,
                    false => AttackerKind::Person,
                },
                group: row.group,
                model,
                seconds: row.seconds,
                found: row.found,
                snippet: None,
                occasion: row.occasion,
                source: row.source.unwrap_or_default(),
            });
        }
        let stored = project.store.insert_attack_sessions(&new).await?;
        results.push(json!({ "file": file, "sessions_new": stored,
            "sessions_duplicate": new.len() - stored, "report": report }));
    }
    print(&results, "session", "sessions", output)
}

fn print(results: &[serde_json::Value], one: &str, many: &str, output: &Output) -> Result<()> {
    output.result(&results, || {
        let mut lines = Vec::new();
        for result in results {
            let new = result[format!("{many}_new")].as_u64().unwrap_or_default();
            let old = result[format!("{many}_duplicate")]
                .as_u64()
                .unwrap_or_default();
            lines.push(format!(
                "{}: {} stored, {old} there already",
                result["file"].as_str().unwrap_or_default(),
                counted(new, one)
            ));
        }
        lines.join("\n")
    });
    let nothing = results
        .iter()
        .all(|r| r[format!("{many}_new")] == 0 && r[format!("{many}_duplicate")] == 0);
    if nothing {
        bail!("no row of these files holds a {one}");
    }
    Ok(())
}
