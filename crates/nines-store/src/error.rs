//! What can go wrong between nines and its database.

use nines_domain::snippet::{ContentHash, ModelId, SnippetId};
use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};
use std::path::PathBuf;

/// An error of the store. Whatever it is, the transaction it happened in left nothing behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The text names no database.
    #[error(
        "{given:?} names no database: {why}; give a path, sqlite://PATH or postgres://USER@HOST/NAME"
    )]
    BadUrl {
        /// What was given, without its password.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such file.
    #[error("there is no database at {}; make a project there with `nines init`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is not a SQLite database.
    #[error("{} is not a nines database (nor any SQLite database); nothing was changed", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database holds another program's tables.
    #[error(
        "{location} holds tables that are not of nines (such as {table:?}); nothing was changed; name an empty database, or for PostgreSQL an empty schema with ?options[search_path]=NAME"
    )]
    NotOurs {
        /// The database.
        location: String,
        /// One of the tables that are there.
        table: String,
    },
    /// A newer nines has changed the database's layout.
    #[error("{location} was last used by a newer nines (its layout has {}); nothing was changed; update nines to open it", unknown.join(", "))]
    Newer {
        /// The database.
        location: String,
        /// The layout changes that this nines does not know.
        unknown: Vec<String>,
    },
    /// The connection picks a PostgreSQL schema that is not there.
    #[error(
        "{location} picks a schema that is not there; make it with CREATE SCHEMA, or leave it out of the URL"
    )]
    NoSchema {
        /// The database.
        location: String,
    },
    /// The file cannot be opened or read.
    #[error("cannot open the database {}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No connection to the database.
    #[error("cannot reach the database {location}; is it there and running?")]
    Unreachable {
        /// The database.
        location: String,
        /// Why.
        #[source]
        source: DbErr,
    },
    /// The database may not be written.
    #[error("the database is read-only for this user; nothing was written")]
    ReadOnly {
        /// The database's own words.
        #[source]
        source: DbErr,
    },
    /// The disk is full.
    #[error(
        "the disk of the database is full; nothing of this step was written; make room and run it again"
    )]
    DiskFull {
        /// The database's own words.
        #[source]
        source: DbErr,
    },
    /// The disk failed below the database.
    #[error("the disk refused a write or a read of the database; nothing of this step was written")]
    Disk {
        /// The database's own words.
        #[source]
        source: DbErr,
    },
    /// The file's content is damaged.
    #[error("the database is damaged; restore it from a copy")]
    Damaged {
        /// The database's own words.
        #[source]
        source: DbErr,
    },
    /// Others held the database the whole time.
    #[error(
        "the database was busy and {attempts} attempts gave way to other writers; nothing was written; run it again"
    )]
    Busy {
        /// How often it was tried.
        attempts: u32,
        /// The database's own words.
        #[source]
        source: DbErr,
    },
    /// Text holds the character U+0000, which PostgreSQL cannot store.
    #[error(
        "row {row}: {field} holds the NUL character (U+0000), which no database of nines stores; take it out"
    )]
    Nul {
        /// The row in the batch, from 0.
        row: usize,
        /// The field.
        field: &'static str,
    },
    /// A row's value makes no sense.
    #[error("row {row}: {field} {why}")]
    BadValue {
        /// The row in the batch, from 0.
        row: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A snippet has been labelled, or chosen to be, since it was read.
    #[error(
        "row {row}: snippet {snippet} was {what} in the meantime; nothing was stored; choose again"
    )]
    NoLongerOpen {
        /// The row in the batch, from 0.
        row: usize,
        /// The snippet.
        snippet: String,
        /// What became of it.
        what: &'static str,
    },
    /// A row names a parent that is neither stored nor in the batch.
    #[error(
        "row {row}: its parent {parent} is neither stored nor in the same batch; import the parent first"
    )]
    UnknownParent {
        /// The row in the batch, from 0.
        row: usize,
        /// The parent's content hash.
        parent: ContentHash,
    },
    /// A row names a snippet that is not stored.
    #[error("row {row}: the snippet {snippet} is not stored; import the snippets first")]
    UnknownSnippet {
        /// The row in the batch, from 0.
        row: usize,
        /// The snippet, by id or content hash.
        snippet: String,
    },
    /// A row of a file is wrong.
    #[error("line {line}: {}", without_row(error))]
    AtLine {
        /// Its line in the file, from 1.
        line: u64,
        /// What is wrong, with the row in the batch.
        error: Box<StoreError>,
    },
    /// A row refers to another that is not stored.
    #[error(
        "a row refers to a model, run, prompt or snippet that is not stored; nothing was written"
    )]
    Dangling {
        /// The database's own words.
        #[source]
        source: DbErr,
    },
    /// There is no such row.
    #[error("the database has no {what} {id}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// A score is stored already and is another one.
    #[error(
        "snippet {snippet} has the score {stored} by model {model} ({path}) and now {given}: a score is never overwritten; if the model or its precision changed, it is another model or path"
    )]
    ScoreDiffers {
        /// The snippet.
        snippet: SnippetId,
        /// The classifier.
        model: ModelId,
        /// The scoring path.
        path: String,
        /// The stored logit.
        stored: f64,
        /// The new logit.
        given: f64,
    },
    /// A run is not in the state that the step needs.
    #[error("run {run} is {status}: {why}")]
    RunState {
        /// The run.
        run: i64,
        /// Its status.
        status: String,
        /// What cannot be done.
        why: &'static str,
    },
    /// A name is taken.
    #[error("there is {what} named {name:?} already; choose another name")]
    Taken {
        /// What has the name, such as `an account`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Somebody must be left who can let others in.
    #[error("this is the last active admin; make another account an admin first")]
    LastAdmin,
    /// There is an admin already.
    #[error("the project has an admin already; ask for an invitation")]
    HasAdmin,
    /// Something is not in the state that the step needs.
    #[error("{what} {id} {why}")]
    Refused {
        /// What it is.
        what: &'static str,
        /// Its key.
        id: i64,
        /// What cannot be done, and why.
        why: String,
    },
    /// A job is not in the state that the step needs.
    #[error("job {job} is {state}: {why}")]
    JobState {
        /// The job.
        job: i64,
        /// Its state.
        state: String,
        /// What cannot be done.
        why: &'static str,
    },
    /// A stored value cannot be read back.
    #[error("{table} row {id}: {column} holds {value:?}, which this nines cannot read")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row's id.
        id: i64,
        /// The column.
        column: &'static str,
        /// What it holds, shortened.
        value: String,
    },
    /// A stored content hash is not one.
    #[error(
        "the database holds {hex:?} where a content hash of 64 digits should be; restore it from a copy"
    )]
    BadHash {
        /// What it holds, in hexadecimal digits, shortened.
        hex: String,
    },
    /// Any other error of the database.
    #[error("the database refused")]
    Database(#[source] DbErr),
}

