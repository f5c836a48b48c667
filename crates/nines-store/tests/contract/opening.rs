//! Opening: refusing what is not ours before touching it, and starting at the same moment.

use crate::data::{label, snippet};
use crate::harness::{Db, contract};
use crate::measuring::distribution;
use nines_domain::label::Verdict;
use nines_store::{NewPrompt, Store, StoreError, StoreUrl};
use sea_orm::{ConnectionTrait, Statement};
use std::fs;

/// The tables of `m0004_measurement`, those first that refer to others.
const MEASUREMENT: [&str; 9] = [
    "estimates",
    "attack_sessions",
    "comparisons",
    "selected_items",
    "selections",
    "design_items",
    "designs",
    "distribution_prompts",
    "distributions",
];

/// The tables of later layouts that refer to those of measuring, and what refers to them.
const LATER: [&str; 17] = [
    "acquired_items",
    "acquisitions",
    "rewriting_steps",
    "rewriting_sessions",
    "rewriting_starts",
    "rewriting_tasks",
    "check_answers",
    "assignments",
    "queue_items",
    "queues",
    "check_items",
    "qualifications",
    "label_withdrawals",
    "comparison_withdrawals",
    "flags",
    "rulings",
    "guides",
];

/// The names of all tables and indexes.
async fn layout(db: &Db) -> Vec<String> {
    let raw = db.raw().await;
    let names = if db.is_postgres() {
        "SELECT relname::text AS name FROM pg_catalog.pg_class \
         WHERE relnamespace = current_schema()::regnamespace ORDER BY 1"
    } else {
        "SELECT name FROM sqlite_master ORDER BY 1"
    };
    let names = Statement::from_string(raw.get_database_backend(), names);
    let rows = raw.query_all_raw(names).await.expect("a query");
    raw.close().await.expect("closed");
    rows.iter()
        .map(|row| row.try_get("", "name").expect("a name"))
        .collect()
}

contract! {
    async fn a_database_of_a_newer_nines_is_refused_and_left_alone(db) {
        db.open().await.close().await;
        let raw = db.raw().await;
        raw.execute_unprepared("INSERT INTO nines_migrations (version, applied_at) VALUES ('m9999_future', 0)")
            .await
            .expect("written");
        raw.close().await.expect("closed");
        let before = bytes(&db.url);
        let refused = Store::open(&db.url).await;
        match refused {
            Err(StoreError::Newer { unknown, .. }) => assert_eq!(unknown, ["m9999_future"]),
            other => panic!("{other:?}"),
        }
        assert_eq!(bytes(&db.url), before);
        assert_eq!(db.number("SELECT COUNT(*) FROM nines_migrations").await, 15);
    }

    async fn a_database_of_an_older_nines_is_brought_up_to_date(db) {
        let store = db.open().await;
        store.insert_prompts(&[NewPrompt::new("kept", "test")]).await.expect("stored");
        store.close().await;
        let raw = db.raw().await;
        for undo in [
            "ALTER TABLE filter_answers DROP COLUMN reason",
            "ALTER TABLE labels DROP COLUMN predicate",
            "DROP INDEX ix_scores_snippet_id",
            "DROP INDEX ix_filter_answers_accepted_snippet_id",
            "DELETE FROM nines_migrations WHERE version IN ('m0002_failed_draws', 'm0003_label_predicate', 'm0004_measurement', 'm0006_labelling', 'm0008_lineage', 'm0011_rewriting', 'm0014_acquisitions')",
        ] {
            raw.execute_unprepared(undo).await.expect("taken back");
        }
        for table in LATER.into_iter().chain(MEASUREMENT) {
            raw.execute_unprepared(&format!("DROP TABLE {table}")).await.expect("taken back");
        }
        raw.close().await.expect("closed");
        let store = db.open().await;
        assert_eq!(store.describe().await.expect("described").layout.len(), 14);
        assert_eq!(store.prompts(&Default::default()).await.expect("read").len(), 1);
        assert_eq!(db.number("SELECT COUNT(reason) FROM filter_answers").await, 0);
    }

    async fn a_database_from_before_measuring_keeps_its_rows_and_can_measure(db) {
        let store = db.open().await;
        let snippets = [snippet("a", "b"), snippet("a", "c")];
        let ids: Vec<_> = store.insert_snippets(&snippets).await.expect("stored").ids().collect();
        store.insert_labels(&[label(ids[0], "ada", Verdict::Yes, Some(3))]).await.expect("stored");
        let before = store.snippets(&Default::default()).await.expect("read");
        store.close().await;
        let layout = layout(db).await;
        let raw = db.raw().await;
        for table in LATER.into_iter().chain(MEASUREMENT) {
            raw.execute_unprepared(&format!("DROP TABLE {table}")).await.expect("taken back");
        }
        for undo in [
            "DROP INDEX ix_scores_snippet_id",
            "DROP INDEX ix_filter_answers_accepted_snippet_id",
            "DELETE FROM nines_migrations WHERE version IN ('m0004_measurement', 'm0006_labelling', 'm0008_lineage', 'm0011_rewriting', 'm0014_acquisitions')",
        ] {
            raw.execute_unprepared(undo).await.expect("taken back");
        }
        raw.close().await.expect("closed");
        assert_ne!(self::layout(db).await, layout);

        let store = db.open().await;
        assert_eq!(store.snippets(&Default::default()).await.expect("read"), before);
        assert_eq!(self::layout(db).await, layout, "as in a database that is made today");
        let prompt = store.prompts(&Default::default()).await.expect("read")[0].id;
        let new = distribution("uniform", &[prompt]);
        store.insert_distribution(&new).await.expect("stored");
        store.close().await;
        let store = Store::open_existing(&db.url).await.expect("opens again");
        assert_eq!(store.distributions().await.expect("read").len(), 1);
    }

    async fn another_programs_database_is_refused_and_left_alone(db) {
        if let StoreUrl::Sqlite(path) = &db.url {
            fs::write(path, "").expect("written");
        }
        let raw = db.raw().await;
        raw.execute_unprepared("CREATE TABLE bookmarks (id INTEGER)").await.expect("made");
        raw.close().await.expect("closed");
        let before = bytes(&db.url);
        let refused = Store::open(&db.url).await;
        assert!(matches!(refused, Err(StoreError::NotOurs { table, .. }) if table == "bookmarks"));
        assert_eq!(bytes(&db.url), before);
    }

    async fn many_handles_may_open_a_new_database_at_once(db) {
        let mut openings = tokio::task::JoinSet::new();
        for number in 0..8 {
            let url = db.url.clone();
            openings.spawn(async move {
                let store = Store::open(&url).await.expect("opens");
                let mine = NewPrompt::new(format!("prompt {number}"), "test");
                store.insert_prompts(&[mine]).await.expect("stored");
                store.close().await;
            });
        }
        openings.join_all().await;
        let layout = db.open().await.describe().await.expect("described").layout;
        let applied = db.number("SELECT COUNT(*) FROM nines_migrations").await;
        assert_eq!(applied, layout.len() as i64, "each change once");
        assert_eq!(db.number("SELECT COUNT(*) FROM prompts").await, 8);
    }

    async fn a_store_describes_itself(db) {
        let store = db.open().await;
        let described = store.describe().await.expect("described");
        let program = if db.is_postgres() { "PostgreSQL " } else { "SQLite 3." };
        assert!(described.database.starts_with(program), "{described:?}");
        assert_eq!(described.layout.len(), 14);
        assert_eq!(described.bytes.is_some(), !db.is_postgres());
    }
}

