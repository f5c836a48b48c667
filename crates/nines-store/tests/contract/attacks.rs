//! Attempts of automatic attacks, their finds, and who verifies those.

use crate::data::{label, snippet};
use crate::harness::{Db, contract};
use crate::labelling::{no, people, unsure, work, yes};
use crate::runs::{model, run};
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::snippet::{ContentHash, ModelId, RunId, SnippetId, SnippetText};
use nines_domain::verification::Claim;
use nines_store::{
    AttackOutcome, AttackStart, NewAttackAttempt, NewAttackFind, NewLabel, NewPrompt, NewSnippet,
    Origin, QueueKind, Store, StoreError,
};
use sea_orm::ConnectionTrait;
use serde_json::json;

struct Place {
    run: RunId,
    model: ModelId,
    start: SnippetId,
}

impl Place {
    async fn new(store: &Store) -> Self {
        let classifier = model(nines_store::ModelKind::Classifier, "first", "d");
        let start = [snippet("A knight rode.", "He was hurt.")];
        Self {
            run: store.start_run(&run("attack")).await.expect("started").id,
            model: store.insert_model(&classifier).await.expect("stored").id,
            start: store.insert_snippets(&start).await.expect("stored").rows[0].id,
        }
    }

    fn attempt(&self, position: u64, finds: &[&str]) -> NewAttackAttempt {
        NewAttackAttempt {
            position,
            ..attempt_of(self.model, self.start, finds)
        }
    }
}

/// The first attempt of a run, with these finds.
pub fn attempt_of(model: ModelId, start: SnippetId, finds: &[&str]) -> NewAttackAttempt {
    let find = |completion: &&str| find(completion);
    let outcome = match finds {
        [] => AttackOutcome::Failed,
        _ => AttackOutcome::Reached,
    };
    NewAttackAttempt {
        position: 0,
        recipe: "typos".into(),
        model,
        start: AttackStart::Stored(start),
        outcome,
        why: None,
        judge: None,
        start_score: Some(2.5),
        score: Some(0.1 + 0.2),
        threshold: -4.0,
        queries: 120,
        scored: 90,
        seconds: 0.25,
        words: 6,
        words_changed: Some(1),
        seed: u64::MAX,
        detail: json!({ "scores": [0.3], "notes": ["ü"] }),
        finds: finds.iter().map(find).collect(),
    }
}

fn find(completion: &str) -> NewAttackFind {
    NewAttackFind {
        text: SnippetText::new("A knight rode.", completion),
        score: -5.5,
        log_weight: None,
        queued: true,
    }
}

async fn counts(db: &Db) -> [i64; 6] {
    let mut counts = [0; 6];
    let tables = [
        "attack_attempts",
        "attack_finds",
        "snippets",
        "sightings",
        "queues",
        "queue_items",
    ];
    for (count, table) in counts.iter_mut().zip(tables) {
        *count = db.number(&format!("SELECT COUNT(*) FROM {table}")).await;
    }
    counts
}

