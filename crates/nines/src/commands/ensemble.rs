//! `nines ensemble`: several trained classifiers as one scorer.

use super::BadUsage;
use super::calibrate::check_split;
use super::train::test_metrics;
use crate::cards;
use crate::cli::{CombineArg, CreateEnsembleArgs, EnsembleCommand, LongArg};
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::ensemble::{Combine, EnsembleRecord, MEMBERS, Member};
use nines_infer::ensemble::Ensemble;
use nines_store::{Model, ModelKind, NewEnsemble};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// Runs `nines ensemble`.
pub async fn run(project: &Project, command: EnsembleCommand, output: &Output) -> Result<()> {
    match command {
        EnsembleCommand::Create(args) => create(project, &args, output).await,
        EnsembleCommand::List => list(project, output).await,
        EnsembleCommand::Show { ensemble } => show(project, ensemble.as_deref(), output).await,
    }
}

/// An ensemble as it is shown.
#[derive(Serialize)]
struct Shown {
    ensemble: String,
    id: i64,
    #[serde(flatten)]
    record: EnsembleRecord,
    digest: String,
    /// The threshold in use on this machine's path; none before it is calibrated.
    threshold: Option<f64>,
    metrics: Value,
    created: String,
}

impl Shown {
    async fn of(project: &Project, model: &Model, record: &EnsembleRecord) -> Result<Self> {
        let path = ScorePath::of(project, LongArg::Refuse)?;
        let calibration = models::calibration_on(project, model, path).await?;
        Ok(Self {
            ensemble: model.label(),
            id: model.id.0,
            record: record.clone(),
            digest: model.digest.clone(),
            threshold: calibration.map(|c| c.threshold.logit()),
            metrics: model.metrics.clone(),
            created: model.created.to_string(),
        })
    }

    fn line(&self) -> String {
        let threshold = match self.threshold {
            Some(logit) => format!("accepts below the logit {logit:.3}"),
            None => "not calibrated".to_owned(),
        };
        format!("{:<20} {}; {threshold}", self.ensemble, self.record)
    }
}

async fn create(project: &Project, args: &CreateEnsembleArgs, output: &Output) -> Result<()> {
    let given = args.member.len();
    if !MEMBERS.contains(&given) {
        let (least, most) = (MEMBERS.start(), MEMBERS.end());
        bail!(BadUsage(format!(
            "an ensemble has {least} to {most} members, and {given} --member are given"
        )));
    }
    let mut members = Vec::with_capacity(given);
    for asked in &args.member {
        members.push(models::classifier(project, Some(asked)).await?);
    }
    check_predicate(project, &members)?;
    let combine = match args.combine {
        CombineArg::Mean => Combine::Mean,
        CombineArg::Max => Combine::Max,
    };
    let mut new = NewEnsemble {
        name: args.name.clone(),
        members: members.iter().map(|model| model.id).collect(),
        combine,
        metrics: Value::Null,
    };
    project.store.check_ensemble(&new).await?;
    // What is told of the test split must be told of rows that no member has learnt.
    for model in &members {
        check_split(project, model)?;
    }
    new.metrics = metrics(project, &args.name, &members, combine, output).await?;
    new.metrics[cards::PREDICATE] = json!(project.config.predicate.label());
    let model = project.store.insert_ensemble(&new).await?;
    let record = record(&model)?;
    let shown = Shown::of(project, &model, record).await?;
    output.result(&shown, || {
        format!(
            "{}: {record}\n{}{} is now the newest, which every command takes unless it is told another \
             (--classifier NAME@VERSION); it accepts nothing before it is calibrated\n\
             next: nines calibrate --classifier {}@{}",
            shown.ensemble,
            metrics_words(&shown.metrics),
            shown.ensemble,
            model.name,
            model.version
        )
    });
    Ok(())
}

/// Refuses members that were trained to see different catastrophes. A simulated classifier does not say what
/// it sees.
fn check_predicate(project: &Project, members: &[Model]) -> Result<()> {
    let mut first: Option<(&Model, String)> = None;
    for model in members.iter().filter(|model| model.ensemble.is_none()) {
        let Some(predicate) = predicate_of(project, model)? else {
            continue;
        };
        match &first {
            Some((other, seen)) if *seen != predicate => bail!(
                "{} was trained to see {seen:?} and {} to see {predicate:?}; members of an ensemble must \
                 share one predicate",
                other.label(),
                model.label()
            ),
            Some(_) => {}
            None => first = Some((model, predicate)),
        }
    }
    Ok(())
}

/// Reads from a classifier's folder what its one logit stands for.
fn predicate_of(project: &Project, model: &Model) -> Result<Option<String>> {
    let folder = models::folder_of(project, model);
    let file = folder.join("config.json");
    if !file.is_file() && folder.join(crate::simulated::SCORER_FILE).is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("{}: cannot read {}", model.label(), file.display()))?;
    let config: Value = serde_json::from_str(&text)
        .with_context(|| format!("{}: {} is no JSON", model.label(), file.display()))?;
    Ok(config["id2label"]["0"].as_str().map(str::to_owned))
}

