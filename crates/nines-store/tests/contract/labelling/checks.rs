//! Checks: practice, the test, and what is hidden among the work.

use super::{PREDICATE, no, people, queue, snippets, yes};
use crate::data::label;
use crate::harness::contract;
use nines_domain::label::{Severity, Verdict};
use nines_domain::snippet::SnippetId;
use nines_store::{
    Answer, CheckPurpose, Labeller, NewCheckItem, Purpose, QueueKind, Stage, Store, StoreError,
};
use std::collections::HashSet;

fn check(snippet: SnippetId, purpose: CheckPurpose, is_yes: bool) -> NewCheckItem {
    NewCheckItem {
        snippet,
        purpose,
        verdict: if is_yes { Verdict::Yes } else { Verdict::No },
        severity: is_yes.then_some(Severity::Egregious),
        explanation: "because the guide says so".into(),
    }
}

/// Answers everything of a part.
async fn train(store: &Store, who: &Labeller, part: CheckPurpose, answer: Answer) -> Vec<bool> {
    let mut right = Vec::new();
    while let Some(given) = store
        .next_check(part, who, &[])
        .await
        .expect("given")
        .assignment
    {
        let saved = store
            .save_answer(given.id, who, &answer, PREDICATE)
            .await
            .expect("saved");
        let again = store
            .save_answer(given.id, who, &answer, PREDICATE)
            .await
            .expect("again");
        assert_eq!(saved, again);
        assert_eq!(saved.feedback.is_some(), part == CheckPurpose::Practice);
        right.extend(saved.feedback.map(|feedback| feedback.is_right));
    }
    right
}

