//! Sessions: one a person, every step kept, time that is believed.

use super::{begin, classifier, own_text, step, time};
use crate::harness::contract;
use crate::labelling::people;
use nines_store::{NewRewritingStep, RewritingState, StepKind, StoreError, ToolCall};
use sea_orm::ConnectionTrait;
use std::time::Duration;

contract! {
    async fn a_person_has_one_session_open(db) {
        let store = db.open().await;
        let everybody = people(db, 2).await;
        let model = classifier(&store).await;
        let mut begun = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (store, new) = (store.clone(), own_text(model, &everybody[0]));
            begun.spawn(async move { store.begin_rewriting(&new).await });
        }
        let outcomes = begun.join_all().await;
        let open: Vec<i64> = outcomes.iter().filter_map(|o| o.as_ref().ok()).map(|s| s.id).collect();
        assert_eq!(open.len(), 1);
        for refused in outcomes.iter().filter(|outcome| outcome.is_err()) {
            let names_it = matches!(refused, Err(StoreError::Refused { what: "rewriting session", id, .. }) if *id == open[0]);
            assert!(names_it, "{refused:?}");
        }
        begin(&store, model, &everybody[1]).await;
    }

    async fn steps_are_there_when_the_store_is_opened_anew(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let model = classifier(&store).await;
        let session = begin(&store, model, who).await;
        for n in 1..=3 {
            store.save_rewriting_step(session.id, who.account, &step(n, &format!("text {n} 😀"))).await.expect("saved");
        }
        let unscored = NewRewritingStep { score: Err("the completion is empty".to_owned()), ..step(4, "") };
        let saved = store.save_rewriting_step(session.id, who.account, &unscored).await.expect("saved");
        assert_eq!((saved.score, saved.reason.as_deref()), (None, Some("the completion is empty")));
        store.count_tool_call(session.id, ToolCall::Menu).await.expect("counted");
        store.count_tool_call(session.id, ToolCall::Menu).await.expect("counted");
        store.count_tool_call(session.id, ToolCall::Saliency).await.expect("counted");
        store.close().await;
        let store = db.open().await;
        let found = store.open_rewriting_session(who.account).await.expect("read").expect("open");
        assert_eq!((found.id, found.text.completion.as_str(), found.score), (session.id, "", None));
        assert_eq!((found.menu_calls, found.saliency_calls), (2, 1));
        let steps = store.rewriting_steps(session.id).await.expect("read");
        assert_eq!(steps.iter().map(|step| step.n).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!((steps[1].text.completion.as_str(), steps[1].score), ("text 2 😀", Some(0.5)));
    }

    async fn a_step_sent_again_is_one_step_and_another_one_is_refused(db) {
        let store = db.open().await;
        let everybody = people(db, 2).await;
        let who = &everybody[0];
        let model = classifier(&store).await;
        let session = begin(&store, model, who).await;
        let mut sent = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (store, account) = (store.clone(), who.account);
            sent.spawn(async move { store.save_rewriting_step(session.id, account, &step(1, "one")).await });
        }
        for outcome in sent.join_all().await {
            assert_eq!(outcome.expect("saved").score, Some(1.0));
        }
        assert_eq!(store.rewriting_steps(session.id).await.expect("read").len(), 1);
        let other = store.save_rewriting_step(session.id, who.account, &step(1, "other")).await;
        assert!(matches!(other, Err(StoreError::Refused { .. })), "{other:?}");
        let anothers = store.save_rewriting_step(session.id, everybody[1].account, &step(2, "two")).await;
        assert!(matches!(anothers, Err(StoreError::NotFound { .. })), "{anothers:?}");
        // After the end, what was saved before is still answered, and nothing new is taken.
        store.give_up_rewriting(session.id, who.account, Some("  "), time(0.0, 0.0)).await.expect("ended");
        store.save_rewriting_step(session.id, who.account, &step(1, "one")).await.expect("the same");
        let late = store.save_rewriting_step(session.id, who.account, &step(2, "two")).await;
        assert!(matches!(late, Err(StoreError::Refused { .. })), "{late:?}");
        let ended = store.rewriting_session(session.id).await.expect("read");
        assert_eq!((ended.state, ended.reason), (RewritingState::GaveUp, None));
    }

    async fn the_larger_time_wins_and_never_more_than_has_passed(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let model = classifier(&store).await;
        let session = begin(&store, model, who).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let note = |paused, told| store.note_rewriting_time(session.id, who.account, paused, told);
        note(true, time(0.2, 0.05)).await.expect("noted");
        note(false, time(0.1, 0.0)).await.expect("noted");
        let now = store.rewriting_session(session.id).await.expect("read");
        assert_eq!((now.seconds, now.away_seconds, now.paused), (0.2, 0.05, false));
        note(false, time(1e6, 1e6)).await.expect("noted");
        let now = store.rewriting_session(session.id).await.expect("read");
        assert!(now.seconds + now.away_seconds < 120.0, "{now:?}");
        for wrong in [time(-1.0, 0.0), time(f64::NAN, 0.0), time(0.0, f64::INFINITY)] {
            let refused = note(false, wrong).await;
            assert!(matches!(refused, Err(StoreError::BadValue { .. })), "{refused:?}");
        }
    }

    async fn a_session_without_tools_takes_no_step_of_theirs(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let model = classifier(&store).await;
        let new = nines_store::NewRewritingSession { tools: false, ..own_text(model, who) };
        let session = store.begin_rewriting(&new).await.expect("begun");
        for (n, kind) in (1..).zip([StepKind::Substitute, StepKind::Insert, StepKind::Delete]) {
            let refused = store.save_rewriting_step(session.id, who.account, &NewRewritingStep { kind, ..step(n, "x") }).await;
            assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
        }
        for (n, kind) in (1..).zip([StepKind::Typed, StepKind::Undo, StepKind::Redo, StepKind::Reset]) {
            store.save_rewriting_step(session.id, who.account, &NewRewritingStep { kind, ..step(n, "x") }).await.expect("saved");
        }
    }

    async fn the_database_itself_keeps_one_session_open_and_a_start_once(db) {
        let store = db.open().await;
        let who = &people(db, 1).await[0];
        let model = classifier(&store).await;
        begin(&store, model, who).await;
        let raw = db.raw().await;
        let copy = "INSERT INTO rewriting_sessions (account_id, labeller, model_id, path, threshold, tools, state, \
                    start_prompt, start_completion, start_score, prompt, completion, seconds, away_seconds, paused, \
                    saliency_calls, menu_calls, created) \
                    SELECT account_id, labeller, model_id, path, threshold, tools, state, start_prompt, \
                    start_completion, start_score, prompt, completion, seconds, away_seconds, paused, \
                    saliency_calls, menu_calls, created FROM rewriting_sessions";
        assert!(raw.execute_unprepared(copy).await.is_err());
        raw.close().await.expect("closed");
    }
}