/// What a database error means for what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Busy,
    ReadOnly,
    DiskFull,
    Disk,
    Damaged,
    Other,
}

/// The error that the driver gave, under SeaORM's wrapping.
fn driver(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => Some(e),
        _ => None,
    }
}

fn class(error: &DbErr) -> Class {
    let Some(sqlx::Error::Database(e)) = driver(error) else {
        return Class::Other;
    };
    let code = e.code().unwrap_or_default();
    if e.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
    {
        return match &*code {
            // serialization failure, deadlock, lock not available
            "40001" | "40P01" | "55P03" => Class::Busy,
            "25006" | "42501" => Class::ReadOnly,
            "53100" => Class::DiskFull,
            "58030" => Class::Disk,
            "XX001" | "XX002" => Class::Damaged,
            _ => Class::Other,
        };
    }
    // The lowest byte of an extended SQLite code is the primary code.
    match code.parse::<i32>().map_or(0, |c| c & 0xff) {
        5 | 6 => Class::Busy,
        8 => Class::ReadOnly,
        10 => Class::Disk,
        11 | 26 => Class::Damaged,
        13 => Class::DiskFull,
        _ => Class::Other,
    }
}

/// Returns the words of an error of a row without the row.
fn without_row(error: &StoreError) -> String {
    let words = error.to_string();
    match error.row() {
        Some(row) => words.trim_start_matches(&format!("row {row}: ")).to_owned(),
        None => words,
    }
}

impl StoreError {
    /// Says whether the same step may work a moment later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Returns the row in the batch that is wrong, from 0, where it is one.
    fn row(&self) -> Option<usize> {
        match self {
            Self::Nul { row, .. }
            | Self::BadValue { row, .. }
            | Self::NoLongerOpen { row, .. }
            | Self::UnknownParent { row, .. }
            | Self::UnknownSnippet { row, .. } => Some(*row),
            _ => None,
        }
    }

    /// Names the line of a file in place of the row of a batch, where it is known.
    pub(crate) fn at_line(self, lines: &[u64]) -> Self {
        match self.row().and_then(|row| lines.get(row)) {
            Some(&line) => Self::AtLine {
                line,
                error: Box::new(self),
            },
            None => self,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(source: DbErr) -> Self {
        if matches!(
            source.sql_err(),
            Some(SqlErr::ForeignKeyConstraintViolation(_))
        ) {
            return Self::Dangling { source };
        }
        match class(&source) {
            Class::Busy => Self::Busy {
                attempts: 1,
                source,
            },
            Class::ReadOnly => Self::ReadOnly { source },
            Class::DiskFull => Self::DiskFull { source },
            Class::Disk => Self::Disk { source },
            Class::Damaged => Self::Damaged { source },
            Class::Other => Self::Database(source),
        }
    }
}
