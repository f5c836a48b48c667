//! Pairs exported, filled in and imported again.

use crate::*;

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
