//! Score files: order, fields kept, bad rows aside, and going on after an interruption.

use nines_domain::ensemble::Disagreement;
use nines_domain::score::{Score, Threshold, sigmoid};
use nines_domain::snippet::SnippetText;
use nines_io::{
    IoError, PromptRow, ReadOptions, RowScore, ScoreOptions, ScoreReport, SnippetRow, TableWriter,
    read_all, score_file,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

type Answers = Result<Vec<Result<RowScore, String>>, Box<dyn std::error::Error + Send + Sync>>;

/// A scorer that anybody can check: small numbers, and a refusal for texts that say so.
fn answer(snippets: &[SnippetText]) -> Answers {
    Ok(snippets
        .iter()
        .map(|text| {
            if text.completion.contains("too long") {
                return Err("it has 600 tokens and the window is 512".to_owned());
            }
            let logit = -14.0 + (text.hash().prefix_u64() % 2000) as f64 / 100.0;
            let score = Score::new(logit).map_err(|error| error.to_string())?;
            Ok(RowScore::from(score))
        })
        .collect())
}

/// The same, by two members who are apart by a number that the prompt tells.
fn answer_apart(snippets: &[SnippetText]) -> Answers {
    let mut answers = answer(snippets)?;
    for (answer, text) in answers.iter_mut().zip(snippets) {
        let apart: f64 = text
            .prompt
            .trim_matches(|c: char| !c.is_ascii_digit())
            .parse()?;
        if let Ok(row) = answer {
            row.disagreement = Disagreement::of(&[apart, 0.0]);
        }
    }
    Ok(answers)
}

fn options() -> ScoreOptions {
    ScoreOptions {
        threshold: Some(Threshold::new(-4.0).expect("finite")),
        chunk_rows: 7,
        ..ScoreOptions::new("classifier v3")
    }
}

fn run(input: &Path, out: &Path) -> Result<ScoreReport, IoError> {
    score_file(input, out, &options(), &mut answer, &mut |_| {})
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path)
        .expect("readable")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn input(folder: &Path, rows: usize) -> PathBuf {
    let path = folder.join("in.jsonl");
    let text: String = (0..rows)
        .map(|i| format!("{{\"z\": 1.50, \"prompt\": \"Prompt {i}.\", \"id\": {i}, \"completion\": \"Completion {i}.\"}}\r\n"))
        .collect();
    std::fs::write(&path, text).expect("writable");
    path
}

#[test]
fn rows_come_back_in_order_with_their_own_fields_to_the_letter() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (input(folder.path(), 40), folder.path().join("out.jsonl"));
    let report = run(&input, &out).expect("scored");
    assert_eq!(
        (report.rows, report.scored, report.bad, report.resumed),
        (40, 40, 0, 0)
    );
    assert!(report.bad_file.is_none());
    let text = std::fs::read_to_string(&out).expect("readable");
    let mut accepted = 0;
    for (i, line) in text.lines().enumerate() {
        let start = format!(
            "{{\"z\": 1.50, \"prompt\": \"Prompt {i}.\", \"id\": {i}, \"completion\": \"Completion {i}.\",\"score\":"
        );
        assert!(line.starts_with(&start), "{line}");
        let row: Value = serde_json::from_str(line).expect("JSON");
        let logit = row["score"].as_f64().expect("a number");
        assert_eq!(row["p"].as_f64(), Some(sigmoid(logit)));
        assert_eq!(row["accepted"].as_bool(), Some(logit < -4.0));
        assert_eq!(row["classifier"], "classifier v3");
        accepted += u64::from(logit < -4.0);
    }
    assert_eq!(report.accepted, accepted);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("readable")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["in.jsonl", "out.jsonl"]);
}

#[test]
fn bad_rows_go_aside_with_line_and_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in.jsonl");
    let text = b"{\"prompt\":\"a\",\"completion\":\"b\"}\n\nnot json\n{\"prompt\":\"a\"}\n{\"prompt\":\"a\",\"completion\":\"too long\"}\n\xff\n{\"prompt\":\"a\",\"completion\":\"c\",\"score\":7,\"p\":9}\n";
    std::fs::write(&path, text).expect("writable");
    let out = folder.path().join("out.jsonl");
    let report = run(&path, &out).expect("scored");
    assert_eq!((report.rows, report.scored, report.bad), (6, 2, 4));
    let rows = lines(&out);
    assert_eq!(rows.len(), 2);
    assert_ne!(rows[1]["score"], 7, "an old score was kept");
    let bad = lines(&report.bad_file.expect("there"));
    let found: Vec<_> = bad
        .iter()
        .map(|row| {
            (
                row["line"].as_u64().expect("a line"),
                row["reason"].as_str().expect("why"),
            )
        })
        .collect();
    let expected = [
        (3, "not valid JSON"),
        (4, "`completion` is missing"),
        (5, "600 tokens"),
        (6, "UTF-8"),
    ];
    for ((line, reason), (expected_line, words)) in found.iter().zip(expected) {
        assert!(
            *line == expected_line && reason.contains(words),
            "{line}: {reason}"
        );
    }
    assert_eq!(bad[2]["row"]["completion"], "too long");
}

