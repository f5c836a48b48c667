//! `nines unfamiliarity fit`: what the training rows are like becomes a version.

use crate::cli::{FitArgs, LongArg, UnfamiliarityKind};
use crate::commands::BadUsage;
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::simulated::SCORER_FILE;
use crate::unfamiliarity::{Basis, ROWS, RestsOn, STATISTICS, digest_of, surprised};
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_domain::split::Split;
use nines_infer::classifier::ClassifierScorer;
use nines_infer::scorer::Unscoreable;
use nines_infer::unfamiliarity::mahalanobis::Mahalanobis;
use nines_infer::unfamiliarity::neighbours::Neighbours;
use nines_nn::weights::safetensors::{self, TensorToWrite};
use nines_store::{Model, ModelKind, NewModel};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The most training rows that are learnt from: the rest tells little more, and would have to be read by every filter.
const MOST_ROWS: usize = 20_000;

/// Where the files of a measure without any would be.
const NO_FILES: &str = "unfamiliarity";

#[derive(Serialize)]
struct Fitted {
    unfamiliarity: String,
    basis: Basis,
    /// Training rows without a hidden state.
    unmeasured: usize,
    /// How many of them for each reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: LeftOut,
}

/// Training rows that have no hidden state: how many for each reason.
type LeftOut = BTreeMap<&'static str, usize>;

/// Training rows with their hidden states.
#[derive(Debug, Default)]
struct Measured {
    rows: Vec<Vec<f32>>,
    classes: Vec<bool>,
    left_out: LeftOut,
}

/// Runs `nines unfamiliarity fit`.
pub async fn run(project: &Project, args: &FitArgs, output: &Output) -> Result<()> {
    if args.kind == UnfamiliarityKind::Surprise {
        let generator = surprised(project)?.id();
        let digest = ContentHash::of_fields("surprise", &[&generator]).to_string();
        let basis = Basis::Surprise { generator };
        let model = store(project, args, &basis, &digest, NO_FILES, None).await?;
        tell(&model, basis, LeftOut::new(), output);
        return Ok(());
    }
    let of = models::classifier(project, args.classifier.as_deref()).await?;
    if args.kind != UnfamiliarityKind::Spread {
        return hidden(project, args, &of, output).await;
    }
    if of.ensemble.is_none() {
        bail!(BadUsage(format!(
            "{} is one classifier, and only members of an ensemble disagree; name one with --classifier",
            of.label()
        )));
    }
    let digest = ContentHash::of_fields("spread", &[&of.digest]).to_string();
    let basis = Basis::Spread {
        of: RestsOn::of(&of),
    };
    let model = store(project, args, &basis, &digest, NO_FILES, None).await?;
    tell(&model, basis, LeftOut::new(), output);
    Ok(())
}

fn tell(model: &Model, basis: Basis, reasons: LeftOut, output: &Output) {
    let fitted = Fitted {
        unfamiliarity: model.label(),
        basis,
        unmeasured: reasons.values().sum(),
        reasons,
    };
    output.result(&fitted, || {
        let told = fitted.reasons.iter();
        let told = told.map(|(why, n)| format!("\n{} left out: {why}", counted(*n as u64, "row")));
        let left_out: String = told.collect();
        format!(
            "{}: {}{left_out}\nnext: nines unfamiliarity measure {}",
            fitted.unfamiliarity, fitted.basis, model.name
        )
    });
}

async fn store(
    project: &Project,
    args: &FitArgs,
    basis: &Basis,
    digest: &str,
    path: &str,
    run: Option<nines_domain::snippet::RunId>,
) -> Result<Model> {
    let new = NewModel {
        kind: ModelKind::Unfamiliarity,
        name: args.name.clone(),
        path: path.to_owned(),
        digest: digest.to_owned(),
        config: serde_json::to_value(basis)?,
        metrics: Value::Null,
        parent: basis.rests_on().map(|of| of.id),
        run,
    };
    Ok(match run {
        Some(_) => project.store.insert_model(&new).await?,
        // Nothing was fitted: the same again is the same version.
        None => project.store.ensure_model(&new).await?,
    })
}

/// Fits a distance in a classifier's hidden state.
async fn hidden(project: &Project, args: &FitArgs, of: &Model, output: &Output) -> Result<()> {
    let folder = models::folder_of(project, of);
    if let Some(record) = &of.ensemble {
        bail!(BadUsage(format!(
            "{} is an ensemble, and a hidden state is one classifier's; name a member with --classifier: {record}",
            of.label()
        )));
    }
    if folder.join(SCORER_FILE).is_file() {
        bail!("{} is simulated and has no hidden state", of.label());
    }
    let cancel = interrupt::flag()?;
    let path = ScorePath::of(project, LongArg::Refuse)?.for_folder(&folder);
    let (texts, classes) = training_rows(project, of).await?;
    let config = json!({ "name": args.name, "kind": format!("{:?}", args.kind), "of": of.label(), "k": args.k,
        "path": path.to_string(), "rows": texts.len() });
    let run = runs::begin(project, output, "unfamiliarity", config, None)
        .await?
        .id;
    let work = async {
        let (classifier, states) = states(&folder, path, texts, output).await?;
        let Measured {
            rows,
            classes,
            left_out,
        } = measured(states, classes)?;
        if cancel.is_cancelled() {
            bail!("nothing was fitted yet");
        }
        let place = format!("models/{}-unfamiliarity-run{run:0>6}", args.name);
        let folder = project.folder.join(&place);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let (of, by) = (RestsOn::read_from(of, &classifier), path.to_string());
        let (basis, digest) = match args.kind {
            UnfamiliarityKind::Neighbours => {
                let fit = Neighbours::fit(&rows, args.k as usize)?;
                let basis = Basis::Neighbours {
                    of,
                    path: by,
                    rows: rows.len(),
                    k: fit.k(),
                };
                (basis, write_rows(&folder, &fit)?)
            }
            _ => {
                let fit = Mahalanobis::fit(&rows, &classes)?;
                let basis = Basis::Distance {
                    of,
                    path: by,
                    rows: fit.rows,
                    shrinkage: fit.shrinkage,
                };
                let file = folder.join(STATISTICS);
                let text = serde_json::to_string(&fit)?;
                (
                    basis,
                    nines_io::write_atomically(&file, text.as_bytes())?.sha256,
                )
            }
        };
        let model = store(project, args, &basis, &digest, &place, Some(run)).await?;
        let result =
            json!({ "unfamiliarity": model.label(), "basis": basis, "left_out": left_out });
        Ok(((model, basis, left_out), result))
    };
    let (model, basis, left_out) = runs::conclude(project, run, &cancel, work).await?;
    tell(&model, basis, left_out, output);
    Ok(())
}

