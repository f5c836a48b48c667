//! Comparisons in and wrong ones out.

use crate::*;

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
fn a_generator_may_have_drawn_nothing() {
    let rows = read::<ComparisonRow>(
        "rows.jsonl",
        r#"{"prompt":"a","left":"","right":"c","choice":"right","labeller":"ada"}"#,
    );
    assert_eq!((rows[0].left.as_str(), rows[0].right.as_str()), ("", "c"));
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
