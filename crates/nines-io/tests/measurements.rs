//! Comparisons and attack sessions: what files of them say, and what is wrong with those that do not.

use nines_domain::comparison::{Choice, Comparison};
use nines_domain::label::LabellerKind;
use nines_domain::snippet::SnippetText;
use nines_io::{
    AttackSessionRow, ComparisonRow, ExportedPair, Import, IoError, Kind, ReadOptions, Row, Table,
    TableWriter, Tabular, read_all,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

const FORMATS: [&str; 4] = ["rows.jsonl", "rows.jsonl.gz", "rows.csv", "rows.parquet"];

fn by_ada() -> ReadOptions {
    ReadOptions {
        labeller: Some("ada".to_owned()),
        ..ReadOptions::default()
    }
}

fn import<T: Row>(name: &str, content: impl AsRef<[u8]>) -> Result<Import<T>, IoError> {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("writable");
    read_all(&path, &by_ada())
}

fn read<T: Row>(name: &str, content: impl AsRef<[u8]>) -> Vec<T> {
    import(name, content).expect("fine").rows
}

#[track_caller]
fn assert_bad<T: Row + std::fmt::Debug>(row: &str, field: &str, words: &str) {
    // The second line, so that it is not the first by chance.
    let good = "{\"prompt\":\"a\",\"left\":\"b\",\"right\":\"c\",\"choice\":\"same\",\
                \"attacker\":\"eve\",\"seconds\":1,\"found\":true}";
    match import::<T>("rows.jsonl", format!("{good}\n{row}\n{good}\n")) {
        Err(error @ IoError::BadRow { line: 2, .. }) => {
            let text = error.to_string();
            let IoError::BadRow { fault, .. } = error else {
                unreachable!()
            };
            assert_eq!(fault.field.as_deref(), Some(field), "{row}: {text}");
            assert!(
                fault.reason.contains(words),
                "{row}: {text:?} does not say {words:?}"
            );
            assert!(text.contains("line 2") && text.contains(field), "{text}");
        }
        other => panic!("{row} is not refused for line 2: {other:?}"),
    }
}

/// A row of any table, as somebody's program would write it.
struct Cells<T>(Vec<Value>, std::marker::PhantomData<T>);

struct Comparisons;
struct Sessions;

impl Tabular for Cells<Comparisons> {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("choice", Kind::Text),
        ("prompt", Kind::Text),
        ("left", Kind::Text),
        ("right", Kind::Text),
        ("labeller", Kind::Text),
        ("labeller_kind", Kind::Text),
        ("seconds", Kind::Number),
        ("occasion", Kind::Text),
        ("source", Kind::Text),
        ("remark", Kind::Text),
    ];

    fn cells(&self) -> Vec<Value> {
        self.0.clone()
    }
}

impl Tabular for Cells<Sessions> {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("attacker", Kind::Text),
        ("attacker_kind", Kind::Text),
        ("group", Kind::Text),
        ("classifier", Kind::Text),
        ("minutes", Kind::Number),
        ("seconds", Kind::Number),
        ("found", Kind::Truth),
        ("occasion", Kind::Text),
        ("source", Kind::Text),
    ];

    fn cells(&self) -> Vec<Value> {
        self.0.clone()
    }
}

fn write<T>(folder: &TempDir, name: &str, rows: &[Value]) -> PathBuf
where
    Cells<T>: Tabular,
{
    let path = folder.path().join(name);
    let mut writer = TableWriter::<Cells<T>>::create(&path).expect("created");
    for row in rows {
        let cells = row.as_array().expect("cells").clone();
        writer
            .write(&Cells(cells, std::marker::PhantomData))
            .expect("written");
    }
    writer.finish().expect("finished");
    path
}

/// Where the first row of a file stands.
fn first_line(name: &str) -> u64 {
    if name.ends_with(".csv") { 2 } else { 1 }
}

