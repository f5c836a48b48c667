//! Rows of numbers and names as they stand, for people with counts of their own.

use crate::comma;
use crate::error::{Fault, IoError};
use crate::format::Format;
use crate::json;
use crate::lines::Lines;
use crate::records::{self, Limits, Records};
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

/// How many bytes of a value an error shows.
const SHOWN: usize = 40;

/// How many fields of a row an error names.
const NAMED: usize = 10;

/// The rows of a file, one at a time and in constant memory. Nothing is left out as a duplicate, for
/// two rows that say the same are two counts.
pub struct Table {
    path: Arc<Path>,
    records: Records,
    read: bool,
    ended: bool,
}

/// A row: where it stands, and its fields.
#[derive(Debug, Clone)]
pub struct TableRow {
    path: Arc<Path>,
    line: u64,
    fields: Map<String, Value>,
}

impl Table {
    /// Opens a file of JSONL, CSV or Parquet, or standard input where `path` is `-`. Without a format
    /// the file's name tells it; standard input is JSONL where it begins with `{`, and CSV otherwise.
    ///
    /// # Errors
    /// [`IoError::UnknownFormat`], [`IoError::BadFile`], [`IoError::Io`].
    pub fn open(path: &Path, format: Option<Format>) -> Result<Self, IoError> {
        let limits = Limits::default();
        let (path, records) = if path == Path::new("-") {
            standard_input(format, &limits)?
        } else {
            let format = match format {
                Some(format) => format,
                None => Format::of(path)?,
            };
            if format == Format::Text {
                let reason = "is plain text; rows with fields are JSONL, CSV or Parquet";
                return Err(IoError::file(path, reason));
            }
            (path, records::open(path, format, &limits, 1)?.0)
        };
        Ok(Self {
            path: path.into(),
            records,
            read: false,
            ended: false,
        })
    }

    fn advance(&mut self) -> Result<Option<TableRow>, IoError> {
        let Some(record) = self.records.next().transpose()? else {
            if self.read {
                return Ok(None);
            }
            return Err(IoError::file(&self.path, "holds no rows"));
        };
        self.read = true;
        let row = |fields| TableRow {
            path: Arc::clone(&self.path),
            line: record.line,
            fields,
        };
        match record.fields {
            Ok(fields) => Ok(Some(row(fields))),
            Err(fault) => Err(row(Map::new()).fault(fault)),
        }
    }
}

fn standard_input(
    format: Option<Format>,
    limits: &Limits,
) -> Result<(&'static Path, Records), IoError> {
    let path = Path::new("standard input");
    let mut source = BufReader::with_capacity(1 << 16, std::io::stdin());
    let format = match format {
        Some(format) => format,
        None => {
            let start = source.fill_buf().map_err(IoError::io("read", path))?;
            let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
            match start.trim_ascii_start() {
                [b'{', ..] => Format::Jsonl,
                [0x1f, 0x8b, ..] => Format::JsonlGz,
                _ => Format::Csv,
            }
        }
    };
    let records = match format {
        Format::Csv => comma::of(source, path, limits)?,
        Format::Jsonl | Format::JsonlGz => {
            let gzipped = format == Format::JsonlGz;
            records::objects(Lines::of(source, path, gzipped, limits.line_bytes))
        }
        Format::Parquet | Format::Text => {
            let reason = "can be read as csv, jsonl or jsonl.gz only";
            return Err(IoError::file(path, reason));
        }
    };
    Ok((path, records))
}

impl Iterator for Table {
    type Item = Result<TableRow, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.advance().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl TableRow {
    /// Returns the row's line (in Parquet: its row), from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the names of the fields that have a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, _)| name.as_str())
    }

    fn fault(&self, fault: Fault) -> IoError {
        IoError::BadRow {
            path: self.path.to_path_buf(),
            line: self.line,
            fault,
        }
    }

    /// Returns the error that something is wrong with a field: "field `name` *reason*".
    pub fn bad(&self, name: &str, reason: impl Into<String>) -> IoError {
        self.fault(Fault::field(name, reason))
    }

    /// Returns what a field holds where it must hold something.
    ///
    /// # Errors
    /// [`IoError::BadRow`] where it holds nothing; it names the fields that the row has, for a wrong
    /// separator or a mistyped name shows there.
    pub fn needed<T>(&self, name: &str, value: Option<T>) -> Result<T, IoError> {
        value.ok_or_else(|| {
            let names: Vec<&str> = self.names().take(NAMED).collect();
            let has = if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            };
            self.bad(name, format!("is missing; the row has {has}"))
        })
    }

    /// Returns a field's words: a string, a number or a truth value as text; blank is absent.
    ///
    /// # Errors
    /// [`IoError::BadRow`] for a list or an object.
    pub fn word(&self, name: &str) -> Result<Option<String>, IoError> {
        let text = match self.fields.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(value)) => value.to_string(),
            Some(other) => {
                let reason = format!("must be a word or a number, not {}", json::kind_of(other));
                return Err(self.bad(name, reason));
            }
        };
        Ok((!text.is_empty()).then_some(text))
    }

    fn parsed<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, IoError> {
        let text = match self.fields.get(name) {
            Some(Value::String(text)) => text.trim(),
            _ => &self.word(name)?.unwrap_or_default(),
        };
        if text.is_empty() {
            return Ok(None);
        }
        parse(text).map(Some).ok_or_else(|| {
            let shown: String = text.chars().take(SHOWN).collect();
            self.bad(name, format!("must be {expected}, not {shown}"))
        })
    }

    /// Returns a finite number.
    ///
    /// # Errors
    /// [`IoError::BadRow`] for anything else.
    pub fn number(&self, name: &str) -> Result<Option<f64>, IoError> {
        self.parsed(name, "a finite number", |text| {
            text.parse().ok().filter(|value: &f64| value.is_finite())
        })
    }

    /// Returns a whole number that is not negative; `12.0` is one.
    ///
    /// # Errors
    /// [`IoError::BadRow`] for anything else, and for 2⁵³ or more.
    pub fn count(&self, name: &str) -> Result<Option<u64>, IoError> {
        const MOST: u64 = 1 << 53;
        self.parsed(name, "a whole number that is not negative", |text| {
            let whole = |value: &f64| value.fract() == 0.0 && (0.0..MOST as f64).contains(value);
            let value = text.parse().ok().or_else(|| {
                let value = text.parse().ok().filter(whole)?;
                Some(value as u64)
            });
            value.filter(|value| *value < MOST)
        })
    }

    /// Returns yes (`1`, `true`, `yes`) or no (`0`, `false`, `no`), in any case of letters.
    ///
    /// # Errors
    /// [`IoError::BadRow`] for anything else.
    pub fn yes_or_no(&self, name: &str) -> Result<Option<bool>, IoError> {
        self.parsed(name, "0 or 1", |text| {
            let is = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
            match () {
                () if is(["1", "true", "yes", "1.0"]) => Some(true),
                () if is(["0", "false", "no", "0.0"]) => Some(false),
                () => None,
            }
        })
    }
}
