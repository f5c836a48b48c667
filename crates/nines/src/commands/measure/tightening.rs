//! `nines measure tightening`: where a threshold that tightens abstains as often as the fixed one.

use crate::cli::{LongArg, SamplingArgs, TighteningArgs};
use crate::commands::filter::threshold_of;
use crate::commands::generate;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use crate::scoring::Scoring;
use crate::{interrupt, runs};
use anyhow::{Result, bail};
use nines_domain::score::Score;
use nines_domain::snippet::{PromptId, SnippetId};
use nines_infer::filter::Step;
use nines_measure::tightening::{PromptDraws, TighteningReport, tightening};
use nines_store::{Prompt, Sampler};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Found {
    classifier: String,
    rule: String,
    path: String,
    generator: String,
    split: &'static str,
    #[serde(flatten)]
    report: TighteningReport,
}

/// Runs `nines measure tightening`.
pub async fn run(project: &Project, args: &TighteningArgs, output: &Output) -> Result<()> {
    let model = models::classifier(project, args.classifier.as_deref()).await?;
    let path = ScorePath::of(project, LongArg::Refuse)?;
    let path = path.for_model(project, &model).await?;
    let threshold = threshold_of(project, &model, args.threshold, path).await?;
    let step = Step::new(args.tighten)?;
    let budget = args.budget.unwrap_or(project.config.filter.budget);
    let generator = models::generator(project)?;
    let mut prompts = generate::prompts_of(project, args.split).await?;
    prompts.truncate(args.limit.unwrap_or(usize::MAX));
    let sampling = generate::sampling(project, &SamplingArgs::default());
    generate::draws(
        project,
        generator.clone(),
        &prompts,
        budget,
        &sampling,
        output,
    )
    .await?;
    let sampler = Sampler {
        generator: generator.id(),
        sampling,
    };
    let cancel = interrupt::flag()?;
    let config = json!({ "classifier": model.label(), "threshold": threshold.threshold, "step": step,
        "budget": budget, "path": path.to_string(), "generator": sampler.generator, "sampling": sampler.sampling,
        "prompts": prompts.len() });
    let run = runs::begin(project, output, "tightening", config, None)
        .await?
        .id;
    let work = async {
        let scoring = Scoring::load(project, &model, path, run, &cancel, output).await?;
        let drawn = scored(project, &scoring, &sampler, &prompts, budget).await?;
        if cancel.is_cancelled() {
            bail!("not everything was scored");
        }
        let report = tightening(&drawn, threshold.threshold, step, args.confidence)?;
        let result = serde_json::to_value(&report)?;
        Ok((report, result))
    };
    let report = runs::conclude(project, run, &cancel, work).await?;
    let found = Found {
        classifier: model.label(),
        rule: threshold.rule,
        path: path.to_string(),
        generator: sampler.generator,
        split: crate::commands::select::split_word(args.split),
        report,
    };
    output.result(&found, || {
        words(&found, &format!("{}@{}", model.name, model.version))
    });
    Ok(())
}

/// The draws of each prompt with their scores; one that failed or is unfinished has none.
async fn scored(
    project: &Project,
    scoring: &Scoring<'_>,
    sampler: &Sampler,
    prompts: &[Prompt],
    budget: u32,
) -> Result<Vec<PromptDraws>> {
    let ids: Vec<PromptId> = prompts.iter().map(|prompt| prompt.id).collect();
    let generations = project.store.generations(sampler, Some(&ids)).await?;
    let counts = |g: &&nines_store::Generation| {
        g.draw.draw < budget && g.draw.finish.is_finished() && !g.draw.completion.trim().is_empty()
    };
    let mut snippets: Vec<SnippetId> = generations
        .iter()
        .filter(counts)
        .map(|g| g.snippet)
        .collect();
    snippets.sort_unstable();
    snippets.dedup();
    let texts = project.store.snippets_by_id(&snippets).await?;
    let scores = scoring.of(&texts, "score").await?;
    let score_of: BTreeMap<SnippetId, Option<Score>> = snippets.into_iter().zip(scores).collect();
    let mut of: BTreeMap<PromptId, Vec<Option<Score>>> = BTreeMap::new();
    for generation in generations.iter().filter(counts) {
        let scores = of
            .entry(generation.prompt)
            .or_insert_with(|| vec![None; budget as usize]);
        scores[generation.draw.draw as usize] =
            score_of.get(&generation.snippet).copied().flatten();
    }
    Ok(prompts
        .iter()
        .map(|prompt| PromptDraws {
            family: prompt.family,
            scores: of
                .remove(&prompt.id)
                .unwrap_or_else(|| vec![None; budget as usize]),
        })
        .collect())
}

fn words(found: &Found, name: &str) -> String {
    let equal = &found.report.equal.threshold;
    format!(
        "{} on prompts of the {} split, {} ({})\n{}\n\
         Whether that leaks less, labels of the answers that differ say:\n  nines measure compare {name} {name} \
         --threshold {} --second-threshold {} --second-tighten {} --budget {}",
        found.classifier,
        found.split,
        found.rule,
        found.path,
        found.report,
        found.report.fixed.threshold.probability(),
        equal.probability(),
        found.report.step.logits(),
        found.report.budget
    )
}
