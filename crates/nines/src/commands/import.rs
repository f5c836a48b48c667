//! `nines import`: files become rows of the project, whole or not at all.

use crate::cli::{ImportArgs, ImportCommand};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_io::{ImportReport, LabelRow, PromptRow, ReadOptions, SnippetKey, SnippetRow, read_all};
use nines_store::{
    Import, ImportCounts, NewImport, NewLabel, NewPrompt, NewSnippet, Origin, SnippetRef,
};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Rows read from a file, by what they are.
pub enum Rows {
    /// Prompts without completions.
    Prompts(Vec<PromptRow>),
    /// Snippets, some with labels.
    Snippets(Vec<SnippetRow>),
    /// Labels.
    Labels(Vec<LabelRow>),
}

/// What one file brought.
#[derive(Serialize)]
struct FileReport {
    file: PathBuf,
    #[serde(flatten)]
    counts: ImportCounts,
    report: ImportReport,
}

/// Runs `nines import`.
pub async fn run(project: &Project, command: ImportCommand, output: &Output) -> Result<()> {
    let (args, kind): (ImportArgs, _) = match command {
        ImportCommand::Prompts(args) => (args, Kind::Prompts),
        ImportCommand::Snippets(args) => (args, Kind::Snippets),
        ImportCommand::Labels(args) => (args, Kind::Labels),
    };
    let options = ReadOptions {
        skip_bad: args.skip_bad,
        source: args.source,
        format: args.format,
        labeller: args.labeller,
        labeller_kind: args.labeller_kind.map(Into::into),
        ..ReadOptions::default()
    };
    files(project, &args.files, kind, &options, output).await
}

/// What a file is read as.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Prompts.
    Prompts,
    /// Snippets.
    Snippets,
    /// Labels.
    Labels,
}

/// Imports files one after the other, each whole or not at all, and prints what became of them.
pub async fn files(
    project: &Project,
    files: &[PathBuf],
    kind: Kind,
    options: &ReadOptions,
    output: &Output,
) -> Result<()> {
    let mut reports = Vec::new();
    for file in files {
        let (rows, report) = read(file, kind, options)?;
        let import = store(
            project,
            kind.word(),
            &name_of(file),
            rows,
            (&report, file).try_into()?,
        )
        .await
        .with_context(|| format!("{} was not imported", file.display()))?;
        reports.push(FileReport {
            file: file.clone(),
            counts: import.counts,
            report,
        });
    }
    output.result(&reports, || words(&reports));
    Ok(())
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Snippets => "snippets",
            Self::Labels => "labels",
        }
    }
}

fn read(file: &Path, kind: Kind, options: &ReadOptions) -> Result<(Rows, ImportReport)> {
    Ok(match kind {
        Kind::Prompts => {
            let import = read_all(file, options)?;
            (Rows::Prompts(import.rows), import.report)
        }
        Kind::Snippets => {
            let import = read_all(file, options)?;
            (Rows::Snippets(import.rows), import.report)
        }
        Kind::Labels => {
            let import = read_all(file, options)?;
            (Rows::Labels(import.rows), import.report)
        }
    })
}

fn name_of(file: &Path) -> String {
    file.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|| file.display().to_string())
}

/// The note that is kept of an import, beside its rows.
#[derive(Default)]
pub struct Note {
    digest: String,
    rows: usize,
    skipped: Value,
    skipped_count: usize,
}

impl TryFrom<(&ImportReport, &PathBuf)> for Note {
    type Error = anyhow::Error;

    fn try_from((report, file): (&ImportReport, &PathBuf)) -> Result<Self> {
        let mut hasher = Sha256::new();
        let mut content =
            std::fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        std::io::copy(&mut content, &mut hasher)
            .with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self {
            digest: hasher
                .finalize()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
            rows: (report.taken + report.duplicates + report.unlabelled + report.skipped_rows)
                as usize,
            skipped: serde_json::to_value(&report.skipped)?,
            skipped_count: report.skipped_rows as usize,
        })
    }
}

/// Stores rows in one transaction.
pub async fn store(
    project: &Project,
    kind: &str,
    name: &str,
    rows: Rows,
    note: Note,
) -> Result<Import> {
    let mut new = NewImport {
        kind: kind.to_owned(),
        file: name.to_owned(),
        digest: note.digest,
        run: None,
        rows: note.rows,
        skipped: note.skipped,
        skipped_count: note.skipped_count,
        prompts: Vec::new(),
        snippets: Vec::new(),
        labels: Vec::new(),
    };
    match rows {
        Rows::Prompts(rows) => new.prompts.extend(rows.into_iter().map(|row| NewPrompt {
            text: row.prompt,
            family: row.family,
            parent: None,
            source: row.source.unwrap_or_else(|| name.to_owned()),
            meta: object(row.meta),
        })),
        Rows::Snippets(rows) => {
            for row in rows {
                let source = row.source.unwrap_or_else(|| name.to_owned());
                let hash = row.text.hash();
                new.labels
                    .extend(row.labels.into_iter().map(|label| NewLabel {
                        snippet: SnippetRef::Hash(hash),
                        label,
                        occasion: String::new(),
                        source: source.clone(),
                    }));
                new.snippets.push(NewSnippet {
                    text: row.text,
                    prompt_family: row.family,
                    parent: row.parent,
                    origin: if row.parent.is_some() {
                        Origin::Edit
                    } else {
                        Origin::Import
                    },
                    source,
                    meta: object(row.meta),
                });
            }
        }
        Rows::Labels(rows) => {
            for row in rows {
                let hash = row.snippet.hash();
                if let SnippetKey::Text(text) = row.snippet {
                    new.snippets.push(NewSnippet::imported(text, name));
                }
                new.labels
                    .extend(row.labels.into_iter().map(|label| NewLabel {
                        snippet: SnippetRef::Hash(hash),
                        label,
                        occasion: String::new(),
                        source: name.to_owned(),
                    }));
            }
        }
    }
    Ok(project.store.import(&new).await?)
}

fn object(meta: Map<String, Value>) -> Value {
    if meta.is_empty() {
        Value::Null
    } else {
        Value::Object(meta)
    }
}

fn words(reports: &[FileReport]) -> String {
    let mut text = String::new();
    for FileReport {
        file,
        counts,
        report,
    } in reports
    {
        let _ = writeln!(text, "{}", file.display());
        for (what, new, before) in [
            ("prompts", counts.prompts_new, counts.prompts_duplicate),
            ("snippets", counts.snippets_new, counts.snippets_duplicate),
            ("labels", counts.labels_new, counts.labels_duplicate),
        ] {
            if new + before > 0 {
                let _ = writeln!(text, "  {what:<9} {new:>7} new, {before} there before");
            }
        }
        if report.duplicates > 0 {
            let _ = writeln!(
                text,
                "  repeated  {:>7} rows equal to earlier ones",
                report.duplicates
            );
        }
        if report.unlabelled > 0 {
            let _ = writeln!(
                text,
                "  unlabelled {:>6} rows without a verdict",
                report.unlabelled
            );
        }
        if report.skipped_rows > 0 {
            let _ = writeln!(text, "  skipped   {:>7} rows:", report.skipped_rows);
            for row in report.skipped.iter().take(20) {
                let field = row
                    .field
                    .as_deref()
                    .map(|f| format!("{f}: "))
                    .unwrap_or_default();
                let _ = writeln!(text, "    line {}: {field}{}", row.line, row.reason);
            }
            if report.skipped_rows > 20 {
                let _ = writeln!(text, "    … and more; --json lists up to a thousand");
            }
        }
    }
    text
}
