//! Who is given what.

use super::{PREDICATE, new_queue, no, people, queue, run_out, snippets, work, yes};
use crate::data::label;
use crate::harness::contract;
use nines_domain::label::Verdict;
use nines_store::{LEASES, QueueChange, QueueKind, StoreError};

contract! {
    async fn items_come_in_order_once_each_and_a_reload_goes_on_where_it_was(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 5).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        assert_eq!((made.items, made.waiting), (5, 5));
        let first = store.next_assignment(made.id, &who[0], &[]).await.expect("leased");
        let first = first.assignment.expect("an item");
        assert_eq!(first.snippet, ids[0]);
        let again = store.next_assignment(made.id, &who[0], &[]).await.expect("leased");
        assert_eq!(again.assignment.map(|a| a.id), Some(first.id), "a reload holds nothing");
        let mut held = vec![first.id];
        for id in &ids[1..LEASES] {
            let next = store.next_assignment(made.id, &who[0], &held).await.expect("leased");
            let next = next.assignment.expect("an item");
            assert_eq!(next.snippet, *id);
            held.push(next.id);
        }
        let full = store.next_assignment(made.id, &who[0], &held).await.expect("leased");
        assert_eq!((full.assignment, full.waiting), (None, 2));
        let other = store.next_assignment(made.id, &who[1], &[]).await.expect("leased");
        assert_eq!(other.assignment.map(|a| a.snippet), Some(ids[3]));
        // Another server on the same database goes on with the same assignments.
        store.close().await;
        let store = db.open().await;
        let kept = store.next_assignment(made.id, &who[0], &held[..2]).await.expect("leased");
        assert_eq!(kept.assignment.map(|a| a.id), Some(held[2]));
    }

    async fn a_lease_that_ran_out_returns_the_item_and_a_late_answer_is_kept(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 1).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        let slow = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let slow = slow.expect("an item");
        assert!(store.next_assignment(made.id, &who[1], &[]).await.expect("leased").assignment.is_none());
        run_out(db).await;
        let seen = store.queues_of(who[1].account, true).await.expect("listed");
        assert_eq!(seen[0].waiting_for_me, 1, "work that is left is shown");
        let quick = store.next_assignment(made.id, &who[1], &[]).await.expect("leased").assignment;
        let quick = quick.expect("the item came back");
        store.save_answer(quick.id, &who[1], &no(), PREDICATE).await.expect("saved");
        store.save_answer(slow.id, &who[0], &yes(3), PREDICATE).await.expect("saved late");
        let kept = store.snippets_by_id(&ids).await.expect("read").remove(0);
        assert_eq!(kept.labels.len(), 2);
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 0);
    }

    async fn who_lets_an_item_run_out_takes_up_the_same_assignment(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 1).await;
        let made = queue(&store, QueueKind::Random, 2, &ids).await;
        let first = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        run_out(db).await;
        let again = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let (first, again) = (first.expect("an item"), again.expect("an item"));
        assert_eq!(first.id, again.id);
        run_out(db).await;
        store.return_expired().await.expect("returned");
        let kept = store.renew_assignment(first.id, who[0].account, 61.0).await.expect("renewed");
        assert!(kept > again.shown, "a page that comes back keeps its item while nobody else has it");
        let there = store.assignment(first.id, who[0].account).await.expect("read");
        assert_eq!(there.state, nines_store::AssignmentState::Open);
    }

    async fn nobody_is_given_what_they_labelled_skipped_or_have_open_elsewhere(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 4).await;
        // One by a file under the same name, before and after the queue is made.
        store.insert_labels(&[label(ids[0], &who[0].name, Verdict::No, None)]).await.expect("stored");
        let a = queue(&store, QueueKind::Search, 2, &ids).await;
        let b = queue(&store, QueueKind::Sent, 2, &ids).await;
        store.insert_labels(&[label(ids[1], &who[0].name, Verdict::No, None)]).await.expect("stored");
        let open = store.next_assignment(a.id, &who[0], &[]).await.expect("leased").assignment;
        let open = open.expect("an item");
        assert_eq!(open.snippet, ids[2]);
        let elsewhere = store.next_assignment(b.id, &who[0], &[]).await.expect("leased").assignment;
        let elsewhere = elsewhere.expect("an item");
        assert_eq!(elsewhere.snippet, ids[3]);
        store.skip_assignment(elsewhere.id, who[0].account, "too long", 3.0, 0.0).await.expect("skipped");
        store.skip_assignment(elsewhere.id, who[0].account, "too long", 3.0, 0.0).await.expect("again");
        let none = store.next_assignment(b.id, &who[0], &[]).await.expect("leased");
        assert_eq!((none.assignment, none.waiting), (None, 0));
        // The other one is asked for two labels of the item that has one already, as for the others.
        let mut theirs = Vec::new();
        while let Some(id) = work(&store, b.id, &who[1], no()).await {
            theirs.push(id);
        }
        assert_eq!(theirs, ids);
        let items = "SELECT COUNT(*) FROM queue_items WHERE waiting AND snippet_id = 1";
        assert_eq!(db.number(items).await, 2);
    }

    async fn one_label_counts_in_every_queue_that_holds_the_snippet(db) {
        let store = db.open().await;
        let who = people(db, 3).await;
        let ids = snippets(&store, 2).await;
        let a = queue(&store, QueueKind::Random, 1, &ids).await;
        let b = queue(&store, QueueKind::Threshold, 1, &ids).await;
        let open = store.next_assignment(a.id, &who[0], &[]).await.expect("leased").assignment;
        let open = open.expect("an item");
        let other = store.next_assignment(b.id, &who[1], &[]).await.expect("leased").assignment;
        assert_eq!(other.as_ref().map(|a| a.snippet), Some(ids[1]), "the first is taken in the other queue");
        store.save_answer(open.id, &who[0], &no(), PREDICATE).await.expect("saved");
        assert_eq!(store.queue(b.id).await.expect("read").waiting, 0);
        // A file's label counts as well.
        store.insert_labels(&[label(ids[1], "a file", Verdict::No, None)]).await.expect("stored");
        let other = other.expect("an item").id;
        store.skip_assignment(other, who[1].account, "unclear", 1.0, 0.0).await.expect("skipped");
        assert!(store.next_assignment(a.id, &who[2], &[]).await.expect("leased").assignment.is_none());
    }

    async fn a_design_wants_a_second_label_for_a_yes_and_one_more_for_a_disagreement(db) {
        let store = db.open().await;
        let who = people(db, 4).await;
        let ids = snippets(&store, 3).await;
        let made = queue(&store, QueueKind::Leak, 1, &ids).await;
        let plain = queue(&store, QueueKind::Search, 1, &ids).await;
        let _ = plain;
        assert_eq!(work(&store, made.id, &who[0], yes(3)).await, Some(ids[0]));
        assert_eq!(work(&store, made.id, &who[0], no()).await, Some(ids[1]));
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 2);
        assert_eq!(work(&store, made.id, &who[1], no()).await, Some(ids[0]));
        assert_eq!(work(&store, made.id, &who[2], no()).await, Some(ids[0]), "they disagree");
        assert_eq!(work(&store, made.id, &who[3], no()).await, Some(ids[2]), "three settle it");
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 0);
        assert_eq!(store.queue(plain.id).await.expect("read").waiting, 0);
    }

    async fn another_overlap_asks_more_or_fewer_people_and_a_closed_queue_nobody(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 2).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        work(&store, made.id, &who[0], no()).await;
        let change = QueueChange { overlap: Some(2), ..QueueChange::default() };
        let more = store.change_queue(made.id, &change).await.expect("changed");
        assert_eq!((more.overlap, more.waiting), (2, 2));
        let seen = store.queues_of(who[0].account, true).await.expect("listed");
        assert_eq!((seen[0].waiting_for_me, seen[0].answered_by_me), (1, 1));
        let change = QueueChange { overlap: Some(1), open: Some(false), name: Some("done".into()) };
        let fewer = store.change_queue(made.id, &change).await.expect("changed");
        assert_eq!((fewer.waiting, fewer.open, fewer.name.as_str()), (1, false, "done"));
        let closed = store.next_assignment(made.id, &who[1], &[]).await;
        assert!(matches!(closed, Err(StoreError::Refused { what: "queue", .. })), "{closed:?}");
        assert!(store.queues_of(who[0].account, true).await.expect("listed").is_empty());
        for wrong in [0, 21] {
            let change = QueueChange { overlap: Some(wrong), ..QueueChange::default() };
            assert!(matches!(store.change_queue(made.id, &change).await, Err(StoreError::BadValue { .. })));
        }
    }

    async fn filling_again_adds_what_is_new_and_a_design_says_the_order(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 8).await;
        for (kind, ids, wanted) in [
            (QueueKind::Random, &ids[..4], [0, 1, 3, 2]),
            // What the design does not name any more is not kept waiting.
            (QueueKind::Leak, &ids[4..], [1, 3, 0, 2]),
        ] {
            let made = queue(&store, kind, 1, &ids[..2]).await;
            let items: Vec<_> = [3, 0, 2, 3].iter().map(|&i| (ids[i], None)).collect();
            assert_eq!(store.fill_queue(made.id, &items).await.expect("filled"), 2);
            let mut order = Vec::new();
            while let Some(id) = work(&store, made.id, &who[0], no()).await {
                order.push(id);
            }
            assert_eq!(order, wanted.map(|i| ids[i]), "{kind:?}");
        }
        let made = store.queues().await.expect("listed").remove(0);
        let pairs = store.ensure_queue(&new_queue(QueueKind::Quality, 1)).await.expect("made");
        for (queue, item) in [
            (made.id, (ids[0], Some(ids[1]))),
            (pairs.id, (ids[0], None)),
            (pairs.id, (ids[0], Some(ids[0]))),
        ] {
            let refused = store.fill_queue(queue, &[item]).await;
            assert!(matches!(refused, Err(StoreError::BadValue { .. })), "{refused:?}");
        }
        let nowhere = nines_domain::snippet::SnippetId(9_999);
        let refused = store.fill_queue(made.id, &[(nowhere, None)]).await;
        assert!(matches!(refused, Err(StoreError::UnknownSnippet { .. })));
        let with = store.queues_with(ids[0]).await.expect("listed");
        assert_eq!(with.iter().map(|queue| queue.id).collect::<Vec<_>>(), [made.id]);
    }
}
