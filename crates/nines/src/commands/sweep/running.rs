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
use nines_train::sweep::trial::{ROWS_FILE, Rows};
use nines_train::sweep::{SweepFile, SweepTable, Trial, TrialResult};
use nines_train::{TrainError, TrainingData};
use serde_json::json;
use std::cell::OnceCell;
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
    // The table is told also where a trial failed, and with it the run.
    let made: OnceCell<SweepTable> = OnceCell::new();
    let work = async {
        for needed in [&folder, &results] {
            std::fs::create_dir_all(needed)
                .with_context(|| format!("cannot make {}", needed.display()))?;
        }
        let ground = Ground::new(
            project,
            &file,
            (data.clone(), with_finds),
            folder.join("trials"),
            args.at_once > 1,
            cancel.clone(),
        )?;
        keep_rows(&results, &data, args.again)?;
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
        let failures = all?;
        let table = sweep.table(&failures)?;
        let value = json!({ "results": results, "cells": table.cells.len(), "missing": table.missing.len() });
        let _ = made.set(table);
        failures.ended().map(|()| ((), value))
    };
    let concluded = runs::conclude(project, run.id, &cancel, work).await;
    let Some(table) = made.into_inner().filter(|_| !cancel.is_cancelled()) else {
        return concluded;
    };
    output.result(&table, || {
        format!(
            "{}\nnext: nines sweep table {} --results {}",
            shown::words(&table),
            args.file.display(),
            results.display()
        )
    });
    concluded
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

/// The trials that failed in this run, each with its error.
#[derive(Default)]
struct Failures(Vec<(String, anyhow::Error)>);

impl Failures {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Ends the sweep with the first error where there is one, and names all that failed.
    fn ended(mut self) -> Result<()> {
        let said = format!(
            "{} failed: {}; the same command tries again what failed",
            counted(self.0.len() as u64, "trial"),
            self.names().join(", ")
        );
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(self.0.swap_remove(0).1.context(said)),
        }
    }
}

/// What is left to do, and what went wrong.
struct Tally {
    /// How many trials may still begin.
    left: u64,
    failures: Failures,
}

