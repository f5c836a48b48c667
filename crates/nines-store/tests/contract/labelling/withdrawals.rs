//! A withdrawn label is in no reading any more.

use super::people;
use crate::data::{label, snippet};
use crate::harness::contract;
use nines_domain::label::Verdict;
use nines_store::{SnippetFilter, StoreError};

contract! {
    async fn withdrawn_labels_disappear_from_every_reading(db) {
        let store = db.open().await;
        let who = people(db, 1).await;
        let ids: Vec<_> = store
            .insert_snippets(&[snippet("p", "a"), snippet("p", "b")])
            .await
            .expect("stored")
            .ids()
            .collect();
        let labels = store
            .insert_labels(&[
                label(ids[0], "ada", Verdict::Yes, Some(3)),
                label(ids[0], "bob", Verdict::No, None),
                label(ids[1], "ada", Verdict::Unsure, None),
            ])
            .await
            .expect("stored");
        let labels: Vec<_> = labels.ids().collect();
        store.withdraw_label(labels[0], who[0].account).await.expect("withdrawn");
        store.withdraw_label(labels[0], who[0].account).await.expect("again");
        let first = store.snippets_by_id(&ids[..1]).await.expect("read").remove(0);
        assert_eq!(first.labels.iter().map(|l| l.label.labeller.as_str()).collect::<Vec<_>>(), ["bob"]);
        let adjudication = first.adjudication.expect("one label stands");
        assert_eq!((adjudication.broad, adjudication.labels), (Some(false), 1));

        for label in &labels[1..] {
            store.withdraw_label(*label, who[0].account).await.expect("withdrawn");
        }
        let bare = store.snippets(&SnippetFilter::default()).await.expect("read");
        assert!(bare.iter().all(|s| s.labels.is_empty() && s.adjudication.is_none()));
        let all = SnippetFilter::default;
        for (filter, wanted) in [
            (SnippetFilter::labelled(), 0),
            (SnippetFilter { labelled: Some(false), ..all() }, 2),
            (SnippetFilter { broad: Some(false), ..all() }, 0),
            (SnippetFilter { needs_another: Some(false), ..all() }, 0),
        ] {
            let found = store.snippets(&filter).await.expect("read");
            assert_eq!(found.len(), wanted, "{filter:?}");
        }
        let counts = store.counts().await.expect("counted");
        assert_eq!(
            (counts.labelled_snippets, counts.labels_by_people, counts.broad_no, counts.excluded),
            (0, 0, 0, 0)
        );
        assert_eq!(store.unlabelled_snippets().await.expect("listed").len(), 2);
        assert!(store.people_ratings().await.expect("read").is_empty());
        assert_eq!(db.number("SELECT COUNT(*) FROM labels").await, 3, "nothing is deleted");
        assert_eq!(store.labels_with_withdrawn(ids[0]).await.expect("read").len(), 2);

        // A new opinion stands.
        let mut fresh = label(ids[0], "ada", Verdict::Yes, Some(3));
        fresh.occasion = "another day".into();
        store.insert_labels(&[fresh]).await.expect("stored");
        let strict = SnippetFilter { strict: Some(true), ..all() };
        assert_eq!(store.snippets(&strict).await.expect("read").len(), 1);
        let nothing = store.withdraw_label(nines_domain::snippet::LabelId(99), who[0].account).await;
        assert!(matches!(nothing, Err(StoreError::NotFound { .. })));
    }
}
