//! `nines measure distribution`, and distributions by their names.

use crate::cli::{AddDistributionArgs, DistributionBy, DistributionCommand, SplitArg};
use crate::commands::{BadUsage, generate};
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::snippet::{DistributionId, PromptId};
use nines_io::{PromptRow, ReadOptions, read_all};
use nines_measure::distribution::{PromptShare, mixture, proportional};
use nines_store::{NewDistribution, Prompt, SnippetFilter};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A named distribution with its prompts.
#[derive(Clone)]
pub struct Named {
    /// Its key.
    pub id: DistributionId,
    /// Its name.
    pub name: String,
    /// Its prompts with their probabilities.
    pub shares: Vec<PromptShare>,
}

impl Named {
    /// Finds a distribution by name. The names of the splits need not be added before: the first use
    /// fixes their prompts.
    pub async fn resolve(project: &Project, name: &str) -> Result<Self> {
        let all = project.store.distributions().await?;
        let found = match all.iter().find(|d| d.name == name) {
            Some(found) => found.clone(),
            None => {
                let Some(split) = split_of(name) else {
                    let known: Vec<&str> = all.iter().map(|d| d.name.as_str()).collect();
                    bail!(
                        "the project has no distribution {name:?}; it has {}; make it with `nines \
                         measure distribution add {name}`",
                        if known.is_empty() {
                            "none".to_owned()
                        } else {
                            known.join(", ")
                        }
                    );
                };
                let prompts = generate::prompts_of(project, split).await?;
                let weights: Vec<PromptShare> = prompts.iter().map(|p| (p.id, 1.0)).collect();
                let new = NewDistribution {
                    name: name.to_owned(),
                    record: json!({ "how": "every prompt equally likely", "splits": [name] }),
                    prompts: proportional(&weights)?,
                };
                project.store.insert_distribution(&new).await?
            }
        };
        Ok(Self {
            shares: project.store.distribution_prompts(found.id).await?,
            id: found.id,
            name: found.name,
        })
    }

    /// All distributions of the project.
    pub async fn all(project: &Project) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for found in project.store.distributions().await? {
            all.push(Self {
                shares: project.store.distribution_prompts(found.id).await?,
                id: found.id,
                name: found.name,
            });
        }
        Ok(all)
    }
}

fn split_of(name: &str) -> Option<SplitArg> {
    Some(match name {
        "train" => SplitArg::Train,
        "validation" => SplitArg::Validation,
        "calibration" => SplitArg::Calibration,
        "test" => SplitArg::Test,
        "all" => SplitArg::All,
        _ => return None,
    })
}

/// Runs `nines measure distribution`.
pub async fn run(project: &Project, command: DistributionCommand, output: &Output) -> Result<()> {
    match command {
        DistributionCommand::Add(args) => add(project, &args, output).await,
        DistributionCommand::List => list(project, output).await,
    }
}

async fn add(project: &Project, args: &AddDistributionArgs, output: &Output) -> Result<()> {
    if split_of(&args.name).is_some() {
        bail!(BadUsage(format!(
            "{} is the name of a split, and always means its prompts; choose another",
            args.name
        )));
    }
    let taken = project.store.distributions().await?;
    if taken.iter().any(|d| d.name == args.name) {
        bail!(
            "{:?} is taken, and a distribution never changes; choose another name",
            args.name
        );
    }
    if !(args.enrich > 0.0 && args.enrich.is_finite()) {
        bail!(BadUsage("--enrich must be a number above 0".to_owned()));
    }
    let (record, prompts) = if !args.mix.is_empty() {
        mixed(project, &args.mix).await?
    } else if let Some(file) = &args.file {
        from_file(project, file).await?
    } else {
        weighted(project, args, output).await?
    };
    let new = NewDistribution {
        name: args.name.clone(),
        record,
        prompts,
    };
    let stored = project.store.insert_distribution(&new).await?;
    let largest = new.prompts.iter().map(|(_, p)| *p).fold(0.0, f64::max);
    let result = json!({ "id": stored.id, "name": stored.name, "record": stored.record,
        "prompts": new.prompts.len(), "largest_probability": largest });
    output.result(&result, || {
        format!(
            "{}: {}, the likeliest with probability {largest:.3e}\nmeasure on it with `nines measure \
             leak --distribution {}`",
            stored.name,
            counted(new.prompts.len() as u64, "prompt"),
            stored.name
        )
    });
    Ok(())
}

