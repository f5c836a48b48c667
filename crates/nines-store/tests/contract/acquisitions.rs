//! Acquisitions: what was chosen to be labelled so that a classifier learns from it.

use crate::data::label;
use crate::harness::contract;
use crate::labelling::{new_queue, no, people, queue, snippets, work};
use nines_domain::label::Verdict;
use nines_domain::snippet::SnippetId;
use nines_store::{ChosenBy, NewAcquiredItem, NewAcquisition, QueueKind, Store, StoreError};
use serde_json::json;

fn acquisition(items: &[(SnippetId, Option<f64>)]) -> NewAcquisition {
    NewAcquisition {
        strategy: "near-threshold=0.5,random=0.5".into(),
        by_score: true,
        record: json!({ "about": { "threshold": -4.5 }, "seed": 3 }),
        name: "Chosen \u{1F9E8} 'by' \"score\"".into(),
        overlap: 1,
        items: items
            .iter()
            .map(|&(snippet, probability)| NewAcquiredItem {
                snippet,
                probability,
                worth: probability.map(|p| -p / 3.0),
            })
            .collect(),
    }
}

async fn chosen(store: &Store, id: SnippetId) -> ChosenBy {
    store.snippets_by_id(&[id]).await.expect("read")[0].chosen
}

contract! {
    async fn an_acquisition_keeps_every_field_and_fills_its_queue_in_order(db) {
        let store = db.open().await;
        let ids = snippets(&store, 6).await;
        store.insert_labels(&[label(ids[2], "ada", Verdict::Yes, Some(2))]).await.expect("stored");
        // In an order that is not that of the keys, with a probability that has no end in binary.
        let new = acquisition(&[(ids[4], Some(1.0 / 3.0)), (ids[2], None), (ids[0], Some(1.0))]);
        let made = store.acquire(&new).await.expect("stored");
        assert_eq!((&made.strategy, made.by_score, &made.record), (&new.strategy, true, &new.record));
        assert_eq!(store.acquisition(made.id).await.expect("read"), made);
        assert_eq!(store.acquisitions().await.expect("read"), std::slice::from_ref(&made));
        let items = store.acquired_items(made.id).await.expect("read");
        assert_eq!(items.iter().map(|item| item.item).collect::<Vec<_>>(), new.items);
        assert_eq!(items.iter().map(|item| item.before).collect::<Vec<_>>(), [0, 1, 0]);
        let queue = store.queue(made.queue).await.expect("read");
        assert_eq!((queue.kind, &queue.name, queue.items, queue.waiting), (QueueKind::Select, &new.name, 3, 3));
        let who = people(db, 2).await;
        let mut given = Vec::new();
        while let Some(snippet) = work(&store, queue.id, &who[0], no()).await {
            given.push(snippet);
        }
        assert_eq!(given, [ids[4], ids[2], ids[0]]);
        assert_eq!(store.queue(queue.id).await.expect("read").waiting, 0);
        assert!(matches!(store.acquisition(made.id + 9).await, Err(StoreError::NotFound { .. })));
        assert!(store.acquired_items(made.id + 9).await.expect("read").is_empty());
    }

    async fn snippets_say_how_they_were_chosen(db) {
        let store = db.open().await;
        let ids = snippets(&store, 5).await;
        assert_eq!(chosen(&store, ids[0]).await, ChosenBy::default());
        store.acquire(&acquisition(&[(ids[0], Some(0.5)), (ids[1], Some(0.5))])).await.expect("stored");
        let random = NewAcquisition { by_score: false, ..acquisition(&[(ids[1], Some(0.5)), (ids[2], Some(0.5))]) };
        store.acquire(&random).await.expect("stored");
        queue(&store, QueueKind::Threshold, 1, &ids[3..4]).await;
        queue(&store, QueueKind::Random, 1, &ids[4..]).await;
        store.ensure_queue(&new_queue(QueueKind::Search, 1)).await.expect("made");
        let mut found = Vec::new();
        for id in &ids {
            let by = chosen(&store, *id).await;
            found.push((by.score, by.chance));
        }
        assert_eq!(found, [(true, false), (true, true), (false, true), (true, false), (false, true)]);
        let listed = store.snippets(&Default::default()).await.expect("read");
        assert!(listed.iter().all(|snippet| snippet.chosen.is_any()));
    }

    async fn what_cannot_have_been_chosen_is_refused_and_stores_nothing(db) {
        let store = db.open().await;
        let ids = snippets(&store, 2).await;
        let (a, b) = (ids[0], ids[1]);
        for (items, row, words) in [
            (vec![], 0, "nothing was chosen"),
            (vec![(a, Some(0.5)), (a, Some(0.5))], 1, "chosen twice"),
            (vec![(a, Some(0.5)), (b, Some(0.0))], 1, "is 0"),
            (vec![(a, Some(1.5))], 0, "is 1.5"),
            (vec![(a, Some(f64::NAN))], 0, "is NaN"),
        ] {
            match store.acquire(&acquisition(&items)).await {
                Err(StoreError::BadValue { row: at, why, .. }) => {
                    assert_eq!(at, row);
                    assert!(why.contains(words), "{why}");
                }
                other => panic!("{other:?}"),
            }
        }
        let mut wild = acquisition(&[(a, Some(0.5))]);
        wild.items[0].worth = Some(f64::INFINITY);
        assert!(matches!(store.acquire(&wild).await, Err(StoreError::BadValue { field: "worth", .. })));
        let nameless = NewAcquisition { name: " ".into(), ..acquisition(&[(a, Some(0.5))]) };
        assert!(matches!(store.acquire(&nameless).await, Err(StoreError::BadValue { field: "name", .. })));
        let crowd = NewAcquisition { overlap: 99, ..acquisition(&[(a, Some(0.5))]) };
        assert!(matches!(store.acquire(&crowd).await, Err(StoreError::BadValue { field: "overlap", .. })));
        let nul = NewAcquisition { strategy: "a\0".into(), ..acquisition(&[(a, Some(0.5))]) };
        assert!(matches!(store.acquire(&nul).await, Err(StoreError::Nul { .. })));
        let nobody = acquisition(&[(SnippetId(b.0 + 100), Some(0.5))]);
        assert!(matches!(store.acquire(&nobody).await, Err(StoreError::UnknownSnippet { .. })));
        for table in ["acquisitions", "acquired_items", "queues", "queue_items"] {
            assert_eq!(db.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
    }
}
