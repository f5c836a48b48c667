//! Searching snippets, and finding everything that is known of one.

use crate::data::{label, snippet};
use crate::harness::contract;
use nines_domain::label::{LabellerKind, Verdict};
use nines_domain::score::Score;
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_store::{
    Facet, LabelState, ModelKind, NewAccount, NewLabel, NewLoginSession, NewModel, NewSnippet,
    Origin, ScoreRange, SnippetSearch, Store, StoreError,
};
use serde_json::json;

async fn found(store: &Store, search: &SnippetSearch) -> Vec<String> {
    let page = store
        .search_snippets(search, None, 100)
        .await
        .expect("searched");
    assert_eq!(page.next, None, "{search:?}");
    page.rows
        .into_iter()
        .map(|row| row.text.completion)
        .collect()
}

fn text(text: &str) -> SnippetSearch {
    SnippetSearch {
        text: Some(text.to_owned()),
        ..SnippetSearch::default()
    }
}

fn with_label(label: LabelState) -> SnippetSearch {
    SnippetSearch {
        label: Some(label),
        ..SnippetSearch::default()
    }
}

contract! {
    async fn text_is_found_as_it_is_written_whatever_its_case(db) {
        let store = db.open().await;
        let new = [
            snippet("The Knight rode.", "He fell."),
            snippet("A séance.", "100% sure_thing"),
            snippet("A SÉANCE again.", "1000 surething"),
            snippet("Back\\slash", "'; DROP TABLE snippets; --"),
            snippet("ΣΊΣΥΦΟΣ", "İstanbul"),
        ];
        store.insert_snippets(&new).await.expect("stored");
        for (part, wanted) in [
            ("knight", vec!["He fell."]),
            ("FELL.", vec!["He fell."]),
            ("0%", vec!["100% sure_thing"]),
            ("sure_", vec!["100% sure_thing"]),
            ("séance", vec!["1000 surething", "100% sure_thing"]),
            ("SÉANCE A", vec!["1000 surething"]),
            ("k\\s", vec!["'; DROP TABLE snippets; --"]),
            ("'; drop", vec!["'; DROP TABLE snippets; --"]),
            ("ίσυ", vec!["İstanbul"]),
            ("nobody", vec![]),
        ] {
            assert_eq!(found(&store, &text(part)).await, wanted, "{part}");
        }
    }

    async fn verdicts_scores_sources_and_splits_restrict_together(db) {
        let store = db.open().await;
        let edit = NewSnippet { origin: Origin::Edit, ..snippet("p3", "c3") };
        let other = NewSnippet { source: "other".into(), ..snippet("p2", "c2") };
        let new = [snippet("p0", "c0"), snippet("p1", "c1"), other, edit, snippet("p4", "c4")];
        let ids: Vec<_> = store.insert_snippets(&new).await.expect("stored").ids().collect();
        let met = NewSnippet { source: "other".into(), ..snippet("p0", "c0") };
        store.insert_snippets(&[met]).await.expect("met again");
        let labels = [
            label(ids[0], "ada", Verdict::No, None),
            label(ids[1], "ada", Verdict::Yes, Some(3)),
            label(ids[1], "bob", Verdict::No, None),
            label(ids[2], "bob", Verdict::Unsure, None),
            label(ids[3], "ada", Verdict::Yes, Some(1)),
        ];
        store.insert_labels(&labels).await.expect("stored");
        assert_eq!(found(&store, &with_label(LabelState::Yes)).await, ["c3", "c1"]);
        assert_eq!(found(&store, &with_label(LabelState::No)).await, ["c0"]);
        assert_eq!(found(&store, &with_label(LabelState::Unsure)).await, ["c2"]);
        assert_eq!(found(&store, &with_label(LabelState::Unlabelled)).await, ["c4"]);
        assert_eq!(found(&store, &with_label(LabelState::Disagreement)).await, ["c1"]);
        let all = SnippetSearch::default;
        let strict = SnippetSearch { strict: Some(true), ..all() };
        assert_eq!(found(&store, &strict).await, ["c1"]);
        let by = SnippetSearch { labeller: Some("bob".into()), ..all() };
        assert_eq!(found(&store, &by).await, ["c2", "c1"]);
        let at = SnippetSearch { source: Some("other".into()), ..all() };
        assert_eq!(found(&store, &at).await, ["c2", "c0"]);
        let edited = SnippetSearch { origin: Some(Origin::Edit), ..all() };
        assert_eq!(found(&store, &edited).await, ["c3"]);

        let model = store.insert_model(&classifier()).await.expect("stored").id;
        let score = |x: f64| Score::new(x).expect("finite");
        let scores = [(ids[0], score(-3.0)), (ids[1], score(2.0)), (ids[3], score(-1.0))];
        store.insert_scores(model, "cpu", &scores).await.expect("stored");
        let scored = |from, to| SnippetSearch {
            score: Some(ScoreRange { model, path: "cpu".into(), from, to }),
            ..all()
        };
        assert_eq!(found(&store, &scored(Some(-1.0), None)).await, ["c3", "c1"]);
        assert_eq!(found(&store, &scored(None, Some(-1.0))).await, ["c3", "c0"]);
        let both = SnippetSearch { label: Some(LabelState::Yes), ..scored(None, Some(0.0)) };
        assert_eq!(found(&store, &both).await, ["c3"]);

        for split in [Split::Train, Split::Test, Split::Validation, Split::Calibration] {
            let wanted: Vec<String> = (0..5)
                .rev()
                .filter(|n| {
                    let family = ContentHash::of_prompt(&format!("p{n}"));
                    Split::of_family(&family, 7) == split
                })
                .map(|n| format!("c{n}"))
                .collect();
            let search = SnippetSearch { split: Some((split, 7)), ..all() };
            assert_eq!(found(&store, &search).await, wanted, "{split:?}");
        }
    }

    async fn withdrawn_labels_find_nothing(db) {
        let store = db.open().await;
        let new = [snippet("p", "c0")];
        let id = store.insert_snippets(&new).await.expect("stored").ids().next().expect("one");
        let new = NewAccount { name: "ada".parse().expect("a name"), password_hash: "h".into() };
        let session = NewLoginSession { token_hash: [7; 32], csrf: "c".into() };
        let account = store.create_first_admin(&new, &session).await.expect("stored");
        let given = store.insert_labels(&[label(id, "ada", Verdict::Yes, Some(2))]).await;
        let given = given.expect("stored").ids().next().expect("one");
        let by = SnippetSearch { labeller: Some("ada".into()), ..SnippetSearch::default() };
        assert_eq!(found(&store, &by).await, ["c0"]);
        let before = store.measuring_mark().await.expect("read");
        let agreed = store.agreement_mark().await.expect("read");
        store.withdraw_label(given, account.account.id).await.expect("withdrawn");
        assert_ne!(store.measuring_mark().await.expect("read"), before);
        assert!(store.measuring_mark().await.expect("read").has_drawn_as(&before));
        assert_ne!(store.agreement_mark().await.expect("read"), agreed);
        assert_eq!(found(&store, &by).await, Vec::<String>::new());
        assert_eq!(found(&store, &with_label(LabelState::Unlabelled)).await, ["c0"]);
        assert_eq!(found(&store, &with_label(LabelState::Yes)).await, Vec::<String>::new());
        assert_eq!(store.facets().await.expect("read").labellers, []);
        crate::measuring::drawn_snippet(&store).await;
        assert!(!store.measuring_mark().await.expect("read").has_drawn_as(&before));
    }

    async fn pages_hold_every_snippet_once(db) {
        let store = db.open().await;
        let new: Vec<NewSnippet> =
            (0..2_345).map(|n| snippet(&format!("p{n}"), if n % 3 == 0 { "Ä" } else { "b" })).collect();
        let ids: Vec<_> = store.insert_snippets(&new).await.expect("stored").ids().collect();
        for (search, every) in [(SnippetSearch::default(), 1), (text("ä"), 3)] {
            let mut seen = Vec::new();
            let mut before = None;
            loop {
                let page = store.search_snippets(&search, before, 100).await.expect("searched");
                assert!(page.rows.len() <= 100);
                seen.extend(page.rows.iter().map(|row| row.id));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            let wanted: Vec<_> = ids.iter().step_by(every).rev().copied().collect();
            assert_eq!(seen, wanted);
            let some = store.search_snippet_ids(&search, 150).await.expect("searched");
            assert_eq!(some, wanted[..150]);
        }
    }

    async fn everything_of_one_snippet_is_found(db) {
        let store = db.open().await;
        let parent = snippet("p", "c");
        let hash = parent.text.hash();
        let child = NewSnippet { parent: Some(hash), origin: Origin::Edit, ..snippet("p", "d") };
        let ids: Vec<_> = store.insert_snippets(&[parent, child]).await.expect("stored").ids().collect();
        let model = store.insert_model(&classifier()).await.expect("stored").id;
        let score = Score::new(1.5).expect("finite");
        store.insert_scores(model, "cpu", &[(ids[0], score)]).await.expect("stored");
        assert_eq!(store.serving_path(model).await.expect("read").as_deref(), Some("cpu"));
        let lineage = store.snippet_lineage(ids[0]).await.expect("read");
        assert_eq!(lineage.children, [ids[1]]);
        assert_eq!(lineage.scores.len(), 1);
        assert_eq!((lineage.scores[0].model, lineage.scores[0].score), (model, score));
        assert_eq!((lineage.draws.len(), lineage.designs.len(), lineage.import), (0, 0, None));
        let gone = store.snippet_lineage(nines_domain::snippet::SnippetId(99)).await;
        assert!(matches!(gone, Err(StoreError::NotFound { what: "snippet", .. })), "{gone:?}");
    }

    async fn facets_count_what_each_choice_finds(db) {
        let store = db.open().await;
        let other = NewSnippet { source: "other".into(), ..snippet("p2", "c2") };
        let new = [snippet("p0", "c0"), other];
        let ids: Vec<_> = store.insert_snippets(&new).await.expect("stored").ids().collect();
        let again = |meta| NewSnippet { source: "other".into(), meta, ..snippet("p0", "c0") };
        store.insert_snippets(&[again(json!({"a": 1})), again(json!({"a": 2}))]).await.expect("met");
        let judged = NewLabel {
            label: nines_domain::label::Label {
                kind: LabellerKind::Judge,
                ..label(ids[0], "model", Verdict::No, None).label
            },
            ..label(ids[0], "model", Verdict::No, None)
        };
        store.insert_labels(&[label(ids[0], "ada", Verdict::No, None), judged]).await.expect("stored");
        let facets = store.facets().await.expect("read");
        let facet = |name: &str, count| Facet { name: name.to_owned(), count };
        assert_eq!(facets.sources, [facet("other", 2), facet("test", 1)]);
        assert_eq!(facets.origins, [Facet { name: Origin::Import, count: 2 }]);
        let labellers: Vec<_> =
            facets.labellers.iter().map(|l| (l.name.as_str(), l.kind, l.labels)).collect();
        assert_eq!(labellers, [("ada", LabellerKind::Person, 1), ("model", LabellerKind::Judge, 1)]);
        for facet in &facets.sources {
            let search = SnippetSearch { source: Some(facet.name.clone()), ..Default::default() };
            assert_eq!(found(&store, &search).await.len() as u64, facet.count);
        }
    }
}

fn classifier() -> NewModel {
    NewModel {
        kind: ModelKind::Classifier,
        name: "a".into(),
        path: "models/a".into(),
        digest: "d".into(),
        config: json!({}),
        metrics: json!({}),
        parent: None,
        run: None,
    }
}
