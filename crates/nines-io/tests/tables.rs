//! Rows of numbers as they stand.

use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_io::{ExportedScore, IoError, Table, TableRow, TableWriter};

fn rows(name: &str, content: &str) -> Result<Vec<TableRow>, IoError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    Table::open(&path, None)?.collect()
}

#[test]
fn every_row_counts_and_every_format_says_the_same() {
    for (name, content) in [
        ("a.csv", "n,rate,failed,who\n3,0.5,1, ada \n3,0.5,1, ada \n"),
        (
            "a.jsonl",
            "{\"n\":3,\"rate\":\"0.5\",\"failed\":true,\"who\":\"ada\"}\n\
             {\"n\":3.0,\"rate\":0.5,\"failed\":1,\"who\":\"ada\",\"none\":null}\n",
        ),
    ] {
        let rows = rows(name, content).expect("fine");
        assert_eq!(rows.len(), 2, "the same twice is two rows");
        for (row, line) in rows.iter().zip(if name == "a.csv" { 2.. } else { 1.. }) {
            assert_eq!(row.line(), line);
            assert_eq!(row.count("n").expect("a count"), Some(3));
            assert_eq!(row.number("rate").expect("a number"), Some(0.5));
            assert_eq!(row.yes_or_no("failed").expect("0 or 1"), Some(true));
            assert_eq!(row.word("who").expect("a word").as_deref(), Some("ada"));
            assert_eq!(row.number("none").expect("absent"), None);
            assert_eq!(row.names().count(), 4);
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let row = &rows("a.csv", "a,b,c,d\nNaN,-1,maybe,\n").expect("fine")[0];
    for (error, parts) in [
        (
            row.number("a").expect_err("NaN"),
            ["line 2", "field `a`", "not NaN"],
        ),
        (
            row.count("b").expect_err("-1"),
            ["line 2", "field `b`", "not -1"],
        ),
        (
            row.yes_or_no("c").expect_err("maybe"),
            ["`c`", "0 or 1", "not maybe"],
        ),
        (
            row.needed("d", row.number("d").expect("absent"))
                .expect_err("missing"),
            ["field `d`", "is missing", "the row has a, b, c"],
        ),
    ] {
        let error = error.to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    for (name, content, part) in [
        ("a.csv", "a,b\n", "holds no rows"),
        ("a.csv", "a,b\n1\n", "has 1 cells"),
        ("a.jsonl", "{\"a\":\n", "not valid JSON"),
        ("a.txt", "words", "plain text"),
        ("a.xyz", "", "format"),
    ] {
        let error = rows(name, content).expect_err("refused").to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn parquet_has_typed_fields() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scores.parquet");
    let mut writer = TableWriter::create(&path).expect("created");
    for (logit, accepted) in [(-8.5, Some(true)), (2.0, None)] {
        let row = ExportedScore {
            disagreement: None,
            text: SnippetText::new("He ran.", "He stopped."),
            score: Score::new(logit).expect("finite"),
            classifier: "first@1".to_owned(),
            path: "cpu/f32".to_owned(),
            accepted,
            source: None,
        };
        writer.write(&row).expect("written");
    }
    writer.finish().expect("finished");
    let rows: Result<Vec<TableRow>, IoError> = Table::open(&path, None).expect("opened").collect();
    let rows = rows.expect("fine");
    let scores: Vec<_> = rows
        .iter()
        .map(|row| row.number("score").expect("a number"))
        .collect();
    assert_eq!(scores, [Some(-8.5), Some(2.0)]);
    assert_eq!(
        rows[0].yes_or_no("accepted").expect("a truth value"),
        Some(true)
    );
    assert_eq!(rows[1].yes_or_no("accepted").expect("absent"), None);
    assert_eq!((rows[0].line(), rows[1].line()), (1, 2));
}