contract! {
    async fn an_attempt_keeps_every_field_and_is_stored_once(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let mut new = place.attempt(3, &["He was hu rt.", "He was hrut."]);
        new.finds[1].log_weight = Some(-700.25);
        new.judge = Some("second@1".into());
        assert!(store.insert_attack_attempt(place.run, &new).await.expect("stored"));
        let before = counts(db).await;
        assert_eq!(before, [1, 2, 3, 0, 1, 2]);
        assert!(!store.insert_attack_attempt(place.run, &new).await.expect("met again"));
        let other = place.attempt(3, &["Another text altogether."]);
        assert!(!store.insert_attack_attempt(place.run, &other).await.expect("the first stays"));
        assert_eq!(counts(db).await, before);
        let mut skipped = place.attempt(1, &[]);
        skipped.outcome = AttackOutcome::Skipped;
        skipped.why = Some("it passes already".into());
        (skipped.start_score, skipped.score, skipped.words_changed) = (None, None, None);
        assert!(store.insert_attack_attempt(place.run, &skipped).await.expect("stored"));
        let stored = store.attack_attempts(&[place.run]).await.expect("read");
        assert_eq!(stored.iter().map(|a| a.position).collect::<Vec<_>>(), [1, 3]);
        let (first, second) = (&stored[0], &stored[1]);
        assert_eq!((first.outcome, first.why.as_deref()), (AttackOutcome::Skipped, Some("it passes already")));
        assert_eq!((first.start_score, first.score, first.words_changed), (None, None, None));
        assert_eq!((second.run, second.model, second.start), (place.run, place.model, Some(place.start)));
        assert_eq!((second.recipe.as_str(), second.judge.as_deref()), ("typos", Some("second@1")));
        assert_eq!((second.start_score, second.score, second.threshold), (Some(2.5), Some(0.1 + 0.2), -4.0));
        assert_eq!((second.queries, second.scored, second.seconds), (120, 90, 0.25));
        assert_eq!((second.words, second.words_changed, second.seed), (6, Some(1), u64::MAX));
        assert_eq!(second.detail, new.detail);
        let weights: Vec<_> = second.finds.iter().map(|f| f.log_weight).collect();
        assert_eq!(weights, [None, Some(-700.25)]);
        let positions = store.attempted_positions(place.run).await.expect("read");
        assert_eq!(positions.into_iter().collect::<Vec<_>>(), [1, 3]);
        assert!(store.attack_attempts(&[]).await.expect("read").is_empty());
    }

    async fn a_broken_attempt_is_made_anew(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let mut broken = place.attempt(0, &[]);
        broken.outcome = AttackOutcome::Broken;
        broken.why = Some("the paraphraser is offline".into());
        assert!(store.insert_attack_attempt(place.run, &broken).await.expect("stored"));
        store.insert_attack_attempt(place.run, &place.attempt(1, &["a."])).await.expect("stored");
        let made = store.attempted_positions(place.run).await.expect("read");
        assert_eq!(made.into_iter().collect::<Vec<_>>(), [1]);
        assert!(store.insert_attack_attempt(place.run, &place.attempt(0, &["b."])).await.expect("stored"));
        assert!(!store.insert_attack_attempt(place.run, &broken).await.expect("the whole one stays"));
        let stored = store.attack_attempts(&[place.run]).await.expect("read");
        assert!(stored.iter().all(|attempt| attempt.outcome == AttackOutcome::Reached), "{stored:?}");
        assert_eq!(counts(db).await[..2], [2, 2]);
        // A run that is done is taken up for that, and by no accident.
        store.finish_run(place.run, &json!({})).await.expect("done");
        let refused = store.resume_run(place.run).await;
        assert!(matches!(refused, Err(StoreError::RunState { .. })), "{refused:?}");
        let again = store.reopen_run(place.run).await.expect("taken up");
        assert_eq!((again.status, again.ended), (nines_store::RunStatus::Running, None));
    }

    async fn a_find_is_a_child_of_its_start_and_says_which_run_met_it(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let mut new = place.attempt(0, &["He was hu rt."]);
        // The context may be edited as well.
        new.finds[0].text = SnippetText::new("A knigth rode.", "He was hurt.");
        store.insert_attack_attempt(place.run, &new).await.expect("stored");
        let again = store.start_run(&run("attack")).await.expect("started").id;
        store.insert_attack_attempt(again, &new).await.expect("stored");
        let attempts = store.attack_attempts(&[place.run, again]).await.expect("read");
        let ids: Vec<_> = attempts.iter().map(|a| a.finds[0].snippet).collect();
        assert_eq!(ids[0], ids[1], "one text is one snippet");
        let all = store.snippets_by_id(&[place.start, ids[0]]).await.expect("read");
        let (start, found) = (&all[0], &all[1]);
        assert_eq!((found.origin, found.parent, found.run), (Origin::Attack, Some(place.start), Some(place.run)));
        assert_eq!((found.family, found.source.as_str()), (start.family, "attack typos"));
        assert_ne!(found.prompt, start.prompt);
        assert_eq!(found.sightings.len(), 1);
        assert_eq!((found.sightings[0].run, found.sightings[0].origin), (Some(again), Origin::Attack));
        assert_eq!(counts(db).await[5], 1, "and waits once");
    }

    async fn starts_may_be_new_or_a_prompt_alone(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let mut from_file = place.attempt(0, &["It bled a bit."]);
        let start = NewSnippet::imported(SnippetText::new("A dog ran.", "It bled."), "starts.jsonl");
        from_file.start = AttackStart::New(start.clone());
        from_file.finds[0].text.prompt = "A dog ran.".into();
        store.insert_attack_attempt(place.run, &from_file).await.expect("stored");
        let mut guided = place.attempt(1, &["He fell."]);
        guided.start = AttackStart::Prompt("A knight rode.".into());
        guided.finds[0].text.prompt = "A knight rode fast.".into();
        store.insert_attack_attempt(place.run, &guided).await.expect("stored");
        let stored = store.attack_attempts(&[place.run]).await.expect("read");
        let first = store.snippet_by_hash(&start.text.hash()).await.expect("read").expect("stored");
        assert_eq!((stored[0].start, first.origin), (Some(first.id), Origin::Import));
        assert_eq!(stored[1].start, None);
        let ids: Vec<_> = stored.iter().map(|a| a.finds[0].snippet).collect();
        let finds = store.snippets_by_id(&ids).await.expect("read");
        assert_eq!((finds[0].parent, finds[0].family), (Some(first.id), first.family));
        assert_eq!((finds[1].parent, finds[1].family), (None, ContentHash::of_prompt("A knight rode.")));
    }

    async fn a_prompt_of_another_family_stays_where_it_is(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        store.insert_prompts(&[NewPrompt::new("A dog ran.", "book")]).await.expect("stored");
        let mut new = place.attempt(0, &["He was hurt.", "He was hurt."]);
        new.finds[0].text.prompt = "A dog ran.".into();
        // A start that was left as it is is no child of its own.
        store.insert_attack_attempt(place.run, &new).await.expect("stored");
        let stored = store.attack_attempts(&[place.run]).await.expect("read");
        assert_eq!(stored[0].finds[1].snippet, place.start);
        let found = store.snippets_by_id(&[stored[0].finds[0].snippet]).await.expect("read");
        assert_eq!((found[0].parent, found[0].family), (None, ContentHash::of_prompt("A dog ran.")));
    }

    async fn finds_wait_for_one_person_in_one_queue(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let people = people(db, 1).await;
        let known = snippet("A knight rode.", "Known.");
        let known = store.insert_snippets(&[known]).await.expect("stored").rows[0].id;
        store.insert_labels(&[label(known, "eve", Verdict::No, None)]).await.expect("stored");
        let mut new = place.attempt(0, &["a.", "b.", "a.", "Known.", "c."]);
        new.finds[4].queued = false;
        store.insert_attack_attempt(place.run, &new).await.expect("stored");
        store.insert_attack_attempt(place.run, &place.attempt(1, &["b.", "d."])).await.expect("stored");
        let queues = store.queues().await.expect("read");
        assert_eq!(queues.len(), 1);
        assert_eq!((queues[0].kind, queues[0].name.as_str()), (QueueKind::Attack, "Attack successes to verify"));
        assert_eq!((queues[0].items, queues[0].waiting, queues[0].overlap), (3, 3, 1));
        let verdicts = async || {
            let attempts = store.attack_attempts(&[place.run]).await.expect("read");
            let of = |find: &nines_store::AttackFind| find.verification(LabellerKind::Person, Claim::Catastrophe).is_verified();
            attempts.iter().map(|a| a.finds.iter().map(of).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let (yes_, no_) = (Some(true), Some(false));
        assert_eq!(verdicts().await, [vec![None, None, None, no_, None], vec![None, None]]);
        work(&store, queues[0].id, &people[0], yes(3)).await.expect("a.");
        work(&store, queues[0].id, &people[0], no()).await.expect("b.");
        assert_eq!(verdicts().await, [vec![yes_, no_, yes_, no_, None], vec![no_, None]]);
        assert_eq!(store.queue(queues[0].id).await.expect("read").waiting, 1);
    }

    async fn a_find_that_people_left_open_is_asked_of_somebody_else(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let people = people(db, 3).await;
        // What was said before it was found: one who could not decide, two who disagree, two who agree.
        let before = ["Unsure.", "Contested.", "Settled."].map(|text| snippet("A knight rode.", text));
        let ids: Vec<_> = store.insert_snippets(&before).await.expect("stored").ids().collect();
        let said = [
            label(ids[0], "eve", Verdict::Unsure, None),
            label(ids[1], "eve", Verdict::Yes, Some(3)),
            label(ids[1], "fay", Verdict::No, None),
            label(ids[2], "eve", Verdict::Unsure, None),
            label(ids[2], "fay", Verdict::Unsure, None),
        ];
        store.insert_labels(&said).await.expect("stored");
        let new = place.attempt(0, &["Unsure.", "Contested.", "Settled.", "new."]);
        store.insert_attack_attempt(place.run, &new).await.expect("stored");
        let queue = store.queues().await.expect("read")[0].id;
        let waiting = async || store.queue(queue).await.expect("read").waiting;
        assert_eq!(waiting().await, 3);
        let open = async || {
            let attempts = store.attack_attempts(&[place.run]).await.expect("read");
            let is_open = |find: &nines_store::AttackFind| find.verification(LabellerKind::Person, Claim::Catastrophe).is_verified().is_none();
            attempts[0].finds.iter().map(is_open).collect::<Vec<_>>()
        };
        assert_eq!(open().await, [true, true, false, true]);
        // One shrug after it was found is no end either.
        assert_eq!(work(&store, queue, &people[0], yes(3)).await, Some(ids[0]));
        assert_eq!(work(&store, queue, &people[0], no()).await, Some(ids[1]));
        work(&store, queue, &people[0], unsure()).await.expect("the new one");
        assert_eq!(open().await, [false, false, false, true]);
        assert_eq!(waiting().await, 1);
        assert_eq!(work(&store, queue, &people[0], no()).await, None);
        work(&store, queue, &people[1], unsure()).await.expect("the new one");
        assert_eq!((open().await[3], waiting().await), (false, 0));
    }

    async fn who_submitted_a_text_verifies_no_find_of_it_by_a_recipe(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let everybody = people(db, 2).await;
        let session = crate::rewriting::begin(&store, place.model, &everybody[0]).await;
        let found = crate::rewriting::find("He slept.", Severity::Egregious);
        store.submit_rewriting(session.id, &everybody[0], &found).await.expect("submitted");
        let mut new = place.attempt(0, &["He slept."]);
        new.finds[0].text = found.text.clone();
        store.insert_attack_attempt(place.run, &new).await.expect("stored");
        let strict = async || {
            let attempts = store.attack_attempts(&[place.run]).await.expect("read");
            attempts[0].finds[0].verification(LabellerKind::Person, Claim::Catastrophe).is_verified()
        };
        assert_eq!(strict().await, None);
        let queue = store.queues().await.expect("read")[0].id;
        work(&store, queue, &everybody[1], yes(2)).await.expect("an item");
        assert_eq!(strict().await, Some(true));
    }

    async fn an_attempt_that_makes_no_sense_stores_nothing(db) {
        let store = db.open().await;
        let place = Place::new(&store).await;
        let before = counts(db).await;
        let with = |change: fn(&mut NewAttackAttempt)| {
            let mut new = place.attempt(0, &["x."]);
            change(&mut new);
            new
        };
        for (wrong, field) in [
            (with(|a| a.recipe.clear()), "recipe"),
            (with(|a| a.seconds = f64::NAN), "seconds"),
            (with(|a| a.finds.clear()), "finds"),
            (with(|a| a.outcome = AttackOutcome::Failed), "finds"),
            (with(|a| a.finds[0].score = f64::NAN), "score"),
            (with(|a| a.finds[0].log_weight = Some(f64::NEG_INFINITY)), "score"),
            (with(|a| a.threshold = f64::INFINITY), "score"),
        ] {
            match store.insert_attack_attempt(place.run, &wrong).await {
                Err(StoreError::BadValue { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{other:?}"),
            }
        }
        for wrong in [
            with(|a| a.why = Some("\0".into())),
            with(|a| a.detail = json!({ "note": "a\0" })),
            with(|a| a.finds[0].text.completion = "a\0".into()),
            with(|a| a.start = AttackStart::Prompt("\0".into())),
        ] {
            let refused = store.insert_attack_attempt(place.run, &wrong).await;
            assert!(matches!(refused, Err(StoreError::Nul { .. })), "{refused:?}");
        }
        let nowhere = RunId(place.run.0 + 1000);
        let refused = store.insert_attack_attempt(nowhere, &place.attempt(0, &["x."])).await;
        assert!(matches!(refused, Err(StoreError::Dangling { .. })), "{refused:?}");
        let missing = with(|a| a.start = AttackStart::Stored(SnippetId(99_999)));
        let refused = store.insert_attack_attempt(place.run, &missing).await;
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        assert_eq!(counts(db).await, before);
    }

    async fn a_database_from_before_attacks_keeps_its_rows_and_takes_finds(db) {
        let store = db.open().await;
        store.insert_snippets(&[snippet("a", "b")]).await.expect("stored");
        let before = store.snippets(&Default::default()).await.expect("read");
        store.close().await;
        let raw = db.raw().await;
        let narrow = |table: &str| if db.is_postgres() {
            vec![format!(
                "ALTER TABLE {table} DROP CONSTRAINT {table}_origin_check, ADD CONSTRAINT {table}_origin_check \
                 CHECK (\"origin\" IN ('import', 'generate', 'edit'))"
            )]
        } else {
            vec![
                "PRAGMA writable_schema = ON".to_owned(),
                format!("UPDATE sqlite_schema SET sql = replace(sql, ', ''attack''', '') WHERE name = '{table}'"),
                "PRAGMA writable_schema = RESET".to_owned(),
            ]
        };
        let mut undo = vec![
            "DROP TABLE attack_finds".to_owned(),
            "DROP TABLE attack_attempts".to_owned(),
            "DELETE FROM nines_migrations WHERE version = 'm0010_attacks'".to_owned(),
        ];
        undo.extend(["snippets", "sightings"].into_iter().flat_map(narrow));
        for undo in undo {
            raw.execute_unprepared(&undo).await.expect("taken back");
        }
        let refused = raw
            .execute_unprepared("UPDATE snippets SET origin = 'attack'")
            .await;
        refused.expect_err("as it was before");
        raw.close().await.expect("closed");

        let store = db.open().await;
        assert_eq!(store.snippets(&Default::default()).await.expect("read"), before);
        let place = Place::new(&store).await;
        store.insert_attack_attempt(place.run, &place.attempt(0, &["x."])).await.expect("stored");
        let raw = db.raw().await;
        raw.execute_unprepared("UPDATE snippets SET origin = 'nonsense'").await.expect_err("still checked");
        raw.close().await.expect("closed");
        if !db.is_postgres() {
            assert_eq!(db.number("SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'").await, 1);
        }
    }

    async fn pages_and_tables_say_the_same_of_a_find(db) {
        use LabellerKind::{Judge, Person};
        let store = db.open().await;
        let place = Place::new(&store).await;
        let texts = ["a.", "b.", "c.", "d.", "e.", "f."];
        let mut new = place.attempt(0, &texts);
        new.judge = Some("second@1".into());
        // Looked for by another goal: rejected, though a catastrophe.
        new.finds[5].score = -3.0;
        store.insert_attack_attempt(place.run, &new).await.expect("stored");
        let finds = async || store.attack_attempts(&[place.run]).await.expect("read").remove(0).finds;
        let ids: Vec<SnippetId> = finds().await.iter().map(|find| find.snippet).collect();
        let said = |at: usize, who: &str, kind, verdict| {
            let said = label(ids[at], who, verdict, None);
            let severity = (verdict == Verdict::Yes).then_some(Severity::Egregious);
            NewLabel { label: Label { kind, severity, ..said.label }, ..said }
        };
        store.insert_labels(&[
            said(0, "ada", Person, Verdict::Yes),
            said(1, "ada", Person, Verdict::No),
            said(1, "second@1", Judge, Verdict::Yes),
            said(2, "ada", Person, Verdict::Unsure),
            said(3, "ada", Person, Verdict::Yes),
            said(3, "bob", Person, Verdict::No),
            said(4, "another", Judge, Verdict::Yes),
            said(5, "ada", Person, Verdict::Yes),
        ]).await.expect("stored");
        let by = async |kind| {
            let of = |find: &nines_store::AttackFind| find.verification(kind, Claim::Catastrophe).is_verified();
            finds().await.iter().map(of).collect::<Vec<_>>()
        };
        let (yes, no) = (Some(true), Some(false));
        // Where one cannot decide, somebody else is asked.
        assert_eq!(by(Person).await, [yes, no, None, None, None, yes]);
        assert_eq!(by(Judge).await, [None, None, None, None, yes, None], "who steered it confirms nothing");
        let shown = store.verified_finds(Some(place.model), 10).await.expect("read");
        assert_eq!(shown.iter().map(|find| find.snippet).collect::<Vec<_>>(), [ids[0]], "accepted and confirmed");
        let waiting = store.queues().await.expect("read")[0].waiting;
        assert_eq!(waiting, 3, "the undecided, the disputed, and the one that no person has labelled");
    }
}
