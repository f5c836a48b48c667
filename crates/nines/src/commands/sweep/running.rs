//! `nines sweep run`: trial after trial, each kept before the next begins.

use super::book::Book;
use super::trial::Ground;
use super::{KIND, read, shown, table_of};
use crate::cli::SweepRunArgs;
use crate::data;
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_infer::cancel::CancelFlag;
use nines_store::Snippet;
use nines_train::TrainingData;
use nines_train::sweep::trial::{ROWS_FILE, Rows};
use nines_train::sweep::{SweepFile, SweepTable, Trial, TrialResult};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Runs `nines sweep run`.
pub async fn run(project: &Project, args: SweepRunArgs, output: &Output) -> Result<()> {
    let mut file = read(&args.file)?;
    // As `nines train` does, unless the file says otherwise.
    if !file.recipe.contains_key("precision") {
        let precision = project.config.classifier.precision.on_this_machine()?;
        file.recipe
            .insert("precision".to_owned(), json!(precision.to_string()));
    }
    let trials = file.trials()?;
    let (data, with_finds) = rows(project, output).await?;
    let run = runs::begin(
        project,
        output,
        KIND,
        json!({ "sweep": file, "data": data.digest(), "taught": with_finds.digest(), "results": args.results }),
        None,
    )
    .await?;
    let folder = project.run_folder(run.id);
    let results = args
        .results
        .clone()
        .unwrap_or_else(|| folder.join("results"));
    let cancel = interrupt::flag()?;
    let work = async {
        for made in [&folder, &results] {
            std::fs::create_dir_all(made)
                .with_context(|| format!("cannot make {}", made.display()))?;
        }
        keep_rows(&results, &data, args.again)?;
        let ground = Ground::new(
            project,
            &file,
            (data.clone(), with_finds),
            folder.join("trials"),
            args.at_once > 1,
            cancel.clone(),
        )?;
        let sweep = Sweep {
            args: &args,
            file: &file,
            results: &results,
            book: Book::open(&project.store, run.id, &file, Rows::of(&data), &results)?,
            ground: Arc::new(ground),
            cancel: &cancel,
            output,
        };
        let all = sweep.all(trials).await;
        sweep.book.leave().await;
        all?;
        let table = table_of(&file, &results)?;
        let value = json!({ "results": results, "cells": table.cells.len(), "missing": table.missing.len() });
        Ok((table, value))
    };
    let table: SweepTable = runs::conclude(project, run.id, &cancel, work).await?;
    output.result(&table, || {
        format!(
            "{}\nnext: nines sweep table {} --results {}",
            shown::words(&table),
            args.file.display(),
            results.display()
        )
    });
    Ok(())
}

/// The rows that a sweep is measured on, and the same with the finds that may teach: no row of the test split,
/// so that what is chosen here can be measured there.
async fn rows(
    project: &Project,
    output: &Output,
) -> Result<(Arc<TrainingData>, Arc<TrainingData>)> {
    let seed = project.config.project.split_seed;
    let mut snippets = data::labelled(project).await?;
    let all = snippets.len();
    snippets.retain(|snippet: &Snippet| snippet.split(seed) != Split::Test);
    let left = all - snippets.len();
    output.note(&format!(
        "{} of the test split left out: nothing is chosen by them",
        counted(left as u64, "labelled snippet")
    ));
    let with_finds = TrainingData::new(data::validated_rows(&snippets).rows)?;
    snippets.retain(data::is_sample);
    let data = TrainingData::new(data::validated_rows(&snippets).rows)?;
    Ok((Arc::new(data), Arc::new(with_finds)))
}

/// Keeps what the scores are of beside the results, or checks that it is what lies there.
fn keep_rows(results: &Path, data: &TrainingData, again: bool) -> Result<()> {
    let rows = Rows::of(data);
    match Rows::read(results)? {
        Some(kept) if kept.data == rows.data => Ok(()),
        Some(_) if !again => bail!(
            "{} is of other labelled snippets than the project has now; give another folder for the results, or \
             --again to replace them",
            results.join(ROWS_FILE).display()
        ),
        _ => Ok(rows.write(results)?),
    }
}

struct Sweep<'a> {
    args: &'a SweepRunArgs,
    file: &'a SweepFile,
    results: &'a Path,
    book: Book,
    ground: Arc<Ground>,
    cancel: &'a CancelFlag,
    output: &'a Output,
}

