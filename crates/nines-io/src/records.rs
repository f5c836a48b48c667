//! Rows of any format as JSON objects, one at a time, with where each stands.

use crate::error::{Fault, IoError};
use crate::format::Format;
use crate::json;
use crate::lines::Lines;
use crate::{book, comma, parquet_rows};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What a file may ask of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line (or CSV record) in bytes.
    pub line_bytes: usize,
    /// The longest prompt or completion in bytes.
    pub text_bytes: usize,
    /// The most rows of one file.
    pub rows: u64,
    /// The longest book in bytes.
    pub book_bytes: u64,
    /// The most memory that all rows of a file may take when they are read at once, in bytes.
    pub total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 4 << 20,
            text_bytes: 64 << 10,
            rows: 50_000_000,
            book_bytes: 256 << 20,
            total_bytes: 2 << 30,
        }
    }
}

/// A row: its line (in Parquet: its row) from 1, and its fields or what is wrong with them.
pub(crate) struct Record {
    pub(crate) line: u64,
    pub(crate) fields: Result<Map<String, Value>, Fault>,
}

/// Rows as they are read; an error ends the file.
pub(crate) type Records = Box<dyn Iterator<Item = Result<Record, IoError>> + Send>;

/// What a file is not made into rows of, such as the headings of a book: how many of what.
pub(crate) type LeftOut = BTreeMap<&'static str, u64>;

/// Opens a file.
pub(crate) fn open(
    path: &Path,
    format: Format,
    limits: &Limits,
    sentences_per_prompt: usize,
) -> Result<(Records, LeftOut), IoError> {
    let records: Records = match format {
        Format::Jsonl | Format::JsonlGz => {
            let gzipped = format == Format::JsonlGz;
            objects(Lines::open(path, gzipped, limits.line_bytes)?.0)
        }
        Format::Csv => comma::open(path, limits)?,
        Format::Parquet => parquet_rows::open(path)?,
        Format::Text => return book::open(path, limits, sentences_per_prompt),
    };
    Ok((records, LeftOut::new()))
}

/// Takes each line as a JSON object.
pub(crate) fn objects(mut lines: Lines) -> Records {
    Box::new(std::iter::from_fn(move || {
        lines
            .next_line()
            .map(|line| {
                line.map(|line| Record {
                    line: line.number,
                    fields: line.text.and_then(json::object),
                })
            })
            .transpose()
    }))
}
