//! `nines import`: files become rows of the project, whole or not at all.

mod measurements;

use crate::cli::{ImportArgs, ImportCommand};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_io::{ImportReport, LabelRow, PromptRow, ReadOptions, SnippetKey, SnippetRow, read_all};
use nines_store::{
    Import, ImportCounts, ImportLines, NewImport, NewLabel, NewPrompt, NewSnippet, Origin,
    SnippetRef,
};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::collections::HashMap;
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
    kept_as_meta: BTreeSet<String>,
    report: ImportReport,
}

/// Runs `nines import`.
pub async fn run(project: &Project, command: ImportCommand, output: &Output) -> Result<()> {
    let (args, kind): (ImportArgs, _) = match command {
        ImportCommand::Prompts(args) => (args, Kind::Prompts),
        ImportCommand::Snippets(args) => (args, Kind::Snippets),
        ImportCommand::Labels(args) => (args, Kind::Labels),
        ImportCommand::Comparisons(args) => {
            return measurements::comparisons(project, &args, output).await;
        }
        ImportCommand::Sessions(args) => {
            return measurements::sessions(project, &args, output).await;
        }
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
        let (rows, report) = read(file, kind, options).map_err(with_advice)?;
        let kept_as_meta = rows.meta_fields();
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
            kept_as_meta,
            report,
        });
    }
    output.result(&reports, || words(&reports));
    if let Some(empty) = reports
        .iter()
        .find(|r| r.report.taken == 0 && r.report.skipped_rows > 0)
    {
        bail!("no row of {} could be used", empty.file.display());
    }
    Ok(())
}

/// Imports a file of snippets, and returns the content hashes of its rows.
pub async fn snippets_of(project: &Project, file: &PathBuf) -> Result<Vec<ContentHash>> {
    let options = ReadOptions::default();
    let (rows, report) = read(file, Kind::Snippets, &options).map_err(with_advice)?;
    let hashes = match &rows {
        Rows::Snippets(rows) => rows.iter().map(|row| row.text.hash()).collect(),
        Rows::Prompts(_) | Rows::Labels(_) => Vec::new(),
    };
    let note = (&report, file).try_into()?;
    store(project, Kind::Snippets.word(), &name_of(file), rows, note)
        .await
        .with_context(|| format!("{} was not imported", file.display()))?;
    Ok(hashes)
}

/// Tells how to import a file without its bad rows.
fn with_advice(error: anyhow::Error) -> anyhow::Error {
    let row = match error.downcast_ref::<nines_io::IoError>() {
        Some(nines_io::IoError::BadRow { line, .. }) => *line,
        _ => return error,
    };
    error.context(format!(
        "line {row} cannot be imported (rows like it are left out, and listed, with --skip-bad)"
    ))
}

impl Rows {
    /// Names the fields that nines does not know, which are kept beside the rows: a mistyped name
    /// shows here.
    fn meta_fields(&self) -> BTreeSet<String> {
        let of = |meta: &Map<String, Value>| meta.keys().cloned().collect::<Vec<_>>();
        match self {
            Self::Prompts(rows) => rows.iter().flat_map(|row| of(&row.meta)).collect(),
            Self::Snippets(rows) => rows.iter().flat_map(|row| of(&row.meta)).collect(),
            Self::Labels(rows) => rows.iter().flat_map(|row| of(&row.meta)).collect(),
        }
    }
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
pub struct Note {
    /// The SHA-256 of what is imported.
    pub digest: String,
    /// What tells the labels from those of another import: a labeller who says the same again on
    /// another occasion has changed their mind in between, or confirms it.
    pub occasion: String,
    /// How many rows there are.
    pub rows: usize,
    /// Those that were left out, and why.
    pub skipped: Value,
    /// How many those are.
    pub skipped_count: usize,
}

impl TryFrom<(&ImportReport, &PathBuf)> for Note {
    type Error = anyhow::Error;