async fn list(project: &Project, output: &Output) -> Result<()> {
    let mut rows = Vec::new();
    for found in project.store.distributions().await? {
        let shares = project.store.distribution_prompts(found.id).await?;
        rows.push(
            json!({ "id": found.id, "name": found.name, "prompts": shares.len(),
            "record": found.record, "created": found.created }),
        );
    }
    output.result(&rows, || {
        if rows.is_empty() {
            return "none yet; `nines measure leak` makes `test`, or add one of your own"
                .to_owned();
        }
        let mut text = String::new();
        for row in &rows {
            let _ = writeln!(
                text,
                "{:<20} {:>6} prompts  {}",
                row["name"].as_str().unwrap_or_default(),
                row["prompts"],
                row["record"]["how"].as_str().unwrap_or_default()
            );
        }
        text
    });
    Ok(())
}

async fn prompts_of(project: &Project, args: &AddDistributionArgs) -> Result<Vec<Prompt>> {
    let mut prompts = Vec::new();
    for split in &args.splits {
        prompts.extend(generate::prompts_of(project, *split).await?);
    }
    prompts.sort_by_key(|p| p.id);
    prompts.dedup_by_key(|p| p.id);
    if !args.sources.is_empty() {
        prompts.retain(|p| args.sources.contains(&p.source));
        if prompts.is_empty() {
            bail!(
                "no prompt of these splits comes from {}",
                args.sources.join(", ")
            );
        }
    }
    Ok(prompts)
}

async fn weighted(
    project: &Project,
    args: &AddDistributionArgs,
    output: &Output,
) -> Result<(Value, Vec<PromptShare>)> {
    let prompts = prompts_of(project, args).await?;
    let splits: Vec<String> = args
        .splits
        .iter()
        .map(|s| format!("{s:?}").to_lowercase())
        .collect();
    let (how, weights): (String, Vec<PromptShare>) = match args.by {
        None if args.words.is_empty() => (
            "every prompt equally likely".to_owned(),
            prompts.iter().map(|p| (p.id, 1.0)).collect(),
        ),
        None => {
            let words: Vec<String> = args.words.iter().map(|w| w.trim().to_lowercase()).collect();
            let holds = |text: &str| {
                let text = text.to_lowercase();
                text.split(|c: char| !c.is_alphanumeric() && c != '\'')
                    .any(|word| words.iter().any(|w| w == word))
            };
            let marked = prompts.iter().filter(|p| holds(&p.text)).count();
            if marked == 0 {
                bail!(
                    "none of the {} prompts holds one of these words",
                    prompts.len()
                );
            }
            (
                format!(
                    "{marked} prompts with one of {} weigh {}",
                    words.join(", "),
                    args.enrich
                ),
                prompts
                    .iter()
                    .map(|p| (p.id, if holds(&p.text) { args.enrich } else { 1.0 }))
                    .collect(),
            )
        }
        Some(DistributionBy::Rejected) => {
            by_rejected(project, &prompts, args.enrich, output).await?
        }
        Some(DistributionBy::Injurious) => by_injurious(project, &prompts).await?,
    };
    let record = json!({ "how": how, "splits": splits, "sources": args.sources,
        "words": args.words, "enrich": args.enrich });
    Ok((record, proportional(&weights)?))
}

async fn by_injurious(project: &Project, prompts: &[Prompt]) -> Result<(String, Vec<PromptShare>)> {
    let bad = project
        .store
        .snippets(&SnippetFilter {
            broad: Some(true),
            ..SnippetFilter::default()
        })
        .await?;
    let bad: std::collections::BTreeSet<PromptId> = bad.iter().map(|s| s.prompt).collect();
    let weights: Vec<PromptShare> = prompts
        .iter()
        .filter(|p| bad.contains(&p.id))
        .map(|p| (p.id, 1.0))
        .collect();
    if weights.is_empty() {
        bail!("no prompt of these splits has a completion that is labelled as a catastrophe");
    }
    let how = "prompts with a completion labelled as a catastrophe, equally likely".to_owned();
    Ok((how, weights))
}

