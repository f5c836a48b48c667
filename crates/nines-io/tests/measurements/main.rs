//! Comparisons and attack sessions: what files of them say, and what is wrong with those that do not.

mod comparisons;
mod sessions;
mod trips;

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