/// Parts what has a hidden state, with its class, from what has none. A row that is no text for the model is left out;
/// a model that fails is no reason to fit the rest.
fn measured(states: Vec<Result<Vec<f32>, Unscoreable>>, classes: Vec<bool>) -> Result<Measured> {
    let mut measured = Measured::default();
    for (state, class) in states.into_iter().zip(classes) {
        let why = match state {
            Ok(state) => {
                measured.rows.push(state);
                measured.classes.push(class);
                continue;
            }
            Err(Unscoreable::Model(reason)) => bail!(
                "the hidden state of a training row cannot be computed, and nothing was fitted: {reason}"
            ),
            Err(Unscoreable::TooLong { .. }) => "too long for the model",
            Err(Unscoreable::EmptyCompletion) => "the completion is empty",
            Err(Unscoreable::Tokens(_)) => "cannot be cut into the model's tokens",
            Err(Unscoreable::Unfamiliar { .. }) => "too unfamiliar",
        };
        *measured.left_out.entry(why).or_default() += 1;
    }
    Ok(measured)
}

fn write_rows(folder: &Path, fit: &Neighbours) -> Result<String> {
    let file = folder.join(ROWS.0);
    let rows = fit.rows();
    let tensor = TensorToWrite {
        name: ROWS.1.to_owned(),
        shape: vec![rows.len() / fit.width(), fit.width()],
        values: rows.to_vec(),
    };
    safetensors::write(&file, &[tensor])?;
    digest_of(&file)
}

/// The rows that a classifier may have been trained on, with their classes: of many, those whose hashes are lowest.
async fn training_rows(project: &Project, of: &Model) -> Result<(Vec<SnippetText>, Vec<bool>)> {
    let seed = of.config["config"]["split_seed"].as_u64();
    let seed = seed.unwrap_or(project.config.project.split_seed);
    let snippets = data::labelled(project).await?;
    let mut rows: Vec<_> = data::training_rows(&snippets, seed)
        .rows
        .into_iter()
        .filter(|row| Split::of_family(&row.family, seed) == Split::Train)
        .map(|row| (row.text.hash(), row.text, row.broad))
        .collect();
    if rows.len() > MOST_ROWS {
        rows.sort_by_key(|(hash, ..)| *hash);
        rows.truncate(MOST_ROWS);
    }
    Ok(rows
        .into_iter()
        .map(|(_, text, broad)| (text, broad))
        .unzip())
}

/// Computes hidden states on a thread of their own; returns the classifier too.
async fn states(
    folder: &Path,
    path: ScorePath,
    texts: Vec<SnippetText>,
    output: &Output,
) -> Result<(Arc<ClassifierScorer>, Vec<Result<Vec<f32>, Unscoreable>>)> {
    let classifier = models::scorer_of_folder(folder, path)?;
    let reading = classifier.clone();
    let total = texts.len() as u64;
    let (sender, mut done) = mpsc::unbounded_channel();
    let thread = tokio::task::spawn_blocking(move || {
        reading.states(&texts, &mut |n| {
            let _ = sender.send(n as u64);
        })
    });
    let mut progress = Progress::new(output, "hidden states", total);
    while let Some(n) = done.recv().await {
        progress.set(n, "");
    }
    let states = thread
        .await
        .context("reading hidden states ended abruptly")?;
    progress.finish(&counted(total, "snippet"));
    Ok((classifier, states))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_by_its_reason_and_a_model_that_fails_ends_it() {
        let long = || {
            Err(Unscoreable::TooLong {
                tokens: 600,
                window: 512,
            })
        };
        let control = Err(Unscoreable::Tokens("[SEP]".to_owned()));
        let states = vec![Ok(vec![1.0]), long(), control, Ok(vec![2.0]), long()];
        let found = measured(states, vec![true, true, false, false, true]).expect("measured");
        assert_eq!((found.rows.len(), found.classes), (2, vec![true, false]));
        let told: Vec<_> = found.left_out.into_iter().collect();
        assert_eq!(
            told,
            [
                ("cannot be cut into the model's tokens", 1),
                ("too long for the model", 2)
            ]
        );
        let dead = Err(Unscoreable::Model("a state that is not finite".to_owned()));
        let refused = measured(vec![Ok(vec![1.0]), dead], vec![true, true]).expect_err("refused");
        assert!(refused.to_string().contains("not finite"), "{refused}");
    }
}
