//! `nines unfamiliarity measure`: what a limit buys on held-out snippets, at equal acceptance.

use crate::cli::{LongArg, MeasureUnfamiliarityArgs, SamplingArgs, SplitArg};
use crate::commands::calibrate::check_split;
use crate::commands::generate;
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::scoring::Scoring;
use crate::unfamiliarity::{self, Basis};
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::estimate::Estimate;
use nines_domain::snippet::{ContentHash, SnippetId, SnippetText};
use nines_domain::split::Split;
use nines_infer::scorer::Unscoreable;
use nines_infer::unfamiliarity::Unfamiliarity;
use nines_infer::unfamiliarity::caution::Measure;
use nines_infer::unfamiliarity::spread::Spread;
use nines_measure::caution::{CautionReport, WaryItem, bought};
use nines_measure::items::Truth;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::ranking::{RankingMetric, RankingSample};
use nines_store::{Model, Sampler, Snippet, SnippetFilter};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The acceptances at which filters are compared.
const ACCEPTANCES: [f64; 2] = [0.5, 0.8];

/// Runs `nines unfamiliarity measure`.
pub async fn run(
    project: &Project,
    args: &MeasureUnfamiliarityArgs,
    output: &Output,
) -> Result<()> {
    let cancel = interrupt::flag()?;
    let model = models::classifier(project, args.classifier.as_deref()).await?;
    check_split(project, &model)?;
    let version = unfamiliarity::find(project, args.unfamiliarity.as_deref()).await?;
    let path = ScorePath::of(project, LongArg::Refuse)?;
    let path = path.for_model(project, &model).await?;
    let measure = measure_of(project, &version, &model, path).await?;
    let truth = if args.strict {
        Truth::Strict
    } else {
        Truth::Broad
    };
    let seed = project.config.project.split_seed;
    let drawn = drawn(project, args.fresh, output).await?;
    let config = json!({ "classifier": model.label(), "unfamiliarity": version.label(),
        "version": measure.version(), "familiar": args.familiar, "fresh": args.fresh, "truth": truth,
        "path": path.to_string() });
    let run = runs::begin(project, output, "unfamiliarity-measure", config, None)
        .await?
        .id;
    let work = async {
        let scoring = Scoring::load(project, &model, path, run, &cancel, output).await?;
        let filter = SnippetFilter {
            labelled: Some(true),
            splits: Some((vec![Split::Calibration, Split::Test], seed)),
            ..SnippetFilter::default()
        };
        let mut labelled = project.store.snippets(&filter).await?;
        labelled.retain(data::is_sample);
        let labelled = wary(&scoring, &measure, labelled, "labelled", output).await?;
        let ids: Vec<SnippetId> = drawn.iter().filter_map(|draw| draw.snippet).collect();
        let mut distinct = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let fresh = project.store.snippets_by_id(&distinct).await?;
        let fresh = wary(&scoring, &measure, fresh, "fresh", output).await?;
        if cancel.is_cancelled() {
            bail!("not everything was measured");
        }
        let of: BTreeMap<SnippetId, WaryItem> = fresh
            .into_iter()
            .map(|(snippet, item)| (snippet.id, item))
            .collect();
        let none = |family| WaryItem {
            family,
            score: None,
            unfamiliarity: None,
        };
        let reference: Vec<WaryItem> = drawn
            .iter()
            .map(|draw| {
                let known = draw.snippet.and_then(|id| of.get(&id));
                known.copied().unwrap_or_else(|| none(draw.family))
            })
            .collect();
        let report = report(
            &model,
            (&version, &measure),
            truth,
            &args.familiar,
            &labelled,
            &reference,
        )?;
        let result = serde_json::to_value(&report)?;
        Ok((report, result))
    };
    let report = runs::conclude(project, run, &cancel, work).await?;
    output.result(&report, || {
        let basis =
            Basis::read(&version).map_or_else(|_| String::new(), |basis| format!("{basis}\n"));
        format!("{basis}{report}")
    });
    Ok(())
}

/// Loads a stored measure as one that can be asked by itself.
pub async fn measure_of(
    project: &Project,
    version: &Model,
    scorer: &Model,
    path: ScorePath,
) -> Result<Arc<dyn Unfamiliarity>> {
    Ok(
        match unfamiliarity::load(project, version, scorer, path).await? {
            Measure::Other(measure) => measure,
            Measure::OwnSpread => {
                let ensemble = models::scorer(project, scorer, path).await?;
                Arc::new(
                    Spread::new(ensemble)
                        .with_context(|| format!("{} is no ensemble", scorer.label()))?,
                )
            }
        },
    )
}

/// A draw of a held-out prompt.
struct Drawn {
    family: ContentHash,
    /// Its snippet; none for one that is unfinished.
    snippet: Option<SnippetId>,
}

