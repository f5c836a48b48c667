//! What is written is read back to the letter, in every format and for any text.

use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_io::{
    ExportedLabel, LabelRow, PromptRow, ReadOptions, SnippetKey, SnippetRow, TableWriter, Tabular,
    read_all,
};
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::path::PathBuf;
use tempfile::TempDir;

const FORMATS: [&str; 4] = ["rows.jsonl", "rows.jsonl.gz", "rows.csv", "rows.parquet"];

fn write<T: Tabular>(folder: &TempDir, name: &str, rows: &[T]) -> PathBuf {
    let path = folder.path().join(name);
    let mut writer = TableWriter::create(&path).expect("created");
    for row in rows {
        writer.write(row).expect("written");
    }
    assert!(!path.exists(), "a half-written file had its name");
    let written = writer.finish().expect("finished");
    assert_eq!(written.rows, rows.len() as u64);
    assert_eq!(
        written.bytes,
        std::fs::metadata(&path).expect("there").len()
    );
    path
}

/// Any text that is not blank and has no NUL.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\r\n\t\"',;é☕\u{1F600}\u{feff}\u{2028}=@-]{1,40}"
    ]
    .prop_map(|text| text.replace('\0', " "))
    .prop_filter("not blank", |text| {
        !text.trim().is_empty() && text.len() < 1000
    })
}

fn name() -> impl Strategy<Value = String> {
    text()
        .prop_map(|text| {
            text.trim()
                .chars()
                .take(60)
                .collect::<String>()
                .trim()
                .to_owned()
        })
        .prop_filter("not empty", |name| !name.is_empty())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |x| x.is_finite())
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn meta() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(text(), json(), 0..4).prop_map(|map| map.into_iter().collect())
}

fn label() -> impl Strategy<Value = Label> {
    let verdict = prop_oneof![
        Just((Verdict::No, None)),
        Just((Verdict::Unsure, None)),
        Just((Verdict::Yes, None)),
        Just((Verdict::Yes, Some(Severity::Arguable))),
        Just((Verdict::Yes, Some(Severity::Egregious))),
    ];
    let kind = prop_oneof![Just(LabellerKind::Person), Just(LabellerKind::Judge)];
    let seconds = prop::option::of((0.0f64..1e9).prop_map(|x| x));
    (name(), kind, verdict, seconds).prop_map(|(labeller, kind, (verdict, severity), seconds)| {
        Label {
            labeller,
            kind,
            verdict,
            severity,
            seconds,
        }
    })
}

fn hash() -> impl Strategy<Value = Option<ContentHash>> {
    prop::option::of(text().prop_map(|text| ContentHash::of_prompt(&text)))
}

fn snippet() -> impl Strategy<Value = SnippetRow> {
    (
        text(),
        text(),
        name(),
        hash(),
        hash(),
        prop::option::of(prop::sample::select(vec![
            "import", "generate", "edit", "attack",
        ])),
        prop::collection::vec(label(), 0..4),
        meta(),
    )
        .prop_map(
            |(prompt, completion, source, family, parent, origin, labels, meta)| SnippetRow {
                line: 0,
                text: SnippetText::new(prompt, completion),
                source: Some(source),
                family,
                parent,
                origin: origin.map(str::to_owned),
                labels,
                meta,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn snippets(mut rows in prop::collection::vec(snippet(), 1..6)) {
        rows.dedup_by_key(|row| row.text.hash());
        let mut seen = std::collections::BTreeSet::new();
        rows.retain(|row| seen.insert(row.text.hash()));
        let folder = tempfile::tempdir().expect("a folder");
        for name in FORMATS {
            let path = write(&folder, name, &rows);
            let mut back = read_all::<SnippetRow>(&path, &ReadOptions::default()).expect(name).rows;
            back.iter_mut().for_each(|row| row.line = 0);
            prop_assert_eq!(&back, &rows, "{}", name);
        }
    }

    #[test]
    fn prompts(prompts in prop::collection::btree_map(text(), (name(), hash(), meta()), 1..6)) {
        let rows: Vec<PromptRow> = prompts
            .into_iter()
            .map(|(prompt, (source, family, meta))| PromptRow { line: 0, prompt, source: Some(source), family, meta })
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        for name in FORMATS {
            let path = write(&folder, name, &rows);
            let mut back = read_all::<PromptRow>(&path, &ReadOptions::default()).expect(name).rows;
            back.iter_mut().for_each(|row| row.line = 0);
            prop_assert_eq!(&back, &rows, "{}", name);
        }
    }

    #[test]
    fn labels(texts in prop::collection::btree_map(text(), (text(), prop::option::of(label())), 1..6)) {
        let rows: Vec<ExportedLabel> = texts
            .into_iter()
            .map(|(prompt, (completion, label))| ExportedLabel { text: SnippetText::new(prompt, completion), label })
            .collect();
        let labelled: Vec<_> = rows.iter().filter(|row| row.label.is_some()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        for name in FORMATS {
            let path = write(&folder, name, &rows);
            let import = read_all::<LabelRow>(&path, &ReadOptions::default()).expect(name);
            prop_assert_eq!(import.report.unlabelled as usize, rows.len() - labelled.len());
            for (back, row) in import.rows.iter().zip(&labelled) {
                prop_assert_eq!(&back.snippet, &SnippetKey::Text(row.text.clone()), "{}", name);
                prop_assert_eq!(back.labels.first(), row.label.as_ref(), "{}", name);
            }
        }
    }
}

#[test]
fn large_files_keep_their_order() {
    let rows: Vec<PromptRow> = (0..5000)
        .map(|i| PromptRow {
            line: 0,
            prompt: format!("Prompt {i}. {}", "x".repeat(i % 97)),
            source: Some("many".to_owned()),
            family: None,
            meta: Map::new(),
        })
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    for name in FORMATS {
        let path = write(&folder, name, &rows);
        let back = read_all::<PromptRow>(&path, &ReadOptions::default())
            .expect(name)
            .rows;
        assert!(
            back.iter().zip(&rows).all(|(a, b)| a.prompt == b.prompt) && back.len() == rows.len()
        );
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in FORMATS {
        let path = folder.path().join(name);
        std::fs::write(&path, "what was there").expect("writable");
        let mut writer = TableWriter::<PromptRow>::create(&path).expect("created");
        let row = PromptRow {
            line: 0,
            prompt: "a".into(),
            source: None,
            family: None,
            meta: Map::new(),
        };
        writer.write(&row).expect("written");
        drop(writer);
        assert_eq!(std::fs::read(&path).expect("there"), b"what was there");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("readable").count(),
        FORMATS.len()
    );
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let rows = nines_io::starter::snippets().expect("embedded");
    let (one, two) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    for name in FORMATS {
        let a = std::fs::read(write(&one, name, &rows)).expect("readable");
        let b = std::fs::read(write(&two, name, &rows)).expect("readable");
        assert!(a == b, "{name} differs");
    }
}
