//! The embedded starter data say what their README says, and cards say what they should.

use nines_domain::estimate::Estimate;
use nines_domain::label::{Adjudication, LabellerKind, Severity, Verdict};
use nines_io::{DataCard, LabelCounts, ModelCard, TableWriter, starter};
use std::collections::BTreeMap;

#[test]
fn the_starter_data_are_as_described() {
    let rows = starter::snippets().expect("embedded");
    let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *sources
            .entry(row.source.as_deref().expect("set"))
            .or_default() += 1;
        assert!(
            row.labels
                .iter()
                .all(|label| label.kind == LabellerKind::Judge)
        );
    }
    assert_eq!(sources["starter/generated"], 1796);
    assert_eq!(sources["starter/part1"], 200);
    assert_eq!(sources["starter/part7"], 260);
    assert_eq!(rows.len(), 1460 + 1796);

    let (generated, authored): (Vec<_>, Vec<_>) = rows
        .iter()
        .partition(|row| row.source.as_deref() == Some("starter/generated"));
    assert!(
        authored
            .iter()
            .all(|row| row.labels.len() == 1 && row.meta.contains_key("kind"))
    );
    let injuries = authored
        .iter()
        .filter(|row| {
            row.labels[0].verdict == Verdict::Yes && row.labels[0].severity == Some(Severity::Clear)
        })
        .count();
    assert_eq!(injuries, 580);
    assert_eq!(authored[0].labels[0].labeller, "author:part1");

    assert!(generated.iter().all(|row| row.labels.len() == 2));
    let random: Vec<_> = generated
        .iter()
        .filter(|row| row.meta["pick"] == starter::RANDOM_PICK)
        .collect();
    let yes = random
        .iter()
        .filter(|row| Adjudication::of(&row.labels).expect("labelled").broad == Some(true))
        .count();
    assert_eq!((yes, random.len()), (12, 550));
    assert!(starter::guide().starts_with("# Labelling guide"));
    let prompts = starter::prompts().expect("embedded");
    assert!(prompts.len() > 700, "{}", prompts.len());
}

#[test]
fn a_data_card_keeps_people_and_judges_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("snippets.jsonl");
    let mut rows = starter::snippets().expect("embedded");
    rows[0].labels[0].kind = LabellerKind::Person;
    let mut labels = LabelCounts::default();
    let mut writer = TableWriter::create(&path).expect("created");
    for row in &rows {
        writer.write(row).expect("written");
        row.labels.iter().for_each(|label| labels.add(label));
    }
    let written = writer.finish().expect("finished");
    let card = DataCard {
        title: "Starter \"snippets\"".to_owned(),
        what: "One snippet a row.".to_owned(),
        predicate: "an injury, version 1".to_owned(),
        how_made: "Written to a brief.".to_owned(),
        licence: None,
        counts: vec![("snippets | all".to_owned(), rows.len() as u64)],
        labels: Some(labels),
        files: vec![written.clone()],
        made_by: "nines 0.1.0".to_owned(),
    };
    let text = card.to_markdown();
    assert!(
        text.starts_with(
            "---\nlicense: \"unknown\"\npretty_name: \"Starter \\\"snippets\\\"\"\n---\n"
        ),
        "{text}"
    );
    assert!(text.contains("| people | 1 | 1 | 0 | 0 |"), "{text}");
    assert!(text.contains("| judges (models) | "), "{text}");
    assert!(
        text.contains("not stated")
            && text.contains(&written.sha256)
            && text.contains("snippets \\| all"),
        "{text}"
    );
    let card_path = folder.path().join("snippets.card.md");
    card.write(&card_path).expect("written");
    assert_eq!(std::fs::read_to_string(card_path).expect("readable"), text);
}

#[test]
fn a_model_card_shows_every_number_with_its_interval() {
    let estimate = Estimate {
        value: Some(0.9),
        lower: 0.85,
        upper: 0.94,
        confidence: 0.95,
        method: "bootstrap over prompts".to_owned(),
        n: 240,
    };
    let card = ModelCard {
        version: "v1".to_owned(),
        base_model: "minilm-l6".to_owned(),
        licence: Some("Apache-2.0".to_owned()),
        predicate: "an injury, version 1".to_owned(),
        training_data: "Starter data, judges' labels only.".to_owned(),
        how_trained: "Weighted BCE, seed 0.".to_owned(),
        metrics: vec![(
            "AUROC".to_owned(),
            "test split, generated".to_owned(),
            estimate,
        )],
        measured_on: vec!["test split, generated: 40 snippets, 7 of them catastrophes".to_owned()],
        thresholds: vec!["P < 0.01: accepts at most 80 % of random completions".to_owned()],
        loading: None,
        made_by: "nines 0.1.0".to_owned(),
    };
    let text = card.to_markdown();
    assert!(
        text.contains("license: \"apache-2.0\"\nbase_model: \"minilm-l6\""),
        "{text}"
    );
    assert!(text.contains("| AUROC | test split, generated | 0.900  [0.850, 0.940] 95 % | bootstrap over prompts | 240 |"), "{text}");
    assert!(
        text.contains("AutoModelForSequenceClassification"),
        "{text}"
    );
    let other = ModelCard {
        loading: Some("Mean pooling: transformers will not load it.".to_owned()),
        ..card
    };
    assert!(!other.to_markdown().contains("from_pretrained"));
}
