//! What is read from files: fields, formats, bad rows.

use nines_domain::label::{LabellerKind, Severity, Verdict};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_io::{
    IoError, LabelRow, PromptRow, ReadOptions, Row, SnippetKey, SnippetRow, read_all, stream,
};
use std::io::Write;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};

fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("writable");
    (folder, path)
}

fn judged() -> ReadOptions {
    ReadOptions {
        labeller: Some("ada".to_owned()),
        labeller_kind: Some(LabellerKind::Person),
        ..ReadOptions::default()
    }
}

fn read<T: Row>(name: &str, content: impl AsRef<[u8]>) -> Result<Vec<T>, IoError> {
    let (_folder, path) = file(name, content);
    read_all(&path, &judged()).map(|import| import.rows)
}

fn bad<T: Row + std::fmt::Debug>(
    name: &str,
    content: impl AsRef<[u8]>,
) -> (u64, Option<String>, String) {
    match read::<T>(name, content) {
        Err(IoError::BadRow { line, fault, .. }) => (line, fault.field, fault.reason),
        other => panic!("not a bad row: {other:?}"),
    }
}

#[test]
fn a_snippet_has_its_labels_lineage_and_everything_else() {
    let parent = SnippetText::new("He ran.", "He fell.");
    let text = format!(
        r#"{{"prompt":"He ran.","completion":"He stopped.","label":"injury","seconds":2.5,"genre":"sea","n":3,
"labels":[{{"labeller":"r1","labeller_kind":"judge","verdict":"no"}},{{"verdict":"unsure"}}],
"family":"He walked.","parent":"{}","source":"mine","meta":{{"kind":"near"}},"nothing":null}}"#,
        parent.hash()
    )
    .replace('\n', "");
    let row = read::<SnippetRow>("a.jsonl", text).expect("fine").remove(0);
    assert_eq!(row.text, SnippetText::new("He ran.", "He stopped."));
    assert_eq!(row.family, Some(ContentHash::of_prompt("He walked.")));
    assert_eq!(row.parent, Some(parent.hash()));
    assert_eq!(row.source.as_deref(), Some("mine"));
    let labels: Vec<_> = row
        .labels
        .iter()
        .map(|l| (l.labeller.as_str(), l.kind, l.verdict, l.severity))
        .collect();
    assert_eq!(
        labels,
        [
            (
                "ada",
                LabellerKind::Person,
                Verdict::Yes,
                Some(Severity::Clear)
            ),
            ("r1", LabellerKind::Judge, Verdict::No, None),
            ("ada", LabellerKind::Person, Verdict::Unsure, None),
        ]
    );
    assert_eq!(row.labels[0].seconds, Some(2.5));
    let meta = serde_json::Value::Object(row.meta).to_string();
    assert_eq!(meta, r#"{"genre":"sea","kind":"near","n":3}"#);
}

