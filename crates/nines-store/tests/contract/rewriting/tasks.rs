//! Tasks: which start goes to whom, and with which tools.

use super::{logit, task, time};
use crate::harness::contract;
use crate::labelling::people;
use nines_domain::snippet::SnippetId;
use nines_store::{NewRewritingTask, RewritingTaskChange, StoreError, Tools};
use std::collections::{BTreeMap, BTreeSet};

contract! {
    async fn starts_go_round_evenly_and_to_nobody_twice(db) {
        let store = db.open().await;
        let everybody = people(db, 3).await;
        let (id, starts) = task(&store, Tools::Random, 5).await;
        let mut tried: BTreeMap<SnippetId, usize> = starts.iter().map(|start| (*start, 0)).collect();
        let mut had: BTreeMap<i64, BTreeSet<SnippetId>> = BTreeMap::new();
        let mut arms: BTreeMap<i64, Vec<bool>> = BTreeMap::new();
        for _ in 0..5 {
            for who in &everybody {
                let begun = store.begin_rewriting_task(id, who).await.expect("begun");
                let session = begun.expect("one is left");
                let start = session.start_snippet.expect("a snippet");
                assert!(had.entry(who.account.0).or_default().insert(start), "twice");
                *tried.get_mut(&start).expect("one of them") += 1;
                let (least, most) = (tried.values().min(), tried.values().max());
                assert!(most.expect("some") - least.expect("some") <= 1, "{tried:?}");
                arms.entry(who.account.0).or_default().push(session.tools);
                store
                    .give_up_rewriting(session.id, who.account, None, time(0.0, 0.0))
                    .await
                    .expect("ended");
            }
        }
        for tools in arms.values() {
            for pair in tools.chunks_exact(2) {
                assert_ne!(pair[0], pair[1], "balanced for each person: {tools:?}");
            }
        }
        let none = store.begin_rewriting_task(id, &everybody[0]).await.expect("asked");
        assert!(none.is_none());
        let rows = store.rewriting_tasks_of(everybody[0].account, true).await.expect("read");
        assert_eq!((rows[0].starts, rows[0].done_by_me, rows[0].waiting_for_me), (5, 5, 0));
        assert_eq!((rows[0].sessions, rows[0].finds, rows[0].verified), (15, 0, 0));
        assert_eq!(rows[0].task.seed, u64::MAX);
    }

    async fn people_who_begin_at_once_get_different_starts(db) {
        let store = db.open().await;
        let everybody = people(db, 8).await;
        let (id, starts) = task(&store, Tools::On, 8).await;
        let mut begun = tokio::task::JoinSet::new();
        for who in everybody {
            let store = store.clone();
            begun.spawn(async move {
                let session = store.begin_rewriting_task(id, &who).await.expect("begun");
                session.expect("one is left").start_snippet
            });
        }
        let got: BTreeSet<_> = begun.join_all().await.into_iter().flatten().collect();
        assert_eq!(got.len(), starts.len());
    }

    async fn a_closed_task_begins_nothing(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let (id, _) = task(&store, Tools::Off, 2).await;
        let change = RewritingTaskChange { open: Some(false), name: Some("done".to_owned()) };
        let closed = store.change_rewriting_task(id, &change).await.expect("changed");
        assert_eq!((closed.open, closed.name.as_str()), (false, "done"));
        let refused = store.begin_rewriting_task(id, who).await;
        assert!(matches!(refused, Err(StoreError::Refused { what: "rewriting task", .. })), "{refused:?}");
        assert!(store.rewriting_tasks_of(who.account, true).await.expect("read").is_empty());
        assert_eq!(store.rewriting_tasks_of(who.account, false).await.expect("read").len(), 1);
    }

    async fn what_passes_already_is_no_start(db) {
        let store = db.open().await;
        let (id, starts) = task(&store, Tools::On, 2).await;
        let made = store.rewriting_task(id).await.expect("read");
        let like = |starts: Vec<(SnippetId, nines_domain::score::Score)>| NewRewritingTask {
            name: "t".to_owned(),
            model: made.model,
            path: made.path.clone(),
            threshold: made.threshold,
            tools: Tools::On,
            seed: 0,
            record: serde_json::Value::Null,
            starts,
            created_by: None,
        };
        for starts in [
            vec![],
            vec![(starts[0], logit(-2.5))],
            vec![(SnippetId(999), logit(1.0))],
        ] {
            let refused = store.insert_rewriting_task(&like(starts)).await;
            assert!(matches!(refused, Err(StoreError::BadValue { .. } | StoreError::UnknownSnippet { .. })), "{refused:?}");
        }
        // At the threshold it is rejected, as a filter rejects it; a start listed twice is one.
        let twice = vec![(starts[0], logit(-2.0)), (starts[0], logit(-2.0))];
        let made = store.insert_rewriting_task(&like(twice)).await.expect("stored");
        let rows = store.rewriting_tasks_of(nines_domain::account::AccountId(1), false).await.expect("read");
        let row = rows.iter().find(|row| row.task.id == made.id).expect("there");
        assert_eq!(row.starts, 1);
    }
}
