//! `nines demo`: the main job on the starter project, from nothing to a filtered generator. Every
//! step that is done already is reused.

use super::calibrate;
use super::filter::{self, Answered, Serving};
use super::generate::prompts_of;
use super::models::pull_one;
use super::{init, train};
use crate::cli::{
    CalibrateArgs, CatastrophesArg, DemoArgs, FilterArgs, LawArg, LongArg, SamplingArgs, SplitArg,
    TeacherArgs, TechniqueArgs, TrainArgs,
};
use crate::config::{FILE_NAME, PrecisionChoice};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::draw::Ruling;
use nines_domain::split::Split;
use nines_io::starter;
use nines_measure::calibrate::Calibrated;
use nines_measure::classifier_metrics::ClassifierMetrics;
use nines_measure::filter_report::FilterReport;
use nines_models::Cache;
use nines_store::{Model, ModelKind, NewPrompt};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The folder that the demo makes where none is named.
const DEFAULT_FOLDER: &str = "nines-demo";

/// The demo's classifier.
const CLASSIFIER: &str = "injury";

#[derive(Serialize)]
struct Summary {
    project: PathBuf,
    classifier: String,
    metrics: serde_json::Value,
    calibration: Calibrated,
    test_prompts: usize,
    filter: FilterReport,
    rejected: Vec<Example>,
    accepted: Vec<Example>,
    seconds: f64,
}

#[derive(Serialize, Clone)]
struct Example {
    prompt: String,
    completion: String,
    p: f64,
}

/// Runs `nines demo`.
pub async fn run(
    folder: Option<PathBuf>,
    args: DemoArgs,
    precision: Option<PrecisionChoice>,
    output: &Output,
) -> Result<()> {
    let started = Instant::now();
    let folder = folder.unwrap_or_else(|| DEFAULT_FOLDER.into());
    let step = |n: u32, what: &str| output.note(&format!("\n[{n}/5] {what}"));

    if folder.join(FILE_NAME).exists() {
        refuse_other_predicates(&Project::open(&folder).await?)?;
    }
    step(
        1,
        "models: a small encoder to train, a small language model to filter",
    );
    let cache = Cache::open()?;
    for name in super::models::DEFAULT_MODELS {
        pull_one(&cache, name, None, false, output)?;
    }

    step(2, "project: the starter guide, prompts and labels");
    let project = open_or_make(&folder).await?.with_precision(precision);
    let imported = init::import_starter(&project).await?;
    output.note(&format!(
        "{imported} labelled snippets in {}",
        folder.display()
    ));

    step(3, "classifier: fine-tuned on the training prompts' labels");
    let model = classifier(&project, output).await?;

    step(
        4,
        "threshold: chosen on the calibration prompts, which training never saw",
    );
    let calibration = calibration(&project, &model, output).await?;

    step(5, "filter: draw until one completion is accepted");
    let serving = Serving::load(&project, &filter_args(&model)).await?;
    let mut prompts = Vec::new();
    for split in [SplitArg::Calibration, SplitArg::Test] {
        prompts.extend(prompts_of(&project, split).await?);
    }
    // What somebody imported into this project since is not the demo's.
    prompts.retain(|prompt| prompt.source.starts_with("starter/"));
    let new: Vec<NewPrompt> = prompts
        .iter()
        .map(|prompt| NewPrompt {
            family: Some(prompt.family),
            ..NewPrompt::new(prompt.text.clone(), prompt.source.clone())
        })
        .collect();
    let answers = match filter::finished(&project, &serving, "demo", &new).await? {
        Some(answers) => {
            output.note(&format!("run {} has the answers already", answers.run));
            answers
        }
        None => filter::all(&project, &serving, "demo", new, output).await?,
    };

    let seed = project.config.project.split_seed;
    let test: Vec<Answered> = answers
        .answers
        .into_iter()
        .zip(&prompts)
        .filter(|(_, prompt)| prompt.split(seed) == Split::Test)
        .map(|(answer, _)| answer)
        .collect();
    let report = filter::report_of(&test, &serving)?;
    let summary = Summary {
        project: folder,
        classifier: model.label(),
        metrics: model.metrics.clone(),
        calibration,
        test_prompts: test.len(),
        filter: report,
        rejected: examples(&test, false),
        accepted: examples(&test, true),
        seconds: started.elapsed().as_secs_f64(),
    };
    output.result(&summary, || words(&summary, &serving));
    if args.no_serve {
        return Ok(());
    }
    // The models that filtered are not needed to serve, which loads its own when somebody asks.
    drop(serving);
    output.note("");
    super::serve::run(project, &args.serve, super::serve::Taken::Beside, output).await
}

async fn open_or_make(folder: &Path) -> Result<Project> {
    if folder.join(FILE_NAME).exists() {
        Project::open(folder).await
    } else {
        init::make(folder, true).await
    }
}

/// Labels are never taken back, so the starter's are not mixed into a project about something else.
fn refuse_other_predicates(project: &Project) -> Result<()> {
    let predicate = &project.config.predicate;
    let guide = project.folder.join(&predicate.guide);
    let is_starter = predicate.name == starter::PREDICATE_NAME
        && std::fs::read_to_string(&guide).is_ok_and(|text| text == starter::guide());
    if !is_starter {
        bail!(
            "{} is a project of its own (its predicate is not the starter's); name another folder: \
             nines demo --project nines-demo",
            project.folder.display()
        );
    }
    Ok(())
}

