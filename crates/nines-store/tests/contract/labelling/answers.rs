//! What is saved, once and for all.

use super::{PREDICATE, new_queue, no, people, queue, snippets, work, yes};
use crate::harness::contract;
use nines_domain::comparison::Choice;
use nines_domain::label::Verdict;
use nines_store::{Answer, AssignmentState, Preference, QueueKind, StoreError};

contract! {
    async fn saving_twice_is_saving_once_and_another_answer_is_refused(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 1).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        let given = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let given = given.expect("an item");
        let first = store.save_answer(given.id, &who[0], &yes(2), PREDICATE).await.expect("saved");
        // A retry may have counted more seconds by then.
        let retry = Answer { seconds: 9.0, ..yes(2) };
        let again = store.save_answer(given.id, &who[0], &retry, PREDICATE).await.expect("saved");
        assert_eq!(first, again);
        let other = store.save_answer(given.id, &who[0], &no(), PREDICATE).await;
        assert!(matches!(other, Err(StoreError::Refused { what: "assignment", .. })), "{other:?}");
        let strange = store.save_answer(given.id, &who[1], &no(), PREDICATE).await;
        assert!(matches!(strange, Err(StoreError::NotFound { .. })), "{strange:?}");
        let stored = store.snippets_by_id(&ids).await.expect("read").remove(0);
        assert_eq!(stored.labels.len(), 1);
        let label = &stored.labels[0];
        assert_eq!(label.label.labeller, "person 1");
        assert_eq!(label.label.seconds, Some(4.5));
        assert_eq!(label.occasion, format!("browser/assignment-{}", given.id));
        assert_eq!((label.source.as_str(), label.predicate.as_deref()), ("browser", Some(PREDICATE)));
    }

    async fn nonsense_is_refused_and_nothing_stored(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 1).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        let given = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let given = given.expect("an item");
        for wrong in [
            Answer { seconds: f64::NAN, ..no() },
            Answer { seconds: -1.0, ..no() },
            Answer { away_seconds: f64::INFINITY, ..no() },
            Answer { verdict: Verdict::Unsure, ..yes(1) },
        ] {
            let refused = store.save_answer(given.id, &who[0], &wrong, PREDICATE).await;
            assert!(matches!(refused, Err(StoreError::BadValue { .. })), "{refused:?}");
        }
        for reason in ["", "   ", "a\0b", &"x".repeat(5_000)] {
            let refused = store.skip_assignment(given.id, who[0].account, reason, 1.0, 0.0).await;
            assert!(matches!(refused, Err(StoreError::BadValue { .. } | StoreError::Nul { .. })));
        }
        let pair = Preference { choice: Choice::Left, reason: None, seconds: 1.0, away_seconds: 0.0 };
        let refused = store.save_preference(given.id, &who[0], &pair).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })));
        assert_eq!(db.number("SELECT COUNT(*) FROM labels").await, 0);
    }

    async fn an_undone_answer_is_withdrawn_and_the_item_is_open_again(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 2).await;
        let made = queue(&store, QueueKind::Leak, 1, &ids).await;
        let given = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let given = given.expect("an item");
        store.save_answer(given.id, &who[0], &yes(3), PREDICATE).await.expect("saved");
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 2, "a second label for a yes");
        let again = store.undo_assignment(given.id, &who[0]).await.expect("undone");
        assert_eq!(again.snippet, ids[0]);
        assert_eq!(store.undo_assignment(given.id, &who[0]).await.expect("undone").id, again.id);
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 1, "the yes is gone");
        // The very same answer is a label again, and the old one stays withdrawn.
        store.save_answer(again.id, &who[0], &yes(3), PREDICATE).await.expect("saved");
        let stored = store.snippets_by_id(&ids).await.expect("read").remove(0);
        assert_eq!(stored.labels.len(), 1);
        let all = store.labels_with_withdrawn(ids[0]).await.expect("read");
        let withdrawn: Vec<bool> = all.iter().map(|(_, when)| when.is_some()).collect();
        assert_eq!(withdrawn, [true, false]);
        let late = store.save_answer(given.id, &who[0], &yes(3), PREDICATE).await;
        assert!(matches!(late, Err(StoreError::Refused { .. })), "the old assignment is closed");
        let twice = store.undo_assignment(given.id, &who[0]).await;
        assert!(matches!(twice, Err(StoreError::Refused { .. })), "{twice:?}");
    }

    async fn a_skip_is_undone_unless_others_have_taken_the_item(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 1).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        let given = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let given = given.expect("an item");
        let open = store.undo_assignment(given.id, &who[0]).await;
        assert!(matches!(open, Err(StoreError::Refused { .. })));
        store.skip_assignment(given.id, who[0].account, "cut off", 2.0, 0.0).await.expect("skipped");
        let refused = store.save_answer(given.id, &who[0], &no(), PREDICATE).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })));
        let back = store.undo_assignment(given.id, &who[0]).await.expect("undone");
        assert!(store.next_assignment(made.id, &who[1], &[]).await.expect("leased").assignment.is_none());
        store.skip_assignment(back.id, who[0].account, "cut off", 2.0, 0.0).await.expect("skipped");
        work(&store, made.id, &who[1], no()).await.expect("an item");
        let gone = store.undo_assignment(back.id, &who[0]).await;
        assert!(matches!(gone, Err(StoreError::Refused { .. })), "{gone:?}");
    }

    async fn an_undo_that_is_asked_for_again_after_the_lease_ran_out_gives_the_item(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 1).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        let given = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let given = given.expect("an item");
        store.save_answer(given.id, &who[0], &no(), PREDICATE).await.expect("saved");
        let again = store.undo_assignment(given.id, &who[0]).await.expect("undone");
        super::run_out(db).await;
        store.return_expired().await.expect("returned");
        let late = store.undo_assignment(given.id, &who[0]).await.expect("given again");
        assert_eq!((late.id, late.state), (again.id, AssignmentState::Open));
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 0, "it is with them again");
    }

    async fn a_skip_of_what_a_design_drew_is_told_to_researchers(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 2).await;
        for (kind, flags) in [(QueueKind::Random, 0), (QueueKind::Leak, 1)] {
            let made = queue(&store, kind, 1, &ids[..1]).await;
            let given = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
            let given = given.expect("an item");
            for _ in 0..2 {
                store.skip_assignment(given.id, who[0].account, "cut off", 1.0, 0.0).await.expect("skipped");
            }
            let open = store.flags(true, None, 10).await.expect("listed");
            assert_eq!(open.len(), flags, "{kind:?}");
            assert_eq!(store.queue(made.id).await.expect("read").waiting, 1, "it holds the numbers up");
            assert!(open.iter().all(|flag| flag.snippet == ids[0] && flag.reason == "skipped: cut off"));
            store.undo_assignment(given.id, &who[0]).await.expect("undone");
            assert!(store.flags(true, None, 10).await.expect("listed").is_empty());
            let back = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
            store.skip_assignment(back.expect("open").id, who[0].account, "why?", 1.0, 0.0).await.expect("skipped");
            for flag in store.flags(true, None, 10).await.expect("listed") {
                store.resolve_flag(flag.id, who[0].account).await.expect("resolved");
            }
        }
    }

    async fn pairs_are_compared_once_by_each_and_can_be_undone(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 3).await;
        let made = store.ensure_queue(&new_queue(QueueKind::Quality, 1)).await.expect("made");
        let items = [(ids[0], Some(ids[1])), (ids[1], Some(ids[0])), (ids[0], Some(ids[2]))];
        assert_eq!(store.fill_queue(made.id, &items).await.expect("filled"), 3);
        assert_eq!(store.fill_queue(made.id, &items).await.expect("filled"), 0);
        let given = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment;
        let given = given.expect("a pair");
        assert_eq!((given.snippet, given.other), (ids[0], Some(ids[1])));
        let left = Preference { choice: Choice::Left, reason: Some("flows".into()), seconds: 7.0, away_seconds: 1.0 };
        store.save_preference(given.id, &who[0], &left).await.expect("saved");
        store.save_preference(given.id, &who[0], &left).await.expect("again");
        let right = Preference { choice: Choice::Right, ..left.clone() };
        assert!(matches!(store.save_preference(given.id, &who[0], &right).await, Err(StoreError::Refused { .. })));
        assert!(matches!(store.save_answer(given.id, &who[0], &no(), PREDICATE).await, Err(StoreError::Refused { .. })));
        assert_eq!(store.comparisons_of(&ids).await.expect("read").len(), 1);
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 2);
        let again = store.undo_assignment(given.id, &who[0]).await.expect("undone");
        assert!(store.comparisons_of(&ids).await.expect("read").is_empty());
        store.save_preference(again.id, &who[0], &right).await.expect("saved");
        let kept = store.comparisons_of(&ids).await.expect("read");
        assert_eq!(kept.iter().map(|c| c.new.comparison.choice).collect::<Vec<_>>(), [Choice::Right]);
        let mut others = 0;
        while let Some(given) = store.next_assignment(made.id, &who[1], &[]).await.expect("leased").assignment {
            store.save_preference(given.id, &who[1], &left).await.expect("saved");
            others += 1;
        }
        assert_eq!(others, 2);
    }
}
