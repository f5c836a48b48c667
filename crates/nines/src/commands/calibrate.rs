//! `nines calibrate`: a threshold from held-out data, by a stated rule.

mod wary;

use super::generate;
use super::unfamiliarity::measure_of;
use crate::cli::{CalibrateArgs, CatastrophesArg, SamplingArgs, SplitArg};
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use crate::scoring::Scoring;
use crate::unfamiliarity::{self, cautious_path};
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::score::Score;
use nines_domain::snippet::{SnippetId, SnippetText};
use nines_domain::split::Split;
use nines_measure::calibrate::{Calibrated, CalibrationRequest, CatastropheChoice, ThresholdRule};
use nines_measure::items::{RandomCompletion, Truth};
use nines_store::{Calibration, Model, NewCalibration, Sampler, Snippet, SnippetFilter};
use std::collections::BTreeMap;
use wary::Wary;

/// The share of random completions that is familiar enough where nothing else is said.
const FAMILIAR: f64 = 0.95;

/// Refuses to measure where the classifier was trained under another split: rows that it was
/// trained on would count as held out.
pub fn check_split(project: &Project, model: &Model) -> Result<()> {
    let now = project.config.project.split_seed;
    let trained = model.config["config"]["split_seed"].as_u64();
    if trained != Some(now) {
        bail!(
            "{} was trained under the split seed {}, and nines.toml says {now}: prompts that it was \
             trained on would count as held out. Put the seed back, or train again",
            model.label(),
            trained.map_or("unknown".to_owned(), |seed| seed.to_string())
        );
    }
    Ok(())
}

/// Runs `nines calibrate`.
pub async fn run(project: &Project, args: CalibrateArgs, output: &Output) -> Result<()> {
    let calibrated = calibrate(project, &args, output).await?;
    output.result(&calibrated, || {
        format!(
            "{}: {}\n{}\nnext: nines filter --show-all \"…\"\n      nines measure leak",
            calibrated.classifier, calibrated.record.rule, calibrated
        )
    });
    Ok(())
}

/// Reads a stored calibration back.
pub fn read(model: &Model, stored: &Calibration) -> Result<Calibrated> {
    serde_json::from_value(stored.record.clone()).with_context(|| {
        format!(
            "the calibration of {} was stored by another version of nines; calibrate again",
            model.label()
        )
    })
}

/// Scores the calibration split and fresh completions, chooses a threshold and stores it.
pub async fn calibrate(
    project: &Project,
    args: &CalibrateArgs,
    output: &Output,
) -> Result<Calibrated> {
    let cancel = interrupt::flag()?;
    let model = models::classifier(project, args.classifier.as_deref()).await?;
    check_split(project, &model)?;
    let scored_on = ScorePath::of(project, args.long)?;
    let scored_on = scored_on.for_model(project, &model).await?;
    let version = match args.unfamiliarity.as_deref() {
        None => None,
        name => Some(unfamiliarity::find(project, name).await?),
    };
    let path = match &version {
        None => scored_on.to_string(),
        Some(version) => cautious_path(scored_on, version),
    };
    let request = CalibrationRequest {
        rule: rule(args),
        truth: if args.strict {
            Truth::Strict
        } else {
            Truth::Broad
        },
        catastrophes: match args.catastrophes {
            CatastrophesArg::All => CatastropheChoice::All,
            CatastrophesArg::Authored => CatastropheChoice::Authored,
            CatastrophesArg::Generated => CatastropheChoice::Generated,
            CatastrophesArg::Random => CatastropheChoice::Random,
        },
        ..CalibrationRequest::new(model.label())
    };
    let generator = models::generator(project)?;
    let prompts = generate::prompts_of(project, SplitArg::Calibration).await?;
    let sampling = generate::sampling(project, &SamplingArgs::default());
    let drawn = generate::draws(
        project,
        generator.clone(),
        &prompts,
        args.fresh,
        &sampling,
        output,
    )
    .await?;
    let mut config = serde_json::json!({ "request": request, "path": path, "fresh": args.fresh,
        "generator": generator.id(), "sampling": sampling });
    if version.is_some() {
        config["familiar"] = serde_json::json!(args.familiar);
    }
    let run = runs::begin(project, output, "calibrate", config, None)
        .await?
        .id;
    let work = async {
        let scoring = Scoring::load(project, &model, scored_on, run, &cancel, output).await?;
        let seed = project.config.project.split_seed;
        let snippets = project
            .store
            .snippets(&SnippetFilter {
                labelled: Some(true),
                splits: Some((vec![Split::Calibration], seed)),
                ..SnippetFilter::default()
            })
            .await?;
        let scores = scoring.of(&snippets, "score labelled").await?;
        let scored: Vec<_> = snippets.iter().zip(scores).collect();
        let mut items = data::labelled_items(scored.iter().copied(), seed);
        let sampler = Sampler {
            generator: generator.id(),
            sampling,
        };
        let drawn_from = (&sampler, &prompts[..]);
        let drawn_scores = fresh(project, &scoring, drawn_from, args.fresh, seed).await?;
        let mut reference: Vec<RandomCompletion> = drawn_scores
            .iter()
            .map(|(completion, _)| completion.clone())
            .collect();
        let caution = match &version {
            None => None,
            Some(version) => {
                let wary = Wary {
                    measure: measure_of(project, version, &model, scored_on).await?,
                    version,
                    familiar: args.familiar.unwrap_or(FAMILIAR),
                    confidence: request.confidence,
                    output,
                };
                let snippets: Vec<&Snippet> = scored
                    .iter()
                    .map(|(snippet, _)| *snippet)
                    .filter(|snippet| data::is_sample(snippet) && snippet.adjudication.is_some())
                    .collect();
                Some(
                    wary.applied(&mut items, &snippets, &mut reference, &drawn_scores)
                        .await?,
                )
            }
        };
        if cancel.is_cancelled() {
            // A threshold from half of the scores would be another one.
            bail!("not everything was scored");
        }
        let record = nines_measure::calibrate::calibrate(&request, &items, &reference)?;
        let calibrated = Calibrated {
            classifier: model.label(),
            path: path.clone(),
            generator: sampler.generator,
            failed_draws: drawn.failed.values().sum(),
            record,
            caution,
        };
        let stored = project
            .store
            .insert_calibration(&NewCalibration {
                model: model.id,
                threshold: calibrated.record.threshold,
                rule: calibrated.record.rule.to_string(),
                record: serde_json::to_value(&calibrated)?,
                run: Some(run),
            })
            .await?;
        Ok((calibrated, serde_json::json!({ "calibration": stored.id })))
    };
    runs::conclude(project, run, &cancel, work).await
}

