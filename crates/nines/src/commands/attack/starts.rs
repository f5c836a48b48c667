//! What an attack begins with.

use super::seeds;
use crate::cli::{AttackRunArgs, SplitArg};
use crate::commands::{BadUsage, generate};
use crate::data;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_attack::recipe::GoalKind;
use nines_domain::snippet::{ContentHash, SnippetId, SnippetText};
use nines_domain::split::Split;
use nines_io::{ReadOptions, SnippetRow, read_all};
use nines_store::{AttackStart, NewSnippet, SnippetFilter};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;

/// Starts, and how they are written down.
pub struct Starts {
    /// The starts, in their order.
    pub all: Vec<(AttackStart, SnippetText)>,
    /// What a run's record says of them: enough to find them again.
    pub record: Value,
}

/// Finds what an attack begins with. Equal texts are one start: attacked twice, they would count as two
/// independent attempts in every interval.
pub async fn find(
    project: &Project,
    args: &AttackRunArgs,
    goal: GoalKind,
    takes_prompts: bool,
) -> Result<Starts> {
    if let Some(file) = &args.from {
        return of_file(file, args, takes_prompts);
    }
    if !args.snippet.is_empty() {
        let mut met = HashSet::new();
        let ids = args.snippet.iter().filter(|id| met.insert(**id));
        let ids: Vec<SnippetId> = ids.map(|id| SnippetId(*id)).collect();
        return stored(project, &ids, json!({ "what": "snippets" })).await;
    }
    let split = args.split.unwrap_or(SplitArg::Test);
    if takes_prompts {
        return of_prompts(project, args, split).await;
    }
    of_labels(project, args, goal, split).await
}

/// Finds the starts of a run that is taken up again: those of then, whatever labels say by now.
pub async fn again(
    project: &Project,
    args: &AttackRunArgs,
    takes_prompts: bool,
    record: &Value,
) -> Result<Starts> {
    let listed = |name: &str| record[name].as_array().cloned();
    if let Some(ids) = listed("ids") {
        let ids: Vec<SnippetId> = ids
            .iter()
            .filter_map(Value::as_i64)
            .map(SnippetId)
            .collect();
        return stored(project, &ids, record.clone()).await;
    }
    if let Some(texts) = listed("prompts") {
        let texts = texts.iter().filter_map(Value::as_str).map(str::to_owned);
        return Ok(Starts {
            all: texts.map(prompt_alone).collect(),
            record: record.clone(),
        });
    }
    let Some(file) = &args.from else {
        bail!("the run does not say what it began with; it was stored by another version of nines");
    };
    let starts = of_file(file, args, takes_prompts)?;
    if starts.record != *record {
        bail!(
            "{} has changed since the run began; attack it in a new run",
            file.display()
        );
    }
    Ok(starts)
}

fn prompt_alone(text: String) -> (AttackStart, SnippetText) {
    (
        AttackStart::Prompt(text.clone()),
        SnippetText::new(text, ""),
    )
}

fn of_file(file: &Path, args: &AttackRunArgs, takes_prompts: bool) -> Result<Starts> {
    let name = file
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let all: Vec<(AttackStart, SnippetText)> = if takes_prompts {
        let rows = read_all::<nines_io::PromptRow>(file, &ReadOptions::default())?.rows;
        rows.into_iter()
            .map(|row| prompt_alone(row.prompt))
            .collect()
    } else {
        let rows = read_all::<SnippetRow>(file, &ReadOptions::default())?.rows;
        let start = |row: SnippetRow| {
            let source = row.source.unwrap_or_else(|| name.clone());
            let new = NewSnippet {
                prompt_family: row.family,
                ..NewSnippet::imported(row.text.clone(), source)
            };
            (AttackStart::New(new), row.text)
        };
        rows.into_iter().map(start).collect()
    };
    if all.is_empty() {
        bail!("{} holds no start", file.display());
    }
    let given = all.len();
    let mut met = HashSet::new();
    let mut all: Vec<_> = all;
    all.retain(|(_, text)| met.insert(text.hash()));
    let equal = given - all.len();
    all.truncate(args.limit as usize);
    let texts: Vec<&str> = all
        .iter()
        .flat_map(|(_, text)| [text.prompt.as_str(), text.completion.as_str()])
        .collect();
    let digest = ContentHash::of_fields("attack starts", &texts);
    let record = json!({ "what": "file", "file": name, "n": all.len(), "equal": equal,
        "digest": digest });
    Ok(Starts { all, record })
}

async fn stored(project: &Project, ids: &[SnippetId], mut record: Value) -> Result<Starts> {
    let found = project.store.snippets_by_id(ids).await?;
    record["n"] = json!(found.len());
    record["ids"] = json!(ids);
    let all = found
        .into_iter()
        .map(|snippet| (AttackStart::Stored(snippet.id), snippet.text))
        .collect();
    Ok(Starts { all, record })
}

fn splits_of(split: SplitArg) -> Vec<Split> {
    match split {
        SplitArg::Train => vec![Split::Train],
        SplitArg::Validation => vec![Split::Validation],
        SplitArg::Calibration => vec![Split::Calibration],
        SplitArg::Test => vec![Split::Test],
        SplitArg::All => Split::ALL.to_vec(),
    }
}

async fn of_prompts(project: &Project, args: &AttackRunArgs, split: SplitArg) -> Result<Starts> {
    let mut prompts = generate::prompts_of(project, split).await?;
    prompts.sort_by_cached_key(|prompt| seeds::order(args.seed, &prompt.hash));
    prompts.truncate(args.limit as usize);
    let texts: Vec<String> = prompts.into_iter().map(|prompt| prompt.text).collect();
    let record = json!({ "what": "prompts", "split": split, "n": texts.len(), "prompts": texts });
    Ok(Starts {
        all: texts.into_iter().map(prompt_alone).collect(),
        record,
    })
}

async fn of_labels(
    project: &Project,
    args: &AttackRunArgs,
    goal: GoalKind,
    split: SplitArg,
) -> Result<Starts> {
    let seed = project.config.project.split_seed;
    let filter = SnippetFilter::labelled().in_splits(&splits_of(split), seed);
    let (filter, what) = match goal {
        GoalKind::FalseAlarm => (
            // Nobody calls them a catastrophe.
            SnippetFilter {
                strict: Some(false),
                broad: Some(false),
                ..filter
            },
            "labelled as no catastrophe",
        ),
        _ => (
            SnippetFilter {
                broad: Some(true),
                ..filter
            },
            "labelled as catastrophes",
        ),
    };
    let mut snippets = project.store.snippets(&filter).await?;
    // What was chosen by a score is no sample of catastrophes, and its like would count as many starts.
    snippets.retain(data::is_sample);
    if snippets.is_empty() {
        bail!(BadUsage(format!(
            "there is nothing to begin with: no snippets {what} in this split; take another --split, or give \
             --from FILE or --snippet ID"
        )));
    }
    snippets.sort_by_cached_key(|snippet| seeds::order(args.seed, &snippet.hash));
    snippets.truncate(args.limit as usize);
    let ids: Vec<SnippetId> = snippets.iter().map(|snippet| snippet.id).collect();
    let record = json!({ "what": what, "split": split, "n": ids.len(), "ids": ids });
    let all = snippets
        .into_iter()
        .map(|snippet| (AttackStart::Stored(snippet.id), snippet.text))
        .collect();
    Ok(Starts { all, record })
}
