//! Prompts, snippets and labels.

use crate::harness::contract;
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::snippet::{ContentHash, SnippetId, SnippetText};
use nines_store::{NewLabel, NewPrompt, NewSnippet, SnippetRef, StoreError};
use serde_json::json;

pub fn snippet(prompt: &str, completion: &str) -> NewSnippet {
    NewSnippet::imported(SnippetText::new(prompt, completion), "test")
}

pub fn label(on: SnippetId, labeller: &str, verdict: Verdict, severity: Option<u8>) -> NewLabel {
    NewLabel {
        snippet: SnippetRef::Id(on),
        label: Label {
            labeller: labeller.into(),
            kind: LabellerKind::Person,
            verdict,
            severity: severity.map(|s| Severity::try_from(s).expect("1 to 3")),
            seconds: None,
        },
        occasion: String::new(),
        predicate: Some("an injury, version 1".into()),
        source: "test".into(),
    }
}

contract! {
    async fn a_prompt_is_stored_once(db) {
        let store = db.open().await;
        let prompts = ["a", "b", "a", "ü\u{1F9E8}\u{200D}漢\r\n\t\"'\\", ""];
        let new: Vec<_> = prompts.iter().map(|text| NewPrompt::new(*text, "test")).collect();
        let first = store.insert_prompts(&new).await.expect("stored");
        assert_eq!((first.new_count(), first.duplicate_count()), (4, 1));
        assert_eq!(first.rows[0].id, first.rows[2].id);
        assert!(first.rows[0].is_new && !first.rows[2].is_new);
        let again = store.insert_prompts(&new).await.expect("stored");
        assert_eq!(again.new_count(), 0);
        assert!(again.ids().eq(first.ids()));
        let stored = store.prompts(&Default::default()).await.expect("listed");
        let texts: Vec<&str> = stored.iter().map(|prompt| prompt.text.as_str()).collect();
        assert_eq!(texts, ["a", "b", prompts[3], ""]);
        assert!(stored.iter().all(|p| p.family == p.hash && p.hash == ContentHash::of_prompt(&p.text)));
    }

    async fn a_child_joins_its_parents_family_wherever_it_stands_in_the_batch(db) {
        let store = db.open().await;
        let child = |text: &str, parent: &str| NewPrompt {
            parent: Some(ContentHash::of_prompt(parent)),
            ..NewPrompt::new(text, "test")
        };
        let batch = [child("c", "b"), child("b", "a"), NewPrompt::new("a", "test"), child("d", "c")];
        let ids: Vec<_> = store.insert_prompts(&batch).await.expect("stored").ids().collect();
        let stored = store.prompts_by_id(&ids).await.expect("read");
        let root = ContentHash::of_prompt("a");
        assert!(stored.iter().all(|prompt| prompt.family == root));
        assert_eq!(stored[0].parent, Some(ids[1]));
        assert_eq!(stored[2].parent, None);

        let orphan = store.insert_prompts(&[NewPrompt::new("e", "test"), child("f", "nowhere")]).await;
        assert!(matches!(orphan, Err(StoreError::UnknownParent { row: 1, .. })));
        assert!(store.prompt_by_text("e").await.expect("read").is_none(), "all or nothing");
    }

    async fn an_edit_stays_in_the_family_of_its_prompt(db) {
        let store = db.open().await;
        let first = snippet("A fox.", "It sat.");
        let edit = NewSnippet {
            parent: Some(first.text.hash()),
            ..snippet("A vixen.", "It sat.")
        };
        store.insert_snippets(&[edit, first]).await.expect("stored");
        let prompts = store.prompts(&Default::default()).await.expect("listed");
        assert_eq!(prompts.len(), 2);
        assert!(prompts.iter().all(|prompt| prompt.family == ContentHash::of_prompt("A fox.")));
    }

    async fn claims_of_a_family_are_followed_to_their_end(db) {
        let store = db.open().await;
        let of = |text: &str| ContentHash::of_prompt(text);
        let kin = |text: &str, family: &str| NewPrompt {
            family: Some(of(family)),
            ..NewPrompt::new(text, "test")
        };
        // Within a batch, in any order; then through what is stored; a name that is no prompt; and
        // two that claim each other.
        store.insert_prompts(&[kin("r", "p"), kin("p", "q"), NewPrompt::new("q", "test")]).await.expect("stored");
        store.insert_prompts(&[kin("s", "r"), kin("t", "a book")]).await.expect("stored");
        store.insert_prompts(&[kin("x", "y"), kin("y", "x"), kin("t", "a book")]).await.expect("stored");
        let all = store.prompts(&Default::default()).await.expect("listed");
        let family = |text: &str| all.iter().find(|p| p.text == text).expect("stored").family;
        assert!(["r", "p", "q", "s"].iter().all(|text| family(text) == of("q")));
        assert_eq!(family("t"), of("a book"));
        assert_eq!(family("x"), family("y"));
    }

    async fn a_family_never_moves_and_who_says_otherwise_is_refused(db) {
        let store = db.open().await;
        let kin = |text: &str, family: &str| NewPrompt {
            family: Some(ContentHash::of_prompt(family)),
            ..NewPrompt::new(text, "test")
        };
        let before = [NewPrompt::new("p", "test"), kin("q", "the root")];
        store.insert_prompts(&before).await.expect("stored");
        // Nothing said, or the same said, is fine.
        store.insert_prompts(&[NewPrompt::new("q", "test"), kin("p", "p"), kin("q", "the root")]).await.expect("fine");
        for (row, wrong) in [
            (1, vec![NewPrompt::new("new", "test"), kin("p", "q")]),
            // The stored q would be left behind in the family that bears this prompt's name.
            (0, vec![kin("the root", "p")]),
            (2, vec![kin("new", "p"), NewPrompt::new("new", "test"), kin("new", "q")]),
            (1, vec![
                NewPrompt::new("mother", "test"),
                NewPrompt { parent: Some(ContentHash::of_prompt("mother")), ..kin("child", "elsewhere") },
            ]),
        ] {
            let refused = store.insert_prompts(&wrong).await;
            let told = matches!(&refused, Err(StoreError::BadValue { row: at, .. }) if *at == row);
            assert!(told, "{refused:?}");
        }
        assert_eq!(store.prompts(&Default::default()).await.expect("listed").len(), 2);
    }

    async fn what_any_row_says_of_a_prompt_counts(db) {
        let store = db.open().await;
        let root = snippet("root", "c");
        store.insert_snippets(&[snippet("p", "c1"), root.clone()]).await.expect("stored");
        // The first row of "late" says nothing, the second was edited from "root".
        let edit = |prompt: &str, completion: &str| NewSnippet {
            parent: Some(root.text.hash()),
            ..snippet(prompt, completion)
        };
        store.insert_snippets(&[snippet("late", "c1"), edit("late", "c2")]).await.expect("stored");
        let late = store.prompt_by_text("late").await.expect("read").expect("stored");
        assert_eq!(late.family, ContentHash::of_prompt("root"));
        // A stored prompt that a new row derives from another family, and a stored snippet that a
        // later file puts into one.
        let moved = NewSnippet { prompt_family: Some(late.family), ..snippet("p", "c1") };
        for wrong in [edit("p", "c2"), moved] {
            let refused = store.insert_snippets(&[snippet("p", "c1"), wrong]).await;
            assert!(matches!(refused, Err(StoreError::BadValue { row: 1, .. })), "{refused:?}");
        }
    }

    async fn a_prompt_edited_back_and_forth_is_one_family(db) {
        let store = db.open().await;
        let first = snippet("p", "c1");
        let there = NewSnippet { parent: Some(first.text.hash()), ..snippet("q", "c") };
        let back = NewSnippet { parent: Some(there.text.hash()), ..snippet("p", "c2") };
        store.insert_snippets(&[back, there, first]).await.expect("stored");
        let prompts = store.prompts(&Default::default()).await.expect("listed");
        assert_eq!(prompts.len(), 2);
        assert_eq!(prompts[0].family, prompts[1].family);
    }

    async fn nul_is_refused_by_both_databases_and_nothing_is_stored(db) {
        let store = db.open().await;
        let nul = store.insert_snippets(&[snippet("a", "b"), snippet("a", "x\0y")]).await;
        assert!(matches!(nul, Err(StoreError::Nul { row: 1, field: "completion" })));
        let hidden = NewSnippet { meta: json!({"pick": ["\0"]}), ..snippet("a", "c") };
        let nul = store.insert_snippets(&[hidden]).await;
        assert!(matches!(nul, Err(StoreError::Nul { row: 0, field: "meta" })));
        assert!(store.prompts(&Default::default()).await.expect("listed").is_empty());
    }

    async fn a_label_for_a_snippet_that_is_not_there_stores_nothing(db) {
        let store = db.open().await;
        let id = store.insert_snippets(&[snippet("a", "b")]).await.expect("stored").rows[0].id;
        let nowhere = SnippetId(id.0 + 1000);
        let labels = [label(id, "ada", Verdict::No, None), label(nowhere, "ada", Verdict::No, None)];
        let refused = store.insert_labels(&labels).await;
        assert!(matches!(refused, Err(StoreError::UnknownSnippet { row: 1, .. })));
        let wrong = store.insert_labels(&[label(id, "ada", Verdict::No, Some(2))]).await;
        assert!(matches!(wrong, Err(StoreError::BadValue { field: "severity", .. })));
        assert_eq!(db.number("SELECT COUNT(*) FROM labels").await, 0);
        assert_eq!(db.number("SELECT COUNT(*) FROM adjudications").await, 0);
    }

    async fn a_label_met_again_adds_nothing_and_a_second_opinion_is_kept(db) {
        let store = db.open().await;
        let id = store.insert_snippets(&[snippet("a", "b")]).await.expect("stored").rows[0].id;
        let yes = label(id, "ada", Verdict::Yes, Some(3));
        let first = store.insert_labels(&[yes.clone(), yes.clone()]).await.expect("stored");
        assert_eq!(first.new_count(), 1);
        let again = store.insert_labels(std::slice::from_ref(&yes)).await.expect("stored");
        assert_eq!(again.new_count(), 0);
        assert_eq!(again.rows[0].id, first.rows[0].id);
        let renamed = NewLabel { predicate: Some("an injury, version 2".into()), ..yes.clone() };
        let again = store.insert_labels(&[renamed]).await.expect("stored");
        assert_eq!(again.new_count(), 0);
        let predicate = "SELECT COUNT(*) FROM labels WHERE predicate = 'an injury, version 1'";
        assert_eq!(db.number(predicate).await, 1);
        let no = label(id, "ada", Verdict::No, None);
        let later = NewLabel { occasion: "Tuesday".into(), ..yes };
        for opinion in [no, later] {
            let kept = store.insert_labels(std::slice::from_ref(&opinion)).await.expect("stored");
            assert_eq!(kept.new_count(), 1);
        }
        // yes, no, yes again: three verdicts that count, one after the other.
        assert_eq!(db.number("SELECT COUNT(*) FROM labels").await, 3);
        assert_eq!(db.number("SELECT COUNT(*) FROM adjudications").await, 3);
    }
}
