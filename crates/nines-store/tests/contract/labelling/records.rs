//! Flags, rulings and the guide.

use super::{people, snippets};
use crate::data::label;
use crate::harness::contract;
use nines_domain::label::Verdict;
use nines_domain::score::{Score, Threshold};
use nines_store::{ModelKind, NewGuide, NewModel, NewRuling, StoreError};
use serde_json::Value;

fn guide(version: u32, text: &str) -> NewGuide {
    NewGuide {
        version,
        name: "an injury".into(),
        text: text.into(),
        sha256: "0".repeat(64),
        note: "first".into(),
        created_by: None,
    }
}

contract! {
    async fn a_guide_follows_the_newest_and_no_version_changes(db) {
        let store = db.open().await;
        store.ensure_guide(&guide(3, "# Guide")).await.expect("stored");
        let kept = store.ensure_guide(&guide(3, "# Another")).await.expect("read");
        assert_eq!(kept.new.text, "# Guide");
        store.insert_guide(&guide(4, "# Next")).await.expect("stored");
        for late in [4, 6] {
            let refused = store.insert_guide(&guide(late, "# Late")).await;
            assert!(matches!(refused, Err(StoreError::Refused { what: "guide", id: 4, .. })), "{refused:?}");
        }
        assert!(matches!(store.insert_guide(&guide(5, " ")).await, Err(StoreError::BadValue { .. })));
        let versions: Vec<_> = store.guides().await.expect("read").iter().map(|g| g.new.version).collect();
        assert_eq!(versions, [3, 4]);
    }

    async fn rulings_are_asked_and_answered_and_flags_resolved(db) {
        let store = db.open().await;
        let who = people(db, 2).await;
        let ids = snippets(&store, 1).await;
        let question = NewRuling {
            snippet: Some(ids[0]),
            asked_by: who[0].account,
            question: "Is a toy hurt?".into(),
        };
        let asked = store.insert_ruling(&question).await.expect("stored");
        assert_eq!(asked.answer, None);
        let told = store.answer_ruling(asked.id, "No: toys feel nothing.", who[1].account, Some(2)).await;
        let told = told.expect("answered");
        assert_eq!((told.answered_by, told.guide_version), (Some(who[1].account), Some(2)));
        assert_eq!(store.rulings(None, 10).await.expect("read"), [told]);
        let empty = NewRuling { question: String::new(), ..question };
        assert!(matches!(store.insert_ruling(&empty).await, Err(StoreError::BadValue { .. })));

        let flag = store.insert_flag(ids[0], who[0].account, "odd").await.expect("flagged");
        assert_eq!(store.insert_flag(ids[0], who[0].account, "odd").await.expect("again"), flag);
        let resolved = store.resolve_flag(flag, who[1].account).await.expect("resolved");
        assert!(resolved.resolved.is_some());
        assert!(store.flags(true, None, 10).await.expect("read").is_empty());
        assert_eq!(store.flags(false, None, 10).await.expect("read").len(), 1);
    }

    async fn what_lies_near_the_threshold_comes_first(db) {
        let store = db.open().await;
        let ids = snippets(&store, 4).await;
        let model = store
            .insert_model(&NewModel {
                kind: ModelKind::Classifier,
                name: "m".into(),
                path: "models/m".into(),
                digest: "digest".into(),
                config: Value::Null,
                metrics: Value::Null,
                parent: None,
                run: None,
            })
            .await
            .expect("stored");
        let scores: Vec<_> = [3.0, -1.0, 0.4, 0.1].map(|s| Score::new(s).expect("finite")).to_vec();
        let scored: Vec<_> = ids.iter().copied().zip(scores).collect();
        store.insert_scores(model.id, "cpu", &scored).await.expect("stored");
        store.insert_labels(&[label(ids[3], "ada", Verdict::No, None)]).await.expect("stored");
        let threshold = Threshold::new(0.2).expect("finite");
        let near = store.unlabelled_near(model.id, "cpu", threshold, 2).await.expect("listed");
        assert_eq!(near, [ids[2], ids[1]]);
        let texts = store.snippet_texts(&[ids[2], ids[0]]).await.expect("read");
        assert_eq!(texts[0].completion, "completion 2");
        assert_eq!(texts[1].prompt, "prompt 0");
    }

    async fn ratings_are_each_persons_latest_label_where_two_have_one(db) {
        let store = db.open().await;
        let ids = snippets(&store, 2).await;
        store.insert_labels(&[
            label(ids[0], "ada", Verdict::Yes, Some(3)),
            label(ids[0], "ada", Verdict::No, None),
            label(ids[0], "bob", Verdict::No, None),
            label(ids[1], "ada", Verdict::No, None),
        ]).await.expect("stored");
        let ratings = store.people_ratings().await.expect("read");
        assert_eq!(ratings.len(), 1);
        assert_eq!(ratings[0].snippet, ids[0]);
        assert!(ratings[0].by_name.values().all(|(verdict, _)| *verdict == Verdict::No));
        assert_eq!(ratings[0].by_name.len(), 2);
    }
}