impl Sweep<'_> {
    /// Runs the first rung's trials, and then those that each rung leaves.
    async fn all(&self, mut trials: Vec<Trial>) -> Result<()> {
        let mut left = self.args.limit.unwrap_or(u64::MAX);
        let Some(search) = &self.file.search else {
            self.trials(0, 0, trials, &mut left).await?;
            return Ok(());
        };
        let mut recipes: Vec<usize> = (0..search.trials).collect();
        let mut before = 0;
        for rung in 0..search.rung_count() {
            if rung > 0 {
                trials = search.rung(self.file, rung, &recipes)?;
            }
            if !self.trials(rung, before, trials.clone(), &mut left).await? {
                return Ok(());
            }
            before += trials.len() as u64;
            let values = self.values(&trials, &recipes)?;
            recipes = search.survivors(&values);
            if rung + 1 < search.rung_count() {
                let of_recipe = values.iter().zip(trials.chunks(self.file.seeds.len()));
                let kept = of_recipe.filter(|((recipe, _), _)| recipes.contains(recipe));
                let kept: Vec<String> = kept.map(|(_, trials)| trials[0].cell.clone()).collect();
                self.book.halved(rung, &kept).await?;
                self.output.note(&format!(
                    "rung {}: {} of {} go on",
                    rung + 1,
                    recipes.len(),
                    values.len()
                ));
            }
        }
        Ok(())
    }

    /// Each recipe's out-of-fold AUROC, the mean over seeds.
    fn values(&self, trials: &[Trial], recipes: &[usize]) -> Result<Vec<(usize, Option<f64>)>> {
        let seeds = self.file.seeds.len();
        let mut values = Vec::new();
        for (&recipe, trials) in recipes.iter().zip(trials.chunks(seeds)) {
            let mut sum = Some(0.0);
            for trial in trials {
                let auroc = TrialResult::at(&trial.file(self.results))?
                    .and_then(|result| self.ground.auroc(&result));
                sum = sum.zip(auroc).map(|(sum, auroc)| sum + auroc);
            }
            values.push((recipe, sum.map(|sum| sum / seeds as f64)));
        }
        Ok(values)
    }

    /// Runs the trials of a rung that have no result yet, several at once where that was asked for. `before` of
    /// the sweep's trials belong to earlier rungs. Says whether all of them have one now.
    async fn trials(
        &self,
        rung: usize,
        before: u64,
        mut trials: Vec<Trial>,
        left: &mut u64,
    ) -> Result<bool> {
        for trial in &mut trials {
            self.ground.settle(trial);
        }
        let unwritten = self.book.plan(rung, before, &trials).await?;
        let mut waiting: Vec<usize> = Vec::new();
        let mut have = BTreeSet::new();
        for (place, trial) in trials.iter().enumerate() {
            match self.there(trial)? {
                None => waiting.push(place),
                Some(result) => {
                    let position = before + place as u64;
                    if unwritten.contains(&position) {
                        let others = of_cell(&trials, place, &have);
                        self.book.ended(position, result, others).await?;
                    }
                    have.insert(place);
                }
            }
        }
        let total = trials.len() as u64;
        let done = have.len() as u64;
        self.book.progress(before + done).await?;
        let mut progress = Progress::new(self.output, "sweep", total);
        progress.set(done, "");
        let mut waiting = waiting.into_iter();
        let mut at_work: JoinSet<(usize, Result<TrialResult>)> = JoinSet::new();
        loop {
            while at_work.len() < self.args.at_once as usize
                && *left > 0
                && !self.cancel.is_cancelled()
            {
                let Some(place) = waiting.next() else { break };
                *left -= 1;
                let trial = trials[place].clone();
                progress.set(have.len() as u64, format!("{} at work", trial.name()));
                self.book.begun(before + place as u64).await?;
                let ground = self.ground.clone();
                at_work.spawn_blocking(move || {
                    let result = ground.run(&trial);
                    (
                        place,
                        result.with_context(|| format!("the trial {}", trial.name())),
                    )
                });
            }
            let Some(ended) = at_work.join_next().await else {
                break;
            };
            let (place, result) = ended.context("a trial ended abruptly")?;
            let (trial, position) = (&trials[place], before + place as u64);
            let result = match result {
                // Others that are at work go on to their checkpoints when the process ends.
                Err(error) => {
                    if !self.cancel.is_cancelled() {
                        self.book.failed(position, &error).await?;
                    }
                    return Err(error);
                }
                Ok(result) => result,
            };
            result.write(&trial.file(self.results))?;
            self.ground.clear(trial)?;
            let auroc = self.ground.auroc(&result).unwrap_or(f64::NAN);
            let seconds = result.seconds;
            let others = of_cell(&trials, place, &have);
            self.book.ended(position, result, others).await?;
            have.insert(place);
            let done = have.len() as u64;
            self.book.progress(before + done).await?;
            progress.set(done, format!("{}: AUROC {auroc:.3}", trial.name()));
            self.output.note(&format!(
                "{}: out-of-fold AUROC {auroc:.3}, {seconds:.0} s of training",
                trial.name(),
            ));
        }
        progress.finish(&format!("{} of {total} trials have results", have.len()));
        Ok(have.len() == trials.len())
    }

    /// Returns a trial's result, if it is there.
    fn there(&self, trial: &Trial) -> Result<Option<TrialResult>> {
        let path: PathBuf = trial.file(self.results);
        match TrialResult::read(&path, &self.ground.identity(trial)?) {
            Err(nines_train::TrainError::OtherTrial { .. }) if self.args.again => Ok(None),
            found => Ok(found?),
        }
    }
}

/// Lists the other trials of a trial's cell among those that have results.
fn of_cell<'a>(trials: &'a [Trial], place: usize, have: &BTreeSet<usize>) -> Vec<&'a Trial> {
    let others = have.iter().map(|&other| &trials[other]);
    others
        .filter(|other| other.cell == trials[place].cell)
        .collect()
}

/// Returns a trial's place in the order that attacks take their starts.
pub fn start_order(hash: &ContentHash) -> u64 {
    ContentHash::of_fields("sweep starts", &[&hash.to_string()]).prefix_u64()
}
