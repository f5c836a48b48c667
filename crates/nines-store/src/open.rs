//! Opening a database: looking before touching, then bringing its layout up to date under a lock.
//!
//! SQLite runs with a write-ahead log, so that readers never wait for a writer, and with
//! `synchronous = FULL`: a commit returns after its pages are on the disk, because a label must
//! be there before a page says that it is saved. Batches make the cost of that small.

use crate::error::StoreError;
use crate::migration::{self, MIGRATION_TABLE, Migrator};
use crate::store::{Attempts, in_transaction};
use crate::url::StoreUrl;
use sea_orm::sqlx::{Connection, sqlite};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, Statement,
};
use sea_orm_migration::MigratorTrait;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a SQLite statement waits for another writer before it gives way.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the first connection to a server may take.
const FIRST_CONNECTION: Duration = Duration::from_secs(5);
/// How long a step waits for one of the pool's connections.
const ACQUIRE: Duration = Duration::from_secs(120);
/// One writer and some readers; more would only wait for each other.
const CONNECTIONS: u32 = 8;
/// Keys PostgreSQL's lock on layout changes and other steps of which one at a time is enough
/// ("nines" in ASCII).
const RARE_STEPS_LOCK: i64 = 0x006e_696e_6573;

/// Tries a step again while others are in its way.
macro_rules! patiently {
    ($step:expr) => {{
        let mut attempts = Attempts::default();
        loop {
            let outcome = $step.await;
            if let Some(outcome) = attempts.judge(outcome).await {
                break outcome;
            }
        }
    }};
}

/// What a database holds.
enum Content {
    Nothing,
    Nines { applied: Vec<String> },
    Other { table: String },
}

/// How a connection to SQLite is set up, beyond the defaults.
pub(crate) type Pragmas = &'static [(&'static str, &'static str)];

/// Connects, refuses what is not ours, and applies the layout changes that are missing.
pub(crate) async fn open(
    url: &StoreUrl,
    create: bool,
    pragmas: Pragmas,
) -> Result<DatabaseConnection, StoreError> {
    let (looking, working) = match url {
        StoreUrl::Sqlite(path) => {
            let path = std::path::absolute(path).map_err(|source| StoreError::CannotOpen {
                path: path.clone(),
                source,
            })?;
            let found = look_at_file(&path)?;
            if !found {
                if !create {
                    return Err(StoreError::Missing { path });
                }
                let folder = path.parent().unwrap_or(&path);
                if let Err(source) = std::fs::metadata(folder) {
                    return Err(StoreError::CannotOpen { path, source });
                }
            }
            let looking = found.then(|| sqlite_options(&path, false, pragmas));
            (looking, sqlite_options(&path, true, pragmas))
        }
        StoreUrl::Postgres(url) => (
            Some(postgres_options(url, true)),
            postgres_options(url, false),
        ),
    };
    let pending = match looking {
        Some(looking) => patiently!(look(url, looking.clone()))?,
        None => true,
    };
    let connection = patiently!(connect(url, working.clone()))?;
    match make_ready(url, &connection, pending).await {
        Ok(()) => Ok(connection),
        Err(error) => {
            close(connection).await;
            Err(error)
        }
    }
}

/// Looks what a database holds, without changing anything. Says whether its layout needs work.
async fn look(url: &StoreUrl, options: ConnectOptions) -> Result<bool, StoreError> {
    let connection = connect(url, options).await?;
    let content = content(url, &connection).await;
    close(connection).await;
    is_pending(url, content?)
}

async fn make_ready(
    url: &StoreUrl,
    connection: &DatabaseConnection,
    pending: bool,
) -> Result<(), StoreError> {
    if matches!(url, StoreUrl::Sqlite(_)) {
        patiently!(start_write_ahead_log(connection))?;
    }
    if pending {
        apply_layout(url, connection).await?;
    }
    Ok(())
}

/// Switches a file to the write-ahead log, where it is not there yet. SQLite needs the file alone
/// for that and does not wait for it by itself.
async fn start_write_ahead_log(connection: &DatabaseConnection) -> Result<(), StoreError> {
    let sql = "PRAGMA journal_mode = WAL";
    connection.execute_unprepared(sql).await?;
    Ok(())
}

/// Reads the first bytes of a file. Says whether there is anything to look at in it.
fn look_at_file(path: &Path) -> Result<bool, StoreError> {
    let cannot = |source| StoreError::CannotOpen {
        path: path.to_owned(),
        source,
    };
    let file = match std::fs::File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        other => other.map_err(cannot)?,
    };
    let mut start = Vec::new();
    file.take(16).read_to_end(&mut start).map_err(cannot)?;
    match start.as_slice() {
        [] => Ok(false),
        b"SQLite format 3\0" => Ok(true),
        _ => Err(StoreError::NotADatabase {
            path: path.to_owned(),
        }),
    }
}