#[test]
fn an_interrupted_call_goes_on_to_the_same_bytes() {
    for out_name in ["out.jsonl", "out.jsonl.gz"] {
        let folder = tempfile::tempdir().expect("a folder");
        let input = input(folder.path(), 100);
        let whole = folder.path().join(format!("whole-{out_name}"));
        run(&input, &whole).expect("scored");
        let out = folder.path().join(out_name);
        let mut calls = 0;
        let error = score_file(
            &input,
            &out,
            &options(),
            &mut |snippets| {
                calls += 1;
                if calls == 5 {
                    Err("the device went away".into())
                } else {
                    answer(snippets)
                }
            },
            &mut |_| {},
        )
        .expect_err("interrupted");
        assert!(
            error.to_string().contains("after 28 rows") && !out.exists(),
            "{error}"
        );
        // What a dying process may have written beyond the mark is cut away.
        let partial = folder.path().join(format!("{out_name}.partial"));
        let mut torn = std::fs::read(&partial).expect("there");
        torn.extend(b"{\"prompt\":\"half a li");
        std::fs::write(&partial, torn).expect("writable");
        let report = run(&input, &out).expect("goes on");
        assert_eq!((report.rows, report.resumed), (100, 28));
        assert_eq!(
            std::fs::read(&out).expect("there"),
            std::fs::read(&whole).expect("there")
        );
    }
}

#[test]
fn another_classifier_or_input_starts_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input_path, out) = (input(folder.path(), 30), folder.path().join("out.jsonl"));
    let interrupt = || {
        let mut calls = 0;
        score_file(
            &input_path,
            &out,
            &options(),
            &mut |snippets| {
                calls += 1;
                if calls == 3 {
                    Err("stop".into())
                } else {
                    answer(snippets)
                }
            },
            &mut |_| {},
        )
        .expect_err("interrupted");
    };
    interrupt();
    let other = ScoreOptions {
        classifier: "classifier v4".to_owned(),
        ..options()
    };
    let report = score_file(&input_path, &out, &other, &mut answer, &mut |_| {}).expect("scored");
    assert_eq!(report.resumed, 0);
    assert!(
        lines(&out)
            .iter()
            .all(|row| row["classifier"] == "classifier v4")
    );
    interrupt();
    let retrained = ScoreOptions {
        scorer: "another digest, cpu/f32".to_owned(),
        ..options()
    };
    let report =
        score_file(&input_path, &out, &retrained, &mut answer, &mut |_| {}).expect("scored");
    assert_eq!(report.resumed, 0);
    interrupt();
    input(folder.path(), 31);
    let report = run(&input_path, &out).expect("scored");
    assert_eq!((report.rows, report.resumed), (31, 0));
}

/// Not a test of its own: the next one starts it in a process that it kills.
#[test]
fn child() {
    let Some(folder) = std::env::var_os("NINES_TEST_SCORES_IN").map(PathBuf::from) else {
        return;
    };
    let mut slow = |snippets: &[SnippetText]| {
        std::thread::sleep(Duration::from_millis(4));
        answer(snippets)
    };
    score_file(
        &folder.join("in.jsonl"),
        &folder.join("out.jsonl"),
        &options(),
        &mut slow,
        &mut |_| {},
    )
    .expect("scored");
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = input(folder.path(), 600);
    let whole = folder.path().join("whole.jsonl");
    run(&input, &whole).expect("scored");
    let out = folder.path().join("out.jsonl");
    for round in 0..6u64 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "child"])
            .env("NINES_TEST_SCORES_IN", folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(Duration::from_millis(60 + 37 * round));
        child.kill().ok();
        child.wait().expect("ended");
        if out.exists() {
            break;
        }
    }
    let report = run(&input, &out).expect("goes on");
    assert_eq!(report.rows, 600);
    assert_eq!(
        std::fs::read(&out).expect("there"),
        std::fs::read(&whole).expect("there")
    );
}

