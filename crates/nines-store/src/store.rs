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
use tokio::sync::Mutex;

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
    /// Whoever moves leases and counters holds this, so that those who wait for their turn in the
    /// database do so in order, and without keeping a connection from readers.
    pub(crate) turn: Arc<Mutex<()>>,
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
            turn: Arc::default(),
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
}

/// Runs a step in one transaction: all of it is stored, or none.
///
/// On SQLite the transaction takes the write lock at its start, so that it never has to give way
/// halfway. A step that met another writer (a busy database, a deadlock, a serialization failure)
/// is run again from its beginning, a little later each time.
///
/// A macro, since a function that takes an async closure gives a future that cannot be sent to
/// another thread.
macro_rules! in_transaction {
    ($connection:expr, |$tx:ident| $step:expr) => {{
        let mut attempts = $crate::store::Attempts::default();
        loop {
            let outcome = $crate::store::step(async {
                let transaction = $crate::store::begin(&$connection).await?;
                let outcome = {
                    let $tx = &transaction;
                    $crate::store::step(async { $step }).await
                };
                $crate::store::end(transaction, outcome).await
            });
            if let Some(outcome) = attempts.judge(outcome.await).await {
                break outcome;
            }
        }
    }};
}
pub(crate) use in_transaction;

/// Fixes the error type of a step.
pub(crate) fn step<T>(
    step: impl Future<Output = Result<T, StoreError>>,
) -> impl Future<Output = Result<T, StoreError>> {
    step
}

pub(crate) async fn begin(
    connection: &DatabaseConnection,
) -> Result<DatabaseTransaction, StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    Ok(connection.begin_with_options(options).await?)
}

/// Commits what went well and takes back what did not.
pub(crate) async fn end<T>(
    transaction: DatabaseTransaction,
    outcome: Result<T, StoreError>,
) -> Result<T, StoreError> {
    match outcome {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to tell; a database that has rolled back by itself
            // refuses to do it again.
            drop(transaction.rollback().await);
            Err(error)
        }
    }
}

/// A step is tried this often before it fails as [`StoreError::Busy`].
const ATTEMPTS: u32 = 10;

/// Counts the attempts at one step.
#[derive(Default)]
pub(crate) struct Attempts {
    made: u32,
}

impl Attempts {
    /// Returns an outcome that stands; waits where the step is to be tried again.
    pub(crate) async fn judge<T>(
        &mut self,
        outcome: Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        self.made += 1;
        match outcome {
            Err(StoreError::Busy { source, .. }) if self.made >= ATTEMPTS => {
                Some(Err(StoreError::Busy {
                    attempts: self.made,
                    source,
                }))
            }
            Err(error) if error.is_transient() => {
                tokio::time::sleep(pause(self.made)).await;
                None
            }
            standing => Some(standing),
        }
    }
}

/// Grows from 10 ms to 1.3 s, spread by the clock so that two writers do not meet again in step.
fn pause(attempt: u32) -> Duration {
    let longest = 10u64 << attempt.min(7);
    let spread = u64::from(jiff::Timestamp::now().subsec_nanosecond().unsigned_abs());
    Duration::from_millis(longest / 2 + spread % (longest / 2 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewPrompt, PromptFilter};

    /// What the server spawns must be able to move between threads.
    #[expect(dead_code, reason = "compiling it is the test")]
    fn futures_are_send(store: &Store, url: &StoreUrl) {
        fn send<T: Send>(_: T) {}
        send(Store::open(url));
        send(store.insert_prompts(&[]));
        send(store.insert_snippets(&[]));
        send(store.insert_labels(&[]));
        send(store.snippets(&crate::SnippetFilter::default()));
        send(store.insert_scores(nines_domain::snippet::ModelId(1), "cpu", &[]));
        send(store.mark_interrupted_runs());
        send(store.counts());
    }

    fn prompts(n: usize) -> Vec<NewPrompt> {
        let text = "long ".repeat(200);
        (0..n)
            .map(|i| NewPrompt::new(format!("{i} {text}"), "test"))
            .collect()
    }

    async fn stored(store: &Store) -> usize {
        store
            .prompts(&PromptFilter::default())
            .await
            .expect("listed")
            .len()
    }

    #[tokio::test]
    async fn a_full_disk_stores_nothing_and_the_handle_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
        Store::open(&url).await.expect("opens").close().await;
        let pages: open::Pragmas = &[("max_page_count", "150")];
        let store = Store::open_with(&url, true, pages).await.expect("opens");
        for _ in 0..5 {
            let full = store.insert_prompts(&prompts(2_000)).await;
            assert!(matches!(full, Err(StoreError::DiskFull { .. })), "{full:?}");
            assert_eq!(stored(&store).await, 0);
        }
        store
            .insert_prompts(&prompts(3))
            .await
            .expect("that much fits");
        assert_eq!(stored(&store).await, 3);
        let other = Store::open(&url).await.expect("opens");
        other
            .insert_prompts(&prompts(4))
            .await
            .expect("no lock was left behind");
        assert_eq!(stored(&store).await, 4);
    }

    #[tokio::test]
    async fn a_disk_that_is_full_from_the_start_leaves_no_half_made_layout() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
        let full = Store::open_with(&url, true, &[("max_page_count", "20")]).await;
        assert!(matches!(full, Err(StoreError::DiskFull { .. })), "{full:?}");
        let store = Store::open(&url).await.expect("opens once there is room");
        store.insert_prompts(&prompts(3)).await.expect("stored");
    }

    #[tokio::test]
    async fn a_database_that_may_only_be_read_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
        let fresh = Store::open_with(&url, true, &[("query_only", "1")]).await;
        assert!(
            matches!(fresh, Err(StoreError::ReadOnly { .. })),
            "{fresh:?}"
        );
        Store::open(&url).await.expect("opens").close().await;
        let store = Store::open_with(&url, true, &[("query_only", "1")])
            .await
            .expect("opens");
        let refused = store.insert_prompts(&prompts(1)).await;
        assert!(
            matches!(refused, Err(StoreError::ReadOnly { .. })),
            "{refused:?}"
        );
        assert_eq!(stored(&store).await, 0);
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempt in 1..40 {
            let longest = Duration::from_millis(10 << attempt.min(7));
            assert!((longest / 2..=longest).contains(&pause(attempt)));
        }
    }
}
