//! Acquisitions: what was chosen to be labelled so that a classifier learns from it.

use crate::data::label;
use crate::harness::contract;
use crate::labelling::{new_queue, no, people, queue, snippets, work};
use nines_domain::label::{LabellerKind, Verdict};
use nines_domain::snippet::SnippetId;
use nines_store::{
    Among, ChosenBy, NewAcquiredItem, NewAcquisition, NewQueue, Queue, QueueKind, Store, StoreError,
};
use serde_json::{Value, json};

fn acquisition(items: &[(SnippetId, Option<f64>)]) -> NewAcquisition {
    NewAcquisition {
        strategy: "near-threshold=0.5,random=0.5".into(),
        by_score: true,
        record: json!({ "about": { "threshold": -4.5 }, "seed": 3 }),
        name: "Chosen \u{1F9E8} 'by' \"score\"".into(),
        overlap: 1,
        among: Among::All,
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

/// Labels a snippet outside any queue.
async fn say_no(store: &Store, id: SnippetId) {
    let said = label(id, "ada", Verdict::No, None);
    store.insert_labels(&[said]).await.expect("stored");
}

/// A queue of a search.
async fn search(store: &Store, words: Value, ids: &[SnippetId]) -> Queue {
    let new = NewQueue {
        record: json!({ "n": 9, "search": words }),
        ..new_queue(QueueKind::Search, 1)
    };
    let made = store.ensure_queue(&new).await.expect("a queue");
    let items: Vec<_> = ids.iter().map(|id| (*id, None)).collect();
    store.fill_queue(made.id, &items).await.expect("filled");
    made
}

/// Says of each snippet whether a score alone chose it.
async fn by_score_alone(store: &Store, ids: &[SnippetId]) -> Vec<bool> {
    let read = store.snippets_by_id(ids).await.expect("read");
    read.iter().map(|s| s.chosen.is_by_score_alone()).collect()
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

    async fn what_chose_a_snippet_for_another_label_is_nothing_to_it(db) {
        let store = db.open().await;
        let ids = snippets(&store, 5).await;
        say_no(&store, ids[0]).await;
        let mut judged = label(ids[1], "a model", Verdict::Yes, Some(2));
        judged.label.kind = LabellerKind::Judge;
        store.insert_labels(&[judged]).await.expect("stored");
        let all: Vec<_> = ids[..3].iter().map(|id| (*id, Some(0.5))).collect();
        store.acquire(&acquisition(&all)).await.expect("stored");
        queue(&store, QueueKind::Threshold, 1, &ids[..2]).await;
        search(&store, json!({ "score_to": -1.5 }), &ids[..2]).await;
        assert_eq!(by_score_alone(&store, &ids[..3]).await, [false, false, true]);
        assert_eq!(chosen(&store, ids[1]).await, ChosenBy::default(), "a judge's label is a label");
        // No label that comes later takes a row out, or brings one back.
        let who = people(db, 1).await;
        let again = store.acquisitions().await.expect("read")[0].queue;
        while work(&store, again, &who[0], no()).await.is_some() {}
        assert_eq!(by_score_alone(&store, &ids[..3]).await, [false, false, true]);
        // A search chooses by a score where it has a bound on one.
        search(&store, json!({ "label": "none", "score_from": -2.0 }), &ids[3..4]).await;
        search(&store, json!({ "label": "none" }), &ids[4..]).await;
        assert_eq!(by_score_alone(&store, &ids[3..]).await, [true, false]);
        assert!(!chosen(&store, ids[4]).await.is_any());
    }

    async fn a_random_draw_makes_a_sample_of_what_it_has_come_to(db) {
        let store = db.open().await;
        let ids = snippets(&store, 6).await;
        let who = people(db, 1).await;
        let order = [5, 3, 1, 0, 2, 4].map(|i| ids[i]);
        let random = queue(&store, QueueKind::Random, 1, &order).await;
        let near = queue(&store, QueueKind::Threshold, 1, &[ids[1], ids[2]]).await;
        while work(&store, near.id, &who[0], no()).await.is_some() {}
        let near = [ids[1], ids[2]];
        assert_eq!(by_score_alone(&store, &near).await, [true, true], "to lie in a random queue is not enough");
        assert_eq!(work(&store, random.id, &who[0], no()).await, Some(ids[5]));
        assert_eq!(by_score_alone(&store, &near).await, [true, true]);
        assert_eq!(work(&store, random.id, &who[0], no()).await, Some(ids[3]));
        assert_eq!(by_score_alone(&store, &near).await, [false, true]);
        assert!(chosen(&store, ids[3]).await.reached && !chosen(&store, ids[0]).await.reached);
        // A judge labels what stands between.
        let mut judged = label(ids[0], "a model", Verdict::No, None);
        judged.label.kind = LabellerKind::Judge;
        store.insert_labels(&[judged]).await.expect("stored");
        assert_eq!(by_score_alone(&store, &near).await, [false, false]);
        let first = store.snippets_by_id(&[ids[3]]).await.expect("read")[0].labels[0].id;
        store.withdraw_label(first, who[0].account).await.expect("withdrawn");
        assert_eq!(by_score_alone(&store, &near).await, [true, true], "a gap ends the beginning");
    }

    async fn a_random_selection_does_so_too_and_a_draw_among_the_labelled_does_not(db) {
        let store = db.open().await;
        let ids = snippets(&store, 4).await;
        let scored: Vec<_> = ids.iter().map(|id| (*id, Some(0.5))).collect();
        store.acquire(&acquisition(&scored)).await.expect("stored");
        say_no(&store, ids[1]).await;
        say_no(&store, ids[2]).await;
        let late = [(ids[1], Some(0.5)), (ids[2], Some(0.5))];
        store.acquire(&NewAcquisition { by_score: false, ..acquisition(&late) }).await.expect("stored");
        assert_eq!(by_score_alone(&store, &ids).await, [true; 4]);
        let drawn = [(ids[3], Some(0.5)), (ids[0], Some(0.5))];
        store.acquire(&NewAcquisition { by_score: false, ..acquisition(&drawn) }).await.expect("stored");
        say_no(&store, ids[0]).await;
        assert_eq!(by_score_alone(&store, &ids).await, [true; 4]);
        say_no(&store, ids[3]).await;
        assert_eq!(by_score_alone(&store, &ids).await, [false, true, true, false]);
    }

    async fn what_was_labelled_or_chosen_meanwhile_is_refused(db) {
        let store = db.open().await;
        let ids = snippets(&store, 3).await;
        let asked = |among, id| NewAcquisition { among, ..acquisition(&[(ids[2], Some(0.5)), (id, Some(0.5))]) };
        say_no(&store, ids[0]).await;
        queue(&store, QueueKind::Threshold, 1, &ids[1..2]).await;
        for (among, id, words) in [
            (Among::Untouched, ids[0], "labelled"),
            (Among::Unlabelled, ids[0], "labelled"),
            (Among::Untouched, ids[1], "chosen by another"),
        ] {
            let refused = store.acquire(&asked(among, id)).await.expect_err("refused");
            assert!(matches!(refused, StoreError::NoLongerOpen { row: 1, .. }), "{refused:?}");
            let text = refused.to_string();
            assert!(text.contains(words) && text.contains("choose again"), "{text}");
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM acquisitions").await, 0);
        assert_eq!(db.number("SELECT COUNT(*) FROM queues").await, 1);
        store.acquire(&asked(Among::Unlabelled, ids[1])).await.expect("chosen anew");
        store.acquire(&asked(Among::All, ids[0])).await.expect("labelled again");
    }

    async fn of_two_who_choose_the_same_at_once_one_is_refused(db) {
        let store = db.open().await;
        let ids = snippets(&store, 40).await;
        let items: Vec<_> = ids.iter().map(|id| (*id, Some(0.5))).collect();
        let new = NewAcquisition { among: Among::Untouched, ..acquisition(&items) };
        let other = db.open().await;
        let (a, b) = tokio::join!(store.acquire(&new), other.acquire(&new));
        assert_eq!([&a, &b].iter().filter(|made| made.is_ok()).count(), 1, "{a:?} {b:?}");
        assert_eq!(db.number("SELECT COUNT(*) FROM acquired_items").await, 40);
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
