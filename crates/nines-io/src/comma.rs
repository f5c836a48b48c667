//! CSV files: a header line, then one record a row. An empty cell is an absent field.

use crate::error::{Fault, IoError};
use crate::lines::Counted;
use crate::records::{Limits, Record, Records};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Ends the file when one record takes more than the limit, as an unclosed quote would.
struct Bounded<R> {
    inner: R,
    used: Arc<AtomicU64>,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.used.load(Ordering::Relaxed) > self.limit {
            return Err(std::io::Error::other(format!(
                "one record is longer than {} bytes; is a quote left open?",
                self.limit
            )));
        }
        let n = self.inner.read(buffer)?;
        self.used.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Records, IoError> {
    let (file, _) = Counted::open(path)?;
    of(file, path, limits)
}

/// Takes the records of what is read from elsewhere than a file, which `path` names.
pub(crate) fn of(
    source: impl Read + Send + 'static,
    path: &Path,
    limits: &Limits,
) -> Result<Records, IoError> {
    let used = Arc::new(AtomicU64::new(0));
    let bounded = Bounded {
        inner: source,
        used: Arc::clone(&used),
        limit: limits.line_bytes as u64 + (1 << 16),
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(1 << 16)
        .from_reader(bounded);
    let mut header = csv::ByteRecord::new();
    let some = reader
        .read_byte_record(&mut header)
        .map_err(|error| IoError::file(path, format!("its header cannot be read: {error}")))?;
    if !some {
        return Err(IoError::file(
            path,
            "is empty; a CSV file starts with a header line",
        ));
    }
    // The reader counts a line when it meets `\n`, which with `\r\n` is only at the next record.
    let late = (2 + newlines(&header)).saturating_sub(reader.position().line());
    let names = read_header(path, &header)?;
    let path = path.to_owned();
    let mut record = csv::ByteRecord::new();
    let mut ended = false;
    Ok(Box::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        used.store(0, Ordering::Relaxed);
        let position = reader.position().line() + late;
        let outcome = reader.read_byte_record(&mut record);
        // A record's own position is that of the blank lines before it, so that its line is counted
        // back from its end. A last line that nothing ends is one short there.
        let end = reader.position().line() + late;
        let line = end.saturating_sub(1 + newlines(&record)).max(position);
        match outcome {
            Ok(false) => None,
            Ok(true) => Some(Ok(Record {
                line,
                fields: fields(&names, &record),
            })),
            Err(error) => match error.kind() {
                csv::ErrorKind::UnequalLengths {
                    expected_len, len, ..
                } => Some(Ok(Record {
                    line,
                    fields: Err(Fault::row(format!(
                        "has {len} cells where the header has {expected_len}"
                    ))),
                })),
                _ => {
                    ended = true;
                    let reason = format!("cannot be read from line {position} on: {error}");
                    Some(Err(IoError::file(&path, reason)))
                }
            },
        }
    })))
}

/// Counts the line ends within cells.
fn newlines(record: &csv::ByteRecord) -> u64 {
    let ends = record.as_slice().iter().filter(|byte| **byte == b'\n');
    ends.count() as u64
}

fn read_header(path: &Path, header: &csv::ByteRecord) -> Result<Vec<String>, IoError> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    for (i, name) in header.iter().enumerate() {
        let name = if i == 0 {
            name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name)
        } else {
            name
        };
        let name = std::str::from_utf8(name)
            .map_err(|_| {
                IoError::file(
                    path,
                    format!("the header's column {} is not valid UTF-8", i + 1),
                )
            })?
            .trim()
            .to_owned();
        if !name.is_empty() && !seen.insert(name.clone()) {
            return Err(IoError::file(
                path,
                format!("the header has the column {name:?} twice"),
            ));
        }
        names.push(name);
    }
    Ok(names)
}

fn fields(names: &[String], record: &csv::ByteRecord) -> Result<Map<String, Value>, Fault> {
    let mut map = Map::new();
    for (name, cell) in names.iter().zip(record) {
        if cell.is_empty() {
            continue;
        }
        if name.is_empty() {
            return Err(Fault::row("has a value in a column without a name"));
        }
        let text = std::str::from_utf8(cell).map_err(|error| {
            Fault::field(
                name,
                format!("is not valid UTF-8 (byte {})", error.valid_up_to() + 1),
            )
        })?;
        map.insert(name.clone(), Value::String(text.to_owned()));
    }
    Ok(map)
}