#[test]
fn a_comparison_says_the_same_in_every_format() {
    let folder = tempdir().expect("a folder");
    let text = "He \"ran\", ü\u{1F9E8}.";
    let rows = [
        json!([
            "left",
            text,
            "b",
            "c",
            "bob",
            "judge",
            2.5,
            "Tuesday",
            "mine",
            "kept by nobody"
        ]),
        json!(["Right", "a", " b ", "c", null, null, null, null, null, null]),
        json!([null, "a", "b", "d", "bob", null, 1.0, null, null, "not yet"]),
        json!([
            "SAME", "a", "b", "c", " cy ", "person", 0.0, " ", null, null
        ]),
        json!([
            "unusable", "a", "c", "b", null, null, 1e-300, null, null, null
        ]),
    ];
    for name in FORMATS {
        let path = write::<Comparisons>(&folder, name, &rows);
        let Import { rows: read, report } =
            read_all::<ComparisonRow>(&path, &by_ada()).expect("fine");
        let row = |at: u64, prompt: &str, left: &str, right: &str| ComparisonRow {
            line: first_line(name) + at,
            prompt: prompt.to_owned(),
            left: left.to_owned(),
            right: right.to_owned(),
            comparison: Comparison {
                labeller: "ada".to_owned(),
                kind: LabellerKind::Person,
                choice: Choice::Right,
                seconds: None,
            },
            occasion: String::new(),
            source: Some(name.to_owned()),
        };
        let mut expected = [
            row(0, text, "b", "c"),
            row(1, "a", " b ", "c"),
            row(3, "a", "b", "c"),
            row(4, "a", "c", "b"),
        ];
        expected[0].comparison = Comparison {
            labeller: "bob".to_owned(),
            kind: LabellerKind::Judge,
            choice: Choice::Left,
            seconds: Some(2.5),
        };
        expected[0].occasion = "Tuesday".to_owned();
        expected[0].source = Some("mine".to_owned());
        expected[2].comparison.labeller = "cy".to_owned();
        expected[2].comparison.choice = Choice::Same;
        expected[2].comparison.seconds = Some(0.0);
        expected[3].comparison.choice = Choice::Unusable;
        expected[3].comparison.seconds = Some(1e-300);
        assert_eq!(read, expected, "{name}");
        assert_eq!((report.taken, report.unlabelled), (4, 1), "{name}");
        assert_eq!((report.duplicates, report.skipped_rows), (0, 0), "{name}");
        assert_eq!(read[1].left_text(), SnippetText::new("a", " b "));
        assert_eq!(read[1].right_text(), SnippetText::new("a", "c"));
    }
}

#[test]
fn a_blank_choice_is_a_row_without_a_comparison() {
    for choice in [
        "",
        ",\"choice\":null",
        ",\"choice\":\"\"",
        ",\"choice\":\" \\t\"",
    ] {
        let row = format!("{{\"prompt\":\"a\",\"left\":\"b\",\"right\":\"c\"{choice}}}\n");
        let Import { rows, report } = import::<ComparisonRow>("rows.jsonl", row).expect("fine");
        assert!(rows.is_empty(), "{choice}");
        assert_eq!((report.taken, report.unlabelled), (0, 1), "{choice}");
    }
    let rows: Vec<ComparisonRow> =
        read("rows.csv", "prompt,left,right,choice\na,b,c,\na,b,d,left\n");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].line, 3);
}