/// How often the generator goes wrong on each prompt, by the newest classifier: prompts without any
/// stored completion count as never.
async fn by_rejected(
    project: &Project,
    prompts: &[Prompt],
    enrich: f64,
    output: &Output,
) -> Result<(String, Vec<PromptShare>)> {
    let model = models::classifier(project, None).await?;
    let path = ScorePath::of(project, crate::cli::LongArg::Refuse)?;
    let calibration = models::calibration_on(project, &model, path)
        .await?
        .context("the classifier has no threshold on this path; `nines calibrate` chooses one")?;
    let ids: Vec<PromptId> = prompts.iter().map(|p| p.id).collect();
    let snippets = project
        .store
        .snippets(&SnippetFilter {
            prompts: ids,
            origins: vec![nines_store::Origin::Generate],
            ..SnippetFilter::default()
        })
        .await?;
    let texts = snippets.iter().map(|s| s.text.clone()).collect();
    let scorer = models::scorer(project, &model, path).await?;
    let scores = models::score_all(scorer, texts, "score", output).await?;
    let mut counts: BTreeMap<PromptId, (f64, f64)> = BTreeMap::new();
    for (snippet, score) in snippets.iter().zip(scores) {
        let is_rejected = score.map_or(true, |score| !calibration.threshold.accepts(score));
        let (rejected, all) = counts.entry(snippet.prompt).or_default();
        *rejected += f64::from(u8::from(is_rejected));
        *all += 1.0;
    }
    if counts.is_empty() {
        bail!("no completion of these prompts is stored; `nines generate` makes some");
    }
    let weights = prompts
        .iter()
        .map(|p| {
            let share = counts.get(&p.id).map_or(0.0, |(r, n)| r / n);
            (p.id, 1.0 + (enrich - 1.0) * share)
        })
        .collect();
    let how = format!(
        "1 + {} times the share of completions that {} rejects",
        enrich - 1.0,
        model.label()
    );
    Ok((how, weights))
}

async fn mixed(project: &Project, parts: &[String]) -> Result<(Value, Vec<PromptShare>)> {
    let mut shares = Vec::new();
    let mut named = Vec::new();
    for part in parts {
        let Some((name, share)) = part.split_once('=') else {
            bail!(BadUsage(format!("{part:?} is no NAME=SHARE")));
        };
        let share: f64 = share
            .trim()
            .parse()
            .ok()
            .filter(|s: &f64| *s > 0.0 && s.is_finite())
            .ok_or_else(|| BadUsage(format!("the share in {part:?} is no number above 0")))?;
        let found = Named::resolve(project, name.trim()).await?;
        named.push(json!({ "name": found.name, "share": share }));
        shares.push((share, found.shares));
    }
    let total: f64 = shares.iter().map(|(share, _)| share).sum();
    if (total - 1.0).abs() > 1e-9 {
        bail!(BadUsage(format!(
            "the shares of --mix sum up to {total}, not to 1"
        )));
    }
    let record = json!({ "how": format!("a mixture: {}", parts.join(", ")), "parts": named });
    Ok((record, mixture(&shares)?))
}

async fn from_file(project: &Project, file: &std::path::Path) -> Result<(Value, Vec<PromptShare>)> {
    let rows = read_all::<PromptRow>(file, &ReadOptions::default())?.rows;
    let mut weights = Vec::new();
    for row in rows {
        let weight = match row.meta.get("weight") {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        let weight = weight.with_context(|| {
            format!(
                "{}, line {}: `weight` is missing or no number",
                file.display(),
                row.line
            )
        })?;
        let prompt = project
            .store
            .prompt_by_text(&row.prompt)
            .await?
            .with_context(|| {
                format!(
                    "{}, line {}: the project has no such prompt; import it first",
                    file.display(),
                    row.line
                )
            })?;
        if !(weight >= 0.0 && weight.is_finite()) {
            bail!(
                "{}, line {}: `weight` is {weight}; it must be a finite number from 0",
                file.display(),
                row.line
            );
        }
        if weights.iter().any(|(id, _)| *id == prompt.id) {
            bail!(
                "{}, line {}: the prompt has a weight already",
                file.display(),
                row.line
            );
        }
        weights.push((prompt.id, weight));
    }
    let how = format!("weights of {}", file.display());
    Ok((json!({ "how": how }), proportional(&weights)?))
}