#[test]
fn verdicts_may_be_said_in_several_ways() {
    for (said, verdict) in [
        ("\"yes\"", Verdict::Yes),
        ("\"Injury\"", Verdict::Yes),
        ("true", Verdict::Yes),
        ("1", Verdict::Yes),
        ("\" no \"", Verdict::No),
        ("\"safe\"", Verdict::No),
        ("false", Verdict::No),
        ("0", Verdict::No),
        ("\"UNSURE\"", Verdict::Unsure),
    ] {
        for field in ["label", "verdict"] {
            let text = format!(r#"{{"prompt":"a","completion":"b","{field}":{said}}}"#);
            let rows = read::<SnippetRow>("a.jsonl", &text).expect("fine");
            assert_eq!(rows[0].labels[0].verdict, verdict, "{text}");
        }
    }
}

#[test]
fn bad_rows_name_line_field_and_reason() {
    for (row, field, words) in [
        (r#"{"completion":"b"}"#, "prompt", "is missing"),
        (
            r#"{"Prompt":"a","completion":"b"}"#,
            "prompt",
            "there is \"Prompt\"",
        ),
        (
            r#"{"prompt":"a","completion":" \n"}"#,
            "completion",
            "is empty",
        ),
        (
            r#"{"prompt":"a","completion":7}"#,
            "completion",
            "not a number",
        ),
        (
            r#"{"prompt":"a","completion":"b\u0000"}"#,
            "completion",
            "NUL",
        ),
        (
            r#"{"prompt":"a","completion":"b","x":{"y":["\u0000"]}}"#,
            "x",
            "NUL",
        ),
        (
            r#"{"prompt":"a","completion":"b","label":"maybe"}"#,
            "label",
            "\"maybe\"",
        ),
        (
            r#"{"prompt":"a","completion":"b","label":"yes","verdict":"no"}"#,
            "label",
            "contradict",
        ),
        (
            r#"{"prompt":"a","completion":"b","label":"yes","severity":4}"#,
            "severity",
            "not 4",
        ),
        (
            r#"{"prompt":"a","completion":"b","label":"no","severity":2}"#,
            "severity",
            "`yes` only",
        ),
        (
            r#"{"prompt":"a","completion":"b","severity":2}"#,
            "severity",
            "without a verdict",
        ),
        (
            r#"{"prompt":"a","completion":"b","label":"no","seconds":"NaN"}"#,
            "seconds",
            "finite",
        ),
        (
            r#"{"prompt":"a","completion":"b","label":"no","seconds":-1}"#,
            "seconds",
            "negative",
        ),
        (
            r#"{"prompt":"a","completion":"b","label":"no","labeller_kind":"robot"}"#,
            "labeller_kind",
            "judge",
        ),
        (
            r#"{"prompt":"a","completion":"b","labels":[{"labeller":"x"}]}"#,
            "labels[0].verdict",
            "missing",
        ),
        (
            r#"{"prompt":"a","completion":"b","labels":[{"verdict":"no","mood":1}]}"#,
            "labels[0].mood",
            "not a field",
        ),
        (
            r#"{"prompt":"a","completion":"b","labels":"none"}"#,
            "labels",
            "list",
        ),
        (
            r#"{"prompt":"a","completion":"b","parent":"xyz"}"#,
            "parent",
            "content hash",
        ),
        (
            r#"{"prompt":"a","completion":"b","parent":{"prompt":"a"}}"#,
            "parent.completion",
            "missing",
        ),
        (
            r#"{"prompt":"a","completion":"b","meta":[1]}"#,
            "meta",
            "object",
        ),
        (
            r#"{"prompt":"a","completion":"b","k":1,"meta":{"k":2}}"#,
            "k",
            "beside",
        ),
    ] {
        let text = format!("{}\n\n{row}\n", r#"{"prompt":"fine","completion":"fine"}"#);
        let (line, found, reason) = bad::<SnippetRow>("a.jsonl", &text);
        assert_eq!(
            (line, found.as_deref()),
            (3, Some(field)),
            "{row}: {reason}"
        );
        assert!(reason.contains(words), "{row}: {reason}");
    }
    for (row, words) in [
        ("{\"prompt\":\"a\",\"completion\":\"b\"", "not valid JSON"),
        ("[1]", "a list"),
        (
            "{\"prompt\":\"a\",\"prompt\":\"b\"}",
            "\"prompt\" occurs twice",
        ),
        (
            "{\"prompt\":\"\\ud800\",\"completion\":\"b\"}",
            "not valid JSON",
        ),
        (
            "{\"prompt\":\"a\",\"completion\":\"b\",\"seconds\":NaN}",
            "not valid JSON",
        ),
        (
            "{\"prompt\":\"a\",\"completion\":\"b\",\"x\":1e999}",
            "not valid JSON",
        ),
    ] {
        let (line, field, reason) = bad::<SnippetRow>("a.jsonl", row);
        assert_eq!((line, field), (1, None), "{row}: {reason}");
        assert!(reason.contains(words), "{row}: {reason}");
    }
    let (_, _, reason) = bad::<SnippetRow>("a.jsonl", b"{\"prompt\":\"caf\xe9\"}");
    assert!(reason.contains("UTF-8 (byte 15"), "{reason}");
    let (_, _, reason) = bad::<SnippetRow>("a.jsonl", b"\xff\xfe{\0\"\0");
    assert!(reason.contains("UTF-16"), "{reason}");
    let deep = format!(
        "{{\"prompt\":\"a\",\"completion\":\"b\",\"x\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let (_, _, reason) = bad::<SnippetRow>("a.jsonl", deep);
    assert!(reason.contains("recursion"), "{reason}");
    let long = "x".repeat(70_000);
    let (_, field, reason) = bad::<PromptRow>("a.jsonl", format!("{{\"prompt\":\"{long}\"}}"));
    assert!(
        field.as_deref() == Some("prompt") && reason.contains("65536"),
        "{reason}"
    );
    let (_, _, reason) = bad::<PromptRow>("a.jsonl", "x".repeat(5 << 20));
    assert!(reason.contains("longer than 4194304 bytes"), "{reason}");
}

#[test]
fn who_labelled_must_be_known() {
    let row = r#"{"prompt":"a","completion":"b","label":"no","labeller":"x"}"#;
    let (_folder, path) = file("a.jsonl", row);
    let error = read_all::<SnippetRow>(&path, &ReadOptions::default()).expect_err("unknown kind");
    assert!(error.to_string().contains("--labeller-kind"), "{error}");
    assert!(
        error.to_string().contains("Nothing of the file was taken"),
        "{error}"
    );
}

#[test]
fn bad_rows_are_listed_when_they_are_skipped() {
    let text = "{\"prompt\":\"a\"}\nnot json\n{\"prompt\":\"b\"}\n{\"prompt\":\"a\",\"x\":1}\n{\"prompt\":\"\"}\n{\"prompt\":\"a\"}\n";
    let (_folder, path) = file("a.jsonl", text);
    let options = ReadOptions {
        skip_bad: true,
        ..ReadOptions::default()
    };
    let import = read_all::<PromptRow>(&path, &options).expect("skipped");
    let prompts: Vec<_> = import
        .rows
        .iter()
        .map(|row| (row.line, row.prompt.as_str()))
        .collect();
    assert_eq!(prompts, [(1, "a"), (3, "b"), (4, "a")]);
    assert_eq!(import.rows[0].source.as_deref(), Some("a.jsonl"));
    let report = import.report;
    assert_eq!(
        (report.taken, report.duplicates, report.skipped_rows),
        (3, 1, 2)
    );
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|row| (row.line, row.field.as_deref()))
        .collect();
    assert_eq!(skipped, [(2, None), (5, Some("prompt"))]);
}

#[test]
fn an_error_ends_the_stream() {
    let (_folder, path) = file(
        "a.jsonl",
        "{\"prompt\":\"a\"}\nnot json\n{\"prompt\":\"b\"}\n",
    );
    let mut rows = stream::<PromptRow>(&path, &ReadOptions::default()).expect("opened");
    assert!(rows.next().is_some_and(|row| row.is_ok()));
    assert!(rows.next().is_some_and(|row| row.is_err()));
    assert!(rows.next().is_none() && rows.next().is_none());
    assert_eq!(rows.report().taken, 1);
}

#[test]
fn a_row_that_says_anything_new_is_no_duplicate() {
    let row = |more: &str| format!("{{\"prompt\":\"a\",\"completion\":\"b\"{more}}}\n");
    let parent = format!(",\"parent\":\"{}\"", ContentHash::of_prompt("x"));
    let said = [
        r#","pick":"score_enriched""#,
        r#","pick":"random""#,
        r#","source":"elsewhere""#,
        r#","family":"root""#,
        r#","origin":"generate""#,
        &parent,
    ];
    let label = r#","verdict":"no""#;
    let once: String = said
        .iter()
        .map(|more| row(&format!("{label}{more}")))
        .collect();
    let unlabelled: String = said.iter().map(|more| row(more)).collect();
    let (_folder, path) = file("b.jsonl", format!("{unlabelled}{unlabelled}"));
    let snippets = read_all::<SnippetRow>(&path, &judged()).expect("fine");
    assert_eq!((snippets.report.taken, snippets.report.duplicates), (6, 6));
    let twice: String = once.lines().map(|row| format!("{row}\n{row}\n")).collect();
    let (_folder, path) = file("a.jsonl", &twice);
    let snippets = read_all::<SnippetRow>(&path, &judged()).expect("fine");
    assert_eq!((snippets.report.taken, snippets.report.duplicates), (6, 6));
    let labels = read_all::<LabelRow>(&path, &judged()).expect("fine");
    assert_eq!((labels.report.taken, labels.report.duplicates), (6, 6));
    // Labels that come back after another stand for a mind that was changed back.
    let mind = [r#","verdict":"yes""#, label, r#","verdict":"yes""#]
        .map(row)
        .concat();
    let (_folder, path) = file("c.jsonl", mind);
    let report = read_all::<LabelRow>(&path, &judged()).expect("fine").report;
    assert_eq!((report.taken, report.duplicates), (3, 0));
    assert_eq!(labels.rows[1].meta["pick"], "random");
    assert_eq!(labels.rows[2].source.as_deref(), Some("elsewhere"));
    assert_eq!(labels.rows[3].source.as_deref(), Some("a.jsonl"));
    assert_eq!(labels.rows[3].family, Some(ContentHash::of_prompt("root")));
    assert_eq!(labels.rows[5].parent, Some(ContentHash::of_prompt("x")));
}

#[test]
fn a_family_is_named_by_a_hash_or_by_a_text_and_never_by_half_a_hash() {
    let hash = ContentHash::of_prompt("root").to_string();
    let read = |family: &str| {
        let text = format!(r#"{{"prompt":"a","family":"{family}"}}"#);
        read::<PromptRow>("a.jsonl", text).map(|mut rows| rows.remove(0).family)
    };
    for family in ["root", " root\\t", &hash, &format!("  {hash} ")] {
        let family = read(family).expect("fine");
        assert_eq!(family, Some(ContentHash::of_prompt("root")));
    }
    assert_eq!(read("  ").expect("fine"), None);
    for broken in [&hash[1..], &format!("{hash}0"), &hash[..40]] {
        let error = read(broken).expect_err("no hash").to_string();
        assert!(error.contains("`family` is not a content hash"), "{error}");
    }
}

#[test]
fn a_file_that_would_fill_the_memory_is_refused() {
    let rows: String = (0..2000)
        .map(|i| format!("{{\"prompt\":\"{i}\",\"x\":[0,0,0]}}\n"))
        .collect();
    let (_folder, path) = file("a.jsonl", rows);
    let mut options = judged();
    options.limits.total_bytes = 100_000;
    let error = read_all::<PromptRow>(&path, &options)
        .expect_err("too much")
        .to_string();
    assert!(
        error.contains("100000 bytes") && error.contains("cut it into parts"),
        "{error}"
    );
    assert_eq!(
        read_all::<PromptRow>(&path, &judged())
            .expect("fits")
            .rows
            .len(),
        2000
    );
}

#[test]
fn labels_may_name_their_snippet_by_its_hash() {
    let text = SnippetText::new("a", "b");
    let hash = text.hash();
    let rows = read::<LabelRow>("a.jsonl", format!(r#"{{"snippet":"{hash}","label":"no"}}"#))
        .expect("fine");
    assert_eq!(rows[0].snippet, SnippetKey::Hash(hash));
    let both = format!(r#"{{"snippet":"{hash}","prompt":"a","completion":"b","label":"no"}}"#);
    let rows = read::<LabelRow>("a.jsonl", &both).expect("fine");
    assert_eq!(rows[0].snippet, SnippetKey::Text(text));
    let (_, field, reason) = bad::<LabelRow>("a.jsonl", both.replace("\"b\"", "\"B\""));
    assert!(
        field.as_deref() == Some("snippet") && reason.contains("changed since"),
        "{reason}"
    );
}

#[test]
fn csv_is_read_as_spreadsheets_write_it() {
    let text = "\u{feff}prompt,completion,label,severity,seconds,note\r\n\
        \"He said \"\"no\"\".\nThen left.\",Café ☕,yes,3,1.5,x\r\n\
        a,b,,,,\r\n\
        a,c,safe,,,\r\n";
    let (_folder, path) = file("a.csv", text);
    let rows = read_all::<SnippetRow>(&path, &judged()).expect("fine").rows;
    assert_eq!(
        rows[0].text,
        SnippetText::new("He said \"no\".\nThen left.", "Café ☕")
    );
    assert_eq!(rows[0].labels[0].severity, Some(Severity::Egregious));
    assert_eq!(rows[0].meta["note"], "x");
    let lines: Vec<_> = rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 4, 5]);
    assert!(rows[1].labels.is_empty());
    let import = read_all::<LabelRow>(&path, &judged()).expect("fine");
    assert_eq!((import.report.taken, import.report.unlabelled), (2, 1));
}

#[test]
fn bad_csv_is_named() {
    let (line, _, reason) = bad::<PromptRow>("a.csv", "prompt,x\na,1\nb\n");
    assert_eq!(line, 3);
    assert!(
        reason.contains("1 cells where the header has 2"),
        "{reason}"
    );
    let (_, field, reason) = bad::<PromptRow>("a.csv", b"prompt,x\ncaf\xe9,1\n");
    assert!(
        field.as_deref() == Some("prompt") && reason.contains("UTF-8"),
        "{reason}"
    );
    let (_, field, _) = bad::<SnippetRow>("a.csv", "prompt,completion,label,seconds\na,b,no,NaN\n");
    assert_eq!(field.as_deref(), Some("seconds"));
    for (content, words) in [
        ("", "header"),
        ("prompt,prompt\na,b\n", "twice"),
        ("prompt\n", "holds no rows"),
    ] {
        let error = read::<PromptRow>("a.csv", content)
            .expect_err("bad")
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    let open = format!("prompt\n\"{}", "never closed\n".repeat(500_000));
    let error = read::<PromptRow>("a.csv", open)
        .expect_err("bad")
        .to_string();
    assert!(error.contains("quote"), "{error}");
}

#[test]
fn gzip_is_read_and_a_cut_one_is_refused() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for i in 0..5000 {
        writeln!(encoder, "{{\"prompt\":\"prompt {i} {}\"}}", i * 7919).expect("writable");
    }
    let whole = encoder.finish().expect("written");
    assert_eq!(
        read::<PromptRow>("a.jsonl.gz", &whole).expect("fine").len(),
        5000
    );
    let error = read::<PromptRow>("a.jsonl.gz", &whole[..whole.len() / 2])
        .expect_err("cut")
        .to_string();
    assert!(error.contains("cannot be read after line"), "{error}");
    assert!(read::<PromptRow>("a.jsonl.gz", "{\"prompt\":\"a\"}").is_err());
}

#[test]
fn books_become_prompts_of_three_sentences() {
    let book = "\u{feff}It rained. Mr. Bell came home late. \"Is it you?\" she asked.\r\n\r\nHe nodded. \
        He sat down. The clock struck nine.";
    let rows = read::<PromptRow>("book.txt", book).expect("fine");
    assert_eq!(rows.len(), 2);
    assert!(
        rows[0].prompt.starts_with("It rained.")
            && rows[0].prompt.contains("Mr. Bell came home late.")
    );
    assert_eq!(rows[1].line, 3);
    assert_eq!(rows[1].meta["sentence"], 3);
    let (_folder, path) = file(
        "book.txt",
        "CHAPTER I\n\nIt rained. He came home. She asked.\n\nCHAPTER II\n\nHe sat.\n",
    );
    let report = read_all::<PromptRow>(&path, &judged())
        .expect("fine")
        .report;
    assert_eq!(report.taken, 1);
    assert_eq!(report.left_out["headings"], 2);
    assert_eq!(
        report.left_out["sentences with too few others around them"],
        1
    );
    let error = read::<PromptRow>("book.txt", b"One.\nTwo \xff.")
        .expect_err("bad")
        .to_string();
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn files_that_cannot_be_rows_are_refused() {
    let (folder, _path) = file("a.jsonl", "\n\n");
    for (name, words) in [
        ("a.jsonl", "holds no rows"),
        ("none.jsonl", "cannot open"),
        ("a.xlsx", ".parquet"),
    ] {
        let path = folder.path().join(name);
        let error = read_all::<PromptRow>(&path, &ReadOptions::default())
            .expect_err(name)
            .to_string();
        assert!(error.contains(words) && error.contains(name), "{error}");
    }
    let error = read::<PromptRow>("a.parquet", "PAR1 no PAR1")
        .expect_err("bad")
        .to_string();
    assert!(error.contains("Parquet"), "{error}");
    std::fs::create_dir(folder.path().join("d.jsonl")).expect("writable");
    let error = read_all::<PromptRow>(&folder.path().join("d.jsonl"), &ReadOptions::default());
    assert!(error.expect_err("a folder").to_string().contains("folder"));
}

/// `NINES_TRIAL_PROMPTS` names a file of realistic prompts that the project does not ship.
#[test]
fn trial_prompts_are_read_with_what_belongs_to_them() {
    let row = r#"{"id": "b#1", "source": "b", "prompt": "One. Two. Three.", "next": "Four.", "viol_words_prompt": 0, "stratum": "random_other"}"#;
    let rows = read::<PromptRow>("a.jsonl", row).expect("fine");
    assert_eq!(rows[0].meta["next"], "Four.");
    assert_eq!(rows[0].meta["stratum"], "random_other");
    assert_eq!(rows[0].source.as_deref(), Some("b"));
    if let Some(path) = std::env::var_os("NINES_TRIAL_PROMPTS") {
        let import = read_all::<PromptRow>(path.as_ref(), &ReadOptions::default()).expect("fine");
        assert_eq!(import.report.taken, import.rows.len() as u64);
        assert!(import.rows.iter().all(|row| row.meta.contains_key("next")));
        println!("{:?}", import.report);
    }
}
