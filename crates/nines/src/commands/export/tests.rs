//! What exports hold.

use super::*;
use crate::cli::{ImportArgs, ImportCommand, LabelCommand, LabellerKindArg};
use crate::commands::{import, init, label};
use nines_domain::draw::{Draw, Finish, Sampling};
use nines_domain::label::LabelMix;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_measure::classifier_metrics::Subset;
use nines_measure::items::Truth;
use nines_store::{
    NewCalibration, NewGeneration, NewModel, NewPrompt, NewSnippet, Origin, Sampler,
};

#[test]
fn the_card_has_every_part_of_the_test_split() {
    let estimate = Estimate {
        value: Some(0.9),
        lower: 0.8,
        upper: 0.95,
        confidence: 0.95,
        method: "bootstrap".into(),
        n: 40,
    };
    let subset = |subset, auroc: Option<&Estimate>| SubsetMetrics {
        subset,
        items: 40,
        catastrophes: 7,
        unscoreable: 1,
        undecided: 2,
        labels: LabelMix {
            people: 30,
            judges: 10,
            both: 0,
        },
        auroc: auroc.cloned(),
        auprc: None,
        recall_at: Vec::new(),
    };
    let test = ClassifierMetrics {
        classifier: "hurt v1".into(),
        truth: Truth::Strict,
        random_completions: 0,
        subsets: vec![
            subset(Subset::All, Some(&estimate)),
            subset(Subset::Generated, None),
        ],
    };
    let metrics = json!({ "test": test, "validation": { "auroc": estimate } });
    let on: Vec<String> = card_metrics(&metrics)
        .expect("read")
        .into_iter()
        .map(|(name, on, _)| format!("{name} {on}"))
        .collect();
    assert_eq!(
        on,
        [
            "AUROC test split, all",
            "AUROC validation split, which chose the checkpoint"
        ]
    );
    let parts = measured_on(&metrics).expect("read");
    assert_eq!(parts.len(), 2);
    assert!(parts[1].contains("generated: 40 snippets, 7 of them catastrophes"));
    assert!(parts[1].contains("30 by people, 10 by judges (models)"));
    assert!(card_metrics(&json!({ "test": 3 })).is_err());
    assert!(card_metrics(&Value::Null).expect("none").is_empty());
}

fn silent() -> Output {
    Output::new(false, true)
}

async fn project(folder: &Path) -> Project {
    init::make(&folder.join("project"), false)
        .await
        .expect("made")
}

/// Draws completions for a prompt; those marked are cut off by their token budget.
async fn draw(project: &Project, prompt: &str, completions: &[(&str, Finish)]) {
    let new = [NewPrompt::new(prompt, "test")];
    let prompt = project
        .store
        .insert_prompts(&new)
        .await
        .expect("stored")
        .rows[0]
        .id;
    let draws: Vec<NewGeneration> = (0..)
        .zip(completions)
        .map(|(number, (completion, finish))| NewGeneration {
            prompt,
            draw: Draw {
                draw: number,
                completion: (*completion).to_owned(),
                finish: *finish,
                tokens: 3,
            },
        })
        .collect();
    let sampler = Sampler {
        generator: "tiny".into(),
        sampling: Sampling::default(),
    };
    let stored = project
        .store
        .insert_generations(None, &sampler, &draws)
        .await;
    stored.expect("stored");
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("written");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn an_export_that_is_imported_elsewhere_keeps_origin_and_lineage() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = project(&folder.path().join("here")).await;
    draw(&here, "p", &[("drawn", Finish::Sentence)]).await;
    let edit = NewSnippet {
        parent: Some(SnippetText::new("p", "drawn").hash()),
        origin: Origin::Edit,
        ..NewSnippet::imported(SnippetText::new("q", "edited"), "test")
    };
    // The trap of a find whose mark is lost on the way, so that later it counts as ordinary data.
    let find = NewSnippet {
        parent: edit.parent,
        origin: Origin::Attack,
        ..NewSnippet::imported(SnippetText::new("p", "dr awn"), "attack typos")
    };
    let more = [edit, find];
    here.store.insert_snippets(&more).await.expect("stored");
    let file = folder.path().join("all.jsonl");
    snippets(&here, &file, &silent()).await.expect("exported");
    let there = project(&folder.path().join("there")).await;
    let args = ImportArgs {
        files: vec![file],
        format: None,
        source: None,
        labeller: None,
        labeller_kind: None,
        skip_bad: false,
    };
    let command = ImportCommand::Snippets(args);
    import::run(&there, command, &silent())
        .await
        .expect("imported");
    let all = there
        .store
        .snippets(&SnippetFilter::default())
        .await
        .expect("read");
    let origins: Vec<Origin> = all.iter().map(|snippet| snippet.origin).collect();
    assert_eq!(origins, [Origin::Generate, Origin::Edit, Origin::Attack]);
    for child in &all[1..] {
        assert_eq!(
            (child.parent, child.family),
            (Some(all[0].id), all[0].family)
        );
    }
    assert_eq!(all[2].source, "attack typos");
}

