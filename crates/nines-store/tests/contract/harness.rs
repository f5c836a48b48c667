//! Runs one test on both databases. Each test has a database of its own: a file in a temporary
//! folder, or a schema of the server that `NINES_TEST_POSTGRES_URL` names.

use nines_store::{Store, StoreUrl};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The database of one test.
pub struct Db {
    pub url: StoreUrl,
    _folder: Option<TempDir>,
}

impl Db {
    /// Opens the store as nines does.
    pub async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("the database opens")
    }

    /// A connection past the store, to look and to break things.
    pub async fn raw(&self) -> DatabaseConnection {
        Database::connect(self.raw_url())
            .await
            .expect("a raw connection")
    }

    /// The URL as the driver and a child process take it.
    pub fn raw_url(&self) -> String {
        match &self.url {
            StoreUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            StoreUrl::Postgres(url) => url.clone(),
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.url, StoreUrl::Postgres(_))
    }

    /// Reads one number.
    pub async fn number(&self, sql: &str) -> i64 {
        let raw = self.raw().await;
        let statement = sea_orm::Statement::from_string(raw.get_database_backend(), sql);
        let row = raw
            .query_one_raw(statement)
            .await
            .expect("a query")
            .expect("a row");
        let number = row.try_get_by_index(0).expect("a number");
        raw.close().await.expect("closed");
        number
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Runs a test on a new SQLite file.
pub fn on_sqlite(test: impl AsyncFn(&Db)) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
    let db = Db {
        url,
        _folder: Some(folder),
    };
    runtime().block_on(test(&db));
}

/// Runs a test in a new schema of the PostgreSQL server for tests.
pub fn on_postgres(test: impl AsyncFn(&Db)) {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let Ok(server) = std::env::var("NINES_TEST_POSTGRES_URL") else {
        let advice = "NINES_TEST_POSTGRES_URL names no server; scripts/postgres-test.sh starts one";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{advice}");
        eprintln!("skipped: {advice}");
        return;
    };
    let schema = format!(
        "test_{}_{}",
        std::process::id(),
        SCHEMAS.fetch_add(1, Ordering::Relaxed)
    );
    let join = if server.contains('?') { '&' } else { '?' };
    let db = Db {
        url: StoreUrl::Postgres(format!(
            "{server}{join}application_name={schema}&options[search_path]={schema}"
        )),
        _folder: None,
    };
    let runtime = runtime();
    let execute = |statements: [String; 2]| {
        runtime.block_on(async {
            let raw = Database::connect(server.as_str())
                .await
                .expect("the server answers");
            for sql in statements {
                raw.execute_unprepared(&sql)
                    .await
                    .expect("the server obeys");
            }
            raw.close().await.expect("closed");
        });
    };
    let drop_schema = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    execute([drop_schema.clone(), format!("CREATE SCHEMA {schema}")]);
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&db))));
    // A killed process may have left a session behind that still rolls back.
    let end_sessions = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
         WHERE application_name = '{schema}'"
    );
    execute([end_sessions, drop_schema]);
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Declares tests of the contract: each becomes two, `NAME::sqlite` and `NAME::postgres`.
macro_rules! contract {
    ($(async fn $name:ident($db:ident) $body:block)*) => {$(
        async fn $name($db: &crate::harness::Db) $body

        mod $name {
            #[test]
            fn sqlite() {
                crate::harness::on_sqlite(super::$name);
            }

            #[test]
            fn postgres() {
                crate::harness::on_postgres(super::$name);
            }
        }
    )*};
}
pub(crate) use contract;
