//! Snippets coming out: filters, pages, splits, sightings.

use crate::data::{label, snippet};
use crate::harness::contract;
use nines_domain::label::Verdict;
use nines_domain::snippet::SnippetText;
use nines_domain::split::Split;
use nines_store::{
    NewImport, NewLabel, NewSnippet, Origin, SnippetFilter, SnippetRef, Store, StoreError,
};
use serde_json::{Value, json};

async fn completions(store: &Store, filter: &SnippetFilter) -> Vec<String> {
    let found = store.snippets(filter).await.expect("read");
    found
        .into_iter()
        .map(|snippet| snippet.text.completion)
        .collect()
}

fn import(snippets: Vec<NewSnippet>, labels: Vec<NewLabel>) -> NewImport {
    NewImport {
        kind: "snippets".into(),
        file: "part1.jsonl".into(),
        digest: "d1".into(),
        run: None,
        rows: snippets.len() + 1,
        skipped: json!([{"line": 3, "why": "no completion"}]),
        skipped_count: 1,
        prompts: Vec::new(),
        snippets,
        labels,
        lines: Default::default(),
    }
}

contract! {
    async fn filters_let_through_what_they_say(db) {
        let store = db.open().await;
        let edit = NewSnippet { origin: Origin::Edit, ..snippet("p", "c3") };
        let other = NewSnippet { source: "other".into(), ..snippet("q", "c2") };
        let new = [snippet("p", "c0"), snippet("p", "c1"), other, edit];
        let stored = store.insert_snippets(&new).await.expect("stored");
        let ids: Vec<_> = stored.ids().collect();
        store
            .insert_labels(&[
                label(ids[0], "ada", Verdict::No, None),
                label(ids[2], "ada", Verdict::Yes, Some(1)),
                label(ids[2], "bob", Verdict::Yes, Some(1)),
            ])
            .await
            .expect("stored");
        // A changed mind: the newest adjudication counts, not any that ever was.
        store.insert_labels(&[label(ids[0], "ada", Verdict::Yes, Some(3))]).await.expect("stored");
        let all = SnippetFilter::default;
        for (filter, wanted) in [
            (all(), vec!["c0", "c1", "c2", "c3"]),
            (SnippetFilter::labelled(), vec!["c0", "c2"]),
            (SnippetFilter { labelled: Some(false), ..all() }, vec!["c1", "c3"]),
            (SnippetFilter { sources: vec!["other".into()], ..all() }, vec!["c2"]),
            (SnippetFilter { origins: vec![Origin::Edit], ..all() }, vec!["c3"]),
            (SnippetFilter { broad: Some(true), ..all() }, vec!["c0", "c2"]),
            (SnippetFilter { broad: Some(false), ..all() }, vec![]),
            (SnippetFilter { strict: Some(true), ..all() }, vec!["c0"]),
            (SnippetFilter { needs_another: Some(false), strict: Some(false), ..all() }, vec!["c2"]),
        ] {
            assert_eq!(completions(&store, &filter).await, wanted, "{filter:?}");
        }
        let page = store.snippet_page(&all(), Some(ids[0]), 2).await.expect("read");
        assert_eq!(page.iter().map(|s| s.id).collect::<Vec<_>>(), ids[1..3]);
        assert_eq!(page[1].labels.len(), 2);
        let adjudication = page[1].adjudication.as_ref().expect("labelled");
        assert_eq!((adjudication.broad, adjudication.strict, adjudication.people), (Some(true), Some(false), 2));
        let by_hash = store.snippet_by_hash(&page[1].hash).await.expect("read");
        assert_eq!(by_hash.as_ref(), Some(&page[1]));
        let back = store.snippets_by_id(&[ids[3], ids[0]]).await.expect("read");
        assert_eq!((back[0].id, back[1].id), (ids[3], ids[0]));
    }

    async fn splits_part_families_and_pages_stay_full(db) {
        let store = db.open().await;
        let new: Vec<_> = (0..300).map(|i| snippet(&format!("prompt {}", i / 2), &format!("{i}"))).collect();
        store.insert_snippets(&new).await.expect("stored");
        let mut seen = 0;
        for split in Split::ALL {
            let filter = SnippetFilter::default().in_splits(&[split], 7);
            let found = store.snippets(&filter).await.expect("read");
            assert!(found.iter().all(|s| s.split(7) == split && Split::of_family(&s.family, 7) == split));
            let prompts = store.prompts_in_split(split, 7).await.expect("read");
            assert_eq!(prompts.len() * 2, found.len());
            let mut paged = Vec::new();
            loop {
                let after = paged.last().map(|s: &nines_store::Snippet| s.id);
                let page = store.snippet_page(&filter, after, 7).await.expect("read");
                let is_last = page.len() < 7;
                paged.extend(page);
                if is_last {
                    break;
                }
            }
            assert_eq!(paged, found);
            seen += found.len();
        }
        assert_eq!(seen, 300);
    }

    async fn a_filter_may_name_more_prompts_than_a_statement_holds(db) {
        let store = db.open().await;
        let new: Vec<_> = (0..5).map(|i| snippet(&format!("p{i}"), "c")).collect();
        store.insert_snippets(&new).await.expect("stored");
        let stored = store.snippets(&SnippetFilter::default()).await.expect("read");
        let wanted = [stored[1].prompt, stored[3].prompt];
        for n in [2, 100_000] {
            let prompts: Vec<_> = wanted.iter().cycle().take(n).copied().collect();
            let found = store.snippets(&SnippetFilter { prompts, ..SnippetFilter::default() }).await;
            let found: Vec<_> = found.expect("read").iter().map(|s| s.prompt).collect();
            assert_eq!(found, wanted, "{n} prompts");
        }
    }

    async fn an_import_is_whole_and_leaves_its_lineage(db) {
        let store = db.open().await;
        let rows = vec![snippet("p", "c0"), snippet("p", "c1")];
        let verdict = |completion: &str, labeller: &str| NewLabel {
            snippet: SnippetRef::Hash(SnippetText::new("p", completion).hash()),
            ..label(nines_domain::snippet::SnippetId(0), labeller, Verdict::No, None)
        };
        let labels = vec![verdict("c0", "r1"), verdict("c0", "r2"), verdict("c1", "r1")];
        let mut broken = import(rows.clone(), labels.clone());
        broken.labels.push(verdict("nowhere", "r1"));
        let refused = store.import(&broken).await;
        assert!(matches!(refused, Err(StoreError::UnknownSnippet { row: 3, .. })));
        broken.lines.labels = vec![1, 1, 4, 17];
        let told = store.import(&broken).await.expect_err("refused").to_string();
        assert!(told.starts_with("line 17: the snippet "), "{told}");
        for table in ["imports", "prompts", "snippets", "labels", "adjudications"] {
            assert_eq!(db.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        let first = store.import(&import(rows.clone(), labels.clone())).await.expect("imported");
        assert_eq!((first.counts.rows, first.counts.skipped), (3, 1));
        assert_eq!((first.counts.snippets_new, first.counts.labels_new), (2, 3));
        let again = store.import(&import(rows, labels)).await.expect("imported");
        assert_eq!((again.counts.snippets_new, again.counts.snippets_duplicate), (0, 2));
        assert_eq!((again.counts.labels_new, again.counts.labels_duplicate), (0, 3));
        let stored = store.snippets(&SnippetFilter::default()).await.expect("read");
        assert!(stored.iter().all(|s| s.import == Some(first.id) && s.sightings.is_empty()));
        assert!(stored.iter().flat_map(|s| &s.labels).all(|l| l.import == Some(first.id)));
        assert_eq!(store.imports().await.expect("read"), [first, again]);
    }

    async fn snippets_are_found_by_their_hashes(db) {
        let store = db.open().await;
        let new = [snippet("p", "c0"), snippet("p", "c1"), snippet("p", "c2")];
        store.insert_snippets(&new).await.expect("stored");
        let asked = [new[2].text.hash(), snippet("p", "nowhere").text.hash(), new[0].text.hash()];
        let found = store.snippets_by_hash(&asked).await.expect("read");
        let found: Vec<_> = found.iter().map(|s| s.text.completion.as_str()).collect();
        assert_eq!(found, ["c0", "c2"]);
    }

    async fn a_snippet_met_again_elsewhere_keeps_both_descriptions(db) {
        let store = db.open().await;
        let picked = |source: &str, pick: &str| NewSnippet {
            source: source.into(),
            meta: json!({"pick": pick}),
            ..snippet("p", "c")
        };
        let generated = NewSnippet { origin: Origin::Generate, ..snippet("p", "c") };
        let batch = [generated.clone(), picked("labels.jsonl", "random"), generated.clone()];
        let first = store.insert_snippets(&batch).await.expect("stored");
        assert_eq!(first.new_count(), 1);
        for _ in 0..2 {
            let again = [picked("labels.jsonl", "random"), picked("more.jsonl", "enriched"), generated.clone()];
            store.insert_snippets(&again).await.expect("stored");
        }
        let stored = store.snippets(&SnippetFilter::default()).await.expect("read");
        assert_eq!(stored.len(), 1);
        assert_eq!((stored[0].origin, &stored[0].meta), (Origin::Generate, &Value::Null));
        assert_eq!(stored[0].sightings.len(), 2);
        let picks: Vec<_> = stored[0].meta_values("pick").collect();
        assert_eq!(picks, ["random", "enriched"]);
        let filter = SnippetFilter { sources: vec!["labels.jsonl".into()], ..SnippetFilter::default() };
        assert_eq!(completions(&store, &filter).await, ["c"]);
    }
}