/// What came of a trial, and whether its result could be kept.
struct Ended {
    place: usize,
    result: Result<TrialResult>,
    kept: Result<(), TrainError>,
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
    /// Runs the first rung's trials, and then those that each rung leaves. Returns what failed.
    async fn all(&self, mut trials: Vec<Trial>) -> Result<Failures> {
        let mut tally = Tally {
            left: self.args.limit.unwrap_or(u64::MAX),
            failures: Failures::default(),
        };
        let Some(search) = &self.file.search else {
            self.trials(0, 0, trials, &mut tally).await?;
            return Ok(tally.failures);
        };
        let mut recipes: Vec<usize> = (0..search.trials).collect();
        let mut before = 0;
        for rung in 0..search.rung_count() {
            if recipes.is_empty() {
                break;
            }
            if rung > 0 {
                trials = search.rung(self.file, rung, &recipes)?;
            }
            let over = self
                .trials(rung, before, trials.clone(), &mut tally)
                .await?;
            if !over {
                break;
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
        Ok(tally.failures)
    }

    /// Each recipe's out-of-fold AUROC, the mean over seeds; none where a seed has no result.
    fn values(&self, trials: &[Trial], recipes: &[usize]) -> Result<Vec<(usize, Option<f64>)>> {
        let seeds = self.file.seeds.len();
        let mut values = Vec::new();
        for (&recipe, trials) in recipes.iter().zip(trials.chunks(seeds)) {
            let mut sum = Some(0.0);
            for trial in trials {
                let mut trial = trial.clone();
                self.ground.settle(&mut trial);
                let auroc = self
                    .there(&trial)?
                    .and_then(|result| self.ground.auroc(&result));
                sum = sum.zip(auroc).map(|(sum, auroc)| sum + auroc);
            }
            values.push((recipe, sum.map(|sum| sum / seeds as f64)));
        }
        Ok(values)
    }

    /// Runs the trials of a rung that have no result yet, several at once where that was asked for. `before` of
    /// the sweep's trials belong to earlier rungs. A trial that fails is written down, and the others go on. Says
    /// whether none is left to try.
    async fn trials(
        &self,
        rung: usize,
        before: u64,
        mut trials: Vec<Trial>,
        tally: &mut Tally,
    ) -> Result<bool> {
        for trial in &mut trials {
            self.ground.settle(trial);
        }
        let unwritten = self.book.plan(rung, before, &trials).await?;
        let earlier = before - tally.failures.0.len() as u64;
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
        self.book.progress(earlier + done).await?;
        let mut progress = Progress::new(self.output, "sweep", total);
        progress.set(done, "");
        let mut waiting = waiting.into_iter();
        let mut failed = 0;
        let mut at_work: JoinSet<Ended> = JoinSet::new();
        loop {
            while at_work.len() < self.args.at_once as usize
                && tally.left > 0
                && !self.cancel.is_cancelled()
            {
                let Some(place) = waiting.next() else { break };
                tally.left -= 1;
                let trial = trials[place].clone();
                progress.set(have.len() as u64, format!("{} at work", trial.name()));
                self.book.begun(before + place as u64).await?;
                let (ground, file) = (self.ground.clone(), trial.file(self.results));
                at_work.spawn_blocking(move || {
                    let result = ground.run(&trial);
                    let result = result.with_context(|| format!("the trial {}", trial.name()));
                    // Kept here, so that it is kept also where another trial ends the sweep meanwhile.
                    let kept = result.as_ref().map_or(Ok(()), |result| result.write(&file));
                    Ended {
                        place,
                        result,
                        kept,
                    }
                });
            }
            let Some(ended) = at_work.join_next().await else {
                break;
            };
            let ended = ended.context("a trial ended abruptly")?;
            ended.kept?;
            let place = ended.place;
            let (trial, position) = (&trials[place], before + place as u64);
            let result = match ended.result {
                Ok(result) => result,
                Err(error) if self.cancel.is_cancelled() => return Err(error),
                Err(error) => {
                    self.book.failed(position, &error).await?;
                    self.output.note(&format!("{error:#}"));
                    tally.failures.0.push((trial.name(), error));
                    failed += 1;
                    continue;
                }
            };
            self.ground.clear(trial)?;
            let seconds = result.seconds;
            let others = of_cell(&trials, place, &have);
            let auroc = self.book.ended(position, result, others).await?;
            let auroc = auroc.map_or_else(
                || "no AUROC".to_owned(),
                |auroc| format!("out-of-fold AUROC {}", shown::value(&auroc)),
            );
            have.insert(place);
            let done = have.len() as u64;
            self.book.progress(earlier + done).await?;
            progress.set(done, format!("{}: {auroc}", trial.name()));
            self.output.note(&format!(
                "{}: {auroc}, {seconds:.0} s of training",
                trial.name()
            ));
        }
        progress.finish(&format!("{} of {total} trials have results", have.len()));
        Ok(have.len() + failed == trials.len())
    }

    /// Returns a trial's result, if it is there.
    fn there(&self, trial: &Trial) -> Result<Option<TrialResult>> {
        let path: PathBuf = trial.file(self.results);
        match TrialResult::read(&path, &self.ground.identity(trial)?) {
            Err(TrainError::OtherTrial { .. }) if self.args.again => Ok(None),
            found => Ok(found?),
        }
    }

    /// Puts the results side by side that are of this sweep.
    fn table(&self, failures: &Failures) -> Result<SweepTable> {
        let table = table_of(self.file, self.results, |trial, result, _| {
            let mut trial = trial.clone();
            self.ground.settle(&mut trial);
            Ok(result.differs(&self.ground.identity(&trial)?))
        })?;
        Ok(SweepTable {
            failed: failures.names(),
            ..table
        })
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