/// Measures on the test split, which no member was trained on.
async fn metrics(
    project: &Project,
    name: &str,
    members: &[Model],
    combine: Combine,
    output: &Output,
) -> Result<Value> {
    let path = ScorePath::of(project, LongArg::Refuse)?;
    let scorers = members
        .iter()
        .map(|member| models::scorer_of_version(project, member, path))
        .collect::<Result<_>>()?;
    let scorer = Arc::new(Ensemble::new(name, scorers, combine)?);
    let snippets = data::labelled(project).await?;
    let test = test_metrics(project, scorer, &snippets, output).await?;
    if test.subsets.is_empty() {
        return Ok(Value::Null);
    }
    let path = path.for_models(project, members).await?;
    Ok(json!({ "test": test, "path": path.to_string() }))
}

fn metrics_words(metrics: &Value) -> String {
    let test = serde_json::from_value(metrics["test"].clone());
    let test: Option<nines_measure::classifier_metrics::ClassifierMetrics> = test.ok();
    test.map_or_else(String::new, |test| {
        format!("test split, never trained on:\n{test}\n")
    })
}

/// What an ensemble is made of.
fn record(model: &Model) -> Result<&EnsembleRecord> {
    model.ensemble.as_ref().with_context(|| {
        format!(
            "{} is a trained classifier, no ensemble; nines ensemble list shows those",
            model.label()
        )
    })
}

async fn all(project: &Project) -> Result<Vec<Model>> {
    let models = project.store.models(Some(ModelKind::Classifier)).await?;
    let ensembles = models.into_iter().rev();
    Ok(ensembles.filter(|model| model.ensemble.is_some()).collect())
}

async fn list(project: &Project, output: &Output) -> Result<()> {
    let mut rows = Vec::new();
    for model in all(project).await? {
        rows.push(Shown::of(project, &model, record(&model)?).await?);
    }
    output.result(&rows, || match rows.is_empty() {
        true => "the project has no ensemble; make one: nines ensemble create NAME --member …"
            .to_owned(),
        false => {
            let lines: Vec<String> = rows.iter().map(Shown::line).collect();
            lines.join("\n")
        }
    });
    Ok(())
}

async fn show(project: &Project, asked: Option<&str>, output: &Output) -> Result<()> {
    let model = match asked {
        Some(_) => models::classifier(project, asked).await?,
        None => {
            let newest = all(project).await?.into_iter().next();
            newest.context("the project has no ensemble; make one: nines ensemble create")?
        }
    };
    let shown = Shown::of(project, &model, record(&model)?).await?;
    output.result(&shown, || {
        let mut text = format!("{}\n", shown.line());
        for Member { id, label, digest } in &shown.record.members {
            let short: String = digest.chars().take(16).collect();
            let _ = writeln!(text, "  {label:<20} model {id}, weights {short}");
        }
        text.push_str(&metrics_words(&shown.metrics));
        text
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::init;
    use nines_nn::encoder::{Classifier, HeadConfig};
    use nines_nn::precision::Precision;
    use nines_store::NewModel;

    const BERT: &str = r#"{"model_type": "bert", "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 16, "type_vocab_size": 2}"#;
    const DEBERTA: &str = r#"{"model_type": "deberta-v2", "vocab_size": 11, "hidden_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 16,
        "relative_attention": true, "position_buckets": 4, "share_att_key": true, "pos_att_type": "p2c|c2p",
        "position_biased_input": false}"#;

    #[tokio::test]
    async fn an_ensembles_path_names_the_arithmetic_of_all_its_members() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = init::make(&folder.path().join("project"), false).await;
        let project = project.expect("made");
        let mut members = Vec::new();
        for (name, config) in [("a", BERT), ("b", BERT), ("c", DEBERTA), ("d", DEBERTA)] {
            let path = format!("models/{name}");
            let model =
                Classifier::random(config, &HeadConfig::default(), &nines_nn::device::cpu());
            let model = model.expect("a model");
            model.save(&project.folder.join(&path)).expect("saved");
            let new = NewModel {
                kind: ModelKind::Classifier,
                name: name.to_owned(),
                path,
                digest: name.to_owned(),
                config: Value::Null,
                metrics: Value::Null,
                parent: None,
                run: None,
            };
            members.push(project.store.insert_model(&new).await.expect("stored").id);
        }
        let asked = ScorePath::new(
            Precision::Float32,
            nines_infer::classifier::LongPolicy::Refuse,
        );
        let here = nines_nn::composed::Vectors::of_this_machine();
        for (name, of, path) in [
            ("fused", [0, 1], "cpu/f32".to_owned()),
            ("composed", [2, 3], format!("cpu/composed-f32/{here}")),
            ("both", [1, 2], format!("cpu/f32+composed-f32/{here}")),
        ] {
            let new = NewEnsemble {
                name: name.to_owned(),
                members: of.map(|index| members[index]).to_vec(),
                combine: Combine::Mean,
                metrics: Value::Null,
            };
            let ensemble = project.store.insert_ensemble(&new).await.expect("stored");
            let found = asked.for_model(&project, &ensemble).await.expect("a path");
            assert_eq!(found.to_string(), path);
        }
    }
}
