//! File formats, told by a file's name or said outright.

use crate::error::IoError;
use std::path::Path;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line (`.jsonl`, `.ndjson`).
    Jsonl,
    /// The same, gzipped (`.jsonl.gz`, `.ndjson.gz`).
    JsonlGz,
    /// Comma-separated values with a header line (`.csv`).
    Csv,
    /// Apache Parquet (`.parquet`).
    Parquet,
    /// A plain-text book (`.txt`), to be cut into prompts.
    Text,
}

const EXPECTED: &str = ".jsonl, .jsonl.gz, .csv, .parquet, .txt";

impl Format {
    /// Tells the format from a file's name.
    ///
    /// # Errors
    /// [`IoError::UnknownFormat`].
    pub fn of(path: &Path) -> Result<Self, IoError> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_ascii_lowercase())
            .unwrap_or_default();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&[".jsonl", ".ndjson"]) {
            Ok(Self::Jsonl)
        } else if ends(&[".jsonl.gz", ".ndjson.gz"]) {
            Ok(Self::JsonlGz)
        } else if ends(&[".csv"]) {
            Ok(Self::Csv)
        } else if ends(&[".parquet"]) {
            Ok(Self::Parquet)
        } else if ends(&[".txt"]) {
            Ok(Self::Text)
        } else {
            Err(IoError::UnknownFormat {
                path: path.to_owned(),
                expected: EXPECTED,
            })
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "jsonl" => Ok(Self::Jsonl),
            "jsonl.gz" => Ok(Self::JsonlGz),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            "txt" => Ok(Self::Text),
            other => Err(format!(
                "{other:?} is not a format: use jsonl, jsonl.gz, csv, parquet or txt"
            )),
        }
    }
}
