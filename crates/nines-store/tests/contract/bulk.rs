//! Many rows, and the property that importing twice is importing once.

use crate::data::snippet;
use crate::harness::{Db, contract, on_postgres, on_sqlite};
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_store::{ModelKind, NewImport, NewLabel, NewSnippet, SnippetFilter, SnippetRef, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::Value;
use std::time::Instant;

fn import(snippets: Vec<NewSnippet>, labels: Vec<NewLabel>) -> NewImport {
    NewImport {
        kind: "snippets".into(),
        file: "rows.jsonl".into(),
        digest: "d".into(),
        run: None,
        rows: snippets.len(),
        skipped: Value::Null,
        skipped_count: 0,
        prompts: Vec::new(),
        snippets,
        labels,
        lines: Default::default(),
    }
}

contract! {
    async fn fifty_thousand_rows_go_in_and_come_out(db) {
        const ROWS: usize = 50_000;
        let store = db.open().await;
        let text = "It was a bright cold day in April, and the clocks were striking thirteen. ".repeat(3);
        let snippets: Vec<_> = (0..ROWS)
            .map(|i| snippet(&format!("{} {text}", i / 4), &format!("Completion {i} of many, and so on.")))
            .collect();
        let labels: Vec<_> = snippets
            .iter()
            .map(|s| NewLabel {
                snippet: SnippetRef::Hash(s.text.hash()),
                label: Label {
                    labeller: "r1".into(),
                    kind: LabellerKind::Judge,
                    verdict: Verdict::No,
                    severity: None,
                    seconds: Some(1.5),
                },
                occasion: String::new(),
                predicate: Some("an injury, version 1".into()),
                source: "test".into(),
            })
            .collect();
        let new = import(snippets, labels);
        let mut clock = Instant::now();
        let mut lap = |what: &str| {
            println!("{what}: {:.2} s", clock.elapsed().as_secs_f64());
            clock = Instant::now();
        };
        let counts = store.import(&new).await.expect("imported").counts;
        lap("50,000 snippets and labels imported");
        assert_eq!((counts.snippets_new, counts.labels_new), (ROWS, ROWS));
        let again = store.import(&new).await.expect("imported").counts;
        lap("imported again");
        assert_eq!((again.snippets_new, again.labels_new), (0, 0));
        let stored = store.snippets(&SnippetFilter::default()).await.expect("read");
        lap("all read");
        assert!(stored.iter().zip(&new.snippets).all(|(a, b)| a.text == b.text && a.labels.len() == 1));
        let model = crate::runs::model(ModelKind::Classifier, "injury", "d");
        let model = store.insert_model(&model).await.expect("stored").id;
        let scores: Vec<_> = stored
            .iter()
            .map(|s| (s.id, Score::new(s.id.0 as f64 / 7.0).expect("finite")))
            .collect();
        assert_eq!(store.insert_scores(model, "cpu", &scores).await.expect("stored"), ROWS);
        lap("50,000 scores stored");
        assert_eq!(store.scores(model, "cpu").await.expect("read"), scores);
        lap("scores read");
        let counts = store.counts().await.expect("counted");
        lap("counted");
        assert_eq!((counts.snippets, counts.broad_no), (ROWS as u64, ROWS as u64));
    }
}

/// One row of a made-up file.
#[derive(Debug, Clone)]
struct Row {
    prompt: u8,
    completion: String,
    labels: Vec<(u8, Verdict, Option<u8>, bool)>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let verdict = prop_oneof![
        (1..=3u8).prop_map(|severity| (Verdict::Yes, Some(severity))),
        Just((Verdict::Yes, None)),
        Just((Verdict::No, None)),
        Just((Verdict::Unsure, None)),
    ];
    let label =
        (0..3u8, verdict, any::<bool>()).prop_map(|(who, (v, s), later)| (who, v, s, later));
    // Few texts, so that rows meet again; some of any characters but NUL.
    let completion = prop_oneof![3 => "[ab]{0,2}", 1 => "[^\0]{0,8}"];
    let row = (0..3u8, completion, vec(label, 0..4)).prop_map(|(prompt, completion, labels)| Row {
        prompt,
        completion,
        labels,
    });
    vec(row, 0..12)
}

fn as_import(rows: &[Row]) -> NewImport {
    let text =
        |row: &Row| SnippetText::new(format!("prompt {}", row.prompt), row.completion.clone());
    let snippets = rows
        .iter()
        .map(|row| NewSnippet::imported(text(row), "rows.jsonl"))
        .collect();
    let labels = rows.iter().flat_map(|row| {
        row.labels
            .iter()
            .map(move |(who, verdict, severity, later)| NewLabel {
                snippet: SnippetRef::Hash(text(row).hash()),
                label: Label {
                    labeller: format!("r{who}"),
                    kind: LabellerKind::Judge,
                    verdict: *verdict,
                    severity: severity.map(|s| Severity::try_from(s).expect("1 to 3")),
                    seconds: None,
                },
                occasion: if *later {
                    "later".into()
                } else {
                    String::new()
                },
                predicate: None,
                source: "rows.jsonl".into(),
            })
    });
    import(snippets, labels.collect())
}

/// All that a project says of its snippets, without keys and moments.
async fn told(store: &Store) -> Vec<String> {
    let stored = store
        .snippets(&SnippetFilter::default())
        .await
        .expect("read");
    stored
        .into_iter()
        .map(|s| {
            let labels: Vec<_> = s
                .labels
                .into_iter()
                .map(|l| (l.label, l.occasion))
                .collect();
            format!(
                "{:?} {labels:?} {:?} {}",
                s.text,
                s.adjudication,
                s.sightings.len()
            )
        })
        .collect()
}

fn property(
    run: impl Fn(&dyn Fn(&Db) -> Box<dyn Future<Output = Vec<String>> + '_>) -> Vec<String>,
    cases: u32,
) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&rows(), |rows| -> TestCaseResult {
        let whole = as_import(&rows);
        let once = run(&|db| Box::new(imported(db, vec![whole.clone()])));
        let twice = run(&|db| Box::new(imported(db, vec![whole.clone(), whole.clone()])));
        let singly = rows.chunks(1).map(as_import).collect::<Vec<_>>();
        let singly = run(&|db| Box::new(imported(db, singly.clone())));
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(once, singly);
        Ok(())
    });
    outcome.expect("the property holds");
}

async fn imported(db: &Db, imports: Vec<NewImport>) -> Vec<String> {
    let store = db.open().await;
    for import in &imports {
        store.import(import).await.expect("imported");
    }
    told(&store).await
}

type Answer = std::sync::Mutex<Vec<String>>;

#[test]
fn importing_twice_is_importing_once_sqlite() {
    property(
        |job| {
            let answer = Answer::default();
            on_sqlite(async |db: &Db| {
                *answer.lock().expect("alone") = Box::into_pin(job(db)).await
            });
            answer.into_inner().expect("alone")
        },
        48,
    );
}

#[test]
fn importing_twice_is_importing_once_postgres() {
    property(
        |job| {
            let answer = Answer::default();
            on_postgres(async |db: &Db| {
                *answer.lock().expect("alone") = Box::into_pin(job(db)).await
            });
            answer.into_inner().expect("alone")
        },
        16,
    );
}
