//! What an import leaves in the project.

use super::*;
use crate::commands::init;
use nines_store::SnippetFilter;

struct Desk {
    folder: tempfile::TempDir,
    project: Project,
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = init::make(&folder.path().join("project"), false).await;
        Self {
            folder,
            project: project.expect("made"),
        }
    }

    async fn import(&self, name: &str, kind: Kind, text: &str) -> Result<ImportCounts> {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text)?;
        let options = ReadOptions {
            labeller: Some("ada".into()),
            labeller_kind: Some(nines_domain::label::LabellerKind::Person),
            ..ReadOptions::default()
        };
        let (rows, report) = read(&file, kind, &options)?;
        let note = (&report, &file).try_into()?;
        let import = store(&self.project, kind.word(), name, rows, note).await?;
        Ok(import.counts)
    }

    async fn snippets(&self) -> Vec<nines_store::Snippet> {
        let filter = SnippetFilter::default();
        self.project.store.snippets(&filter).await.expect("read")
    }
}

#[tokio::test]
async fn a_changed_mind_counts_and_a_file_met_again_does_not() {
    let desk = Desk::new().await;
    let said = |verdict: &str, more: &str| {
        format!("{{\"prompt\":\"a\",\"completion\":\"b\",\"verdict\":\"{verdict}\"}}\n{more}")
    };
    for (name, text) in [
        ("1.jsonl", said("yes", "")),
        ("2.jsonl", said("no", &said("no", ""))),
        ("3.jsonl", said("yes", "\n")),
    ] {
        let counts = desk
            .import(name, Kind::Labels, &text)
            .await
            .expect("imported");
        assert_eq!(
            (counts.labels_new, counts.labels_duplicate),
            (1, 0),
            "{name}"
        );
        let again = desk.import("again.jsonl", Kind::Labels, &text).await;
        let again = again.expect("imported");
        assert_eq!((again.labels_new, again.labels_duplicate), (0, 1), "{name}");
    }
    let verdict = desk
        .snippets()
        .await
        .remove(0)
        .adjudication
        .expect("labelled");
    assert_eq!((verdict.broad, verdict.labels), (Some(true), 1));
}

#[tokio::test]
async fn a_mind_changed_back_within_one_file_counts() {
    let row = |said: &str| format!("{{\"prompt\":\"a\",\"completion\":\"b\",{said}}}\n");
    let verdicts = ["yes", "no", "yes"].map(|v| format!("\"verdict\":\"{v}\""));
    let rows: String = verdicts.iter().map(|said| row(said)).collect();
    let list = verdicts.map(|said| format!("{{{said}}}")).join(",");
    for (kind, text) in [
        (Kind::Labels, rows),
        (Kind::Snippets, row(&format!("\"labels\":[{list}]"))),
    ] {
        let desk = Desk::new().await;
        for (new, before) in [(3, 0), (0, 3)] {
            let counts = desk.import("1.jsonl", kind, &text).await.expect("imported");
            assert_eq!((counts.labels_new, counts.labels_duplicate), (new, before));
        }
        let verdict = desk.snippets().await.remove(0).adjudication;
        assert_eq!(verdict.expect("labelled").broad, Some(true));
    }
}

#[tokio::test]
async fn what_a_label_file_says_besides_is_kept() {
    let desk = Desk::new().await;
    let text = r#"{"prompt":"a","completion":"b","verdict":"no","source":"there","family":"root","pick":"random"}"#;
    desk.import("1.jsonl", Kind::Labels, text)
        .await
        .expect("imported");
    let first = desk.snippets().await.remove(0);
    assert_eq!(first.source, "there");
    assert_eq!(first.family, ContentHash::of_prompt("root"));
    assert_eq!(first.meta["pick"], "random");
    let by_hash = format!(
        r#"{{"snippet":"{}","verdict":"no","room":"blue"}}"#,
        first.hash
    );
    desk.import("2.jsonl", Kind::Labels, &by_hash)
        .await
        .expect("imported");
    let met = desk.snippets().await.remove(0);
    let rooms: Vec<_> = met.meta_values("room").collect();
    assert_eq!(rooms, ["blue"]);
    let edit = format!(
        r#"{{"prompt":"c","completion":"d","verdict":"no","parent":"{}"}}"#,
        first.hash
    );
    desk.import("3.jsonl", Kind::Labels, &edit)
        .await
        .expect("imported");
    let edit = desk.snippets().await.remove(1);
    assert_eq!((edit.parent, edit.family), (Some(first.id), first.family));
}

#[tokio::test]
async fn an_error_names_the_line_of_the_file() {
    let desk = Desk::new().await;
    desk.import("1.jsonl", Kind::Prompts, r#"{"prompt":"a"}"#)
        .await
        .expect("imported");
    let text = "{\"prompt\":\"b\"}\n{\"prompt\":\"b\"}\n\n{\"prompt\":\"a\",\"family\":\"b\"}\n";
    let refused = desk.import("2.jsonl", Kind::Prompts, text).await;
    let words = format!("{:#}", refused.expect_err("a family never moves"));
    assert!(
        words.starts_with("line 4: family puts the prompt"),
        "{words}"
    );
    assert!(!words.contains("row"), "{words}");
}

#[tokio::test]
async fn the_starter_data_leave_a_true_note() {
    let desk = Desk::new().await;
    let count = init::import_starter(&desk.project).await.expect("imported");
    init::import_starter(&desk.project).await.expect("imported");
    let notes = desk.project.store.imports().await.expect("read");
    assert_eq!(notes[0].counts.rows as u64, count);
    assert_eq!(notes[0].digest.len(), 64);
    assert_eq!(
        (notes[1].counts.snippets_new, notes[1].counts.labels_new),
        (0, 0)
    );
}