#[tokio::test]
async fn a_labelling_batch_has_no_cut_off_texts_and_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = project(folder.path()).await;
    let drawn = [("whole", Finish::Sentence), ("cut o", Finish::Budget)];
    draw(&project, "p", &drawn).await;
    let out = folder.path().join("batch.jsonl");
    let output = silent();
    let export = |replace| {
        let command = LabelCommand::Export {
            out: out.clone(),
            n: Some(10),
            disagreements: false,
            seed: 0,
            replace,
            queue: None,
            design: None,
            run: None,
            selection: None,
            labeller: None,
            labeller_kind: LabellerKindArg::Person,
        };
        label::run(&project, command, &output)
    };
    export(false).await.expect("exported");
    assert_eq!(lines(&out).len(), 1);
    assert_eq!(lines(&out)[0]["completion"], "whole");
    std::fs::write(&out, "an afternoon of labels").expect("written");
    let refused = export(false).await.expect_err("it is there").to_string();
    assert!(refused.contains("--replace"), "{refused}");
    assert_eq!(
        std::fs::read(&out).expect("there"),
        b"an afternoon of labels"
    );
    export(true).await.expect("replaced");
    assert_eq!(lines(&out).len(), 1);
}

#[tokio::test]
async fn a_score_is_judged_by_the_newest_threshold_of_its_own_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = project(folder.path()).await;
    let text = SnippetText::new("p", "c");
    let new = [NewSnippet::imported(text, "test")];
    let id = project
        .store
        .insert_snippets(&new)
        .await
        .expect("stored")
        .rows[0]
        .id;
    let model = NewModel {
        kind: ModelKind::Classifier,
        name: "hurt".into(),
        path: "models/hurt".into(),
        digest: "d".into(),
        config: Value::Null,
        metrics: Value::Null,
        parent: None,
        run: None,
    };
    let model = project.store.insert_model(&model).await.expect("stored").id;
    let paths: Vec<String> = ScorePath::all()
        .take(2)
        .map(|path| path.to_string())
        .collect();
    for path in &paths {
        let scores = [(id, Score::new(0.0).expect("finite"))];
        project
            .store
            .insert_scores(model, path, &scores)
            .await
            .expect("stored");
    }
    // The newest of the first path accepts; a newer one of another path would not.
    for (path, threshold) in [(&*paths[0], -2.0), (&*paths[0], 2.0), ("elsewhere", -2.0)] {
        let calibration = NewCalibration {
            model,
            threshold: Threshold::new(threshold).expect("a threshold"),
            rule: "by hand".into(),
            record: json!({ "path": path }),
            run: None,
        };
        project
            .store
            .insert_calibration(&calibration)
            .await
            .expect("stored");
    }
    let out = folder.path().join("scores.jsonl");
    scores(&project, &out, &silent()).await.expect("exported");
    let rows = lines(&out);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&row["path"], &row["accepted"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(paths[0]), &json!(true)),
            (&json!(paths[1]), &Value::Null)
        ]
    );
    let card = std::fs::read_to_string(card_path(&out)).expect("written");
    assert!(card.contains("| snippets from test | 1 |"), "{card}");
}
