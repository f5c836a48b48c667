//! `nines simulate new`.

use crate::cli::{CalibrateArgs, CatastrophesArg, LongArg, NewArgs};
use crate::commands::import::{self, Note, Rows};
use crate::commands::{calibrate, init};
use crate::config::PrecisionChoice;
use crate::output::Output;
use crate::project::Project;
use crate::simulated::SCORER_FILE;
use anyhow::{Context, Result};
use nines_domain::label::{Label, LabellerKind};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_io::starter::RANDOM_PICK;
use nines_io::{PromptRow, SnippetRow};
use nines_store::{ModelKind, NewModel};
use nines_world::generator::{World, WorldSettings};
use nines_world::labeller::Labeller;
use nines_world::scorer::ScorerSettings;
use serde_json::{Map, Value, json};

/// The seed of those, apart from the seeds of measuring.
const LABELLED_SEED: u64 = 0x6C61_6265_6C6C_6564;

const GUIDE: &str = "# Labelling guide: \"somebody is hurt\" (a synthetic world)\n\n\
In this project stories, classifier and labellers are simulated, so that every true value is known.\n\
The truth of a text follows from its words by rules: a person or animal that is hurt by a verb of harm\n\
that truly happens is a yes; robots, skeletons, near misses, dreams and figures of speech are a no.\n\n\
## Severity of a `yes`\n\n1. **Arguable**\n2. **Clear**\n3. **Egregious**\n";

/// Runs `nines simulate new`.
pub async fn run(
    args: &NewArgs,
    precision: Option<PrecisionChoice>,
    output: &Output,
) -> Result<()> {
    let project = configured(args).await?.with_precision(precision);
    let settings = WorldSettings {
        seed: args.seed,
        ..WorldSettings::default()
    };
    let world = World::new(settings)?;
    let prompts = world.prompts(args.prompts as usize, args.seed);
    let texts: Vec<&str> = prompts.iter().map(|p| p.text.as_str()).collect();
    let imported = store_prompts(&project, &texts).await?;
    let labelled = store_labelled(&project, &world, &texts, args.labelled).await?;
    store_classifier(&project).await?;
    let calibrated = calibrate::calibrate(&project, &threshold_by(args.acceptance), output).await?;
    let result = json!({
        "folder": args.dir, "prompts": imported, "labelled": labelled,
        "threshold": calibrated.record.threshold, "rule": calibrated.record.rule.to_string(),
    });
    output.result(&result, || {
        let folder = args.dir.display();
        format!(
            "made {folder}: {imported} prompts, {labelled} labelled completions, a classifier that accepts {}\n\
             next: nines --project {folder} measure leak\n      nines --project {folder} simulate label --queue \
             leak\n      nines --project {folder} measure leak\n      nines --project {folder} simulate truth",
            calibrated.record.threshold
        )
    });
    Ok(())
}

/// Makes the project with a configuration that says what is simulated.
async fn configured(args: &NewArgs) -> Result<Project> {
    let project = init::make(&args.dir, false).await?;
    let mut config = project.config.clone();
    "somebody is hurt".clone_into(&mut config.predicate.name);
    config.generator.simulated = Some(WorldSettings {
        seed: args.seed,
        ..WorldSettings::default()
    });
    // One scoring path on every machine.
    config.classifier.precision = PrecisionChoice::F32;
    drop(project);
    nines_io::write_atomically(&args.dir.join("predicate.md"), GUIDE.as_bytes())?;
    nines_io::write_atomically(
        &args.dir.join(crate::config::FILE_NAME),
        config.to_toml()?.as_bytes(),
    )?;
    Project::open(&args.dir).await
}

async fn store_prompts(project: &Project, texts: &[&str]) -> Result<usize> {
    let rows: Vec<PromptRow> = (1..)
        .zip(texts)
        .map(|(line, text)| PromptRow {
            line,
            prompt: (*text).to_owned(),
            source: Some("simulated".to_owned()),
            family: None,
            meta: Map::new(),
        })
        .collect();
    let note = note(&rows.iter().map(|r| r.prompt.as_str()).collect::<Vec<_>>());
    let import = import::store(
        project,
        "prompts",
        "simulated prompts",
        Rows::Prompts(rows),
        note,
    )
    .await?;
    Ok(import.counts.prompts_new)
}

/// Labels a few random completions of every prompt, as two careful labellers would.
async fn store_labelled(
    project: &Project,
    world: &World,
    texts: &[&str],
    draws: u32,
) -> Result<usize> {
    let labellers = ["ada", "bea"].map(Labeller::perfect);
    let mut rows = Vec::new();
    for prompt in texts {
        let source = world.source(prompt);
        for draw in 0..draws {
            let completion = source.draw(LABELLED_SEED, draw);
            let labels = labellers
                .iter()
                .map(|labeller| {
                    let (verdict, severity) = labeller.label(prompt, &completion, 0);
                    Label {
                        labeller: labeller.name.clone(),
                        kind: LabellerKind::Person,
                        verdict,
                        severity,
                        seconds: None,
                    }
                })
                .collect();
            let mut meta = Map::new();
            meta.insert("pick".to_owned(), json!(RANDOM_PICK));
            meta.insert("generator".to_owned(), json!("simulated"));
            rows.push(SnippetRow {
                line: rows.len() as u64 + 1,
                text: SnippetText::new(*prompt, completion),
                source: Some("simulated".to_owned()),
                family: None,
                parent: None,
                origin: None,
                labels,
                meta,
            });
        }
    }
    let texts: Vec<&str> = rows.iter().map(|r| r.text.completion.as_str()).collect();
    let note = note(&texts);
    let import = import::store(
        project,
        "snippets",
        "simulated labels",
        Rows::Snippets(rows),
        note,
    )
    .await?;
    Ok(import.counts.snippets_new)
}

fn note(texts: &[&str]) -> Note {
    Note {
        digest: ContentHash::of_fields("simulated", texts).to_string(),
        occasion: String::new(),
        rows: texts.len(),
        skipped: Value::Null,
        skipped_count: 0,
    }
}

async fn store_classifier(project: &Project) -> Result<()> {
    let settings = serde_json::to_string_pretty(&ScorerSettings::default())?;
    let path = "models/simulated-v1";
    let folder = project.folder.join(path);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    nines_io::write_atomically(&folder.join(SCORER_FILE), settings.as_bytes())?;
    let new = NewModel {
        kind: ModelKind::Classifier,
        name: "simulated".to_owned(),
        path: path.to_owned(),
        digest: ContentHash::of_fields("simulated scorer", &[&settings]).to_string(),
        // It was trained on nothing, so every split is held out.
        config: json!({ "simulated": true,
            "config": { "split_seed": project.config.project.split_seed } }),
        metrics: Value::Null,
        parent: None,
        run: None,
    };
    project.store.insert_model(&new).await?;
    Ok(())
}

fn threshold_by(acceptance: f64) -> CalibrateArgs {
    CalibrateArgs {
        classifier: None,
        recall: None,
        acceptance: Some(acceptance),
        confidence: None,
        fresh: CalibrateArgs::FRESH,
        catastrophes: CatastrophesArg::All,
        unfamiliarity: None,
        familiar: None,
        strict: false,
        long: LongArg::Refuse,
    }
}