fn rule(args: &CalibrateArgs) -> ThresholdRule {
    let defaults = (0.9, 0.95);
    match (args.acceptance, args.confidence) {
        (Some(acceptance), _) => ThresholdRule::AcceptanceAtMost { acceptance },
        (None, Some(0.0)) => ThresholdRule::RecallSeen {
            recall: args.recall.unwrap_or(defaults.0),
        },
        (None, confidence) => ThresholdRule::RecallPromised {
            recall: args.recall.unwrap_or(defaults.0),
            confidence: confidence.unwrap_or(defaults.1),
        },
    }
}

/// The fresh draws of the calibration prompts with their scores; unfinished ones have none.
async fn fresh(
    project: &Project,
    scoring: &Scoring<'_>,
    (sampler, prompts): (&Sampler, &[nines_store::Prompt]),
    n: u32,
    seed: u64,
) -> Result<Vec<(RandomCompletion, Option<SnippetText>)>> {
    let ids: Vec<_> = prompts.iter().map(|prompt| prompt.id).collect();
    let store = &project.store;
    let generations = store.generations(sampler, Some(&ids)).await?;
    let drawn: Vec<_> = generations.iter().filter(|g| g.draw.draw < n).collect();
    let mut finished: Vec<SnippetId> = drawn
        .iter()
        .filter(|g| g.draw.finish.is_finished())
        .map(|g| g.snippet)
        .collect();
    finished.sort_unstable();
    finished.dedup();
    let snippets = store.snippets_by_id(&finished).await?;
    let scores = scoring.of(&snippets, "score fresh").await?;
    let text_of: BTreeMap<SnippetId, &SnippetText> = snippets
        .iter()
        .map(|snippet| (snippet.id, &snippet.text))
        .collect();
    let score_of: BTreeMap<SnippetId, Option<Score>> = finished.into_iter().zip(scores).collect();
    let family_of: BTreeMap<_, _> = prompts.iter().map(|p| (p.id, p)).collect();
    Ok(drawn
        .into_iter()
        .filter_map(|generation| {
            let prompt = family_of.get(&generation.prompt)?;
            let score = score_of
                .get(&generation.snippet)
                .copied()
                .flatten()
                .filter(|_| generation.draw.finish.is_finished());
            let completion = RandomCompletion {
                split: prompt.split(seed),
                family: prompt.family,
                score,
            };
            let finished = generation.draw.finish.is_finished();
            let text = text_of.get(&generation.snippet).filter(|_| finished);
            Some((completion, text.copied().cloned()))
        })
        .collect())
}
