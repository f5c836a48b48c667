//! Reading whole files of rows: what is taken, what is a duplicate, what is skipped and why.

use crate::error::{Fault, IoError};
use crate::fields::Who;
use crate::format::Format;
use crate::json;
use crate::records::{self, Limits, Records};
use crate::rows::Row;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::ContentHash;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// How many skipped rows a report lists; beyond it counts only.
const LISTED: usize = 1000;

/// How to read a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format; told by the file's name where absent.
    pub format: Option<Format>,
    /// Leave out bad rows and list them, where otherwise the first one ends the read.
    pub skip_bad: bool,
    /// What the file may ask of memory.
    pub limits: Limits,
    /// How many sentences of a book make a prompt.
    pub sentences_per_prompt: usize,
    /// Who labelled, where rows do not say.
    pub labeller: Option<String>,
    /// What labelled, a person or a judge, where rows do not say.
    pub labeller_kind: Option<LabellerKind>,
    /// Where the rows come from, where they do not say; the file's name where absent.
    pub source: Option<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            skip_bad: false,
            limits: Limits::default(),
            sentences_per_prompt: 3,
            labeller: None,
            labeller_kind: None,
            source: None,
        }
    }
}

impl ReadOptions {
    pub(crate) fn who(&self) -> Who {
        Who {
            labeller: self.labeller.clone(),
            kind: self.labeller_kind,
        }
    }
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedRow {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: u64,
    /// The field that is wrong, where it is one.
    pub field: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of a file's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Rows taken.
    pub taken: u64,
    /// Rows that say nothing that an earlier row of the file did not.
    pub duplicates: u64,
    /// Rows of a labelling batch that nobody labelled.
    pub unlabelled: u64,
    /// Bad rows that were left out.
    pub skipped_rows: u64,
    /// The first thousand of them.
    pub skipped: Vec<SkippedRow>,
    /// What no row was made of, such as a book's headings and verse: how many of what.
    pub left_out: BTreeMap<String, u64>,
}

impl ImportReport {
    /// Adds another file's report.
    pub fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.duplicates += other.duplicates;
        self.unlabelled += other.unlabelled;
        self.skipped_rows += other.skipped_rows;
        let room = LISTED.saturating_sub(self.skipped.len());
        self.skipped.extend(other.skipped.into_iter().take(room));
        for (what, n) in other.left_out {
            *self.left_out.entry(what).or_default() += n;
        }
    }
}

/// The rows of a file, read as they are asked for. The first error ends it: who stores rows rolls
/// back then, so that a file is imported whole or not at all.
pub struct RowStream<T> {
    path: PathBuf,
    source: String,
    records: Records,
    options: ReadOptions,
    seen: HashSet<ContentHash>,
    /// The last row that labels each snippet.
    last: HashMap<ContentHash, ContentHash>,
    report: ImportReport,
    read: u64,
    /// About how much memory the rows taken so far need.
    bytes: u64,
    ended: bool,
    marker: PhantomData<fn() -> T>,
}

/// A file's rows in memory, with the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Import<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// What became of the file's rows.
    pub report: ImportReport,
}

/// Opens a file of rows.
///
/// # Errors
/// [`IoError::UnknownFormat`], [`IoError::BadFile`], [`IoError::Io`].
pub fn stream<T: Row>(path: &Path, options: &ReadOptions) -> Result<RowStream<T>, IoError> {
    let format = match options.format {
        Some(format) => format,
        None => Format::of(path)?,
    };
    let source = options.source.clone().unwrap_or_else(|| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    });
    let (records, left_out) =
        records::open(path, format, &options.limits, options.sentences_per_prompt)?;
    let left_out = left_out.into_iter();
    Ok(RowStream {
        path: path.to_owned(),
        source,
        records,
        options: options.clone(),
        seen: HashSet::new(),
        last: HashMap::new(),
        report: ImportReport {
            left_out: left_out.map(|(what, n)| (what.to_owned(), n)).collect(),
            ..ImportReport::default()
        },
        read: 0,
        bytes: 0,
        ended: false,
        marker: PhantomData,
    })
}

/// Reads a whole file into memory, of which it may take [`Limits::total_bytes`].
///
/// # Errors
/// As [`stream`], [`IoError::BadRow`] for the first bad row unless bad rows are skipped, and
/// [`IoError::BadFile`] for a file whose rows take more memory than that.
pub fn read_all<T: Row>(path: &Path, options: &ReadOptions) -> Result<Import<T>, IoError> {
    let mut stream = stream(path, options)?;
    let mut rows = Vec::new();
    while let Some(row) = stream.next() {
        rows.push(row?);
        if stream.bytes > options.limits.total_bytes {
            let reason = format!(
                "takes more than {} bytes of memory when it is read; cut it into parts",
                options.limits.total_bytes
            );
            return Err(IoError::file(path, reason));
        }
    }
    Ok(Import {
        rows,
        report: stream.into_report(),
    })
}

impl<T> RowStream<T> {
    /// Returns what has become of the rows so far.
    pub fn report(&self) -> &ImportReport {
        &self.report
    }

    /// Returns what became of the rows.
    pub fn into_report(self) -> ImportReport {
        self.report
    }

    fn bad(&mut self, line: u64, fault: Fault) -> Result<(), IoError> {
        if !self.options.skip_bad {
            return Err(IoError::BadRow {
                path: self.path.clone(),
                line,
                fault,
            });
        }
        self.report.skipped_rows += 1;
        if self.report.skipped.len() < LISTED {
            self.report.skipped.push(SkippedRow {
                file: self.path.clone(),
                line,
                field: fault.field,
                reason: fault.reason,
            });
        }
        Ok(())
    }
}

impl<T: Row> RowStream<T> {
    fn advance(&mut self) -> Result<Option<T>, IoError> {
        loop {
            let Some(record) = self.records.next().transpose()? else {
                if self.read == 0 {
                    return Err(IoError::file(&self.path, "holds no rows"));
                }
                return Ok(None);
            };
            self.read += 1;
            if self.read > self.options.limits.rows {
                let reason = format!(
                    "has more than {} rows; cut it into parts",
                    self.options.limits.rows
                );
                return Err(IoError::file(&self.path, reason));
            }
            let line = record.line;
            let options = &self.options;
            let weight = record.fields.as_ref().map_or(0, json::weight);
            let row = record
                .fields
                .and_then(|fields| T::read(line, fields, options));
            match row {
                Ok(Some(mut row)) => {
                    let identity = row.identity();
                    let is_known = !self.seen.insert(identity);
                    let last = row.labels_of().map(|of| self.last.insert(of, identity));
                    if is_known && last.is_none_or(|last| last == Some(identity)) {
                        self.report.duplicates += 1;
                        continue;
                    }
                    row.set_default_source(&self.source);
                    self.bytes += weight;
                    self.report.taken += 1;
                    return Ok(Some(row));
                }
                Ok(None) => self.report.unlabelled += 1,
                Err(fault) => self.bad(line, fault)?,
            }
        }
    }
}

impl<T: Row> Iterator for RowStream<T> {
    type Item = Result<T, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.advance().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
