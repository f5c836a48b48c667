//! Rows of people's own files.

use crate::cli::Input;
use crate::output::Output;
use anyhow::Result;
use nines_io::{Format, Table, TableRow};
use nines_stats::StatsError;
use std::collections::BTreeSet;
use std::path::Path;

/// How many fields without a use are named.
const NAMED: usize = 20;

/// Reads each row of a command's file; fields that are not `known` are pointed out, for a mistyped
/// one changes what is computed.
pub fn each(
    input: &Input,
    known: &[&str],
    output: &Output,
    take: impl FnMut(&TableRow) -> Result<()>,
) -> Result<()> {
    each_of(&input.file, input.format, known, output, take)
}

/// Reads each row of another file of a command.
pub fn each_of(
    file: &Path,
    format: Option<Format>,
    known: &[&str],
    output: &Output,
    mut take: impl FnMut(&TableRow) -> Result<()>,
) -> Result<()> {
    let mut unused = BTreeSet::new();
    for row in Table::open(file, format)? {
        let row = row?;
        for name in row.names() {
            if !known.contains(&name) && unused.len() < NAMED && !unused.contains(name) {
                unused.insert(name.to_owned());
            }
        }
        take(&row)?;
    }
    if !unused.is_empty() {
        let names: Vec<String> = unused.into_iter().collect();
        output.note(&format!(
            "{}: not used: {} (this command reads {})",
            name(file),
            names.join(", "),
            known.join(", ")
        ));
    }
    Ok(())
}

/// Names a file in words.
pub fn name(file: &Path) -> String {
    if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

/// Names the file in an error that its numbers cause.
pub fn about<T>(file: &Path, result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        if error.is::<StatsError>() {
            error.context(name(file))
        } else {
            error
        }
    })
}

/// Numbers names by their alphabet, so that no order of rows changes a result.
pub fn numbered(names: &[String]) -> Vec<u64> {
    let sorted: BTreeSet<&String> = names.iter().collect();
    let sorted: Vec<&String> = sorted.into_iter().collect();
    names
        .iter()
        .map(|name| sorted.partition_point(|other| *other < name) as u64)
        .collect()
}

/// The names in a field that rows may have: all of them or none.
#[derive(Debug)]
pub struct Names {
    field: &'static str,
    names: Vec<String>,
    rows: usize,
}

impl Names {
    /// Starts without rows.
    pub fn new(field: &'static str) -> Self {
        Self {
            field,
            names: Vec::new(),
            rows: 0,
        }
    }

    /// Takes the field of the next row; one without it, where others have it, is an error.
    pub fn push(&mut self, row: &TableRow) -> Result<()> {
        let name = row.word(self.field)?;
        self.rows += 1;
        self.names.extend(name);
        if self.names.is_empty() || self.names.len() == self.rows {
            return Ok(());
        }
        let reason = if self.names.len() == 1 {
            "is here, but not in the rows before: fill it in everywhere or nowhere"
        } else {
            "is missing, but the rows before have it: fill it in everywhere or nowhere"
        };
        Err(row.bad(self.field, reason).into())
    }

    /// Returns one name a row, or none at all.
    pub fn known(self) -> Option<Vec<String>> {
        (!self.names.is_empty()).then_some(self.names)
    }
}