contract! {
    async fn practice_comes_before_the_test_and_the_test_before_work(db) {
        let store = db.open().await;
        let who = people(db, 3).await;
        let ids = snippets(&store, 12).await;
        assert_eq!(store.standing(who[0].account).await.expect("read").stage, None, "nothing is asked");
        let mut new: Vec<_> = (0..2).map(|i| check(ids[i], CheckPurpose::Practice, i == 0)).collect();
        new.extend((2..7).map(|i| check(ids[i], CheckPurpose::Qualification, i == 2)));
        store.insert_check_items(&new, None).await.expect("stored");
        let taken = store.insert_check_items(&[check(ids[0], CheckPurpose::Gold, true)], None).await;
        assert!(matches!(taken, Err(StoreError::BadValue { .. })), "{taken:?}");

        let standing = store.standing(who[0].account).await.expect("read");
        assert_eq!(standing.stage, Some(Stage::Practice));
        assert_eq!((standing.practice.total, standing.qualification.total), (2, 5));
        let early = store.next_check(CheckPurpose::Qualification, &who[0], &[]).await.expect("read");
        assert!(early.assignment.is_none());
        assert_eq!(train(&store, &who[0], CheckPurpose::Practice, no()).await, [false, true]);
        // Four of five right: passed.
        train(&store, &who[0], CheckPurpose::Qualification, no()).await;
        assert_eq!(store.standing(who[0].account).await.expect("read").stage, None);
        assert!(store.qualified_since(who[0].account).await.expect("read").is_some());

        // One of five right: failed, until somebody lets them try again.
        train(&store, &who[1], CheckPurpose::Practice, no()).await;
        train(&store, &who[1], CheckPurpose::Qualification, yes(2)).await;
        assert_eq!(store.standing(who[1].account).await.expect("read").stage, Some(Stage::Failed));
        assert!(store.next_check(CheckPurpose::Qualification, &who[1], &[]).await.expect("read").assignment.is_none());
        store.qualify_again(who[1].account, who[2].account).await.expect("reset");
        assert_eq!(store.standing(who[1].account).await.expect("read").stage, Some(Stage::Practice));
        train(&store, &who[1], CheckPurpose::Practice, no()).await;
        train(&store, &who[1], CheckPurpose::Qualification, no()).await;
        assert_eq!(store.standing(who[1].account).await.expect("read").stage, None);

        assert_eq!(db.number("SELECT COUNT(*) FROM labels").await, 0, "checks are no labels");
        let given = "SELECT COUNT(*) FROM check_answers";
        assert_eq!(db.number(given).await, 7 + 14);
        for item in store.check_items(None, 100).await.expect("listed") {
            store.retire_check_item(item.id).await.expect("retired");
        }
        assert_eq!(store.standing(who[2].account).await.expect("read").stage, None);
    }

    async fn training_is_final_and_reloads_give_the_same_item(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 4).await;
        let new = [
            check(ids[0], CheckPurpose::Practice, true),
            check(ids[1], CheckPurpose::Practice, true),
            check(ids[2], CheckPurpose::Qualification, true),
        ];
        store.insert_check_items(&new, None).await.expect("stored");
        let part = CheckPurpose::Practice;
        let first = store.next_check(part, &who[0], &[]).await.expect("given");
        assert_eq!(first.waiting, 1);
        let first = first.assignment.expect("an item");
        let reload = store.next_check(part, &who[0], &[]).await.expect("given").assignment;
        assert_eq!(reload.map(|a| a.id), Some(first.id));
        let second = store.next_check(part, &who[0], &[first.id]).await.expect("given").assignment;
        assert_eq!(second.as_ref().map(|a| a.snippet), Some(ids[1]));
        assert!(matches!(
            store.skip_assignment(first.id, who[0].account, "hard", 1.0, 0.0).await,
            Err(StoreError::Refused { .. })
        ));
        store.save_answer(first.id, &who[0], &no(), PREDICATE).await.expect("saved");
        let undone = store.undo_assignment(first.id, &who[0]).await;
        assert!(matches!(undone, Err(StoreError::Refused { .. })), "{undone:?}");
    }

    async fn hidden_checks_look_like_work_and_never_become_labels(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 400).await;
        let gold: Vec<_> = (300..400).map(|i| check(ids[i], CheckPurpose::Gold, i % 2 == 0)).collect();
        store.insert_check_items(&gold, None).await.expect("stored");
        let made = queue(&store, QueueKind::Random, 1, &ids[..300]).await;
        let mut purposes = Vec::new();
        let mut met = HashSet::new();
        while let Some(given) = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment {
            assert_eq!(given.purpose.as_told(), Purpose::Work);
            let is_new = met.insert(given.snippet);
            assert_eq!(is_new, given.purpose != Purpose::Repeat, "only a repeat is met twice");
            if given.purpose == Purpose::Repeat {
                let place = purposes.iter().rposition(|(_, s)| *s == given.snippet).expect("met before");
                assert!(purposes.len() - place > 10, "at least ten items ago");
            }
            purposes.push((given.purpose, given.snippet));
            let saved = store.save_answer(given.id, &who[0], &no(), PREDICATE).await.expect("saved");
            assert_eq!(saved.feedback, None, "nothing gives it away");
        }
        let count = |purpose| purposes.iter().filter(|(p, _)| *p == purpose).count();
        assert_eq!(count(Purpose::Work), 300);
        // About 29 and 17 of 346 or so.
        assert!((12..=50).contains(&count(Purpose::Gold)), "{}", count(Purpose::Gold));
        assert!((5..=32).contains(&count(Purpose::Repeat)), "{}", count(Purpose::Repeat));
        assert_eq!(db.number("SELECT COUNT(*) FROM labels").await, 300);
        let accounts = [(who[0].account, "person 1"), (who[1].account, "person 2")];
        let records = store.person_records(&accounts).await.expect("read");
        assert_eq!(records[0].labels, 300);
        assert_eq!(records[0].answered as usize, purposes.len());
        assert_eq!(records[0].gold.1 as usize, count(Purpose::Gold));
        assert!(records[0].gold.0 < records[0].gold.1, "every other gold item is a yes");
        assert_eq!(records[0].repeats, (count(Purpose::Repeat) as u64, count(Purpose::Repeat) as u64));
        assert!((records[0].seconds - 4.5 * purposes.len() as f64).abs() < 1e-6);
        assert_eq!(records[1], Default::default());
    }

    async fn an_undone_check_is_answered_again(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 90).await;
        let gold: Vec<_> = (60..90).map(|i| check(ids[i], CheckPurpose::Gold, true)).collect();
        store.insert_check_items(&gold, None).await.expect("stored");
        let made = queue(&store, QueueKind::Random, 1, &ids[..60]).await;
        let mut undone = 0;
        while let Some(given) = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment {
            store.save_answer(given.id, &who[0], &no(), PREDICATE).await.expect("saved");
            if given.purpose == Purpose::Gold {
                let again = store.undo_assignment(given.id, &who[0]).await.expect("undone");
                assert_eq!((again.snippet, again.purpose), (given.snippet, Purpose::Gold));
                store.save_answer(again.id, &who[0], &yes(3), PREDICATE).await.expect("saved");
                undone += 1;
            }
        }
        assert!(undone > 0);
        let record = store.person_records(&[(who[0].account, "person 1")]).await.expect("read")[0];
        assert_eq!(record.gold, (undone, undone), "the answer that stands counts");
    }

    async fn who_met_an_item_as_a_check_still_labels_it_unless_they_were_told(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 4).await;
        let new = [
            check(ids[0], CheckPurpose::Practice, false),
            check(ids[1], CheckPurpose::Qualification, false),
            check(ids[2], CheckPurpose::Qualification, false),
        ];
        store.insert_check_items(&new, None).await.expect("stored");
        train(&store, &who[0], CheckPurpose::Practice, no()).await;
        train(&store, &who[0], CheckPurpose::Qualification, no()).await;
        // A measurement that waits for what everybody met in the test would wait for ever.
        let made = queue(&store, QueueKind::Leak, 1, &ids).await;
        let mut given = Vec::new();
        while let Some(snippet) = super::work(&store, made.id, &who[0], no()).await {
            given.push(snippet);
        }
        assert_eq!(given, ids[1..], "the answer to the first was told");
        assert_eq!(store.queue(made.id).await.expect("read").waiting, 1);
    }

    async fn the_count_of_what_waits_does_not_tell_a_hidden_check(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 200).await;
        let gold: Vec<_> = (120..200).map(|i| check(ids[i], CheckPurpose::Gold, true)).collect();
        store.insert_check_items(&gold, None).await.expect("stored");
        let made = queue(&store, QueueKind::Random, 1, &ids[..120]).await;
        let (mut before, mut last, mut hidden) = (120, Purpose::Work, 0);
        loop {
            let leased = store.next_assignment(made.id, &who[0], &[]).await.expect("leased");
            let Some(given) = leased.assignment else {
                break;
            };
            if given.purpose != Purpose::Work && last == Purpose::Work && before > 0 {
                hidden += 1;
                assert_eq!(leased.waiting, before - 1, "as after any other item");
                let listed = store.queues_of(who[0].account, true).await.expect("listed");
                assert_eq!(listed[0].waiting_for_me, leased.waiting);
            }
            store.save_answer(given.id, &who[0], &no(), PREDICATE).await.expect("saved");
            (before, last) = (leased.waiting, given.purpose);
        }
        assert!(hidden > 0);
    }

    async fn a_label_that_its_giver_withdrew_is_not_what_they_are_held_to(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids = snippets(&store, 150).await;
        let made = queue(&store, QueueKind::Random, 1, &ids).await;
        let mut repeats = 0;
        while let Some(given) = store.next_assignment(made.id, &who[0], &[]).await.expect("leased").assignment {
            repeats += u32::from(given.purpose == Purpose::Repeat);
            store.save_answer(given.id, &who[0], &no(), PREDICATE).await.expect("saved");
            for (label, withdrawn) in store.labels_with_withdrawn(given.snippet).await.expect("read") {
                if withdrawn.is_none() {
                    store.withdraw_label(label.id, who[0].account).await.expect("withdrawn");
                }
            }
        }
        assert_eq!(repeats, 0, "nothing that stands can be repeated");
    }

    async fn what_a_design_draws_from_is_no_check(db) {
        let store = db.open().await;
        let drawn = crate::measuring::drawn_snippet(&store).await;
        let refused = store.insert_check_items(&[check(drawn, CheckPurpose::Practice, true)], None).await;
        assert!(matches!(refused, Err(StoreError::BadValue { field: "snippet", .. })), "{refused:?}");
        let ids = snippets(&store, 1).await;
        store.insert_check_items(&[check(ids[0], CheckPurpose::Practice, true)], None).await.expect("stored");
    }

    async fn settled_snippets_are_those_that_all_agree_on(db) {
        let store = db.open().await;
        let ids = snippets(&store, 8).await;
        store.insert_labels(&[
            label(ids[0], "ada", Verdict::Yes, Some(3)),
            label(ids[0], "bob", Verdict::Yes, Some(3)),
            label(ids[1], "ada", Verdict::Yes, Some(2)),
            label(ids[2], "ada", Verdict::No, None),
            label(ids[3], "ada", Verdict::No, None),
            label(ids[3], "bob", Verdict::Unsure, None),
            label(ids[4], "ada", Verdict::No, None),
            label(ids[4], "bob", Verdict::No, None),
            label(ids[5], "ada", Verdict::Yes, Some(3)),
            label(ids[5], "bob", Verdict::No, None),
        ]).await.expect("stored");
        let found = async |verdict| {
            let settled = store.settled_snippets(verdict, 7, 10).await.expect("listed");
            settled.into_iter().map(|s| s.snippet).collect::<Vec<_>>()
        };
        assert_eq!(found(Verdict::Yes).await, [ids[0]]);
        assert_eq!(found(Verdict::No).await, [ids[4], ids[2]], "more people first");
        store.insert_check_items(&[check(ids[4], CheckPurpose::Gold, false)], None).await.expect("stored");
        assert_eq!(found(Verdict::No).await, [ids[2]]);
    }
}