#[test]
fn bad_comparisons_name_line_field_and_reason() {
    let long = format!(
        r#"{{"prompt":"a","left":"b","right":"c","choice":"left","labeller":"{}"}}"#,
        "ü".repeat(201)
    );
    for (row, field, words) in [
        (
            r#"{"left":"b","right":"c","choice":"left"}"#,
            "prompt",
            "is missing",
        ),
        (
            r#"{"prompt":"a","right":"c","choice":"left"}"#,
            "left",
            "is missing",
        ),
        (
            r#"{"prompt":"a","left":"b","Right":"c","choice":"left"}"#,
            "right",
            "there is \"Right\"",
        ),
        (
            r#"{"prompt":"a","left":" ","right":"c","choice":"left"}"#,
            "left",
            "is empty",
        ),
        (
            r#"{"prompt":"a","left":"b","right":7,"choice":"left"}"#,
            "right",
            "not a number",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"b","choice":"same"}"#,
            "right",
            "the same text",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"up"}"#,
            "choice",
            "unusable, not \"up\"",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":1}"#,
            "choice",
            "not a number",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":true}"#,
            "choice",
            "must be a string",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","seconds":-1}"#,
            "seconds",
            "not -1",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","seconds":"NaN"}"#,
            "seconds",
            "not NaN",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","seconds":"inf"}"#,
            "seconds",
            "not inf",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","seconds":"soon"}"#,
            "seconds",
            "\"soon\"",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","labeller_kind":"crowd"}"#,
            "labeller_kind",
            "\"crowd\"",
        ),
        (
            r#"{"prompt":"a","left":"b\u0000","right":"c","choice":"left"}"#,
            "left",
            "NUL",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","occasion":"\u0000"}"#,
            "occasion",
            "NUL",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","occasion":[1]}"#,
            "occasion",
            "a list",
        ),
        (
            r#"{"prompt":"a","left":"b","right":"c","choice":"left","source":3}"#,
            "source",
            "a number",
        ),
        // What is wrong with a row counts, even before somebody has chosen.
        (
            r#"{"prompt":"a","left":"b","right":"c","seconds":"later"}"#,
            "seconds",
            "later",
        ),
        (&long, "labeller", "has 402 bytes; the limit is 400"),
    ] {
        assert_bad::<ComparisonRow>(row, field, words);
    }
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "prompt,left,right,choice\na,b,c,left\n").expect("written");
    match read_all::<ComparisonRow>(&path, &ReadOptions::default()) {
        Err(IoError::BadRow { line: 2, fault, .. }) => {
            assert_eq!(fault.field.as_deref(), Some("labeller"));
            assert!(fault.reason.contains("--labeller"), "{}", fault.reason);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comparison_met_again_is_one_unless_it_says_that_it_is_not() {
    let row = |more: &str| {
        format!("{{\"prompt\":\"a\",\"left\":\"b\",\"right\":\"c\",\"choice\":\"left\"{more}}}\n")
    };
    let file = [
        row(""),
        row(",\"labeller\":\"ada\""),
        row(",\"occasion\":\"Tuesday\""),
        row(",\"seconds\":2"),
        row(",\"labeller\":\"bob\""),
        row(",\"labeller_kind\":\"judge\""),
        row(",\"source\":\"mine\""),
        row("").replace("left\"}", "right\"}"),
    ];
    let Import { rows, report } =
        import::<ComparisonRow>("rows.jsonl", file.concat()).expect("fine");
    assert_eq!((rows.len(), report.duplicates), (7, 1));
}

#[test]
fn a_session_says_the_same_in_every_format() {
    let folder = tempdir().expect("a folder");
    let rows = [
        json!([
            "eve",
            "person",
            "with tool",
            "injury@3",
            30.0,
            null,
            false,
            "morning",
            "mine"
        ]),
        json!([
            "gcg ü",
            "algorithm",
            null,
            null,
            null,
            0.5,
            true,
            null,
            null
        ]),
        json!([" eve ", null, " ", " ", 0.1, null, true, " ", null]),
    ];
    for name in FORMATS {
        let path = write::<Sessions>(&folder, name, &rows);
        let Import { rows: read, report } =
            read_all::<AttackSessionRow>(&path, &by_ada()).expect("fine");
        let line = first_line(name);
        let first = AttackSessionRow {
            line,
            attacker: "eve".to_owned(),
            is_algorithm: false,
            group: "with tool".to_owned(),
            classifier: Some("injury@3".to_owned()),
            seconds: 1800.0,
            found: false,
            occasion: "morning".to_owned(),
            source: Some("mine".to_owned()),
        };
        let second = AttackSessionRow {
            line: line + 1,
            attacker: "gcg ü".to_owned(),
            is_algorithm: true,
            group: "all".to_owned(),
            classifier: None,
            seconds: 0.5,
            found: true,
            occasion: format!("line {}", line + 1),
            source: Some(name.to_owned()),
        };
        let third = AttackSessionRow {
            line: line + 2,
            attacker: "eve".to_owned(),
            is_algorithm: false,
            seconds: 6.0,
            occasion: format!("line {}", line + 2),
            ..second.clone()
        };
        assert_eq!(read, [first, second, third], "{name}");
        assert_eq!((report.taken, report.unlabelled), (3, 0), "{name}");
    }
}

#[test]
fn bad_sessions_name_line_field_and_reason() {
    let long = format!(
        r#"{{"attacker":"eve","seconds":1,"found":true,"group":"{}"}}"#,
        "g".repeat(401)
    );
    for (row, field, words) in [
        (r#"{"seconds":1,"found":true}"#, "attacker", "is missing"),
        (
            r#"{"attacker":" ","seconds":1,"found":true}"#,
            "attacker",
            "is missing",
        ),
        (
            r#"{"attacker":5,"seconds":1,"found":true}"#,
            "attacker",
            "a number",
        ),
        (
            r#"{"attacker":"eve","found":true}"#,
            "minutes",
            "is missing (or give `seconds`)",
        ),
        (
            r#"{"attacker":"eve","minutes":" ","found":true}"#,
            "minutes",
            "is missing",
        ),
        (
            r#"{"attacker":"eve","minutes":1,"seconds":60,"found":true}"#,
            "minutes",
            "one of the two",
        ),
        (
            r#"{"attacker":"eve","seconds":0,"found":true}"#,
            "seconds",
            "above 0, not 0",
        ),
        (
            r#"{"attacker":"eve","seconds":-2,"found":true}"#,
            "seconds",
            "above 0, not -2",
        ),
        (
            r#"{"attacker":"eve","seconds":"NaN","found":true}"#,
            "seconds",
            "not NaN",
        ),
        (
            r#"{"attacker":"eve","seconds":"inf","found":true}"#,
            "seconds",
            "not inf",
        ),
        (
            r#"{"attacker":"eve","minutes":-0.5,"found":true}"#,
            "minutes",
            "above 0, not -0.5",
        ),
        (
            r#"{"attacker":"eve","minutes":"nan","found":true}"#,
            "minutes",
            "not NaN",
        ),
        (
            r#"{"attacker":"eve","minutes":"-inf","found":true}"#,
            "minutes",
            "not -inf",
        ),
        (
            r#"{"attacker":"eve","minutes":1e308,"found":true}"#,
            "minutes",
            "not 1e308",
        ),
        (
            r#"{"attacker":"eve","minutes":"30 min","found":true}"#,
            "minutes",
            "\"30 min\"",
        ),
        (
            r#"{"attacker":"eve","minutes":[30],"found":true}"#,
            "minutes",
            "a list",
        ),
        (r#"{"attacker":"eve","seconds":1}"#, "found", "is missing"),
        (
            r#"{"attacker":"eve","seconds":1,"found":""}"#,
            "found",
            "is missing",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":"perhaps"}"#,
            "found",
            "\"perhaps\"",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":2}"#,
            "found",
            "\"2\"",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":true,"attacker_kind":"ape"}"#,
            "attacker_kind",
            "\"ape\"",
        ),
        (
            r#"{"attacker":"e\u0000e","seconds":1,"found":true}"#,
            "attacker",
            "NUL",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":true,"remark":"\u0000"}"#,
            "remark",
            "NUL",
        ),
        (
            r#"{"attacker":"eve","seconds":1,"found":true,"classifier":3}"#,
            "classifier",
            "a number",
        ),
        (&long, "group", "has 401 bytes; the limit is 400"),
    ] {
        assert_bad::<AttackSessionRow>(row, field, words);
    }
}

#[test]
fn bad_rows_can_be_left_out_and_are_listed() {
    let options = ReadOptions {
        skip_bad: true,
        ..by_ada()
    };
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("sessions.csv");
    let file = "attacker,minutes,found\neve,30,no\neve,-1,no\neve,5,yes\n";
    std::fs::write(&path, file).expect("written");
    let Import { rows, report } = read_all::<AttackSessionRow>(&path, &options).expect("fine");
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(report.skipped_rows, 1);
    assert_eq!(report.skipped[0].line, 3);
    assert_eq!(report.skipped[0].field.as_deref(), Some("minutes"));
}

#[test]
fn the_line_of_a_record_is_counted_over_blank_lines_and_cells_of_several_lines() {
    for end in ["\n", "\r\n"] {
        for (file, lines) in [
            ("H\nA\n\n\nA\nA\n", vec![2, 5, 6]),
            ("H\n\nA\nA\n\n", vec![3, 4]),
            ("H\nB\n\nB\nA", vec![2, 5, 7]),
        ] {
            let file = file
                .replace('\n', end)
                .replace('H', "attacker,minutes,found")
                .replace('A', "eve,1,no")
                .replace('B', &format!("\"eve{end}and co\",1,no"));
            let rows: Vec<AttackSessionRow> = read("rows.csv", &file);
            let seen: Vec<u64> = rows.iter().map(|row| row.line).collect();
            assert_eq!(seen, lines, "{file:?}");
            let bad = file.replace(",1,no", ",1");
            let error = import::<AttackSessionRow>("rows.csv", bad).expect_err("a cell is missing");
            let first = format!("line {}", lines[0]);
            assert!(error.to_string().contains(&first), "{error}");
        }
    }
}

#[test]
fn two_sessions_that_went_alike_are_two_and_one_given_twice_is_one() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("sessions.csv");
    let file = "attacker,minutes,found\neve,30,no\neve,30,no\n\neve,30,no\n";
    std::fs::write(&path, file).expect("written");
    let Import { rows, report } = read_all::<AttackSessionRow>(&path, &by_ada()).expect("fine");
    assert_eq!((rows.len(), report.duplicates), (3, 0));
    let occasions: Vec<_> = rows.iter().map(|row| row.occasion.as_str()).collect();
    assert_eq!(occasions, ["line 2", "line 3", "line 5"]);
    // What the database knows a session by says the same when the file is read again.
    assert_eq!(
        read_all::<AttackSessionRow>(&path, &by_ada())
            .expect("fine")
            .rows,
        rows
    );

    let named = "{\"attacker\":\"eve\",\"seconds\":60,\"found\":false,\"occasion\":\"1\"}\n";
    let with = |field: &str| named.replace("\"occasion\"", &format!("{field},\"occasion\""));
    let file = [
        named.to_owned(),
        named.to_owned(),
        // Nothing but one field tells these from the first.
        with("\"attacker_kind\":\"algorithm\""),
        with("\"classifier\":\"injury@2\""),
        with("\"group\":\"with tool\""),
        with("\"source\":\"mine\""),
        named.replace("false", "true"),
        named.replace("60", "61"),
        named.replace("eve", "eva"),
        // A minute is sixty seconds.
        named.replace("\"seconds\":60", "\"minutes\":1"),
    ];
    let Import { rows, report } =
        import::<AttackSessionRow>("rows.jsonl", file.concat()).expect("fine");
    assert_eq!((rows.len(), report.duplicates), (8, 2));
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

/// Writes a word into the column `choice` of every second row, as people do in their programs.
fn fill(path: &Path, pairs: &[ExportedPair], words: &[&str]) {
    let word = |row: usize| row.is_multiple_of(2).then(|| words[row / 2 % words.len()]);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("jsonl") => {
            let lines = std::fs::read_to_string(path).expect("read");
            let filled: String = lines
                .lines()
                .enumerate()
                .map(|(row, line)| {
                    assert!(line.ends_with(",\"choice\":null}"), "{line}");
                    let choice = json!(word(row));
                    line.replace(",\"choice\":null}", &format!(",\"choice\":{choice}}}\n"))
                })
                .collect();
            std::fs::write(path, filled).expect("written");
        }
        Some("csv") => {
            let mut reader = csv::Reader::from_path(path).expect("opened");
            let header = reader.headers().expect("a header").clone();
            assert_eq!(header, vec!["prompt", "left", "right", "choice"]);
            let rows: Vec<csv::StringRecord> =
                reader.records().collect::<Result<_, _>>().expect("read");
            let mut writer = csv::Writer::from_path(path).expect("opened");
            writer.write_record(&header).expect("written");
            for (row, record) in rows.iter().enumerate() {
                let cells = record.iter().take(3).chain([word(row).unwrap_or_default()]);
                writer.write_record(cells).expect("written");
            }
            writer.flush().expect("written");
        }
        _ => {
            let table = Table::open(path, None).expect("opened");
            let lines: Vec<u64> = table.map(|row| row.expect("a row").line()).collect();
            assert_eq!(lines.len(), pairs.len());
            let folder = tempdir().expect("a folder");
            let rows: Vec<Value> = pairs
                .iter()
                .enumerate()
                .map(|(row, pair)| {
                    let mut cells = pair.cells();
                    cells.rotate_right(1);
                    cells[0] = json!(word(row));
                    cells.resize(10, Value::Null);
                    Value::from(cells)
                })
                .collect();
            let filled = write::<Comparisons>(&folder, "rows.parquet", &rows);
            std::fs::copy(filled, path).expect("copied");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pair_that_is_exported_and_filled_in_comes_back_to_the_letter(
        texts in prop::collection::vec((text(), text(), text()), 1..8),
    ) {
        let words = ["left", "right", "same", "unusable"];
        let pairs: Vec<_> = texts
            .into_iter()
            .enumerate()
            .map(|(n, (prompt, left, right))| ExportedPair {
                prompt: format!("{n}{prompt}"),
                left: format!("{left}1"),
                right: format!("{right}2"),
            })
            .collect();
        let folder = tempdir().expect("a folder");
        for name in ["pairs.jsonl", "pairs.csv", "pairs.parquet"] {
            let path = folder.path().join(name);
            let mut writer = TableWriter::create(&path).expect("created");
            for pair in &pairs {
                writer.write(pair).expect("written");
            }
            writer.finish().expect("finished");
            // As it was exported, it says nothing.
            let Import { rows, report } = read_all::<ComparisonRow>(&path, &by_ada()).expect("fine");
            prop_assert!(rows.is_empty());
            prop_assert_eq!(report.unlabelled, pairs.len() as u64);
            fill(&path, &pairs, &words);
            let Import { rows, report } = read_all::<ComparisonRow>(&path, &by_ada()).expect("fine");
            prop_assert_eq!(report.unlabelled, pairs.len() as u64 / 2);
            let seen: Vec<_> = rows
                .iter()
                .map(|row| (&row.prompt, &row.left, &row.right, row.comparison.choice.as_str()))
                .collect();
            let given: Vec<_> = pairs
                .iter()
                .step_by(2)
                .zip(words.iter().cycle())
                .map(|(pair, word)| (&pair.prompt, &pair.left, &pair.right, *word))
                .collect();
            prop_assert_eq!(seen, given, "{}", name);
        }
    }
}