#[test]
fn a_server_that_lets_nobody_write_says_so() {
    crate::harness::on_postgres(async |db: &crate::harness::Db| {
        let read_only = format!("{}&options[default_transaction_read_only]=on", db.raw_url());
        let read_only = StoreUrl::Postgres(read_only);
        let fresh = Store::open(&read_only).await;
        assert!(
            matches!(fresh, Err(StoreError::ReadOnly { .. })),
            "{fresh:?}"
        );
        db.open().await.close().await;
        let store = Store::open(&read_only).await.expect("opens to read");
        let refused = store.insert_prompts(&[NewPrompt::new("a", "test")]).await;
        assert!(
            matches!(refused, Err(StoreError::ReadOnly { .. })),
            "{refused:?}"
        );
        assert_eq!(store.counts().await.expect("counted").prompts, 0);
    });
}

#[test]
fn a_schema_that_is_not_there_is_told() {
    crate::harness::on_postgres(async |db: &crate::harness::Db| {
        let nowhere = format!("{}&options[search_path]=nowhere", db.raw_url());
        let refused = Store::open(&StoreUrl::Postgres(nowhere)).await;
        assert!(
            matches!(refused, Err(StoreError::NoSchema { .. })),
            "{refused:?}"
        );
    });
}

fn bytes(url: &StoreUrl) -> Vec<u8> {
    match url {
        StoreUrl::Sqlite(path) => fs::read(path).expect("the file"),
        StoreUrl::Postgres(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    for content in [
        "short",
        "a text that is longer than the header of a database file",
    ] {
        fs::write(&path, content).expect("written");
        let refused = Store::open(&StoreUrl::Sqlite(path.clone())).await;
        assert!(
            matches!(refused, Err(StoreError::NotADatabase { .. })),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&path).expect("read"), content);
    }
    let header = [b"SQLite format 3\0".as_slice(), &[7; 4096]].concat();
    fs::write(&path, &header).expect("written");
    let refused = Store::open(&StoreUrl::Sqlite(path.clone())).await;
    assert!(
        matches!(refused, Err(StoreError::Damaged { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(&path).expect("read"), header);
    let folder_itself = Store::open(&StoreUrl::Sqlite(folder.path().to_owned())).await;
    assert!(
        matches!(folder_itself, Err(StoreError::CannotOpen { .. })),
        "{folder_itself:?}"
    );
    let nowhere = StoreUrl::Sqlite(folder.path().join("no such folder/nines.db"));
    let refused = Store::open(&nowhere).await;
    assert!(
        matches!(refused, Err(StoreError::CannotOpen { .. })),
        "{refused:?}"
    );
    let missing = Store::open_existing(&StoreUrl::Sqlite(folder.path().join("nines.db"))).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })));
    assert!(!folder.path().join("nines.db").exists());
}

#[tokio::test]
async fn a_file_with_an_odd_name_is_opened_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a b?mode=memory.db", "50%41.db", "ü#1.db", ":memory:"] {
        let path = folder.path().join(name);
        let store = Store::open(&StoreUrl::Sqlite(path.clone()))
            .await
            .expect("opens");
        store.close().await;
        assert!(path.is_file(), "{name}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_soon() {
    let url = "postgres://nines:secret@127.0.0.1:1/nines"
        .parse::<StoreUrl>()
        .expect("a url");
    let refused = Store::open(&url).await.expect_err("nobody listens");
    assert!(
        matches!(refused, StoreError::Unreachable { .. }),
        "{refused:?}"
    );
    assert!(!format!("{refused} {refused:?}").contains("secret"));
}
