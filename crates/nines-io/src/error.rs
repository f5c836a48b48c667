//! What can go wrong with files, each with where and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, where it is one.
    pub field: Option<String>,
    /// What is wrong, and what is expected.
    pub reason: String,
}

impl Fault {
    pub(crate) fn row(reason: impl Into<String>) -> Self {
        Self {
            field: None,
            reason: reason.into(),
        }
    }

    pub(crate) fn field(field: &str, reason: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "field `{field}` {}", self.reason),
            None => write!(f, "the row {}", self.reason),
        }
    }
}

/// An error of reading or writing files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// A row is bad, and bad rows are not to be skipped.
    #[error(
        "{}, line {line}: {fault}. Nothing of the file was taken: mend the row", path.display()
    )]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The line (in Parquet: the row), from 1.
        line: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// A file as a whole cannot be used.
    #[error("{}: {reason}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A format cannot be told from a file's name.
    #[error(
        "{}: the format cannot be told from the name; use one of {expected}, or say it with `--format`", path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What is expected.
        expected: &'static str,
    },
    /// Another process writes the same file.
    #[error("{} is being written by another process: wait for it, or choose another name", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error(
        "no space is left on the disk while writing {}: free some space and run the command again", path.display()
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The scorer failed as a whole.
    #[error(
        "scoring stopped after {rows} rows: {source}; run the command again to go on from there"
    )]
    Scorer {
        /// How many rows are done.
        rows: u64,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl IoError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    pub(crate) fn file(path: &Path, reason: impl Into<String>) -> Self {
        Self::BadFile {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