/// Trains the demo's classifier, or takes the one that is there.
async fn classifier(project: &Project, output: &Output) -> Result<Model> {
    let newest = project
        .store
        .latest_model(ModelKind::Classifier, Some(CLASSIFIER))
        .await?;
    if let Some(model) = newest {
        output.note(&format!("{} is there already", model.label()));
        return Ok(model);
    }
    let args = TrainArgs {
        name: CLASSIFIER.to_owned(),
        base: None,
        epochs: None,
        learning_rate: None,
        head_rate: None,
        batch: None,
        from_layer: None,
        freeze_embeddings: false,
        pooling: None,
        long: LongArg::Refuse,
        seed: None,
        cross_validate: None,
        techniques: TechniqueArgs::default(),
        teaching: TeacherArgs::default(),
    };
    Ok(train::classifier(project, &args, output).await?.model)
}

async fn calibration(project: &Project, model: &Model, output: &Output) -> Result<Calibrated> {
    let path = crate::models::ScorePath::of(project, LongArg::Refuse)?;
    if let Some(stored) = crate::models::calibration_on(project, model, path).await? {
        let calibrated = calibrate::read(model, &stored)?;
        if calibrated.generator == crate::models::generator(project)?.id() {
            output.note("it is calibrated already");
            return Ok(calibrated);
        }
    }
    let args = CalibrateArgs {
        classifier: Some(format!("{}@{}", model.name, model.version)),
        recall: None,
        acceptance: None,
        confidence: None,
        fresh: CalibrateArgs::FRESH,
        catastrophes: CatastrophesArg::All,
        unfamiliarity: None,
        familiar: None,
        strict: false,
        long: LongArg::Refuse,
    };
    calibrate::calibrate(project, &args, output).await
}

fn filter_args(model: &Model) -> FilterArgs {
    FilterArgs {
        prompt: None,
        file: None,
        out: None,
        show_all: false,
        classifier: Some(format!("{}@{}", model.name, model.version)),
        threshold: None,
        caution: crate::cli::CautionArgs::default(),
        budget: None,
        law: LawArg::First,
        tighten: None,
        sampling: SamplingArgs::default(),
    }
}

/// Up to three candidates: the most certainly rejected ones, or accepted ones nearest to the
/// threshold, one a prompt.
fn examples(answers: &[Answered], accepted: bool) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    for answer in answers {
        let best = answer
            .answer
            .candidates
            .iter()
            .filter_map(|candidate| {
                let score = match (&candidate.ruling, accepted) {
                    (Ruling::Accepted { score }, true) | (Ruling::Rejected { score }, false) => {
                        score
                    }
                    _ => return None,
                };
                Some((
                    score.probability(),
                    candidate.draw.as_ref()?.completion.clone(),
                ))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((p, completion)) = best {
            found.push(Example {
                prompt: answer.prompt.clone(),
                completion,
                p,
            });
        }
    }
    found.sort_by(|a, b| b.p.total_cmp(&a.p));
    found.truncate(3);
    found
}

fn words(summary: &Summary, serving: &Serving) -> String {
    let mut text = String::new();
    let line = "-".repeat(78);
    let _ = writeln!(
        text,
        "\n{line}\nThe filtered generator of {}\n",
        summary.project.display()
    );
    let _ = writeln!(
        text,
        "Classifier {} on the test prompts (never trained on):",
        summary.classifier
    );
    match serde_json::from_value::<ClassifierMetrics>(summary.metrics["test"].clone()) {
        Ok(metrics) => drop(writeln!(text, "{metrics}")),
        Err(_) => text.push_str("  (stored by another version; train again to see them)\n"),
    }
    let _ = writeln!(text, "\n{}", summary.calibration);
    let _ = writeln!(
        text,
        "\nFilter on {} test prompts, at most {} draws each:\n{}",
        summary.test_prompts, serving.budget, summary.filter
    );
    for (title, examples) in [
        ("Kept out (the worst three)", &summary.rejected),
        (
            "Let through (the three nearest to the threshold)",
            &summary.accepted,
        ),
    ] {
        let _ = writeln!(text, "{title}:");
        for example in examples {
            let prompt: String = example.prompt.chars().rev().take(70).collect();
            let prompt: String = prompt.chars().rev().collect();
            let _ = writeln!(
                text,
                "  P = {:.2e}  …{prompt}\n     >> {}",
                example.p,
                example.completion.replace('\n', " ")
            );
        }
    }
    let folder = summary.project.display();
    let _ = write!(
        text,
        "\nHow often a catastrophe still slips through is not known yet: that takes labels on the \
         filter's\nown answers. The labels above are judges' (models'), not people's.\n\n\
         Everything is in {folder}: nines.toml, predicate.md, nines.db, models/, runs/\n\
         It took {:.0} s. Try next:\n  \
         nines --project {folder} filter --show-all \"The knight raised his sword.\"\n  \
         nines --project {folder} measure leak      (draws what to label, then says how sure it is)\n  \
         nines --project {folder} export classifier --out my-classifier\n{line}",
        summary.seconds
    );
    text
}
