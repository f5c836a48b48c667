//! The handle to a project's database, and how it writes: all or nothing, giving way to others.

use crate::error::StoreError;
use crate::open;
use crate::url::StoreUrl;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use std::sync::Arc;
use std::time::Duration;

/// A project's database. Clones share one pool of connections; several processes may have one
/// database open at once.
///
/// # Example
/// ```
/// use nines_store::{NewPrompt, Store, StoreUrl};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), nines_store::StoreError> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
/// let store = Store::open(&url).await?;
/// let first = store.insert_prompts(&[NewPrompt::new("Once upon a time.", "mine")]).await?;
/// let again = store.insert_prompts(&[NewPrompt::new("Once upon a time.", "mine")]).await?;
/// assert_eq!((first.new_count(), again.new_count()), (1, 0));
/// assert_eq!(first.ids().collect::<Vec<_>>(), again.ids().collect::<Vec<_>>());
/// # store.close().await; Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) connection: DatabaseConnection,
    url: Arc<StoreUrl>,
}

/// What a database is, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreDescription {
    /// The database program with its version.
    pub database: String,
    /// Where it is, without a password.
    pub location: String,
    /// The layout changes it has had.
    pub layout: Vec<String>,
    /// Its size in bytes, where it is a file.
    pub bytes: Option<u64>,
}

impl Store {
    /// Opens a database, makes it if it is not there, and brings its layout up to date. Two
    /// processes may do this at the same moment.
    ///
    /// # Errors
    /// [`StoreError::NotADatabase`], [`StoreError::NotOurs`] and [`StoreError::Newer`] before
    /// anything is touched; [`StoreError::CannotOpen`], [`StoreError::Unreachable`],
    /// [`StoreError::ReadOnly`] and [`StoreError::DiskFull`] with nothing half-made.
    pub async fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        Self::open_with(url, true, &[]).await
    }

    /// Opens a database that must be there already.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is no file, and all that [`Store::open`] gives.
    pub async fn open_existing(url: &StoreUrl) -> Result<Self, StoreError> {
        Self::open_with(url, false, &[]).await
    }

    pub(crate) async fn open_with(
        url: &StoreUrl,
        create: bool,
        pragmas: open::Pragmas,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            connection: open::open(url, create, pragmas).await?,
            url: Arc::new(url.clone()),
        })
    }

    /// Closes the connections of this handle and of its clones. Dropping the last handle does the
    /// same, only not before returning.
    pub async fn close(self) {
        drop(self.connection.close().await);
    }

    /// Returns where the database is.
    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// Describes the database.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn describe(&self) -> Result<StoreDescription, StoreError> {
        Ok(StoreDescription {
            database: open::version(&self.connection).await?,
            location: self.url.to_string(),
            layout: crate::migration::known(),
            bytes: match &*self.url {
                StoreUrl::Sqlite(path) => std::fs::metadata(path).ok().map(|file| file.len()),
                StoreUrl::Postgres(_) => None,
            },
        })
    }

    /// Runs a step in one transaction; see [`write`].
    pub(crate) async fn write<T, F>(&self, step: F) -> Result<T, StoreError>
    where
        F: AsyncFn(&DatabaseTransaction) -> Result<T, StoreError>,
    {
        write(&self.connection, step).await
    }
}

/// A step is tried this often before it fails as [`StoreError::Busy`].
const ATTEMPTS: u32 = 8;

/// Runs a step in one transaction: all of it is stored, or none.
///
/// On SQLite the transaction takes the write lock at its start, so that it never has to give way
/// halfway. A step that met another writer (a busy database, a deadlock, a serialization failure)
/// is run again from its beginning, a little later each time.
pub(crate) async fn write<T, F>(connection: &DatabaseConnection, step: F) -> Result<T, StoreError>
where
    F: AsyncFn(&DatabaseTransaction) -> Result<T, StoreError>,
{
    let mut attempt = 1;
    loop {
        match write_once(connection, &step).await {
            Err(StoreError::Busy { source, .. }) if attempt >= ATTEMPTS => {
                return Err(StoreError::Busy {
                    attempts: attempt,
                    source,
                });
            }
            Err(error) if error.is_transient() => {
                tokio::time::sleep(pause(attempt)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

async fn write_once<T, F>(connection: &DatabaseConnection, step: &F) -> Result<T, StoreError>
where
    F: AsyncFn(&DatabaseTransaction) -> Result<T, StoreError>,
{
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let tx = connection.begin_with_options(options).await?;
    match step(&tx).await {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to tell; a database that has rolled back by itself
            // refuses to do it again.
            drop(tx.rollback().await);
            Err(error)
        }
    }
}

/// Grows from 10 ms to 1.3 s, spread by the clock so that two writers do not meet again in step.
fn pause(attempt: u32) -> Duration {
    let longest = 10u64 << attempt.min(7);
    let spread = u64::from(jiff::Timestamp::now().subsec_nanosecond().unsigned_abs());
    Duration::from_millis(longest / 2 + spread % (longest / 2 + 1))
}