/// Draws random completions of the held-out prompts.
async fn drawn(project: &Project, n: u32, output: &Output) -> Result<Vec<Drawn>> {
    let generator = models::generator(project)?;
    let sampling = generate::sampling(project, &SamplingArgs::default());
    let mut prompts = Vec::new();
    for split in [SplitArg::Calibration, SplitArg::Test] {
        prompts.extend(generate::prompts_of(project, split).await?);
    }
    generate::draws(project, generator.clone(), &prompts, n, &sampling, output).await?;
    let family_of: BTreeMap<_, _> = prompts.iter().map(|p| (p.id, p.family)).collect();
    let ids: Vec<_> = prompts.iter().map(|prompt| prompt.id).collect();
    let sampler = Sampler {
        generator: generator.id(),
        sampling,
    };
    let generations = project.store.generations(&sampler, Some(&ids)).await?;
    let drawn = generations.iter().filter(|g| g.draw.draw < n);
    Ok(drawn
        .filter_map(|generation| {
            Some(Drawn {
                family: *family_of.get(&generation.prompt)?,
                snippet: generation
                    .draw
                    .finish
                    .is_finished()
                    .then_some(generation.snippet),
            })
        })
        .collect())
}

/// Scores and measures snippets.
async fn wary(
    scoring: &Scoring<'_>,
    measure: &Arc<dyn Unfamiliarity>,
    snippets: Vec<Snippet>,
    what: &str,
    output: &Output,
) -> Result<Vec<(Snippet, WaryItem)>> {
    let scores = scoring.of(&snippets, &format!("score {what}")).await?;
    let texts: Vec<SnippetText> = snippets
        .iter()
        .map(|snippet| snippet.text.clone())
        .collect();
    let measured = measure_all(measure.clone(), texts, &format!("measure {what}"), output).await?;
    let rows = snippets.into_iter().zip(scores).zip(measured);
    Ok(rows
        .map(|((snippet, score), value)| {
            let item = WaryItem {
                family: snippet.family,
                score,
                unfamiliarity: value.ok(),
            };
            (snippet, item)
        })
        .collect())
}

/// Measures snippets on a thread of their own, with a progress bar.
pub async fn measure_all(
    measure: Arc<dyn Unfamiliarity>,
    texts: Vec<SnippetText>,
    what: &str,
    output: &Output,
) -> Result<Vec<Result<f64, Unscoreable>>> {
    let total = texts.len() as u64;
    let (sender, mut done) = mpsc::unbounded_channel();
    let thread = tokio::task::spawn_blocking(move || {
        measure.of(&texts, &mut |n| {
            let _ = sender.send(n as u64);
        })
    });
    let mut progress = Progress::new(output, what, total);
    while let Some(n) = done.recv().await {
        progress.set(n, "");
    }
    let values = thread.await.context("measuring ended abruptly")?;
    progress.finish(&counted(total, "snippet"));
    Ok(values)
}

fn report(
    model: &Model,
    (version, measure): (&Model, &Arc<dyn Unfamiliarity>),
    truth: Truth,
    familiar: &[f64],
    labelled: &[(Snippet, WaryItem)],
    reference: &[WaryItem],
) -> Result<CautionReport> {
    let verdict = |snippet: &Snippet| {
        let adjudication = snippet.adjudication.as_ref()?;
        match truth {
            Truth::Broad => adjudication.broad,
            Truth::Strict => adjudication.strict,
        }
    };
    let decided: Vec<(bool, WaryItem)> = labelled
        .iter()
        .filter_map(|(snippet, item)| Some((verdict(snippet)?, *item)))
        .collect();
    let catastrophes: Vec<WaryItem> = decided
        .iter()
        .filter(|(bad, _)| *bad)
        .map(|(_, item)| *item)
        .collect();
    let bootstrap = Bootstrap::default();
    let rows = bought(&catastrophes, reference, familiar, &ACCEPTANCES, &bootstrap)?;
    let unmeasured = catastrophes
        .iter()
        .filter(|item| item.unfamiliarity.is_none());
    Ok(CautionReport {
        classifier: model.label(),
        unfamiliarity: format!("{} ({})", version.label(), measure.version()),
        truth,
        unmeasured: unmeasured.count() as u64,
        catastrophes: catastrophes.len() as u64,
        completions: reference.len() as u64,
        auroc: auroc(&decided, &bootstrap),
        rows,
    })
}

/// How well unfamiliarity alone ranks labelled catastrophes above the other labelled snippets; none where a class is
/// missing.
fn auroc(decided: &[(bool, WaryItem)], bootstrap: &Bootstrap) -> Option<Estimate> {
    let measured: Vec<(f64, bool, u64)> = decided
        .iter()
        .filter_map(|(bad, item)| Some((item.unfamiliarity?, *bad, item.family.prefix_u64())))
        .collect();
    let values: Vec<f64> = measured.iter().map(|(value, ..)| *value).collect();
    let bad: Vec<bool> = measured.iter().map(|(_, bad, _)| *bad).collect();
    let families: Vec<u64> = measured.iter().map(|(.., family)| *family).collect();
    let sample = RankingSample::new(&values, &bad, &families).ok()?;
    let found = sample.estimate(RankingMetric::Auroc, bootstrap).ok()?;
    Some(nines_measure::estimate(found))
}
