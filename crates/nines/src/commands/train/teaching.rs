//! What a teacher says of the rows that another classifier is trained on.

use crate::cli::{LongArg, SamplingArgs, SplitArg, TeacherArgs};
use crate::commands::calibrate::check_split;
use crate::commands::generate;
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::project::Project;
use crate::scoring::Scoring;
use crate::{interrupt, runs};
use anyhow::{Result, bail};
use nines_domain::score::Score;
use nines_domain::snippet::{ContentHash, ModelId, SnippetId};
use nines_domain::split::Split;
use nines_store::{Model, Sampler, Snippet};
use nines_train::TrainingRow;
use nines_train::distillation::SoftTarget;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Who taught, and what: kept with the version that learnt.
#[derive(Debug, Clone, Serialize)]
pub struct Taught {
    /// The teacher's key.
    pub id: ModelId,
    /// Its name and version.
    pub label: String,
    /// The digest of its weights.
    pub digest: String,
    /// Labelled rows of which it says something.
    pub labelled: usize,
    /// Completions without a label that it speaks of alone.
    pub unlabelled: usize,
}

/// Lets the teacher speak of the training rows, and of completions of the training prompts that nobody has labelled:
/// these become rows of their own.
pub async fn teach(
    project: &Project,
    args: &TeacherArgs,
    snippets: &[Snippet],
    rows: &mut Vec<TrainingRow>,
    output: &Output,
) -> Result<Option<Taught>> {
    let Some(name) = args.teacher.as_deref() else {
        return Ok(None);
    };
    let teacher = models::classifier(project, Some(name)).await?;
    // A teacher of another split would tell what it learnt of held-out rows.
    check_split(project, &teacher)?;
    let seed = project.config.project.split_seed;
    let labelled: Vec<Snippet> = snippets
        .iter()
        .filter(|snippet| snippet.split(seed) == Split::Train && data::broad(snippet).is_some())
        .cloned()
        .collect();
    let unlabelled = unlabelled(project, args.teacher_draws, output).await?;
    let all: Vec<Snippet> = labelled.into_iter().chain(unlabelled).collect();
    let scores = scored(project, &teacher, &all, output).await?;
    let mut said: BTreeMap<ContentHash, Score> = BTreeMap::new();
    for (snippet, score) in all.iter().zip(&scores) {
        if let Some(score) = score {
            said.insert(snippet.hash, *score);
        }
    }
    let mut taught = Taught {
        id: teacher.id,
        label: teacher.label(),
        digest: teacher.digest.clone(),
        labelled: 0,
        unlabelled: 0,
    };
    for row in rows.iter_mut() {
        row.soft = said.remove(&row.text.hash()).map(SoftTarget::beside_label);
        taught.labelled += usize::from(row.soft.is_some());
    }
    // What is left has no label, or a labelled text would be there twice.
    for snippet in &all {
        let Some(score) = said.remove(&snippet.hash) else {
            continue;
        };
        taught.unlabelled += 1;
        rows.push(TrainingRow {
            text: snippet.text.clone(),
            family: snippet.family,
            broad: score.logit() >= 0.0,
            random: false,
            source: "generated".to_owned(),
            severity: None,
            adversarial: false,
            training_only: true,
            soft: Some(SoftTarget::alone(score)),
        });
    }
    if taught.labelled + taught.unlabelled == 0 {
        bail!(
            "{} can score none of the training rows, and so teaches nothing",
            taught.label
        );
    }
    let unscored = scores.iter().filter(|score| score.is_none()).count();
    output.note(&format!(
        "{} teaches {} and {}{}",
        taught.label,
        counted(taught.labelled as u64, "labelled row"),
        counted(taught.unlabelled as u64, "completion without a label"),
        match unscored {
            0 => String::new(),
            n => format!("; of {n} it says nothing, since it cannot score them"),
        }
    ));
    Ok(Some(taught))
}

/// Draws completions of the training prompts, and returns those that have no verdict.
async fn unlabelled(project: &Project, n: u32, output: &Output) -> Result<Vec<Snippet>> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let generator = models::generator(project)?;
    let sampling = generate::sampling(project, &SamplingArgs::default());
    let prompts = generate::prompts_of(project, SplitArg::Train).await?;
    generate::draws(project, generator.clone(), &prompts, n, &sampling, output).await?;
    let ids: Vec<_> = prompts.iter().map(|prompt| prompt.id).collect();
    let sampler = Sampler {
        generator: generator.id(),
        sampling,
    };
    let generations = project.store.generations(&sampler, Some(&ids)).await?;
    let mut drawn: Vec<SnippetId> = generations
        .iter()
        .filter(|g| g.draw.draw < n && g.draw.finish.is_finished())
        .map(|g| g.snippet)
        .collect();
    drawn.sort_unstable();
    drawn.dedup();
    let seed = project.config.project.split_seed;
    let mut snippets = project.store.snippets_by_id(&drawn).await?;
    snippets.retain(|s| data::broad(s).is_none() && s.split(seed) == Split::Train);
    Ok(snippets)
}

/// Scores snippets by the teacher; what is scored is kept.
async fn scored(
    project: &Project,
    teacher: &Model,
    snippets: &[Snippet],
    output: &Output,
) -> Result<Vec<Option<Score>>> {
    let cancel = interrupt::flag()?;
    let path = ScorePath::of(project, LongArg::Refuse)?;
    let path = path.for_model(project, teacher).await?;
    let config = json!({ "teacher": teacher.label(), "digest": teacher.digest, "path": path.to_string(),
        "snippets": snippets.len() });
    let run = runs::begin(project, output, "teach", config, None)
        .await?
        .id;
    let work = async {
        let scoring = Scoring::load(project, teacher, path, run, &cancel, output).await?;
        let scores = scoring.of(snippets, "teach").await?;
        let scored = scores.iter().flatten().count();
        Ok((scores, json!({ "scored": scored })))
    };
    runs::conclude(project, run, &cancel, work).await
}