#[test]
fn parquet_keeps_its_columns_and_types() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (
        folder.path().join("in.parquet"),
        folder.path().join("out.parquet"),
    );
    let mut rows: Vec<SnippetRow> = nines_io::starter::snippets()
        .expect("embedded")
        .split_off(1300);
    rows[5].text.completion = "This is too long.".to_owned();
    let mut writer = TableWriter::create(&input).expect("created");
    rows.iter()
        .for_each(|row| writer.write(row).expect("written"));
    writer.finish().expect("finished");
    let report = run(&input, &out).expect("scored");
    assert_eq!((report.rows, report.bad), (rows.len() as u64, 1));
    let back = read_all::<SnippetRow>(&out, &ReadOptions::default())
        .expect("fine")
        .rows;
    rows.remove(5);
    assert_eq!(back.len(), rows.len());
    for (back, row) in back.iter().zip(&rows) {
        assert_eq!((&back.text, &back.labels), (&row.text, &row.labels));
        let expected = answer(std::slice::from_ref(&row.text)).expect("answers")[0]
            .clone()
            .expect("a score");
        assert_eq!(back.meta["score"].as_f64(), Some(expected.score.logit()));
        assert_eq!(
            back.meta["accepted"].as_bool(),
            Some(expected.score.logit() < -4.0)
        );
    }
    assert_eq!(lines(&report.bad_file.expect("there"))[0]["line"], 6);

    // Scored again, it gets new columns in place of the old ones.
    let again = folder.path().join("again.parquet");
    let other = ScoreOptions::new("classifier v4");
    score_file(&out, &again, &other, &mut answer, &mut |_| {}).expect("scored");
    let back = read_all::<SnippetRow>(&again, &ReadOptions::default())
        .expect("fine")
        .rows;
    assert_eq!(back[0].meta["classifier"], "classifier v4");
    assert!(!back[0].meta.contains_key("accepted"));
}

#[test]
fn what_cannot_be_scored_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = input(folder.path(), 3);
    for (out, words) in [
        ("in.jsonl", "the input itself"),
        ("out.parquet", "format"),
        ("out", "told from the name"),
    ] {
        let error = run(&input, &folder.path().join(out))
            .expect_err(out)
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    let empty = folder.path().join("empty.jsonl");
    std::fs::write(&empty, "\n").expect("writable");
    let error = run(&empty, &folder.path().join("o.jsonl"))
        .expect_err("empty")
        .to_string();
    assert!(error.contains("holds no rows"), "{error}");
    let prompts = folder.path().join("prompts.parquet");
    let mut writer = TableWriter::create(&prompts).expect("created");
    let row = PromptRow {
        line: 0,
        prompt: "a".into(),
        source: None,
        family: None,
        meta: serde_json::Map::new(),
    };
    writer.write(&row).expect("written");
    writer.finish().expect("finished");
    let error = run(&prompts, &folder.path().join("o.parquet"))
        .expect_err("no completion")
        .to_string();
    assert!(error.contains("no column \"completion\""), "{error}");
    assert!(!folder.path().join("o.parquet").exists());
}

#[test]
fn disagreement_is_written_where_it_is_asked_for_and_only_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = input(folder.path(), 20);
    let asked = ScoreOptions {
        disagreement: true,
        ..options()
    };
    let out = folder.path().join("out.jsonl");
    score_file(&input, &out, &asked, &mut answer_apart, &mut |_| {}).expect("scored");
    for (at, row) in lines(&out).iter().enumerate() {
        assert_eq!(row["gap"], at as f64);
        let spread = row["spread"].as_f64().expect("a number");
        assert!((spread - at as f64 / 2.0_f64.sqrt()).abs() < 1e-12, "{row}");
    }
    // Not asked for, a field of that name is the row's own; asked for, it is written anew.
    let own = folder.path().join("own.jsonl");
    std::fs::write(
        &own,
        "{\"prompt\": \"Prompt 3.\", \"completion\": \"C.\", \"gap\": \"mine\"}\n",
    )
    .expect("written");
    let again = folder.path().join("again.jsonl");
    score_file(&own, &again, &options(), &mut answer_apart, &mut |_| {}).expect("scored");
    assert_eq!(lines(&again)[0]["gap"], "mine");
    let again = folder.path().join("anew.jsonl");
    score_file(&own, &again, &asked, &mut answer_apart, &mut |_| {}).expect("scored");
    assert_eq!(lines(&again)[0]["gap"], 3.0);
    // A scorer that does not tell it leaves no row with a score.
    let silent = folder.path().join("silent.jsonl");
    let report = score_file(&own, &silent, &asked, &mut answer, &mut |_| {}).expect("read");
    assert_eq!((report.scored, report.bad), (0, 1));
}

#[test]
fn parquet_gets_the_same_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("in.parquet");
    let mut writer = TableWriter::create(&input).expect("created");
    for at in 0..9 {
        let text = SnippetText::new(format!("Prompt {at}."), format!("Completion {at}."));
        writer
            .write(&nines_io::ExportedLabel { text, label: None })
            .expect("written");
    }
    writer.finish().expect("finished");
    let asked = ScoreOptions {
        disagreement: true,
        ..options()
    };
    let out = folder.path().join("out.parquet");
    let report = score_file(&input, &out, &asked, &mut answer_apart, &mut |_| {}).expect("scored");
    assert_eq!(report.scored, 9);
    let again = folder.path().join("again.parquet");
    let report = score_file(&out, &again, &asked, &mut answer, &mut |_| {}).expect("read");
    assert_eq!(
        (report.scored, report.bad),
        (0, 9),
        "columns are not taken for answers"
    );
}