    fn try_from((report, file): (&ImportReport, &PathBuf)) -> Result<Self> {
        let mut hasher = Sha256::new();
        let mut content =
            std::fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        std::io::copy(&mut content, &mut hasher)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let digest = hasher.finalize();
        let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        Ok(Self {
            // The same file is the same occasion, under whatever name.
            occasion: digest.clone(),
            digest,
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
        lines: ImportLines::default(),
    };
    let predicate = project.config.predicate.label();
    let mut occasions = Occasions {
        file: note.occasion,
        minds: HashMap::new(),
    };
    match rows {
        Rows::Prompts(rows) => {
            for row in rows {
                new.lines.prompts.push(row.line);
                new.prompts.push(NewPrompt {
                    text: row.prompt,
                    family: row.family,
                    parent: None,
                    source: row.source.unwrap_or_else(|| name.to_owned()),
                    meta: object(row.meta),
                });
            }
        }
        Rows::Snippets(rows) => {
            for row in rows {
                let source = row.source.unwrap_or_else(|| name.to_owned());
                let labels = Labels {
                    hash: row.text.hash(),
                    line: row.line,
                    source: &source,
                    predicate: &predicate,
                };
                labels.add(&mut new, &mut occasions, row.labels);
                new.lines.snippets.push(row.line);
                new.snippets.push(NewSnippet {
                    text: row.text,
                    prompt_family: row.family,
                    origin: origin(row.origin.as_deref(), row.parent.is_some()),
                    parent: row.parent,
                    source,
                    meta: object(row.meta),
                });
            }
        }
        Rows::Labels(rows) => {
            let texts = texts_of(project, &rows).await?;
            for row in rows {
                let source = row.source.clone().unwrap_or_else(|| name.to_owned());
                let hash = row.snippet.hash();
                let labels = Labels {
                    hash,
                    line: row.line,
                    source: &source,
                    predicate: &predicate,
                };
                labels.add(&mut new, &mut occasions, row.labels);
                let text = match row.snippet {
                    SnippetKey::Text(text) => Some(text),
                    SnippetKey::Hash(hash) => texts.get(&hash).cloned(),
                };
                // A hash that is not stored is refused with its label.
                let Some(text) = text else { continue };
                new.lines.snippets.push(row.line);
                new.snippets.push(NewSnippet {
                    prompt_family: row.family,
                    origin: origin(None, row.parent.is_some()),
                    parent: row.parent,
                    meta: object(row.meta),
                    ..NewSnippet::imported(text, source)
                });
            }
        }
    }
    Ok(project.store.import(&new).await?)
}

/// The labels of one row.
struct Labels<'a> {
    hash: ContentHash,
    line: u64,
    source: &'a str,
    predicate: &'a str,
}

/// The labels of a file, and the occasion of each: that of the file, and within it how often the
/// labeller changed their mind of the snippet before.
struct Occasions {
    file: String,
    minds: HashMap<(ContentHash, LabellerKind, String), Mind>,
}

/// What a labeller said last of a snippet.
struct Mind {
    verdict: Verdict,
    severity: Option<Severity>,
    changes: usize,
}

impl Occasions {
    fn of(&mut self, snippet: ContentHash, label: &Label) -> String {
        let Label {
            verdict, severity, ..
        } = *label;
        let mind = self
            .minds
            .entry((snippet, label.kind, label.labeller.clone()))
            .or_insert(Mind {
                verdict,
                severity,
                changes: 0,
            });
        if (mind.verdict, mind.severity) != (verdict, severity) {
            *mind = Mind {
                verdict,
                severity,
                changes: mind.changes + 1,
            };
        }
        match mind.changes {
            0 => self.file.clone(),
            changes => format!("{} changed {changes}", self.file),
        }
    }
}

impl Labels<'_> {
    fn add(&self, new: &mut NewImport, occasions: &mut Occasions, labels: Vec<Label>) {
        for label in labels {
            new.lines.labels.push(self.line);
            new.labels.push(NewLabel {
                snippet: SnippetRef::Hash(self.hash),
                occasion: occasions.of(self.hash, &label),
                label,
                predicate: Some(self.predicate.to_owned()),
                source: self.source.to_owned(),
            });
        }
    }
}

/// Reads how a snippet came to be; a file that does not say brought it, or its edit.
fn origin(stated: Option<&str>, has_parent: bool) -> Origin {
    match stated {
        Some("generate") => Origin::Generate,
        Some("edit") => Origin::Edit,
        Some("attack") => Origin::Attack,
        Some("import") => Origin::Import,
        _ if has_parent => Origin::Edit,
        _ => Origin::Import,
    }
}

/// Finds the texts of stored snippets that rows name by their hash and say more of than labels.
async fn texts_of(
    project: &Project,
    rows: &[LabelRow],
) -> Result<HashMap<ContentHash, SnippetText>> {
    let hashes: Vec<ContentHash> = rows
        .iter()
        .filter(|row| !row.meta.is_empty() || row.family.is_some() || row.parent.is_some())
        .filter(|row| matches!(row.snippet, SnippetKey::Hash(_)))
        .map(|row| row.snippet.hash())
        .collect();
    let found = project.store.snippets_by_hash(&hashes).await?;
    Ok(found.into_iter().map(|s| (s.hash, s.text)).collect())
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
        kept_as_meta,
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
        if !kept_as_meta.is_empty() {
            let names: Vec<&str> = kept_as_meta.iter().map(String::as_str).collect();
            let _ = writeln!(
                text,
                "  kept as meta (unknown fields): {}",
                names.join(", ")
            );
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
        for (what, n) in &report.left_out {
            let _ = writeln!(text, "  left out  {n:>7} {what}");
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

#[cfg(test)]
mod tests;
