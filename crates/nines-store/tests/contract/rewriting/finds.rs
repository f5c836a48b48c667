//! Finds: stored in one transaction, verified by somebody else, and what follows from that.

use super::{begin, classifier, find, logit, one, task, time};
use crate::data::label;
use crate::harness::contract;
use crate::labelling::{no, people, unsure, work, yes};
use nines_domain::label::{LabellerKind, Severity, Verdict};
use nines_domain::snippet::SnippetText;
use nines_store::{
    FoundBy, NewRewritingFind, Origin, QueueKind, RewritingState, StoreError, Tools,
};
use sea_orm::ConnectionTrait;

contract! {
    async fn a_find_waits_for_somebody_other_than_its_author(db) {
        let store = db.open().await;
        let everybody = people(db, 3).await;
        let (author, other) = (&everybody[0], &everybody[1]);
        let (id, _) = task(&store, Tools::On, 1).await;
        let session = store.begin_rewriting_task(id, author).await.expect("begun").expect("a start");
        let new = NewRewritingFind {
            text: SnippetText::new(session.start.prompt.clone(), "He lay down among the flowers."),
            ..find("", Severity::Egregious)
        };
        let submitted = store.submit_rewriting(session.id, author, &new).await.expect("submitted");
        assert_eq!(submitted.session.state, RewritingState::Submitted);
        assert_eq!(submitted.session.find.as_ref().map(|find| find.trick.as_str()), Some("euphemism"));
        let queue = store.queue(submitted.queue).await.expect("read");
        assert_eq!((queue.kind, queue.items, queue.waiting), (QueueKind::Attack, 1, 1));
        let stored = &store.snippets_by_id(&[submitted.snippet]).await.expect("read")[0];
        assert_eq!((stored.origin, stored.parent), (Origin::Attack, session.start_snippet));
        assert_eq!(stored.labels.len(), 1);
        // Its author has nothing to do there, even after taking the label back.
        let waits_for = async |who: &nines_store::Labeller| {
            let rows = store.queues_of(who.account, true).await.expect("read");
            rows.iter().find(|row| row.queue.id == queue.id).expect("there").waiting_for_me
        };
        assert_eq!((waits_for(author).await, waits_for(other).await), (0, 1));
        let leased = store.next_assignment(queue.id, author, &[]).await.expect("asked");
        assert_eq!((leased.assignment, leased.waiting), (None, 0));
        store.withdraw_label(stored.labels[0].id, author.account).await.expect("withdrawn");
        let leased = store.next_assignment(queue.id, author, &[]).await.expect("asked");
        assert_eq!(leased.assignment, None);
        assert_eq!(store.rewriting_results().await.expect("read")[0].verified, None);
        assert_eq!(work(&store, queue.id, other, yes(2)).await, Some(submitted.snippet));
        assert_eq!(store.rewriting_results().await.expect("read")[0].verified, Some(true));
    }

    async fn open_finds_are_listed_but_not_for_whom_they_are_settled(db) {
        let store = db.open().await;
        let everybody = people(db, 4).await;
        let model = classifier(&store).await;
        let session = begin(&store, model, &everybody[0]).await;
        let submitted = store.submit_rewriting(session.id, &everybody[0], &find("He slept.", Severity::Clear)).await.expect("submitted");
        let open = async |kind, who: Option<&nines_store::Labeller>| {
            store.open_rewritings(kind, who.map(|who| who.name.as_str())).await.expect("read")
        };
        let person = LabellerKind::Person;
        assert_eq!(open(person, None).await, [submitted.snippet]);
        assert_eq!(open(person, Some(&everybody[0])).await, [], "nobody confirms a find of their own");
        // A no against the author's yes asks one more, but not whoever has spoken.
        work(&store, submitted.queue, &everybody[1], no()).await.expect("an item");
        assert_eq!(open(person, Some(&everybody[1])).await, []);
        assert_eq!(open(person, Some(&everybody[2])).await, [submitted.snippet]);
        work(&store, submitted.queue, &everybody[2], no()).await.expect("an item");
        assert_eq!(open(person, None).await, []);
        assert_eq!(open(LabellerKind::Judge, None).await, [submitted.snippet], "no judge has spoken");
    }

    async fn a_contradicted_find_wants_one_more_and_no_further(db) {
        let store = db.open().await;
        let everybody = people(db, 4).await;
        let model = classifier(&store).await;
        let session = begin(&store, model, &everybody[0]).await;
        let submitted = store.submit_rewriting(session.id, &everybody[0], &find("He slept.", Severity::Clear)).await.expect("submitted");
        let waiting = async || store.queue(submitted.queue).await.expect("read").waiting;
        assert_eq!(waiting().await, 1);
        work(&store, submitted.queue, &everybody[1], no()).await.expect("an item");
        assert_eq!(waiting().await, 1);
        let standing = store.rewriting_standing(everybody[0].account).await.expect("read");
        assert_eq!((standing.waiting, standing.refuted), (1, 0));
        work(&store, submitted.queue, &everybody[2], no()).await.expect("an item");
        assert_eq!(waiting().await, 0);
        let standing = store.rewriting_standing(everybody[0].account).await.expect("read");
        assert_eq!((standing.finds, standing.waiting, standing.refuted, standing.reward), (1, 0, 1, 0.0));
        assert_eq!(work(&store, submitted.queue, &everybody[3], no()).await, None);
    }

    async fn a_reward_is_severity_times_margin_once_verified(db) {
        let store = db.open().await;
        let everybody = people(db, 2).await;
        let model = classifier(&store).await;
        let session = begin(&store, model, &everybody[0]).await;
        let submitted = store.submit_rewriting(session.id, &everybody[0], &find("He slept.", Severity::Egregious)).await.expect("submitted");
        assert_eq!(store.rewriting_standing(everybody[0].account).await.expect("read").reward, 0.0);
        work(&store, submitted.queue, &everybody[1], yes(2)).await.expect("an item");
        // The margin is 1.5; the lower severity, 2, counts.
        let standing = store.rewriting_standing(everybody[0].account).await.expect("read");
        assert_eq!((standing.verified, standing.reward), (1, 3.0));
        let finds = store.verified_finds(Some(model), 10).await.expect("read");
        assert_eq!(finds.len(), 1);
        assert_eq!((&finds[0].by, finds[0].severity, finds[0].score), (&FoundBy::Person, 2.0, -3.5));
        assert_eq!(finds[0].start.as_ref().map(|start| start.completion.as_str()), Some("He fell on the spear."));
        assert!(store.verified_finds(Some(nines_domain::snippet::ModelId(99)), 10).await.expect("read").is_empty());
    }

    async fn submitting_twice_is_submitting_once(db) {
        let store = db.open().await;
        let everybody = people(db, 2).await;
        let model = classifier(&store).await;
        let session = begin(&store, model, &everybody[0]).await;
        let mut sent = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (store, who) = (store.clone(), everybody[0].clone());
            sent.spawn(async move { store.submit_rewriting(session.id, &who, &find("He slept.", Severity::Clear)).await });
        }
        let mut snippets = std::collections::BTreeSet::new();
        for outcome in sent.join_all().await {
            snippets.insert(outcome.expect("submitted").snippet);
        }
        assert_eq!(snippets.len(), 1);
        let counts = store.counts().await.expect("counted");
        // The start, which was somebody's own text, and the find.
        assert_eq!((counts.snippets, counts.labelled_snippets), (2, 1));
        let other = store.submit_rewriting(session.id, &everybody[0], &find("He sat.", Severity::Clear)).await;
        assert!(matches!(other, Err(StoreError::Refused { .. })), "{other:?}");
        // The same text is no second find, whoever submits it.
        for who in &everybody {
            let second = begin(&store, model, who).await;
            let again = store.submit_rewriting(second.id, who, &find("He slept.", Severity::Clear)).await;
            assert!(matches!(again, Err(StoreError::Refused { what: "snippet", .. })), "{again:?}");
        }
        let results = store.rewriting_results().await.expect("read");
        let told: Vec<_> = results.iter().map(|r| (r.state, r.verified)).collect();
        let open = (RewritingState::Open, None);
        assert_eq!(told, [(RewritingState::Submitted, None), open, open], "nobody has verified anything");
    }

    async fn what_is_known_is_no_find_of_anybody(db) {
        let store = db.open().await;
        let everybody = people(db, 3).await;
        let model = classifier(&store).await;
        // Labelled before; found by an attack; only stored.
        let labelled = one(&store, "The duel began.", "He died.").await;
        store.insert_labels(&[label(labelled, "cyd", Verdict::Yes, None)]).await.expect("stored");
        let start = one(&store, "The duel began.", "He was hurt.").await;
        let run = store.start_run(&crate::runs::run("attack")).await.expect("started").id;
        let mut attempt = crate::attacks::attempt_of(model, start, &["He was hrut."]);
        attempt.finds[0].text = find("He was hrut.", Severity::Clear).text;
        store.insert_attack_attempt(run, &attempt).await.expect("stored");
        one(&store, "The duel began.", "He drew.").await;
        let session = begin(&store, model, &everybody[0]).await;
        let before = store.counts().await.expect("counted");
        for known in ["He died.", "He was hrut."] {
            let refused = store.submit_rewriting(session.id, &everybody[0], &find(known, Severity::Clear)).await;
            assert!(matches!(refused, Err(StoreError::Refused { what: "snippet", .. })), "{known} {refused:?}");
        }
        assert_eq!(store.counts().await.expect("counted"), before);
        assert_eq!(store.rewriting_session(session.id).await.expect("read").state, RewritingState::Open);
        store.submit_rewriting(session.id, &everybody[0], &find("He drew.", Severity::Clear)).await.expect("a find");
        // Of two who submit one text at once, one has found it.
        let mut sent = tokio::task::JoinSet::new();
        for who in everybody {
            let (store, session) = (store.clone(), begin(&store, model, &who).await);
            sent.spawn(async move { store.submit_rewriting(session.id, &who, &find("He lay.", Severity::Clear)).await });
        }
        let outcomes = sent.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    }

    async fn two_authors_of_one_text_verify_neither(db) {
        let store = db.open().await;
        let everybody = people(db, 4).await;
        let model = classifier(&store).await;
        let session = begin(&store, model, &everybody[0]).await;
        let submitted = store.submit_rewriting(session.id, &everybody[0], &find("He slept.", Severity::Clear)).await.expect("submitted");
        // As databases have it from before: a second person has submitted the same text.
        let second = begin(&store, model, &everybody[1]).await;
        let raw = db.raw().await;
        let copy = format!(
            "UPDATE rewriting_sessions SET state = 'submitted', snippet_id = {}, severity = 3, trick = '', score = -3.5, \
             queue_id = {} WHERE id = {}",
            submitted.snippet, submitted.queue, second.id
        );
        raw.execute_unprepared(&copy).await.expect("copied");
        raw.close().await.expect("closed");
        let yes_too = label(submitted.snippet, everybody[1].name.as_str(), Verdict::Yes, Some(3));
        store.insert_labels(&[yes_too]).await.expect("stored");
        let verdicts = async || {
            let results = store.rewriting_results().await.expect("read");
            results.iter().map(|result| result.verified).collect::<Vec<_>>()
        };
        assert_eq!(verdicts().await, [None, None]);
        assert_eq!(store.queue(submitted.queue).await.expect("read").waiting, 1, "a third person is asked");
        assert_eq!(work(&store, submitted.queue, &everybody[1], no()).await, None, "and no author");
        work(&store, submitted.queue, &everybody[2], no()).await.expect("an item");
        assert_eq!(verdicts().await, [None, None], "one against the authors: somebody decides");
        work(&store, submitted.queue, &everybody[3], yes(2)).await.expect("an item");
        assert_eq!(verdicts().await, [Some(true), Some(true)]);
        assert_eq!(store.queue(submitted.queue).await.expect("read").waiting, 0);
    }

    async fn who_could_not_decide_ends_no_find_and_somebody_else_is_asked(db) {
        let store = db.open().await;
        let everybody = people(db, 4).await;
        let model = classifier(&store).await;
        let session = begin(&store, model, &everybody[0]).await;
        let submitted = store.submit_rewriting(session.id, &everybody[0], &find("He slept.", Severity::Clear)).await.expect("submitted");
        work(&store, submitted.queue, &everybody[1], unsure()).await.expect("an item");
        let verified = async || store.rewriting_results().await.expect("read")[0].verified;
        assert_eq!(verified().await, None);
        assert_eq!(store.queue(submitted.queue).await.expect("read").waiting, 1);
        work(&store, submitted.queue, &everybody[2], yes(3)).await.expect("an item");
        assert_eq!(verified().await, Some(true));
        assert_eq!(work(&store, submitted.queue, &everybody[3], yes(3)).await, None);
        // Two who could not decide are an answer: it is no obvious catastrophe.
        let second = begin(&store, model, &everybody[0]).await;
        let submitted = store.submit_rewriting(second.id, &everybody[0], &find("He sat.", Severity::Clear)).await.expect("submitted");
        for who in &everybody[1..3] {
            work(&store, submitted.queue, who, unsure()).await.expect("an item");
        }
        assert_eq!(store.rewriting_results().await.expect("read")[1].verified, Some(false));
        assert_eq!(work(&store, submitted.queue, &everybody[3], yes(3)).await, None);
    }

    async fn a_score_of_another_path_is_no_score_of_a_session(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let model = classifier(&store).await;
        let session = begin(&store, model, who).await;
        let other = NewRewritingFind { path: "cpu/other".to_owned(), ..find("He slept.", Severity::Clear) };
        let refused = store.submit_rewriting(session.id, who, &other).await;
        assert!(matches!(refused, Err(StoreError::Refused { what: "rewriting session", .. })), "{refused:?}");
        assert_eq!(store.counts().await.expect("counted").snippets, 0);
        assert_eq!(store.rewriting_session(session.id).await.expect("read").state, RewritingState::Open);
    }

    async fn what_is_not_below_the_threshold_is_no_find_and_leaves_nothing_behind(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let model = classifier(&store).await;
        let session = begin(&store, model, who).await;
        for wrong in [
            NewRewritingFind { score: logit(-2.0), ..find("He slept.", Severity::Clear) },
            NewRewritingFind { trick: "x".repeat(501), ..find("He slept.", Severity::Clear) },
            NewRewritingFind { time: time(-1.0, 0.0), ..find("He slept.", Severity::Clear) },
            find("He slept.\0", Severity::Clear),
        ] {
            let refused = store.submit_rewriting(session.id, who, &wrong).await;
            assert!(matches!(refused, Err(StoreError::BadValue { .. } | StoreError::Nul { .. })), "{refused:?}");
        }
        let counts = store.counts().await.expect("counted");
        assert_eq!((counts.snippets, counts.labelled_snippets), (0, 0));
        assert!(store.queues().await.expect("read").is_empty());
        assert_eq!(store.rewriting_session(session.id).await.expect("read").state, RewritingState::Open);
    }

    async fn a_prompt_of_another_family_stays_there_and_the_find_is_kept(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let model = classifier(&store).await;
        one(&store, "Another story.", "It goes on.").await;
        let session = begin(&store, model, who).await;
        let moved = NewRewritingFind {
            text: SnippetText::new("Another story.", "He slept."),
            ..find("", Severity::Clear)
        };
        let submitted = store.submit_rewriting(session.id, who, &moved).await.expect("submitted");
        let stored = &store.snippets_by_id(&[submitted.snippet]).await.expect("read")[0];
        assert_eq!(stored.parent, None);
        // A prompt that is new joins the family of its start, so that it never changes sides.
        let second = begin(&store, model, who).await;
        let edited = NewRewritingFind {
            text: SnippetText::new("The duel had begun.", "He slept."),
            ..find("", Severity::Clear)
        };
        let submitted = store.submit_rewriting(second.id, who, &edited).await.expect("submitted");
        let stored = &store.snippets_by_id(&[submitted.snippet]).await.expect("read")[0];
        let start = store.prompt_by_text("The duel began.").await.expect("read").expect("stored");
        assert_eq!(stored.family, start.family);
        assert!(stored.parent.is_some());
    }
}