fn sqlite_options(path: &Path, working: bool, pragmas: Pragmas) -> ConnectOptions {
    let mut options = ConnectOptions::new("sqlite://nines.db");
    let path = PathBuf::from(path);
    options
        .max_connections(if working { CONNECTIONS } else { 1 })
        .acquire_timeout(ACQUIRE)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |options| {
            let mut options = options
                .filename(&path)
                .create_if_missing(working)
                .foreign_keys(true)
                .synchronous(sqlite::SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT);
            for (name, value) in pragmas {
                options = options.pragma(*name, *value);
            }
            options
        })
        // SQLite rolls back by itself when a disk is full; the driver still counts a transaction
        // then, and such a connection is not used again.
        .map_sqlx_sqlite_pool_opts(|options| {
            options.after_release(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
        });
    options
}

fn postgres_options(url: &str, looking: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(if looking { 1 } else { CONNECTIONS })
        .acquire_timeout(if looking { FIRST_CONNECTION } else { ACQUIRE })
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

async fn connect(
    url: &StoreUrl,
    options: ConnectOptions,
) -> Result<DatabaseConnection, StoreError> {
    Database::connect(options)
        .await
        .map_err(|source| match StoreError::from(source) {
            StoreError::Database(source) => match url {
                StoreUrl::Sqlite(path) => StoreError::CannotOpen {
                    path: path.clone(),
                    source: std::io::Error::other(source),
                },
                StoreUrl::Postgres(_) => StoreError::Unreachable {
                    location: url.to_string(),
                    source,
                },
            },
            told => told,
        })
}

/// Closes a pool; a failure to say goodbye changes nothing.
async fn close(connection: DatabaseConnection) {
    drop(connection.close().await);
}

fn is_pending(url: &StoreUrl, content: Content) -> Result<bool, StoreError> {
    let known = migration::known();
    match content {
        Content::Nothing => Ok(true),
        Content::Other { table } => Err(StoreError::NotOurs {
            location: url.to_string(),
            table,
        }),
        Content::Nines { applied } => {
            let unknown: Vec<String> = applied
                .iter()
                .filter(|name| !known.contains(name))
                .cloned()
                .collect();
            if unknown.is_empty() {
                Ok(known.iter().any(|name| !applied.contains(name)))
            } else {
                Err(StoreError::Newer {
                    location: url.to_string(),
                    unknown,
                })
            }
        }
    }
}

async fn content<C: ConnectionTrait>(
    url: &StoreUrl,
    connection: &C,
) -> Result<Content, StoreError> {
    let backend = connection.get_database_backend();
    if backend == DbBackend::Postgres {
        let schema = "SELECT current_schema()::text AS name WHERE current_schema() IS NOT NULL";
        if strings(connection, schema, "name").await?.is_empty() {
            return Err(StoreError::NoSchema {
                location: url.to_string(),
            });
        }
    }
    let tables = match backend {
        DbBackend::Postgres => {
            "SELECT tablename AS name FROM pg_catalog.pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        }
        _ => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY 1"
        }
    };
    let names = strings(connection, tables, "name").await?;
    if names.iter().any(|name| name == MIGRATION_TABLE) {
        let applied = format!("SELECT version FROM {MIGRATION_TABLE} ORDER BY version");
        let applied = strings(connection, &applied, "version").await?;
        return Ok(Content::Nines { applied });
    }
    Ok(match names.into_iter().next() {
        Some(table) => Content::Other { table },
        None => Content::Nothing,
    })
}

async fn strings<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    column: &str,
) -> Result<Vec<String>, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection
        .query_all_raw(statement)
        .await?
        .iter()
        .map(|row| row.try_get("", column))
        .collect()
}

/// Makes every other step that calls this wait for the end of this transaction, in this process or
/// another. On SQLite there is one writer at a time as it is.
pub(crate) async fn lock_out_others(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({RARE_STEPS_LOCK})");
        tx.execute_unprepared(&lock).await?;
    }
    Ok(())
}

/// Applies the missing layout changes, all or none, while no other process does.
async fn apply_layout(url: &StoreUrl, connection: &DatabaseConnection) -> Result<(), StoreError> {
    in_transaction!(connection, |tx| {
        lock_out_others(tx).await?;
        // Somebody may have been quicker, or have brought a newer layout.
        if is_pending(url, content(url, tx).await?)? {
            Migrator::up(tx, None).await?;
        }
        Ok(())
    })
}

/// Returns the database's name and version.
pub(crate) async fn version<C: ConnectionTrait>(connection: &C) -> Result<String, StoreError> {
    Ok(match connection.get_database_backend() {
        DbBackend::Postgres => {
            let version = strings(connection, "SHOW server_version", "server_version").await?;
            format!("PostgreSQL {}", version.join(""))
        }
        _ => {
            let version =
                strings(connection, "SELECT sqlite_version() AS version", "version").await?;
            format!("SQLite {}", version.join(""))
        }
    })
}
